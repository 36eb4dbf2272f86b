"""Statistics of intervention: how much more probable steering makes the explanation."""

from collections.abc import Sequence
from math import nan

import numpy as np

from inspect_autointerp.inspect_support.verdicts import Verdict

KEYS = ["effect", "effect_per_token", "effect_se", "kl", "unscored"]


def intervention_statistics(verdicts: Sequence[Verdict], n_tokens: int, kl: Sequence[float]) -> dict[str, float]:
    """Return all statistics of one latent by name; NaN where one is undefined.

    Args:
        verdicts: One for each prompt; its `value` is log p(explanation | steered) − log p(explanation | clean) in nats,
            over all tokens of the explanation, None where that is not known.
        n_tokens: Tokens of the explanation, for the likelihood model.
        kl: Per prompt, KL(clean ‖ steered) of what comes right after it, in nats.

    Returns:
        - `effect`: the mean effect in nats; chance is 0.
        - `effect_per_token`: the same divided by the explanation's tokens, its end among them.
        - `effect_se`: the standard error of `effect` over prompts; NaN of fewer than two.
        - `kl`: the mean KL on the prompts scored, which the strength was not tuned on.
        - `unscored`: the share of prompts whose effect is not known.
    """
    effects = np.array([verdict.value for verdict in verdicts if verdict.value is not None], dtype=np.float64)
    effect, n = float(effects.mean()) if len(effects) else nan, len(effects)
    return {
        "effect": effect,
        "effect_per_token": effect / n_tokens if n_tokens else nan,
        "effect_se": float(effects.std(ddof=1) / n**0.5) if n > 1 else nan,
        "kl": float(np.mean(kl)) if len(kl) else nan,
        "unscored": 1 - n / len(verdicts) if verdicts else nan,
    }
