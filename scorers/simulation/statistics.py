"""Per-latent statistics of simulation: how well the activations predicted for tokens correlate with the true ones.

Pearson's r over tokens, which asks for no common scale. Over the activating contexts alone, as arXiv 2410.13928 has it,
a prediction that is also made where the latent is silent costs nothing; with as many random contexts it costs some; at
the natural base rate (`correlation_weighted`) it costs what it would over the corpus (arXiv 2506.05774): with p the
share of the corpus's windows on which the latent fires, an activating context's tokens weigh p / n⁺ and a random one's
(1 − p) / n⁻. Harder negatives stand for no population and are set against the activating contexts apart.
Importance-sampled contexts take the place of random ones, each at its weight w: n⁻ w / Σw where a random one counts 1,
and (1 − p) w / Σw at the natural base rate.
"""

from collections.abc import Sequence

import numpy as np

from inspect_autointerp.contexts.negatives import POPULATION
from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.latent import DECILES, Context
from inspect_autointerp.scorers.shared.ranking import UNDEFINED

DECILE_KEYS = [f"correlation_decile_{i}" for i in range(1, DECILES + 1)]
KEYS = [
    "correlation",
    "correlation_activating",
    "correlation_weighted",
    "effective_n",
    "constant",
    "unscored",
    *DECILE_KEYS,
]


def correlation_statistics(
    contexts: Sequence[Context], verdicts: Sequence[Verdict], facts: LatentFacts
) -> dict[str, float]:
    """Return all statistics of one latent by name; NaN where one is undefined.

    A correlation is undefined where either side is the same on every token. A grader that predicts nothing anywhere is
    thus left out of the mean over latents, which flatters its explanation: `constant` says how often.

    Args:
        contexts: The test contexts, with the true activations.
        verdicts: One for each, with `values`; those without count in `unscored` and nowhere else.
        facts: The latent's firing share, the hard kinds, and how many contexts of one are enough.

    Returns:
        - `correlation`: over the tokens of activating and random contexts together.
        - `correlation_activating`: over those of activating contexts alone.
        - `correlation_weighted`: of both, each context at the weight of the population it stands for.
        - `effective_n`: (Σw)² / Σw² over those weights of contexts: how many equal ones they amount to.
        - `constant`: 1 where the predictions for activating and random contexts are all the same, else 0.
        - `unscored`: share of contexts without a prediction, all kinds together.
        - `correlation_decile_i`: of the activating contexts of decile i (10 the strongest) and the random ones.
        - `correlation_KIND`: of activating contexts and those of that hard kind.
    """
    values = dict.fromkeys([*KEYS, *(f"correlation_{kind}" for kind in facts.hard)], UNDEFINED)
    scored = [
        (context, np.array(verdict.values, dtype=np.float64))
        for context, verdict in zip(contexts, verdicts, strict=True)
        if verdict.values is not None
    ]
    if contexts:
        values["unscored"] = 1 - len(scored) / len(contexts)
    active = [pair for pair in scored if pair[0].kind == "activating"]
    silent = [pair for pair in scored if pair[0].kind in POPULATION]
    values["correlation_activating"] = _correlation(active)
    for kind in facts.hard:
        if sum(context.kind == kind for context in contexts) >= facts.min_contexts:
            against = [pair for pair in scored if pair[0].kind == kind]
            values[f"correlation_{kind}"] = _correlation([*active, *against]) if against else UNDEFINED
    both = [*active, *silent]
    if both:
        values["constant"] = float(np.ptp(np.concatenate([p for _, p in both])) == 0)
    if not (active and silent):
        return values
    shares = np.array([1.0 if context.weight is None else context.weight for context, _ in silent])
    shares /= shares.sum()
    values["correlation"] = _correlation(both, _joined(1, len(active), len(silent) * shares))
    for i, key in enumerate(DECILE_KEYS, 1):
        of_decile = [pair for pair in active if pair[0].decile == i]
        weight = _joined(1, len(of_decile), len(silent) * shares)
        values[key] = _correlation([*of_decile, *silent], weight) if of_decile else UNDEFINED
    weight = _joined(facts.firing_share / len(active), len(active), (1 - facts.firing_share) * shares)
    values["effective_n"] = float(weight.sum() ** 2 / (weight**2).sum())
    values["correlation_weighted"] = _correlation(both, weight)
    return values


def _joined(active: float, n_active: int, silent: np.ndarray) -> np.ndarray:
    """Return the weights of contexts: activating ones, all alike, and then silent ones, float64 (silent,)."""
    return np.concatenate([np.full(n_active, active), silent])


def _correlation(scored: Sequence[tuple[Context, np.ndarray]], weight: np.ndarray | None = None) -> float:
    """Over all tokens of these contexts, each context's at its weight."""
    if not scored:
        return UNDEFINED
    true = [context.activations for context, _ in scored]
    weights = None if weight is None else np.repeat(weight, [len(row) for row in true])
    return pearson(np.concatenate([p for _, p in scored]), np.concatenate(true), weights)


def pearson(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Pearson's r: Σ w (x − x̄)(y − ȳ) / √(Σ w (x − x̄)² · Σ w (y − ȳ)²), the means weighted as well.

    Args:
        x: float (n,).
        y: float (n,).
        weight: float (n,), not below 0; all alike by default. Doubling one is as good as having the pair twice.

    Returns:
        In [−1, 1]; NaN where x or y does not vary among what has a weight.
    """
    weight = np.ones(len(x)) if weight is None else np.asarray(weight, dtype=np.float64)
    x, y, weight = (np.asarray(values, dtype=np.float64)[weight > 0] for values in (x, y, weight))
    if not len(x) or np.ptp(x) == 0 or np.ptp(y) == 0:
        return UNDEFINED
    covariance = np.cov(x, y, aweights=weight, ddof=0)
    spread = float(np.prod(np.sqrt(covariance.diagonal())))
    return float(np.clip(covariance[0, 1] / spread, -1, 1)) if spread > 0 else UNDEFINED
