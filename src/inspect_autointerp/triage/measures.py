"""Measures of one latent: input score and output score (arXiv 2505.20063), and the change in token confidence."""

from collections.abc import Collection, Sequence
from math import nan

import numpy as np


def input_score(peak_tokens: Sequence[int], promoted: Collection[int]) -> float:
    """Return the share of contexts that peak on a token that the latent's direction promotes, in [0, 1].

    Args:
        peak_tokens: Of each context, the id of the token on which the latent is the most active.
        promoted: Ids of the promoted tokens.

    Returns:
        NaN of no contexts.
    """
    return float(np.isin(np.asarray(peak_tokens), list(promoted)).mean()) if len(peak_tokens) else nan


def output_score(logprobs: np.ndarray, promoted: Collection[int]) -> float:
    """Return how near the promoted tokens are to the top after an intervention, in [0, 1].

    It is (1 − r / |V|) · p, where r is the best rank of a promoted token, from 0, and p the largest probability of one.

    Args:
        logprobs: Natural logarithms of the next token's probabilities after the intervention, float (vocabulary,).
        promoted: Ids of the promoted tokens; not empty.
    """
    best = float(logprobs[list(promoted)].max())
    return (1 - int((logprobs > best).sum()) / len(logprobs)) * float(np.exp(best))


def token_confidence(logprobs: np.ndarray, k: int) -> float:
    """Return the token confidence in nats: minus the mean logarithm of the k largest probabilities.

    The surer the model is of one token, the less is left for the k − 1 next ones, and the larger the confidence.

    Args:
        logprobs: Natural logarithms of the next token's probabilities, float (vocabulary,).
        k: Number of tokens; all if there are fewer.
    """
    k = min(k, len(logprobs))
    return -float(np.partition(logprobs, -k)[-k:].astype(np.float64).mean())
