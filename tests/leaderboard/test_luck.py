import json
from pathlib import Path
from typing import Any

import pytest
from tests.given_results import results_of_values

from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.analyse.differences import differences
from inspect_autointerp.leaderboard.analyse.luck import note, smallest_differences
from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.load.luck import Luck, packaged_luck, read_luck
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show import tables

# The three explainers differ by a variance of 0.0147 over latents, more than 0.01:
# D = 1.96 √(0.0147 / 10 + 0.0006) = 0.0893
LUCK = Luck("a study", "d1", ("g",), {"detection": {50: {"half": 0.0006, "latent": 0.01}}})
VALUES = {"best": [0.9, 0.7] * 5, "second": [0.85, 0.69] * 5, "third": [0.5, 0.6] * 5, "empty": [0.5] * 10}


def shown(results: Results, given: Luck | None, packaged: Luck | None = None) -> tuple[list[str], str]:
    numbers = summary(results)
    numbers = numbers.join(smallest_differences(results, numbers, given, packaged))
    [table] = tables.tables(results, numbers)
    return [row[1] for row in table.rows], table.title


def test_a_gap_below_luck_is_marked_and_a_larger_one_is_not() -> None:
    results = results_of_values(VALUES)
    names, title = shown(results, LUCK)
    assert names[:2] == ["best", "second ≈"]
    assert "≈" not in names[2]
    assert title.endswith("luck: up to 0.089")
    assert "≈" not in "".join(shown(results, None)[0])
    # Of explainers that are as alike as the study's, its components count: 1.96 √(0.01 / 10 + 0.0006) = 0.0784
    alike = results_of_values({"best": [0.9, 0.7] * 5, "second": [0.85, 0.69] * 5})
    assert shown(alike, LUCK)[1].endswith("luck: up to 0.078")


def test_differences_and_floors_are_marked_too() -> None:
    results = results_of_values(VALUES)
    numbers = summary(results)
    numbers = numbers.join(smallest_differences(results, numbers, LUCK, None))
    [table] = tables.differences(results, differences(results), numbers)
    marked = {(row[0], row[2]): "≈" in row[3] for row in table.rows}
    assert marked["best", "second"]
    assert not marked["best", "third"]
    [main] = tables.tables(results, numbers)
    over = {row[1].split()[0]: row[main.head.index("over floor")] for row in main.rows}
    assert "≈" in over["third"]  # 0.05 above
    assert "≈" not in over["best"]


def test_the_package_s_study_counts_for_its_store_and_grader() -> None:
    results = results_of_values(VALUES)
    other_store = Luck("package", "d2", ("g",), LUCK.parts)
    other_grader = Luck("package", "d1", ("h",), LUCK.parts)
    assert shown(results, None, LUCK)[0][1] == "second ≈"
    assert shown(results, None, other_store)[0][1] == "second"
    assert shown(results, None, other_grader)[0][1] == "second"
    # what the user gives counts wherever it has the score, and the note says of what it is
    assert shown(results, other_store)[0][1] == "second ≈"
    assert "store d2, graded by g" in note(other_store)


def test_more_contexts_and_latents_make_smaller_differences() -> None:
    luck = Luck("s", "d", (), {"detection": {50: {"latent × draw": 0.01}, 100: {"latent × draw": 0.004}}})
    base = luck.smallest("detection", 100, 50)
    assert base == pytest.approx(1.959964 * (0.01 / 100) ** 0.5, rel=1e-5)
    assert luck.smallest("detection", 400, 50) == pytest.approx((base or 0) / 2)
    assert luck.smallest("detection", 100, 200) == pytest.approx(1.959964 * (0.002 / 100) ** 0.5, rel=1e-5)
    assert luck.smallest("detection", 100, None) == base
    assert luck.smallest("fuzzing", 100, 50) is None


def written(path: Path, **changes: Any) -> Path:
    part = {"variance": -0.1, "low": 0, "high": 1, "share": 0}
    row = {"score": "detection", "contexts": 50, "components": {"half": part, "latent": part | {"variance": 0.25}}}
    told = {"study": "stability", "version": 1, "store": "d", "graders": [""], "differences": [row]}
    path.write_text(json.dumps(told | changes))
    return path


def test_a_file_is_read_with_estimates_below_zero_at_zero(tmp_path: Path) -> None:
    luck = read_luck(written(tmp_path / "study.json"))
    assert luck.parts == {"detection": {50: {"half": 0.0, "latent": 0.25}}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"study": "prompt"}, "not a file of `autointerp study stability --json`"),
        ({"version": 2}, "not a file of"),
        ({"differences": [{"score": "detection"}]}, "not a file of"),
        ({"differences": [{"score": "d", "contexts": 5, "components": {"moon": {"variance": 1}}}]}, "not a file of"),
        ({"differences": []}, "the study had one explainer"),
    ],
)
def test_another_file_is_refused_in_one_line(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message) as error:
        read_luck(written(tmp_path / "study.json", **changes))
    assert "\n" not in str(error.value)


def test_the_package_s_study_is_of_the_package_s_store() -> None:
    from inspect_autointerp.builtin.locate import open_store

    luck = packaged_luck()
    assert luck is not None
    assert luck.store == open_store().digest
    assert {"detection", "fuzzing", "simulation", "embedding"} <= luck.parts.keys()
    for score in luck.parts:
        smallest = luck.smallest(score, 100, 200)
        assert smallest is not None and 0 < smallest < 0.5
