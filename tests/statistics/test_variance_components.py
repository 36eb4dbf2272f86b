import warnings

import numpy as np
import pandas as pd
import pytest
from benchmarks.stability import DESIGNS, PLANTED, coverage, exceeded, expected, plant

from inspect_autointerp.statistics.variance_components import FACTORS, RESIDUAL, SHARED, SOURCES, components
from inspect_autointerp.statistics.variance_draws import component_draws, interval


@pytest.mark.parametrize("others", [(2, 3, 2, 2), (2, 3, 2, 1), (1, 3, 2, 1), (2, 2, 1, 2)])
def test_planted_components_are_recovered(others: tuple[int, ...]) -> None:
    rng, levels = np.random.default_rng(1), (40, *others)
    estimates = pd.DataFrame([components(plant(PLANTED, levels, rng)) for _ in range(300)])
    truth = expected(levels)
    for source in SOURCES:
        if source not in truth:
            assert estimates[source].isna().all(), source
            continue
        error = estimates[source].std() / 300**0.5
        assert estimates[source].mean() == pytest.approx(truth[source], abs=4 * error + 1e-12), source


def test_a_nested_effect_is_not_taken_for_a_crossed_one(rng: np.random.Generator) -> None:
    # Draw 1 of one half has nothing to do with draw 1 of the other: its effects differ between halves.
    values = plant({"latent × draw": 1.0}, (400, 2, 3, 2, 1), rng)
    estimates = components(values)
    assert estimates["latent × draw"] == pytest.approx(1.0, abs=0.1)
    assert abs(estimates["latent × half"]) < 0.05
    assert estimates[RESIDUAL] == pytest.approx(0.0, abs=1e-12)


def test_components_are_those_of_statsmodels() -> None:
    """In a balanced design without negative estimates the analysis of variance gives what REML gives."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    variances = {"latent": 2.0, "latent × half": 1.5, "latent × draw": 1.0, RESIDUAL: 0.5}
    values = plant(variances, (30, 2, 3, 2, 1), np.random.default_rng(4))[:, :, :, :, 0]
    # No effect that all latents share is planted: groups of MixedLM share nothing.
    latent, half, draw, _ = (index.ravel() for index in np.indices(values.shape))
    data = pd.DataFrame({"value": values.ravel(), "latent": latent, "half": half, "draw": 10 * half + draw})
    formula = {"half": "0 + C(half)", "draw": "0 + C(draw)"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = MixedLM.from_formula("value ~ 1", data, groups="latent", re_formula="1", vc_formula=formula).fit()
    reml = {
        "latent": float(fitted.cov_re.iloc[0, 0]),
        "latent × draw": float(fitted.vcomp[0]),
        "latent × half": float(fitted.vcomp[1]),
        RESIDUAL: float(fitted.scale),
    }
    assert list(fitted.model.exog_vc.names) == ["draw", "half"]
    ours = components(values[..., None])
    # The shared sources and latent × reseed are estimated too, as about 0, so the two agree but for their noise.
    for source, value in reml.items():
        assert ours[source] == pytest.approx(value, rel=0.15, abs=0.05), source


def test_several_arrays_are_averaged_and_the_rest_is_undefined(rng: np.random.Generator) -> None:
    pair = np.stack([plant(PLANTED, (30, 2, 2, 2, 1), rng) for _ in range(2)])
    drawn = component_draws(pair, 200, 0)
    assert {name: draws.shape for name, draws in drawn.items()} == dict.fromkeys(SOURCES, (200,))
    assert np.isnan(drawn["grader"]).all()
    assert np.isnan(interval(drawn["grader"])).all()
    mean = np.mean([components(one)["latent × half"] for one in pair])
    low, high = interval(drawn["latent × half"])
    assert low < mean < high


def test_draws_depend_on_the_seed_alone(rng: np.random.Generator) -> None:
    values = plant(PLANTED, (20, 2, 2, 2, 1), rng)
    first, again, other = (component_draws(values, 50, seed)["latent"] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("shape", ["normal", "skewed"])
def test_intervals_hold_the_planted_components(shape: str) -> None:
    # 60 repetitions: the share of a true 95 % is above 0.85 in all but 1 in 500; skewed effects cost a few points.
    measured = coverage(40, DESIGNS["1 grader"], 60, 200, 3, shape)  # pyright: ignore[reportArgumentType]
    least = 0.8 if shape == "normal" else 0.72
    for source, (_, _, held) in measured.items():
        assert held >= least, source
    assert np.mean([held for _, _, held in measured.values()]) > 0.86


def test_the_smallest_difference_is_exceeded_in_one_of_twenty() -> None:
    known, by_study = exceeded(50, DESIGNS["2 graders"], 600, 0)
    assert known == pytest.approx(0.05, abs=0.03)
    assert 0.0 < by_study < 0.12


def test_every_source_is_of_known_factors() -> None:
    assert set().union(*SOURCES.values()) == set(FACTORS)
    assert SOURCES[SHARED] | {"latent"} == SOURCES[RESIDUAL]
