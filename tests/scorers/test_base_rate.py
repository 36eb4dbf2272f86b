"""Importance-sampled contexts in statistics: by hand, and how often intervals hold the population's values."""

from collections.abc import Sequence
from math import isnan

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from inspect_autointerp.contexts.importance import importance_draw
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict, from_columns, to_columns
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.shared.base_rate import base_rate_intervals, base_rate_metadata, clopper_pearson
from inspect_autointerp.scorers.shared.classification import classification_statistics
from inspect_autointerp.scorers.shared.ranking import auroc, ranking_statistics
from inspect_autointerp.scorers.simulation.statistics import correlation_statistics, pearson


def verdicts(active: Sequence[int], silent: Sequence[tuple[int, float]]) -> list[Verdict]:
    """Verdicts with these labels, and weights of the silent contexts."""
    return [
        *(Verdict(kind="activating", label=label, probability=float(label), decile=1) for label in active),
        *(Verdict(kind="importance", label=label, probability=float(label), weight=w) for label, w in silent),
    ]


def test_weighted_statistics_of_a_small_case() -> None:
    # The false alarm weighs 1 of 1 + 9 + 10 = 20: TNR = 0.95. p = 0.1, TPR = 1/2: true positives 0.05, false ones
    # 0.9 · 0.05 = 0.045. Precision = 0.05 / 0.095, F1 = 2 · 0.05 / (0.095 + 0.1).
    values = classification_statistics(verdicts([1, 0], [(1, 1), (0, 9), (0, 10)]), LatentFacts(firing_share=0.1))
    assert values["tnr"] == pytest.approx(0.95)
    assert values["balanced_accuracy"] == pytest.approx((0.5 + 0.95) / 2)
    assert values["precision"] == pytest.approx(0.05 / 0.095)
    assert values["f1"] == pytest.approx(0.1 / 0.195)
    # Pairs of weight: half of the activating above 0.95, a tie with the rest, and the other half the same from below.
    assert values["auroc"] == pytest.approx(0.5 * (0.95 + 0.05 / 2) + 0.5 * (0.95 / 2))
    weights = [0.05, 0.05, *(0.9 * w / 20 for w in (1, 9, 10))]
    assert values["effective_n"] == pytest.approx(1 / sum(w**2 for w in weights))
    area = average_precision_score([1, 1, 0, 0, 0], [1, 0, 1, 0, 0], sample_weight=weights)
    assert values["auprc"] == pytest.approx(area)


def test_equal_weights_count_as_random_contexts_do() -> None:
    drawn = verdicts([1, 0, 1], [(1, 7), (0, 7), (0, 7)])
    random = [Verdict(kind="random", label=v.label, probability=v.probability) if v.weight else v for v in drawn]
    facts = LatentFacts(firing_share=0.01)
    assert classification_statistics(drawn, facts) == pytest.approx(
        classification_statistics(random, facts), nan_ok=True
    )


def test_precision_is_undefined_where_nothing_is_labelled() -> None:
    values = classification_statistics(verdicts([0, 0], [(0, 3)]), LatentFacts(firing_share=0.1))
    assert isnan(values["precision"]) and values["f1"] == 0


def test_weighted_auroc_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    high, low = rng.integers(0, 9, 30) / 8, rng.integers(0, 8, 40) / 8
    weights = rng.uniform(1, 50, 40)
    truth = np.repeat([1, 0], [30, 40])
    expected = roc_auc_score(truth, np.concatenate([high, low]), sample_weight=np.concatenate([np.ones(30), weights]))
    assert auroc(high, low, weights) == pytest.approx(expected)
    ranked = [
        *(Verdict(kind="activating", value=value, decile=1) for value in high),
        *(Verdict(kind="importance", value=value, weight=weight) for value, weight in zip(low, weights, strict=True)),
    ]
    assert ranking_statistics(ranked, LatentFacts())["auroc"] == pytest.approx(expected, abs=1e-6)


def test_weighted_correlation_is_that_of_repeated_contexts() -> None:
    rng = np.random.default_rng(0)
    rows = [(rng.random(4).astype(np.float32), rng.random(4)) for _ in range(5)]
    weights = [None, None, 1.0, 3.0, 2.0]
    contexts, verdicts = [], []
    for (true, predicted), weight in zip(rows, weights, strict=True):
        kind = "activating" if weight is None else "importance"
        contexts.append(Context(kind, 0, "", (), true, weight=weight))
        verdicts.append(Verdict(kind=kind, values=predicted.tolist(), weight=weight))
    values = correlation_statistics(contexts, verdicts, LatentFacts(firing_share=0.25))
    # Three silent contexts of weights 1, 3, 2 count 0.5, 1.5, 1 beside two activating ones: as 2, 2, 1, 3, 2 copies.
    copies = np.repeat(np.arange(5), [2, 2, 1, 3, 2])
    true, predicted = (np.concatenate([rows[i][part] for i in copies]) for part in (0, 1))
    assert values["correlation"] == pytest.approx(pearson(predicted, true), abs=1e-6)
    # At p = 1/4 the activating weigh 1/8 each, the silent 1/8, 3/8 and 2/8: as 1, 1, 1, 3, 2 copies.
    copies = np.repeat(np.arange(5), [1, 1, 1, 3, 2])
    true, predicted = (np.concatenate([rows[i][part] for i in copies]) for part in (0, 1))
    assert values["correlation_weighted"] == pytest.approx(pearson(predicted, true), abs=1e-6)


def test_clopper_pearson_of_a_known_share() -> None:
    assert clopper_pearson(0.0, 10) == pytest.approx((0, 1 - 0.025**0.1))  # (1 − p)¹⁰ = 0.025
    assert clopper_pearson(1.0, 10) == pytest.approx((0.025**0.1, 1))
    assert clopper_pearson(0.5, 20) == pytest.approx((0.2720, 0.7280), abs=1e-4)


def test_certain_contexts_leave_only_the_activating_in_doubt() -> None:
    everything = verdicts([1] * 10, [(1, 1), (0, 1), (0, 1), (0, 1)])
    intervals = base_rate_intervals(everything, LatentFacts(firing_share=0.2))
    assert intervals["tnr"] == (0.75, 0.75)
    assert intervals["f1"].low < intervals["f1"].high == pytest.approx(0.4 / (0.4 + 0.8 * 0.25))
    assert base_rate_metadata(everything, LatentFacts(firing_share=0.2))["intervals"]["tnr"] == [0.75, 0.75]


def test_random_contexts_get_no_intervals() -> None:
    random = [Verdict(kind="activating", label=1), Verdict(kind="random", label=0)]
    assert base_rate_metadata(random, LatentFacts(firing_share=0.2)) == {}


@pytest.mark.parametrize(("rate", "helps"), [(0.002, True), (0.002, False), (0.05, False), (0.3, True)])
def test_intervals_hold_the_population_value(rate: float, helps: bool) -> None:
    rng = np.random.default_rng(3)
    p, tpr, n = 0.01, 0.8, 400
    held = {"tnr": 0, "f1": 0, "precision": 0}
    for _ in range(n):
        judged = rng.random(3000) < rate
        likely = rng.normal(size=3000) + 2 * judged * helps
        draw = importance_draw(likely, 100, rng)
        silent = list(zip(judged[draw.rows].astype(int).tolist(), draw.weights, strict=True))
        intervals = base_rate_intervals(
            verdicts((rng.random(100) < tpr).astype(int).tolist(), silent), LatentFacts(firing_share=p)
        )
        alarms = (1 - p) * judged.mean()
        truth = {
            "tnr": 1 - judged.mean(),
            "f1": 2 * p * tpr / (p * tpr + p + alarms),
            "precision": p * tpr / (p * tpr + alarms),
        }
        for name, value in truth.items():
            held[name] += intervals[name].low - 1e-9 <= value <= intervals[name].high + 1e-9
    # 0.95 ± 3 √(0.95 · 0.05 / 400) = 0.917; the intervals are cautious.
    assert min(held.values()) / n > 0.917


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"kind": ["importance"], "label": [1]}, id="no weight"),
        pytest.param({"kind": ["random"], "weight": [2]}, id="a weight of another kind"),
    ],
)
def test_weight_and_kind_go_together(columns: dict[str, list]) -> None:
    with pytest.raises(UserError, match="contexts of the kind importance, and no others, must have a weight"):
        from_columns(columns)


@pytest.mark.parametrize("weight", [0, 0.5, -3, float("nan"), float("inf")])
def test_weight_out_of_range_is_refused(weight: float) -> None:
    with pytest.raises(UserError, match="column weight holds"):
        from_columns({"kind": ["importance"], "weight": [weight]})


def test_weights_survive_the_log() -> None:
    rows = verdicts([1], [(0, 4 / 3), (1, 25)])
    assert from_columns(to_columns(rows)) == rows
    assert to_columns(rows)["weight"] == [None, 1.333333, 25]
