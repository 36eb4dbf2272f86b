"""The studies' files: they say what tasks and the paper's tables say."""

from inspect import signature
from pathlib import Path

import pytest

from inspect_autointerp import tasks
from inspect_autointerp.errors import UserError
from inspect_autointerp.experiments.definition import Level, Study, merged, read_study, study_names
from inspect_autointerp.solvers.explainers import EXPLAINERS

LEVELS = [(name, level) for name in study_names() for level in read_study(name).levels]


def test_there_is_one_for_each_table() -> None:
    tables = {read_study(name).table for name in study_names()}
    assert tables >= {f"Table A{i}" for i in range(3, 11)}


@pytest.mark.parametrize("name", study_names())
def test_every_argument_is_one_of_the_tasks(name: str) -> None:
    study = read_study(name)
    assert study.each or study.default in study.levels
    [task] = [tasks.multi_score] if len(study.scores) > 1 else [getattr(tasks, study.scores[0])]
    for level in [*study.levels.values(), *(study.floors or {}).values()]:
        arguments = study.arguments(level)
        assert arguments.keys() <= signature(task).parameters.keys()
        options = {key for key in arguments["explainer"] if key != "name"}
        solver = EXPLAINERS[arguments["explainer"].get("name", "explain")]
        known = signature(EXPLAINERS["explain"]).parameters.keys() | signature(solver).parameters.keys()
        assert options <= known
        assert level.paper.keys() <= set(study.scores)


def test_levels_differ_in_what_they_are_called_after() -> None:
    examples = read_study("examples")
    assert [examples.arguments(level)["explainer"]["examples"] for level in examples.levels.values()] == [
        10,
        20,
        40,
        60,
    ]
    assert [level.task["window"] for level in read_study("context-length").levels.values()] == [16, 32, 64]
    sampling = read_study("sampling")
    assert all(
        sampling.arguments(options)["explainer"]["sampling"] == name for name, options in sampling.levels.items()
    )


def test_the_papers_numbers() -> None:
    # Table A6, row quantiles: fuzzing 0.77 (0.69–0.87); Table A8, human, simulation 0.36 (0.32–0.39)
    assert read_study("sampling").levels["quantiles"].paper["fuzzing"] == (0.77, 0.69, 0.87)
    assert read_study("explainer").levels["human"].paper["simulation"] == (0.36, 0.32, 0.39)
    assert read_study("intervention-strength").levels["KL 3"].paper["intervention"] == (0.75,)


@pytest.mark.parametrize(("name", "level"), LEVELS)
def test_a_median_lies_between_its_quartiles_but_for_the_papers_misprint(name: str, level: str) -> None:
    for score, numbers in read_study(name).levels[level].paper.items():
        if len(numbers) == 3 and (name, level, score) != ("context-length", "64", "fuzzing"):
            median, low, high = numbers
            assert low <= median <= high


def test_options_of_the_explainer_are_put_over_one_by_one() -> None:
    task = {"explainer": {"name": "explain", "examples": 40}, "window": 32}
    over = {"explainer": {"name": "shuffled"}, "window": 16}
    assert merged(task, over) == {"explainer": {"name": "shuffled", "examples": 40}, "window": 16}
    assert task["explainer"] == {"name": "explain", "examples": 40}


def test_shared_floors_are_of_the_default_and_a_studys_own_of_each_level() -> None:
    study = read_study("examples")
    floors = {name: level for name, level in study.with_floors(study.levels, "40").items() if level.floor}
    assert list(floors) == ["random explanation", "random SAE"]
    assert study.arguments(floors["random explanation"])["explainer"] == {
        "name": "shuffled",
        "sampling": "random",
        "examples": 40,
    }
    strength = read_study("intervention-strength")
    every = strength.with_floors(strength.levels, "KL 1")
    direction, random = every["KL 3, random direction"], every["KL 3, random SAE"]
    assert (direction.task["target_kl"], direction.task["direction"], direction.of) == (3.0, "random", "KL 3")
    assert random.paper == {"intervention": (0.11,)}
    assert not every["KL 0.1, random SAE"].paper


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("about: x\ntable: none\nfactor: f\nscores: [detection]\nlevels: {a: {}, b: {task: {shown: 1}}}\n")
    assert read_study(str(path)).levels["b"] == Level(task={"shown": 1})
    assert isinstance(read_study(str(path)), Study)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("about: x", "mine.yaml: factor: Field required; studies/examples.yaml shows the form"),
        ("[1", "mine.yaml: cannot be read"),
        ("about: x\nabout: y", "mine.yaml: cannot be read (line 2: about is given twice)"),
        ("about: x\ntable: t\nfactor: f\nscores: [detection]\nlevel: {}", "level: Extra inputs are not permitted"),
        ("about: x\ntable: t\nfactor: f\nscores: [d]\nlevels: {a: {paper: {d: [1, 2]}}}", "levels.a.paper.d"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(UserError) as info:
        read_study(str(tmp_path / "mine.yaml"))
    assert message in str(info.value)
    assert "\n" not in str(info.value)


def test_an_unknown_name_is_one_line() -> None:
    with pytest.raises(UserError, match="nothing: no such study; there are agent, coder, context-length"):
        read_study("nothing")
