"""The table of scores against everything that it promises: folder, scorer, task, README, and what logs hold."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.util import registry_info

from inspect_autointerp import scorers, tasks
from inspect_autointerp.contexts.negatives import HARD
from inspect_autointerp.inspect_support.verdicts import LatentFacts
from inspect_autointerp.scorers import SCORERS, register_score
from inspect_autointerp.scorers.intervention.statistics import intervention_statistics
from inspect_autointerp.scorers.shared.specs import SCORES, spec_of
from inspect_autointerp.scorers.simulation.statistics import correlation_statistics

ROOT = Path(__file__).parents[2]
WITHOUT_MODEL = [name for name, spec in SCORES.items() if set(spec.needs) <= {"grader"}]
"""Scores that the lexical provider can be asked for."""


def test_table_and_scorers_have_the_same_names() -> None:
    assert list(SCORERS) == list(SCORES), "add the scorer to SCORERS in scorers/__init__.py, in the table's order"


@pytest.mark.parametrize("name", SCORES)
def test_score_has_a_folder_of_its_own(name: str) -> None:
    for file in ("__init__.py", "scorer.py"):
        assert (ROOT / "scorers" / name / file).is_file(), f"scorers/{name}/{file} is missing"
    module = importlib.import_module(f"inspect_autointerp.scorers.{name}.scorer")
    assert SCORERS[name] is getattr(module, name) is getattr(scorers, name)


@pytest.mark.parametrize("name", SCORES)
def test_score_is_registered_as_scorer_and_task(name: str) -> None:
    assert (ROOT / "tasks" / f"{name}.py").is_file(), f"tasks/{name}.py is missing"
    assert hasattr(tasks, name), f"import {name} in tasks/__init__.py"
    for thing, kind in ((SCORERS[name], "scorer"), (getattr(tasks, name), "task")):
        info = registry_info(thing)
        assert (info.type, info.name) == (kind, f"inspect_autointerp/{name}")


@pytest.mark.parametrize("name", SCORES)
def test_score_is_in_the_readme(name: str) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    there = any(f"`tasks/{name}.py`" in row for row in rows) or f"[`{name}`](docs/scores/{name}.md)" in text
    assert there, f"add `tasks/{name}.py` to the README's table of scores"


@pytest.mark.parametrize("name", SCORES)
def test_row_shows_statistics_that_there_are(name: str) -> None:
    spec = SCORES[name]
    assert len(set(spec.keys)) == len(spec.keys)
    assert "unscored" in spec.keys
    assert {spec.headline, *spec.columns, *spec.labels, *spec.by_kind} <= {*spec.keys, *spec.optional}
    assert {spec.headline, *spec.columns, *spec.by_kind} <= {*spec.keys}, "there in every log"
    assert spec.columns[0] == next(iter(spec.labels)) == spec.headline
    assert spec.question.endswith("?")


@pytest.mark.parametrize(
    ("field", "value"), [("headline", "x"), ("columns", ("auroc", "x")), ("labels", {"x": "X"}), ("by_kind", ("x",))]
)
def test_row_with_an_unknown_statistic_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"^score embedding: {field} names x, which keys must list, too$"):
        replace(SCORES["embedding"], **{field: value})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("hard", [(), HARD[:1], HARD])
@pytest.mark.parametrize("name", SCORES)
def test_statistics_of_nothing_have_the_rows_names(name: str, hard: tuple[str, ...]) -> None:
    spec, facts = SCORES[name], LatentFacts(hard=hard)
    if spec.recompute:
        values = spec.recompute([], facts)
    elif name == "intervention":
        values = intervention_statistics([], 0, [])
    else:
        values = correlation_statistics([], [], facts)
    assert list(values) == spec.statistics(hard if spec.by_kind else ())
    shown = spec.columns_shown(hard)
    assert set(shown) <= set(values), "the viewer's columns"


def test_logs_hold_the_rows_statistics(planted_store: Path, tmp_path: Path) -> None:
    task = tasks.multi_score(
        scores=WITHOUT_MODEL, latents="0:2", negatives="all", min_contexts=5, test_activating=10,
        test_nonactivating=10, store=str(planted_store),
    )  # fmt: skip
    [log] = inspect_eval(task, display="none", log_dir=str(tmp_path))
    assert log.status == "success", log.error
    versions = [SCORES[name].version for name in WITHOUT_MODEL]
    assert (log.eval.metadata or {})["scores"] == versions
    assert log.eval.task_version == f"{sum(int(version.split('/')[1]) for version in versions)}-A"
    assert sorted(log.eval.tags or []) == ["automated interpretability", "interpretability", "sparse autoencoders"]
    for sample in log.samples or []:
        scores = sample.scores or {}
        assert set(scores) == set(WITHOUT_MODEL)
        for name, score in scores.items():
            assert isinstance(score.value, dict)
            made = ["mismarked"] if name == "fuzzing" else []
            hard = ["neighbours", "cooccurring", "similar"]
            kinds = [kind for kind in hard if any(key.endswith(f"_{kind}") for key in score.value)]
            assert list(score.value) == SCORES[name].statistics([*kinds, *made])
            assert (score.metadata or {})["prompt"] == SCORES[name].version


def test_register_score_refuses_what_does_not_fit() -> None:
    spec, scorer = SCORES["embedding"], SCORERS["embedding"]
    with pytest.raises(ValueError, match=r"^score embedding: another score has this name already$"):
        register_score("embedding", replace(spec, chance=0.1), scorer)
    with pytest.raises(ValueError, match=r"^score other: its scorer must have the same name, got embedding$"):
        register_score("other", spec, scorer)
    assert "other" not in SCORES
    register_score("embedding", spec, scorer)  # the same once more, as where a module is imported again
    assert spec_of("other") is None
