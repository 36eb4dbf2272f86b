"""Small versions of `python -m benchmarks.sequential`."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.sequential import RATES, holds, labels_of, main, replayed, usual

from inspect_autointerp.statistics.confidence_sequences import balance_interval, never_out
from inspect_autointerp.statistics.stop_rule import StopRule
from inspect_autointerp.statistics.stopped_runs import drawn_runs, stopped_runs

ROOT = Path(__file__).parents[2]
NARROW, SIDE = StopRule(width=0.2), StopRule(above=0.7, below=0.7)


@pytest.mark.parametrize("rates", RATES.values(), ids=list(RATES))
def test_stopping_keeps_the_coverage_and_saves_calls(rates: tuple[float, float]) -> None:
    rng = np.random.default_rng(0)
    sides = drawn_runs(np.full(600, rates[0]), np.full(600, rates[1]), 100, rng)
    narrow, side = stopped_runs([NARROW, SIDE], *sides)
    for runs in (narrow, side):
        assert runs.always.mean() >= 0.94  # 0.95 and two standard errors of 600 runs would be 0.932
        assert holds(runs.low, runs.high, runs.truth) >= 0.97
    assert narrow.pairs.mean() < 65
    assert (narrow.high - narrow.low <= 0.2 + 1e-9).all()
    assert abs((narrow.estimate - narrow.truth).mean()) < 0.012  # documented: at most 0.005


def test_usual_intervals_do_not_keep_it() -> None:
    sides = drawn_runs(np.full(600, 0.97), np.full(600, 0.99), 100, np.random.default_rng(1))
    [runs] = stopped_runs([NARROW], *sides)
    assert holds(*usual(runs, *sides), runs.truth) < 0.75


def test_a_run_stops_at_the_first_batch_that_suffices() -> None:
    sides = drawn_runs(np.array([0.8]), np.array([0.9]), 60, np.random.default_rng(2))
    [runs] = stopped_runs([NARROW], *sides, batch=7)
    [n] = runs.pairs.tolist()
    assert n % 7 == 0 or n == 60
    low, high = 0.0, 1.0
    for seen in range(7, n + 1, 7):
        low, high = balance_interval(sides[0][0][:seen], sides[1][0][:seen], 60, 60)
        assert (high - low <= 0.2) == (seen == n)
    assert (runs.low[0], runs.high[0]) == (low, high)


def test_rules_stop_each_by_itself() -> None:
    sides = drawn_runs(np.full(40, 0.6), np.full(40, 0.9), 50, np.random.default_rng(3))
    together = stopped_runs([NARROW, SIDE], *sides)
    for rule, runs in zip((NARROW, SIDE), together, strict=True):
        [alone] = stopped_runs([rule], *sides)
        assert alone.pairs.tolist() == runs.pairs.tolist()


def test_a_mean_is_hardly_ever_out() -> None:
    values = np.random.default_rng(4).beta(8, 2, (1500, 100))
    assert never_out(values).mean() >= 0.94
    assert 0.55 < never_out(values, 0.6).mean() <= 1


def test_a_replay_of_kept_logs_saves_calls_in_the_same_order() -> None:
    [(title, labels)] = labels_of(str(ROOT / "logs" / "smollm2" / "layers.20"), "detection")
    assert title == "detection at layers.20, 96 latents, 100 + 100 contexts"
    table = replayed(labels, title, 2, 0)
    designs, graded, width, _, then, same = (list(column.cells) for column in table.columns[:6])
    row = designs.index("stop=width:0.2")
    assert int(str(graded[row])) <= 50
    assert float(str(width[row])) <= 1.25
    assert int(str(then[row])) <= 60
    assert same[row] == "100"


def test_the_command_prints_both_tables(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--runs", "5", "--mean-runs", "2"])
    printed = capsys.readouterr().out
    assert "within a latent: 5 runs a row" in printed
    assert "over latents: 300 asked for" in printed
