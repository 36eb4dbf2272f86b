"""Agreement of graders, from labels that were made up."""

import numpy as np
import pytest
from inspect_ai.scorer import SampleScore, Score, krippendorff_alpha

from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.analyse.graders import _alpha, alpha_of, compare_graders
from inspect_autointerp.leaderboard.load.judgements import Explained, Group, Judgements, Labels, recorded_graders
from inspect_autointerp.leaderboard.show import graders

NAN = float("nan")
GROUP = Group("detection", "store", "detection/3", "")


def labels(values: list[float], first: int = 0) -> Labels:
    n = len(values)
    truths = np.arange(n) % 2
    return Labels(np.arange(first, first + n), np.array(values, dtype=np.float32), truths.astype(np.float32))


def judgements(**of_latents: dict[str, Labels]) -> Judgements:
    return {GROUP: {Explained(latent, "text"): by_grader for latent, by_grader in of_latents.items()}}


def test_alpha_of_sums_is_inspect_s() -> None:
    rng = np.random.default_rng(0)
    drawn = (rng.random((300, 4)) < 0.4).astype(float)
    drawn[rng.random(drawn.shape) < 0.3] = NAN
    known = ~np.isnan(drawn)
    several = known.sum(axis=1) >= 2
    ones, total = np.nansum(drawn[several], axis=1), known[several].sum(axis=1)
    mine = _alpha(float((2 * ones * (total - ones) / (total - 1)).sum()), float(ones.sum()), float(total.sum()))
    units = [row[there].tolist() for row, there in zip(drawn[several], known[several], strict=True)]
    theirs = krippendorff_alpha("nominal")([SampleScore(score=Score(value=unit)) for unit in units])  # pyright: ignore
    assert mine == pytest.approx(float(theirs))  # type: ignore[arg-type]
    assert alpha_of(drawn, np.arange(300) // 10, np.ones((200, 30))).mean == pytest.approx(mine)


def test_graders_that_share_no_context_are_not_compared() -> None:
    apart = judgements(l={"a": labels([1, 0, 1, 0]), "b": labels([1, 0, 1, 0], first=100)})
    assert compare_graders(apart) == []
    assert compare_graders(judgements(l={"a": labels([1, 0])})) == []


def test_numbers_are_of_the_contexts_that_both_judged() -> None:
    held = judgements(
        l={"a": labels([0, 1, 0, 1, 1, 1]), "b": labels([0, 1, 1, NAN])},
        m={"a": labels([1, 1]), "c": labels([0, 1], 50)},
    )
    [one] = compare_graders(held)
    rows = {row.name: row for row in one.rows}
    assert (rows["a"].contexts, rows["b"].contexts) == (4, 4)
    assert rows["b"].unscored == 0.25
    [pair] = one.pairs
    assert (pair.first, pair.second, pair.contexts) == ("a", "b", 3)
    assert pair.same == pytest.approx(2 / 3)
    assert np.isnan(rows["a"].misses.mean), "two graders have no rates"


def test_people_have_no_part_in_the_aggregate() -> None:
    rng = np.random.default_rng(1)
    truth = (np.arange(400) % 2).astype(float)
    noisy = [np.where(rng.random(400) < rate, 1 - truth, truth).tolist() for rate in (0.05, 0.1, 0.2)]
    by_grader = {name: labels(values) for name, values in zip("abc", noisy, strict=True)}
    with_people = by_grader | {"people (2 raters)": labels((1 - truth).tolist())}
    [alone], [joined] = compare_graders(judgements(l=by_grader)), compare_graders(judgements(l=with_people))
    assert repr(alone.rows[-1]) == repr(joined.rows[-1])  # NaN is no equal of itself
    assert repr(alone.alpha) == repr(joined.alpha)
    assert [row.name for row in joined.rows] == ["a", "b", "c", "people (2 raters)", "aggregate"]
    [rows, matrix] = graders.graders([joined])
    assert matrix.head == ["alpha (same labels)", "1", "2", "3", "4"]
    assert matrix.rows[3][0] == "4 · people (2 raters)"
    assert rows.rows[3][2:4] == ["–", "–"]


def test_one_grader_is_compared_with_people() -> None:
    [one] = compare_graders(judgements(l={"a": labels([0, 1, 0, 1]), "people (1 rater)": labels([0, 1, 1, 1])}))
    assert [row.name for row in one.rows] == ["a", "people (1 rater)"]
    [pair] = one.pairs
    assert pair.same == 0.75
    assert graders.graders([one])[0].rows[0][0] == "a"


@pytest.mark.parametrize(
    "graders_said",
    [[{"name": "a", "label": [1]}], [{"label": [1, 0]}], ["a"], {"a": 1}, [{"name": "a", "label": [2, 0]}]],
)
def test_damaged_labels_of_graders_are_refused(graders_said: object) -> None:
    with pytest.raises(UserError, match="log"):
        recorded_graders({"graders": graders_said}, 2, "log")
