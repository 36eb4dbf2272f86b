"""Tests of what reconstruction computes, and of what it cannot be won with."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from inspect_autointerp.inspect_support.verdicts import Verdict, from_columns, to_columns
from inspect_autointerp.scorers.reconstruction.scorer import cosine
from inspect_autointerp.scorers.reconstruction.statistics import (
    KEYS,
    OTHER,
    OWN,
    recall,
    reconstruction_statistics,
)


def verdicts(own: float | None, others: Sequence[float]) -> list[Verdict]:
    return [
        Verdict(kind=OWN, neighbour=0, value=own),
        *(Verdict(kind=OTHER, neighbour=1, value=value) for value in others),
    ]


def statistics_of(vector: np.ndarray, rows: np.ndarray) -> list[dict[str, float]]:
    """The statistics of each latent if one vector is made of all explanations."""
    cosines = cosine(rows, vector)
    return [
        reconstruction_statistics(verdicts(own, [other for j, other in enumerate(cosines) if j != i]))
        for i, own in enumerate(cosines)
    ]


def mean(values: list[dict[str, float]], key: str) -> float:
    return float(np.mean([value[key] for value in values]))


def test_recall_is_the_share_of_lineups_that_the_own_vector_wins() -> None:
    others = [0.9, 0.8, 0.5, 0.5, *np.linspace(-0.4, 0.4, 9).tolist()]
    wins = []
    for lineup in combinations(others, 9):
        best = max(lineup)
        wins.append(1 / (1 + lineup.count(0.5)) if best == 0.5 else float(best < 0.5))
    assert reconstruction_statistics(verdicts(0.5, others))["recall"] == pytest.approx(np.mean(wins))
    assert recall(0, 0, 9) == 1
    assert recall(1, 0, 9) == 0


def test_values_by_hand() -> None:
    others = [0.5, 0.3, *[0.0] * 8]
    values = reconstruction_statistics(verdicts(0.3, others))
    assert list(values) == KEYS
    assert values["cosine"] == 0.3
    assert values["cosine_others"] == pytest.approx(0.08)
    assert values["margin"] == pytest.approx(0.22)
    assert values["percentile"] == pytest.approx(0.85)
    assert values["unscored"] == 0


@pytest.mark.parametrize("given", [verdicts(None, [0.1] * 20), verdicts(0.5, [0.1] * 8), []])
def test_too_little_to_compare_is_undefined(given: list[Verdict]) -> None:
    values = reconstruction_statistics(given)
    assert values.pop("unscored") == 1
    assert np.isnan(list(values.values())).all()


def test_one_text_for_all_latents_is_exactly_at_chance(rng: np.random.Generator) -> None:
    # Rows that share a direction, as decoder rows do, and some at the very same place.
    rows = rng.standard_normal((60, 16)) + 2.0
    rows[50:] = rows[40]
    for vector in (rows.mean(axis=0), rows[3], rng.standard_normal(16)):
        values = statistics_of(vector, rows)
        assert mean(values, "recall") == pytest.approx(0.1)
        assert mean(values, "percentile") == pytest.approx(0.5)
        assert mean(values, "margin") == pytest.approx(0, abs=1e-6)
    assert mean(statistics_of(rows.mean(axis=0), rows), "cosine") > 0.7, "the raw cosine is won by a constant text"


def test_no_text_is_at_chance_for_every_latent(rng: np.random.Generator) -> None:
    values = statistics_of(np.zeros(16), rng.standard_normal((30, 16)))
    assert [value["recall"] for value in values] == pytest.approx([0.1] * 30)
    assert {value["percentile"] for value in values} == {0.5}


def test_true_texts_beat_others_and_half_true_texts_lie_between(rng: np.random.Generator) -> None:
    rows = rng.standard_normal((60, 16)) + 1.0
    noise = rng.standard_normal((60, 16))

    def score(made: np.ndarray) -> float:
        values = [
            reconstruction_statistics(verdicts(cosine(rows[[i]], made[i])[0], cosine(np.delete(rows, i, 0), made[i])))
            for i in range(len(rows))
        ]
        return mean(values, "recall")

    true, half, shuffled = score(rows), score(rows + 3 * noise), score(np.roll(rows, 1, axis=0))
    assert true == 1
    assert 0.2 < half < 0.9
    assert shuffled < 0.2


def test_verdicts_keep_which_latent_was_compared() -> None:
    given = [Verdict(kind=OWN, neighbour=7, value=0.25), Verdict(kind=OTHER, neighbour=9, value=-0.5)]
    assert from_columns(to_columns(given)) == given


def test_a_cosine_with_a_vector_of_no_length_is_nothing() -> None:
    rows = np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32)
    assert cosine(rows, np.array([3.0, 4.0])) == [1, 0]
    assert cosine(rows, np.zeros(2)) == [0, 0]
    assert cosine(rows, np.array([3e200, 4e200])) == [1, 0]
