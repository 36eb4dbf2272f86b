"""Counts of where latents fire in either of two subjects alone, and in both, over all of the corpus."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PairCounts:
    """Counts of one coder's latents in two subjects that read the same corpus.

    Each is int64 (latent, 3): only in the first, in both, only in the second. A window counts for both where the
    latent fires in it in each subject, on whichever tokens.
    """

    tokens: np.ndarray
    windows: np.ndarray
    """Complete windows, of the length that the store was made with."""

    @staticmethod
    def of(columns: Mapping[str, np.ndarray], *, second: bool) -> "PairCounts":
        """Return the counts from columns of `latents.parquet`.

        Args:
            columns: `n_tokens` and `n_windows`, alone and with `_other` and `_both` behind, int64 (latent,) each.
            second: They are of the second subject's hookpoint, so the first is the other one.
        """

        def counts(unit: str) -> np.ndarray:
            own, other, both = (columns[f"n_{unit}{end}"] for end in ("", "_other", "_both"))
            first, last = (other, own) if second else (own, other)
            return np.stack([first - both, both, last - both], axis=1)

        return PairCounts(tokens=counts("tokens"), windows=counts("windows"))
