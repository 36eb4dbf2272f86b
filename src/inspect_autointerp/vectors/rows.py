"""Rows of a coder: what some latents read and write, as numpy arrays, wherever they come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from inspect_autointerp.errors import UserError

Side = Literal["decoder", "encoder"]
"""Side of a latent: the vector that it writes, or the one that it reads."""
SIDES: tuple[Side, ...] = get_args(Side)


@dataclass(frozen=True, eq=False)
class Rows:
    """Vectors of some latents of one hookpoint; an array is None where the coder has no such thing."""

    hookpoint: str
    index: np.ndarray
    """int64 (n,): the latents, in increasing order."""
    encoder: np.ndarray | None = None
    """float32 (n, d_in): what each latent reads."""
    decoder: np.ndarray | None = None
    """float32 (n, d_out): what each latent writes, in units of its activation."""
    encoder_bias: np.ndarray | None = None
    """float32 (n,): a latent's pre-activation on x is encoder · x + encoder_bias."""
    threshold: np.ndarray | None = None
    """float32 (n,): the pre-activation above which a latent fires, in a JumpReLU coder."""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Facts about the hookpoint and its coder, as docs/vectors.md lists them."""

    @property
    def names(self) -> list[str]:
        """Return the latents' names, `hookpoint/index`."""
        return [f"{self.hookpoint}/{index}" for index in self.index.tolist()]

    def side(self, side: Side) -> np.ndarray:
        """Return the rows of one side, float32 (n, d).

        Raises:
            UserError: The coder has none.
        """
        rows = self.decoder if side == "decoder" else self.encoder
        if rows is None:
            other = next((name for name in SIDES if name != side and getattr(self, name) is not None), None)
            advice = f"; give vector={other}" if other else ""
            raise UserError(f"{self.hookpoint}: its coder has no {side} rows{advice}")
        return rows

    def of(self, index: int, side: Side) -> np.ndarray:
        """Return one latent's vector, float32 (d,).

        Raises:
            UserError: It is not among the rows, or the coder has none.
        """
        place = int(np.searchsorted(self.index, index))
        if place == len(self.index) or self.index[place] != index:
            raise UserError(f"{self.hookpoint}/{index}: no vector of this latent is in the file; export it as well")
        return self.side(side)[place]


def norms(rows: np.ndarray) -> np.ndarray:
    """Return the length of each row, float32 (n,)."""
    return np.linalg.norm(rows.astype(np.float64), axis=1).astype(np.float32)


def check_side(side: object, allowed: Sequence[str] = SIDES) -> None:
    """Check an argument that names a vector.

    Raises:
        UserError: It is none of those allowed.
    """
    if side not in allowed:
        raise UserError(f"vector={side}: give {', '.join(allowed[:-1])} or {allowed[-1]}")
