from math import isnan
from typing import Any

import pytest
from inspect_ai.scorer import SampleScore, Score

from inspect_autointerp.scorers.shared.metrics import average, estimate
from inspect_autointerp.scorers.shared.score import score_metrics
from inspect_autointerp.scorers.shared.specs import SCORES

NAN = float("nan")


def over(*values: Any, metric: Any = None) -> dict[str, float]:
    metric = metric or estimate()
    return metric([SampleScore(score=Score(value=value)) for value in values])


def test_estimate_of_nothing_is_undefined() -> None:
    assert list(over()) == ["mean", "ci_low", "ci_high"]
    assert all(isnan(value) for value in over().values())
    assert over(0.5, 1.0)["mean"] == 0.75


def test_estimate_needs_two_latents_for_an_interval() -> None:
    assert isnan(over(0.5)["ci_low"])
    assert over(0.5, 0.5, 0.5) == {"mean": 0.5, "ci_low": 0.5, "ci_high": 0.5}


def test_estimate_of_a_statistic_leaves_undefined_values_out() -> None:
    values = [{"auroc": 0.5, "tpr": 0.1}, {"auroc": NAN, "tpr": 0.2}, {"auroc": 1.0, "tpr": 0.3}, NAN]
    assert over(*values, metric=estimate("auroc")) == over(0.5, 1.0)
    assert over(*values, metric=average("tpr")) == {"tpr": pytest.approx(0.2)}
    assert isnan(over(metric=average("tpr"))["tpr"])


@pytest.mark.parametrize("name", list(SCORES))
def test_score_metrics_are_few_and_begin_with_the_headline(name: str) -> None:
    spec = SCORES[name]
    values = [dict.fromkeys(spec.keys, share) | {spec.headline: 1 - share} for share in (0.1, 0.3)]
    names = [key for metric in score_metrics(name) for key in over(*values, metric=metric)]
    assert names[:3] == ["mean", "ci_low", "ci_high"]
    assert names[3:] == ["auroc", "unscored"] if spec.headline != "auroc" and "auroc" in spec.keys else ["unscored"]
    assert over(*values, metric=score_metrics(name)[0])["mean"] == pytest.approx(0.8)
