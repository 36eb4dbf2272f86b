"""The windows kept for all latents, on which silence is known."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet

import numpy as np

from inspect_autointerp.store.detokenizer import Decoded


class Pool:
    """The part of a store's pool that lies in one split, cut to contexts.

    Which texts repeat is found out once for all latents, and every window is decoded at most once.

    Args:
        starts: int64 (window,), sorted.
        texts: Per window its tokens, as `Store.texts` gives them.
        decode: What decodes windows, by their starts.
    """

    def __init__(self, starts: np.ndarray, texts: list[bytes], decode: Callable[[np.ndarray], list[Decoded]]) -> None:
        self.starts, self._decode = starts, decode
        self._decoded: dict[int, Decoded] = {}
        self._numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        self._number = np.array([self._numbers[text] for text in texts], dtype=np.int64)

    def silent(self, firing: np.ndarray, seen: AbstractSet[bytes]) -> np.ndarray:
        """The starts of windows on which a latent is silent, in order, each text once.

        Args:
            firing: Starts of the pool's windows on which it fires.
            seen: Texts to leave out.
        """
        keep = np.ones(len(self.starts), dtype=bool)
        keep[np.searchsorted(self.starts, firing)] = False
        wanted = np.ones(len(self._numbers), dtype=bool)
        wanted[[self._numbers[text] for text in self._numbers.keys() & seen]] = False
        left = np.flatnonzero(keep & wanted[self._number])
        if len(self._numbers) < len(self.starts):
            left = left[np.sort(np.unique(self._number[left], return_index=True)[1])]
        return self.starts[left]

    def decoded(self, starts: np.ndarray) -> list[Decoded]:
        """The texts and spans of the windows that start there."""
        new = [start for start in starts.tolist() if start not in self._decoded]
        if new:
            self._decoded.update(zip(new, self._decode(np.array(new)), strict=True))
        return [self._decoded[start] for start in starts.tolist()]
