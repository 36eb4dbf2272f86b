"""Statistics of intervention: how much more probable steering makes the explanation, and its rank among others."""

from collections.abc import Sequence
from math import fsum, nan

import numpy as np

from inspect_autointerp.inspect_support.verdicts import Verdict

KEYS = [
    *("effect", "effect_per_token", "effect_se", "kl", "unscored"),
    *("choice", "reciprocal_rank", "rank"),
]


def intervention_statistics(
    verdicts: Sequence[Verdict], n_tokens: int, kl: Sequence[float], *, falls: bool = False
) -> dict[str, float]:
    """Return all statistics of one latent by name; NaN where one is undefined.

    Args:
        verdicts: One for each prompt; its `value` is log p(explanation | steered) − log p(explanation | clean) in nats,
            over all tokens of the explanation, None where that is not known. Its `values` are the same of each foil.
        n_tokens: Tokens of the explanation, for the likelihood model.
        kl: Per prompt, KL(clean ‖ steered) of what comes right after it, in nats.
        falls: True if the right explanation is the one that falls most, as where the latent is ablated.

    Returns:
        - `effect`: the mean effect in nats; chance is 0.
        - `effect_per_token`: the same divided by the explanation's tokens, its end among them.
        - `effect_se`: the standard error of `effect` over prompts; NaN of fewer than two.
        - `kl`: the mean KL on the prompts scored, which the strength was not tuned on.
        - `unscored`: the share of prompts whose effect is not known.
        - `choice`: the share of prompts in which the explanation rises most among the foils, in [0, 1]. If it shares
          the first place with n others, the prompt counts 1/(n + 1), so chance is 1/k among k explanations.
        - `reciprocal_rank`: the mean over prompts of 1/rank, in (0, 1].
        - `rank`: the rank of its mean effect among the foils' mean effects; 1 is the best, chance is (k + 1)/2.
    """
    effects = np.array([verdict.value for verdict in verdicts if verdict.value is not None], dtype=np.float64)
    effect, n = float(effects.mean()) if len(effects) else nan, len(effects)
    values = {
        "effect": effect,
        "effect_per_token": effect / n_tokens if n_tokens else nan,
        "effect_se": float(effects.std(ddof=1) / n**0.5) if n > 1 else nan,
        "kl": float(np.mean(kl)) if len(kl) else nan,
        "unscored": 1 - n / len(verdicts) if verdicts else nan,
    }
    sign = -1.0 if falls else 1.0
    changes = [
        [sign * verdict.value, *(sign * value for value in verdict.values)]
        for verdict in verdicts
        if verdict.value is not None and verdict.values
    ]
    return values | _choices(np.array(changes, dtype=np.float64))


def _choices(changes: np.ndarray) -> dict[str, float]:
    """Return the statistics of a choice.

    Args:
        changes: float64 (prompt, explanation): nats by which each explanation rises, the right one first.
    """
    if not len(changes):
        return {"choice": nan, "reciprocal_rank": nan, "rank": nan}
    places = [_places(row) for row in changes]
    firsts = [1 / len(place) if place.start == 1 else 0.0 for place in places]
    reciprocals = [fsum(1 / rank for rank in place) / len(place) for place in places]
    overall = _places(changes.mean(axis=0).round(9))
    return {
        "choice": float(np.mean(firsts)),
        "reciprocal_rank": float(np.mean(reciprocals)),
        "rank": fsum(overall) / len(overall),
    }


def _places(row: np.ndarray) -> range:
    """Return the places, from 1, that the first of some values shares with its equals, the largest value first."""
    first = 1 + int((row[1:] > row[0]).sum())
    return range(first, first + 1 + int((row[1:] == row[0]).sum()))
