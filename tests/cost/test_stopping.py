"""Calls that a rule of stopping leaves, and designs for a precision."""

from dataclasses import replace
from math import isnan, nan
from pathlib import Path
from shutil import copy
from typing import Any

import numpy as np
import pytest

from inspect_autointerp.cost.estimate import Estimate, Row
from inspect_autointerp.cost.precision import as_records, cheapest, designs
from inspect_autointerp.cost.stopping import Stops, shortened
from inspect_autointerp.cost.variances import PUBLISHED, Components, components
from inspect_autointerp.errors import UserError
from inspect_autointerp.statistics.stop_rule import stop_rule

ROOT = Path(__file__).parents[2]
ROWS = (
    Row("explanation", "explainer", "m", 10, 1000, 0, 100, None),
    Row("detection", "grader", "m", 400, 4000, 0, 400, None),
    Row("simulation", "grader", "m", 200, 2000, 0, 200, None),
)
ESTIMATE = Estimate(ROWS, 100, 10, 0.1)


def short(options: dict[str, Any] | None = None, **given: Any) -> tuple[Estimate, list[str]]:
    stops = {"stop": None, "stop_mean": None, "accuracy": None, "logs": None, "seed": 0} | given
    return shortened(ESTIMATE, Stops(**stops), ["detection", "simulation"], options or {})


def test_without_a_rule_nothing_changes() -> None:
    assert short() == (ESTIMATE, [])


def test_a_rule_shortens_the_scores_that_take_it() -> None:
    rule = stop_rule("width:0.2")
    poor, [note] = short(stop=rule)
    good, _ = short(stop=rule, accuracy=0.97)
    assert poor.rows[0] == ROWS[0]
    assert poor.rows[2] == ROWS[2]
    # A grader that guesses more has wider intervals. Of 100 pairs the simulated width is 0.2 after about 48.
    assert 0.4 < poor.rows[1].calls / 400 < 0.6
    assert good.rows[1].calls < 0.6 * poor.rows[1].calls
    assert note.count("75 % of both kinds; --from LOGDIR") == note.count("LOGDIR") == 1


def test_hard_kinds_are_graded_as_far_as_they_need() -> None:
    rule = stop_rule("above:0.55")
    alone, _ = short(stop=rule, accuracy=0.97)
    hard, _ = short({"negatives": "neighbours", "test_nonactivating": 25}, stop=rule, accuracy=0.97)
    assert hard.rows[1].calls >= 0.8 * 400 > alone.rows[1].calls  # 20 of 25


def test_intervals_of_a_score_are_as_wide_as_its_bounds() -> None:
    """A correlation is in [-1, 1], so its interval is twice as wide as that of as many values in [0, 1]."""
    stops = Stops(stop=None, stop_mean=stop_rule("width:0.2", "stop_mean", -1.0), accuracy=None, logs=None, seed=0)
    estimate, _ = shortened(ESTIMATE, stops, ["simulation"], {})
    assert 38 < estimate.latents < 50, "31 by the intervals of values in [0, 1]"
    with pytest.raises(UserError, match="the effect of intervention has no bounds"):
        shortened(ESTIMATE, stops, ["intervention"], {})


def test_fewer_latents_are_evaluated_by_a_rule_for_the_mean() -> None:
    estimate, [note] = short(stop_mean=stop_rule("width:0.1", "stop_mean"))
    assert 25 < estimate.latents < 60
    assert note.startswith(f"stop_mean=width:0.1: {estimate.latents} of 100 latents are evaluated")
    with pytest.raises(UserError, match="nothing tells beforehand"):
        short(stop_mean=stop_rule("differs_from:a.eval", "stop_mean", logs=True))


def test_latents_for_a_precision_by_hand() -> None:
    # Variance 0.01 between latents and 0.05 / 20 within one: 0.0125. (1.96 / 0.02)² · 0.0125 = 120.04: 121 latents.
    known = Components(0.01, 0.05, 0.7, "here")
    assert known.latents(0.02, 20) == 121
    rows = {row.contexts: row for row in designs("detection", known, 0.02, ESTIMATE, 100)}
    # A latent takes one explanation, and 40 calls for 100 contexts of a kind: 8 for 20.
    assert rows[20].calls == pytest.approx(121 * (1 + 8))
    assert rows[20].tokens == pytest.approx(121 * (110 + 440 / 5))
    assert rows[5].latents > rows[20].latents > rows[100].latents
    assert cheapest(list(rows.values())).tokens == min(row.tokens for row in rows.values())
    assert as_records([rows[20]])[0]["money"] is None


def test_a_score_without_labels_has_one_design() -> None:
    [row] = designs("simulation", Components(0.04, nan, 0.4, "here"), 0.02, ESTIMATE, 100)
    assert (row.contexts, row.latents) == (None, 385)  # (1.96 / 0.02)² · 0.04 = 384.1


def test_money_decides_where_it_is_known() -> None:
    known = Components(0.01, 0.05, 0.7, "here")
    row, *others = designs("detection", known, 0.02, ESTIMATE, 100)
    assert cheapest([replace(row, money=2.0, tokens=1.0), replace(others[0], money=1.0, tokens=9.0)]).money == 1.0


@pytest.mark.parametrize("score", PUBLISHED)
def test_published_variances_are_those_of_the_kept_logs(score: str, tmp_path: Path) -> None:
    for hookpoint in ("layers.12", "layers.20"):
        for log in (ROOT / "logs" / "smollm2" / hookpoint / "explain").glob("*.eval"):
            copy(log, tmp_path)
    measured, published = components(score, str(tmp_path)), components(score, None)
    for name in ("between", "within", "mean"):
        one, other = getattr(measured, name), getattr(published, name)
        assert (isnan(one) and isnan(other)) or one == pytest.approx(other, abs=5.1e-4), name
    assert measured.source.startswith("2 logs in ")


def test_no_variances_are_made_up(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no published variances of intruder"):
        components("intruder", None)
    with pytest.raises(UserError, match="holds no finished log of intruder"):
        components("intruder", str(ROOT / "logs" / "smollm2" / "layers.20"))


def test_variances_of_planted_rates_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from inspect_autointerp.cost import variances

    rng = np.random.default_rng(0)
    rates = rng.beta(8, 2, (3000, 2))  # variance 8 · 2 / (100 · 11) = 0.014545 each, so 0.00727 of the mean of two
    labels = {str(i): tuple(rng.random(30) < rate for rate in row) for i, row in enumerate(rates)}
    between, within, mean = variances._of_labels(labels)  # pyright: ignore[reportArgumentType, reportPrivateUsage]
    assert between == pytest.approx(0.00727, rel=0.1)
    # The mean of p (1 − p) is 0.8 − 0.64 − 0.014545 = 0.14545: twice, over 4.
    assert within == pytest.approx(0.14545 / 2, rel=0.03)
    assert mean == pytest.approx(0.8, abs=0.01)
