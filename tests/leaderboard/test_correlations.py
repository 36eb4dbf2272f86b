import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from tests.given_results import NAN, results_of_values

from inspect_autointerp.leaderboard.analyse.correlations import correlation, correlations, midranks, moments


def test_coefficients_by_hand_over_the_latents_that_have_both() -> None:
    # Ranks 1 2 3 4 and 1 2 4 3: 1 − 6 · 2 / (4 · 15) = 0.8. Deviations −.3 −.1 .1 .3 and −.3 −.2 .3 .2:
    # (.09 + .02 + .03 + .06) / √(.2 · .26) = 0.8770580.
    scores = {
        "detection": {"a": [0.1, 0.3, NAN, 0.5, 0.7], "empty": [0.5] * 5},
        "fuzzing": {"a": [0.2, 0.3, 0.9, 0.8, 0.7], "empty": [0.5] * 5},
    }
    [row] = correlations(results_of_values(scores)).to_dict("records")
    assert (row["explainer"], row["first"], row["second"], row["n"]) == ("a", 1, 2, 4)
    assert row["spearman"] == pytest.approx(0.8)
    assert row["pearson"] == pytest.approx(0.8770580, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=3, max_size=40))
def test_coefficients_are_those_of_scipy_ties_included(pairs: list[tuple[int, int]]) -> None:
    both = np.array(pairs, dtype=float).T
    ours = correlation(*midranks(both))[0], correlation(*moments(both))[0]
    if min(np.ptp(both, axis=1)) == 0:
        assert np.isnan(ours).all()
    else:
        theirs = spearmanr(*both).statistic, pearsonr(*both).statistic
        assert ours == pytest.approx(theirs, abs=1e-9)


def test_pearson_s_interval_is_scipy_s_where_scores_are_normal(rng: np.random.Generator) -> None:
    x = rng.normal(size=20_000)
    both = np.array([x, 0.6 * x + 0.8 * rng.normal(size=x.size)])
    theirs = pearsonr(*both).confidence_interval()
    ours = correlation(*moments(both))[1:]
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.05 * (theirs.high - theirs.low))


def test_the_influence_of_a_latent_is_what_leaving_it_out_changes(rng: np.random.Generator) -> None:
    both = rng.integers(0, 30, (2, 400)).astype(float)
    both[1] += both[0]
    for parts in (midranks, moments):
        covariance, influence = parts(both)
        without = np.array([parts(np.delete(both, i, axis=1))[0] for i in range(5)])
        assert (covariance - without) * 399 == pytest.approx(influence[:, :5].T, abs=0.02 * np.abs(influence).max())


def test_intervals_hold_the_truth(rng: np.random.Generator) -> None:
    # Scores that are skewed, in steps of a fiftieth, with a part at 1, as real ones; the truth from many draws.
    def draw(n: int) -> np.ndarray:
        ease = rng.beta(5, 2, n)
        other = np.where(rng.random(n) < 0.7, ease, rng.beta(5, 1, n))
        return rng.binomial(50, [ease, other]) / 50

    many = draw(400_000)
    for parts, truth in ((midranks, spearmanr(*many).statistic), (moments, pearsonr(*many).statistic)):
        estimates = np.array([correlation(*parts(draw(100))) for _ in range(600)])
        held = ((estimates[:, 1] <= truth) & (truth <= estimates[:, 2])).mean()
        assert 0.92 < held < 0.98, parts.__name__


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([0.5], id="one latent"),
        pytest.param([NAN] * 5, id="nothing but NaN"),
        pytest.param([0.5] * 5, id="the same everywhere"),
    ],
)
def test_what_has_no_correlation_is_undefined(values: list[float]) -> None:
    scores = {"detection": {"a": values}, "fuzzing": {"a": np.linspace(0, 1, len(values)).tolist()}}
    [row] = correlations(results_of_values(scores)).to_dict("records")
    assert np.isnan([row["spearman"], row["pearson"], row["spearman_low"]]).all()


def test_a_score_with_itself_is_1_and_turned_round_minus_1(rng: np.random.Generator) -> None:
    values = rng.random(20)
    upright, turned = values.tolist(), (1 - values).tolist()
    scores = {"detection": {"a": upright}, "fuzzing": {"a": upright}, "embedding": {"a": turned}}
    row = correlations(results_of_values(scores))
    assert row["spearman"].tolist() == pytest.approx([1, -1, -1])
    assert row["pearson_low"].tolist() == pytest.approx([1, -1, -1])
