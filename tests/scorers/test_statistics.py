"""Statistics of labelled contexts: by hand, and against scikit-learn on the same input."""

from collections.abc import Sequence
from math import isnan

import numpy as np
import pytest

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.scorers.shared.classification import classification_statistics

Context = tuple[str, int | None]
"""A context's kind and decile."""


def context(decile: int | None) -> Context:
    return ("activating", decile) if decile else ("random", None)


def verdicts(*labels: int | None) -> list[tuple[int | None, float | None]]:
    return [(label, None) for label in labels]


def statistics(
    contexts: Sequence[Context],
    answers: Sequence[tuple[int | None, float | None]],
    firing_share: float,
    hard: Sequence[str] = (),
    min_contexts: int = 1,
    partners: dict[int, int] | None = None,
    texts_per_call: int = 0,
) -> dict[str, float]:
    rows = [
        Verdict(kind=kind, decile=decile, label=label, probability=p, partner=(partners or {}).get(i))
        for i, ((kind, decile), (label, p)) in enumerate(zip(contexts, answers, strict=True))
    ]
    facts = LatentFacts(
        firing_share=firing_share, hard=tuple(hard), min_contexts=min_contexts, texts_per_call=texts_per_call
    )
    return classification_statistics(rows, facts)


FOUR = [context(1), context(10), context(None), context(None)]


def test_rates_of_a_small_case() -> None:
    # One of two activating right (decile 10, not decile 1), both random right: (1/2 + 1) / 2 = 0.75.
    values = statistics(FOUR, verdicts(0, 1, 0, 0), 0.5)
    assert values["tpr"] == 0.5
    assert values["tnr"] == 1.0
    assert values["balanced_accuracy"] == 0.75
    assert values["tpr_decile_1"] == 0.0
    assert values["tpr_decile_10"] == 1.0
    assert isnan(values["tpr_decile_5"])
    assert values["unscored"] == 0.0
    assert isnan(values["auroc"])
    assert isnan(values["auprc"])


def test_f1_at_the_natural_rate_sees_what_balanced_accuracy_does_not() -> None:
    # p = 0.01. Weights: activating 0.01 / 2 each, random 0.99 / 2 each. Both activating right, one random wrong:
    # precision = 0.01 / (0.01 + 0.495) = 0.0198…, recall = 1, F1 = 2 · 0.01 / (2 · 0.01 + 0.495) = 0.038835.
    values = statistics(FOUR, verdicts(1, 1, 1, 0), 0.01)
    assert values["balanced_accuracy"] == 0.75
    assert values["f1"] == pytest.approx(0.02 / 0.515)
    # At p = 0.5 all weigh alike: precision 2/3, recall 1, F1 = 0.8.
    assert statistics(FOUR, verdicts(1, 1, 1, 0), 0.5)["f1"] == pytest.approx(0.8)


def test_effective_n_is_kishs() -> None:
    # p = 0.5: four equal weights are four. p = 0.01: (Σw)² / Σw² = 1 / (2 · 0.005² + 2 · 0.495²) = 2.0402.
    assert statistics(FOUR, verdicts(1, 1, 0, 0), 0.5)["effective_n"] == pytest.approx(4)
    assert statistics(FOUR, verdicts(1, 1, 0, 0), 0.01)["effective_n"] == pytest.approx(1 / 0.4901)


def test_auroc_and_auprc_come_from_probabilities() -> None:
    answers = [(1, 0.9), (0, 0.4), (1, 0.6), (0, 0.1)]
    # Pairs (activating, random): .9>.6, .9>.1, .4<.6, .4>.1: 3 of 4.
    values = statistics(FOUR, answers, 0.5)
    assert values["auroc"] == pytest.approx(0.75)
    # Precision at .9: 1 (recall 1/2); at .4: 2/3 (recall 1): ½ · 1 + ½ · ⅔ = 5/6.
    assert values["auprc"] == pytest.approx(5 / 6)


def test_statistics_missing_probabilities_are_left_out_and_counted() -> None:
    # Of the activating .9 and none, of the random .6 and .1: the one .9 is above both. AUPRC of three: 1.
    values = statistics(FOUR, [(1, 0.9), (0, None), (1, 0.6), (0, 0.1)], 0.5)
    assert values["auroc"] == values["auprc"] == 1.0
    assert values["with_probability"] == 0.75
    assert values["balanced_accuracy"] == 0.5


def test_statistics_probabilities_of_one_side_leave_auroc_undefined() -> None:
    values = statistics(FOUR, [(1, 0.9), (0, 0.2), (1, None), (0, None)], 0.5)
    assert isnan(values["auroc"])
    assert isnan(values["auprc"])
    assert values["with_probability"] == 0.5


def test_statistics_without_verdicts_have_no_share_of_probabilities() -> None:
    assert isnan(statistics(FOUR, verdicts(None, None, None, None), 0.5)["with_probability"])


def test_unscored_contexts_are_counted_and_left_out() -> None:
    # One of two activating is unscored, the other right: TPR 1 of 1; half of the random right: (1 + 0.5) / 2.
    values = statistics(FOUR, verdicts(None, 1, 1, 0), 0.5)
    assert values["unscored"] == 0.25
    assert values["tpr"] == 1.0
    assert values["balanced_accuracy"] == 0.75


@pytest.mark.parametrize("labels", [(None, None, 0, 0), (1, 1, None, None), (None,) * 4])
def test_a_side_without_a_verdict_leaves_the_balance_undefined(labels: tuple[int | None, ...]) -> None:
    values = statistics(FOUR, verdicts(*labels), 0.5)
    assert isnan(values["balanced_accuracy"])
    assert isnan(values["f1"])
    assert values["unscored"] == labels.count(None) / 4


def test_statistics_agree_with_scikit_learn_on_random_cases(rng: np.random.Generator) -> None:
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score

    for _ in range(20):
        contexts = [context(int(d) or None) for d in rng.integers(0, 3, 50)]
        p = rng.random(50)
        values = statistics(contexts, [(int(x > 0.5), float(x)) for x in p], 0.3)
        truth = [kind == "activating" for kind, _ in contexts]
        assert values["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, p > 0.5))
        assert values["auroc"] == pytest.approx(roc_auc_score(truth, p))


def hard(kind: str) -> Context:
    return kind, None


def test_each_kind_of_negatives_is_compared_by_itself() -> None:
    # Activating: 1 of 2 right. Random: 2 of 2. Neighbours: 1 of 4. Balanced: (½ + 1) / 2 and (½ + ¼) / 2.
    contexts = [*FOUR, *[hard("neighbours")] * 4]
    values = statistics(contexts, verdicts(0, 1, 0, 0, 1, 1, 1, 0), 0.01, ["neighbours"])
    assert values["balanced_accuracy"] == 0.75
    assert values["balanced_accuracy_neighbours"] == 0.375
    assert values["tnr_neighbours"] == 0.25
    plain = statistics(FOUR, verdicts(0, 1, 0, 0), 0.01)
    assert all(values[key] == plain[key] or isnan(values[key]) for key in plain), "they weigh in nothing else"


def test_the_auroc_of_a_kind_is_of_its_probabilities() -> None:
    contexts = [context(1), context(None), hard("similar"), hard("similar")]
    answers = [(1, 0.6), (0, 0.1), (1, 0.9), (1, 0.6)]
    # Against random .6 > .1: 1. Against similar .6 < .9 and a tie, which counts half: ¼.
    values = statistics(contexts, answers, 0.5, ["similar"])
    assert values["auroc"] == 1.0
    assert values["auroc_similar"] == 0.25


def test_too_few_contexts_of_a_kind_leave_it_undefined_and_nothing_else() -> None:
    contexts = [*FOUR, hard("similar"), hard("neighbours"), hard("neighbours")]
    values = statistics(contexts, verdicts(1, 1, 0, 0, 0, 0, 0), 0.5, ["neighbours", "similar"], 2)
    assert isnan(values["balanced_accuracy_similar"])
    assert isnan(values["tnr_similar"])
    assert values["balanced_accuracy_neighbours"] == 1.0
    assert values["balanced_accuracy"] == 1.0


def test_negatives_made_like_a_positive_are_set_against_it_alone() -> None:
    # Positives 0 (right) and 1 (wrong); the mismarked ones, 2 and 3, were made like 0: (1 + ½) / 2, where all would
    # give (½ + ½) / 2. An unscored one (4, like 1) takes its positive out with it.
    contexts = [context(1), context(2), *[hard("mismarked")] * 3]
    values = statistics(contexts, verdicts(1, 0, 0, 1, None), 0.5, ["mismarked"], partners={2: 0, 3: 0, 4: 1})
    assert values["balanced_accuracy_mismarked"] == 0.75
    assert values["tnr_mismarked"] == 0.5
    assert values["tpr"] == 0.5
    assert values["unscored"] == pytest.approx(0.2)


def same_labels(*labels: int | None, texts_per_call: int) -> float:
    contexts = [context(None) for _ in labels]
    return statistics(contexts, verdicts(*labels), 0.5, texts_per_call=texts_per_call)["same_labels"]


def test_same_labels_of_a_constant_answer_are_all() -> None:
    assert same_labels(*[1, 0, 1] * 4, texts_per_call=3) == 1.0, "a worked example's answer each time"
    # Calls of three: 101, 101, 000, 011: two of four are alike.
    assert same_labels(1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 1, texts_per_call=3) == 0.5


def test_same_labels_leave_out_calls_without_an_answer() -> None:
    # 10, none, 10, 01, and a last call of one text: two of three.
    assert same_labels(1, 0, None, None, 1, 0, 0, 1, 1, texts_per_call=2) == pytest.approx(2 / 3)
    assert isnan(same_labels(1, 0, None, None, texts_per_call=2)), "one answer tells nothing"
    assert isnan(same_labels(1, 0, 1, 0, texts_per_call=0)), "it is not known how many went together"
