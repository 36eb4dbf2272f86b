"""FADE's numbers from verdicts: the formulas, and what is left of each where ratings say nothing."""

from collections.abc import Sequence
from math import isnan

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict, from_columns, to_columns
from inspect_autointerp.scorers.fade.statistics import KEYS, fade_statistics
from inspect_autointerp.scorers.shared.parse_labels import AnswerError, parse_ratings

FACTS = LatentFacts(firing_share=0.02, min_contexts=3)


def contexts(activations: Sequence[float], ratings: Sequence[int | None]) -> list[Verdict]:
    return [
        Verdict(kind="activating" if value > 0 else "random", value=value, rating=rating)
        for value, rating in zip(activations, ratings, strict=True)
    ]


def written(*activations: float | None) -> list[Verdict]:
    return [Verdict(kind="active", text=str(i), value=value) for i, value in enumerate(activations)]


def steered(ratings: dict[float, Sequence[int]]) -> list[Verdict]:
    return [
        Verdict(kind="steered", value=factor, question=prompt, text="", rating=rating)
        for factor, own in ratings.items()
        for prompt, rating in enumerate(own)
    ]


@pytest.mark.parametrize("turned", [False, True])
def test_responsiveness_and_purity_are_those_of_the_formulas(turned: bool, rng: np.random.Generator) -> None:
    activations = np.concatenate([rng.exponential(size=60), np.zeros(60)])
    chances = np.clip(0.1 + 0.5 * (activations > 0) * (-1 if turned else 1) + 0.3 * turned, 0.05, 0.95)
    ratings = np.where(rng.random(120) < 0.1, 1, 2 * (rng.random(120) < chances))
    values = fade_statistics(contexts(activations.tolist(), ratings.tolist()), FACTS)
    rated = ratings != 1  # their code compares 2 with 0
    signed = 2 * roc_auc_score(ratings[rated] == 2, activations[rated]) - 1
    assert (signed < 0) == turned
    assert values["responsiveness_signed"] == pytest.approx(signed)
    assert values["responsiveness"] == pytest.approx(abs(signed))
    turn = -1 if turned else 1
    assert values["purity"] == pytest.approx(average_precision_score(ratings[rated] == 2, turn * activations[rated]))
    assert values["purity_chance"] == pytest.approx((ratings == 2).sum() / rated.sum())
    assert values["rated_2"] == pytest.approx((ratings == 2).mean())


def test_clarity_counts_contexts_as_often_as_they_occur() -> None:
    natural = contexts([1.0, 3.0, 0.0, 0.0], [0, 0, 0, 0])
    values = fade_statistics([*natural, *written(2.0, 2.0, 0.0, None)], FACTS)
    # Above 98 % of windows with silence in two of three texts, equal in one; above half of the 2 % that fire in two.
    share = (2 / 3) * (0.98 + 0.01) + (1 / 3) * (0.98 / 2)
    assert values["clarity_signed"] == pytest.approx(2 * share - 1)
    assert values["clarity"] == values["clarity_signed"]
    silent = fade_statistics([*natural, *written(0.0, 0.0, 0.0)], FACTS)
    assert silent["clarity_signed"] == pytest.approx(-0.02)
    assert silent["clarity"] == pytest.approx(0.02)
    assert isnan(fade_statistics([*natural, *written(2.0, 2.0)], FACTS)["clarity"]), "too few texts"


def test_faithfulness_is_the_largest_rise_of_the_share_rated_2() -> None:
    values = fade_statistics(steered({0: [2, 0, 0, 0], -10: [0, 0, 1, 0], 1: [2, 2, 1, 0], 50: [2, 2, 2, 0]}), FACTS)
    assert values["faithfulness"] == pytest.approx((0.75 - 0.25) / (1 - 0.25))
    # Prompts 0 and 2 choose 50, which raises the share on 1 and 3 from 0 to 1/2. These choose 1 (of equals the
    # smaller), which leaves it at 1/2 on 0 and 2.
    assert values["faithfulness_held_out"] == pytest.approx((1 / 2 + 0) / 2)
    assert fade_statistics(steered({0: [2, 0], 1: [0, 0]}), FACTS)["faithfulness"] == 0
    assert fade_statistics(steered({0: [0, 0], 1: [1, 1]}), FACTS)["faithfulness"] == 0, "nothing is rated 2"
    assert isnan(fade_statistics(steered({0: [2, 2], 1: [2, 2]}), FACTS)["faithfulness"]), "nothing can rise"
    assert isnan(fade_statistics(steered({1: [2, 2]}), FACTS)["faithfulness"])


def test_ratings_that_say_nothing_give_zero_on_average(rng: np.random.Generator) -> None:
    activations = np.concatenate([rng.exponential(size=50), np.zeros(50)]).tolist()
    rows: list[dict[str, float]] = []
    for _ in range(300):
        blind = steered({f: rng.choice([0, 2], 20).tolist() for f in (0, -50, -10, -1, 1, 10, 50)})
        rows.append(fade_statistics([*contexts(activations, rng.choice([0, 1, 2], 100).tolist()), *blind], FACTS))
    means = {key: np.nanmean([row[key] for row in rows]) for key in KEYS if key not in ("clarity", "clarity_signed")}
    assert abs(means["responsiveness_signed"]) < 0.03
    assert abs(means["faithfulness_held_out"]) < 0.03
    assert abs(means["purity"] - means["purity_chance"]) < 0.1
    assert means["responsiveness"] > 0.06, "an absolute value is not 0 by luck"
    assert means["faithfulness"] > 0.2, "neither is a maximum"


@pytest.mark.parametrize("ratings", [[0] * 4, [2] * 4, [1] * 4, [None] * 4])
def test_without_both_ratings_nothing_is_known(ratings: list[int | None]) -> None:
    values = fade_statistics(contexts([1.0, 2.0, 0.0, 0.0], ratings), FACTS)
    assert all(isnan(values[key]) for key in ("responsiveness", "responsiveness_signed", "purity", "purity_chance"))
    assert values["unscored"] == (1.0 if ratings[0] is None else 0.0)


def test_ratings_are_kept_in_logs_and_checked() -> None:
    verdicts = contexts([1.0, 0.0], [2, None])
    assert from_columns(to_columns(verdicts)) == verdicts
    with pytest.raises(Exception, match=r"column rating holds 3, which is not in \[0, 2\]"):
        from_columns({"kind": ["random"], "rating": [3]})


@pytest.mark.parametrize(
    ("reply", "n", "ratings"),
    [("[0,1,2]", 3, [0, 1, 2]), ("Ratings:\n[2, 2.0, 0]", 3, [2, 2, 0]), ("1: 2\n2: 0", 2, [2, 0]), ("[1]", 1, [1])],
)
def test_ratings_are_read(reply: str, n: int, ratings: list[int]) -> None:
    assert parse_ratings(reply, n) == ratings


@pytest.mark.parametrize("reply", ["[0,1]", "[0,1,3]", "[0,1,1.5]", "none", "[0,1,2] or [2,1,0]", ""])
def test_ratings_that_are_not_are_refused(reply: str) -> None:
    with pytest.raises(AnswerError):
        parse_ratings(reply, 3)
