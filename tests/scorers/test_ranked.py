"""Scores that give each context a value: by hand, and against scikit-learn on the same input."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.latent import Context, Kind
from inspect_autointerp.scorers.shared.ranking import auroc, ranking_statistics
from inspect_autointerp.scorers.shared.report import ranked
from inspect_autointerp.scorers.shared.specs import SCORES


def context(kind: Kind, decile: int | None = None, start: int = 0, text: str = "ab") -> Context:
    activations = np.array([1.0 if kind == "activating" else 0.0], dtype=np.float32)
    return Context(kind, start, text, ((0, len(text)),), activations, decile)


def ranked_verdicts(contexts: list[Context], values: list[float | None], reason: str = "empty") -> list[Verdict]:
    return [
        Verdict(kind=context.kind, decile=context.decile, value=value, reason=reason if value is None else None)
        for context, value in zip(contexts, values, strict=True)
    ]


def statistics(
    contexts: list[Context], values: list[float | None], hard: tuple[str, ...] = (), min_contexts: int = 1
) -> dict[str, float]:
    facts = LatentFacts(hard=hard, min_contexts=min_contexts)
    return ranking_statistics(ranked_verdicts(contexts, values), facts)


def test_auroc_by_hand() -> None:
    # Of 2 × 3 pairs: 0.9 beats all three; 0.5 beats 0.1, equals 0.5 and loses to 0.7: 3 + 1 + ½ = 4.5 of 6.
    assert auroc([0.9, 0.5], [0.1, 0.5, 0.7]) == 0.75
    assert isnan(auroc([], [0.1]))
    assert isnan(auroc([0.1], []))


@given(st.lists(st.integers(-5, 5), min_size=1), st.lists(st.integers(-5, 5), min_size=1))
def test_auroc_is_scikit_learns(high: list[int], low: list[int]) -> None:
    truth = [1] * len(high) + [0] * len(low)
    assert auroc(high, low) == pytest.approx(float(roc_auc_score(truth, [*high, *low])))
    assert auroc(high, low) == pytest.approx(1 - auroc(low, high))


def test_every_kind_is_set_against_activating_contexts_apart() -> None:
    contexts = [context("activating", 1), context("activating", 10), context("random"), context("random")]
    contexts += [context("similar"), context("neighbours")]
    given = [0.3, 0.8, 0.2, 0.4, 0.9, None]
    values = statistics(contexts, given, ("neighbours", "similar"))
    assert list(values) == SCORES["embedding"].statistics(["neighbours", "similar"])
    # 0.3 beats 0.2, 0.8 beats both: 3 of 4. By decile 1 of 2, and 2 of 2. Neither beats 0.9. One of six is unscored.
    expected = {"auroc": 0.75, "auroc_decile_1": 0.5, "auroc_decile_10": 1.0, "auroc_similar": 0.0, "unscored": 1 / 6}
    assert {key: values[key] for key in expected} == pytest.approx(expected)
    assert all(isnan(value) for key, value in values.items() if key not in expected), "undefined is NaN"
    assert isnan(statistics(contexts, given, ("similar",), min_contexts=2)["auroc_similar"])


def test_no_contexts_and_none_scored_are_undefined() -> None:
    assert all(isnan(value) for value in statistics([], []).values())
    values = statistics([context("activating", 1), context("random")], [None, None])
    assert values["unscored"] == 1
    assert isnan(values["auroc"])


def test_the_reader_sees_the_most_alike_first_and_the_unscored_last() -> None:
    contexts = [context("random", text="low"), context("activating", 3, text="high"), context("random", text="long")]
    block = ranked(contexts, ranked_verdicts(contexts, [0.1, 0.5, None], "context_too_long"), "COMPARED")
    places = [block.index(part) for part in ("COMPARED", "0.500", "high", "0.100", "low", "UNSCORED: 1", "long")]
    assert places == sorted(places)
    assert "COMPARED" not in ranked(contexts[:1], ranked_verdicts(contexts[:1], [None]), "COMPARED")
