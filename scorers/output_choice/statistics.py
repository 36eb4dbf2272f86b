"""Statistics of output choice: in how many questions the text that was steered with the latent was picked."""

from collections.abc import Sequence
from math import nan

import numpy as np

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict

STEERED, FOIL = "steered", "foil"
"""Kinds of texts: steered with the latent, and with another one."""
KEYS = ["picked", "kl", "kl_foils", "unscored"]


def output_choice_statistics(verdicts: Sequence[Verdict], facts: LatentFacts | None = None) -> dict[str, float]:
    """Return all statistics of one latent by name; NaN where one is undefined.

    Args:
        verdicts: One for each text of each question: label 1 for the one that was picked, `value` the KL of its
            steering after this beginning.
        facts: Not needed.

    Returns:
        - `picked`: share of the scored questions in which the latent's own text was picked, in [0, 1]; chance is 1/3.
        - `kl`: mean KL(clean ‖ steered) in nats of the latent's own texts.
        - `kl_foils`: the same of the other texts; the two should be alike.
        - `unscored`: share of questions without an answer that can be used.
    """
    own = [verdict for verdict in verdicts if verdict.kind == STEERED]
    labels = [verdict.label for verdict in own if verdict.label is not None]
    return {
        "picked": float(np.mean(labels)) if labels else nan,
        "kl": _mean_value(own),
        "kl_foils": _mean_value([verdict for verdict in verdicts if verdict.kind == FOIL]),
        "unscored": 1 - len(labels) / len(own) if own else nan,
    }


def _mean_value(verdicts: Sequence[Verdict]) -> float:
    values = [verdict.value for verdict in verdicts if verdict.value is not None]
    return float(np.mean(values)) if values else nan
