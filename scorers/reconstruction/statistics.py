"""Statistics of reconstruction: is the latent's own vector nearer to what was made of the explanation than others'?

The headline is a recall and no cosine, because a cosine can be had without knowing the latent: decoder rows share
directions, so a vector between them has a positive cosine with all. A recall cannot be had by one text for all latents.
The vector made of a constant text puts the latents into one fixed order, and over all latents of the pool the mean of
recall@1 among ten is exactly one tenth, whatever the text is.
"""

from collections.abc import Sequence
from math import comb

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict

AMONG = 10
"""Latents in a lineup, the own one included: guessing gets one tenth."""
OWN, OTHER = "own", "other"
"""Kinds of verdicts."""
KEYS = ["recall", "margin", "cosine", "cosine_others", "percentile", "unscored"]


def reconstruction_statistics(verdicts: Sequence[Verdict], facts: LatentFacts | None = None) -> dict[str, float]:
    """Return all statistics of one latent by name; NaN where one is undefined.

    Args:
        verdicts: One per vector compared, with its cosine as the value: one of the kind `own`, the rest `other`.
        facts: Not needed.

    Returns:
        - `recall`: the chance that the own vector has the largest cosine among itself and nine others drawn from all
          that were compared, in [0, 1]; equal cosines share it. Guessing gets 0.1.
        - `margin`: the own cosine minus the mean of the others'.
        - `cosine`: the own cosine. `cosine_others`: the others' mean.
        - `percentile`: share of the others with a smaller cosine, equal ones counted half; guessing gets 0.5.
        - `unscored`: 0, or 1 where there is no own cosine or there are fewer than nine others.
    """
    own = [verdict.value for verdict in verdicts if verdict.kind == OWN and verdict.value is not None]
    others = [verdict.value for verdict in verdicts if verdict.kind == OTHER and verdict.value is not None]
    if len(own) != 1 or len(others) < AMONG - 1:
        return dict.fromkeys(KEYS, float("nan")) | {"unscored": 1.0}
    [cosine] = own
    above, equal = sum(other > cosine for other in others), sum(other == cosine for other in others)
    mean = sum(others) / len(others)
    return {
        "recall": recall(above, equal, len(others)),
        "margin": cosine - mean,
        "cosine": cosine,
        "cosine_others": mean,
        "percentile": 1 - (above + equal / 2) / len(others),
        "unscored": 0.0,
    }


def recall(above: int, equal: int, n: int) -> float:
    """Return the chance that the own vector comes first among itself and nine others, drawn without replacement.

    Args:
        above: Others with a larger cosine.
        equal: Others with the same cosine; which of these comes first is left to chance.
        n: All others, at least nine.
    """
    ways = (comb(n - above - before, AMONG - 1) for before in range(equal + 1))
    return sum(ways) / (equal + 1) / comb(n, AMONG - 1)
