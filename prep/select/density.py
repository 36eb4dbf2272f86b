"""Latents that fire in nearly every window: no context is without them, so no explanation of theirs can be tested."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from inspect_autointerp.prep.coders import Coder

ENOUGH = 100
"""Windows after which it can be told: a first batch has as many, and a dry run may try no more."""
_SHARE = 0.98


class Counts(Protocol):
    """Counts of a hookpoint's latents, as a selector keeps them."""

    n_latents: int
    n_windows: Tensor
    """(latent,): windows in which each fires."""


def crowded(counts: Mapping[str, Counts], coders: Mapping[str, Coder], n_windows: int) -> list[str]:
    """Say of which hookpoints most latents fire in nearly every window, in a line each.

    Args:
        counts: By hookpoint.
        coders: By hookpoint.
        n_windows: Windows that were counted; too few tell nothing.
    """
    lines = []
    for name, count in counts.items():
        n = int((count.n_windows >= _SHARE * n_windows).sum())
        if n_windows >= ENOUGH and 2 * n > count.n_latents:
            coder = coders[name]
            advice = (
                "take fewer: neurons:32 keeps each token's 32 largest, neurons:3rms what is above 3 times its token's"
                " root mean square (a gated MLP's neurons are positive on half of all tokens)"
                if coder.architecture.endswith("neurons")
                else "check that the coder belongs to this place, or take a shorter --window"
            )
            lines.append(
                f"{name}: {n:,} of {count.n_latents:,} latents of coder {coder.source} fire in every window, or nearly:"
                f" no context is without them, and an evaluation needs such contexts; {advice}"
            )
    return lines
