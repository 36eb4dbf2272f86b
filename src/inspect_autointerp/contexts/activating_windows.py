"""The activating contexts that can be cut from the windows that a store keeps for one latent, by split."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress

import numpy as np

from inspect_autointerp.contexts.latent_windows import LatentWindows
from inspect_autointerp.latent import DECILES, Context, Split
from inspect_autointerp.store.postings import OTHER, SAMPLE, TOP
from inspect_autointerp.store.store import Store


@dataclass(slots=True)
class Windows:
    """Distinct activating windows of one split before they are decoded, weakest first."""

    starts: np.ndarray
    """int64 (window,)."""
    activations: np.ndarray
    """float32 (window, token)."""
    peaks: np.ndarray
    """float32 (window,): the largest activations."""
    deciles: list[int]
    texts: frozenset[bytes]
    """Their tokens, see `Store.texts`."""
    in_other: list[bool | None]
    """See `Context.in_other`."""


@dataclass(slots=True)
class _Kept:
    """All contexts that can be cut from a latent's kept windows, in order of the windows."""

    starts: np.ndarray
    """int64 (context,)."""
    numbers: np.ndarray
    """int64 (context,): the windows' numbers."""
    activations: np.ndarray
    """float32 (context, token)."""
    peaks: np.ndarray
    """float32 (context,): the largest activations."""
    texts: list[bytes]
    """Their tokens, see `Store.texts`."""


class ActivatingWindows:
    """One latent's activating windows: the uniform sample of each split, and the strongest of the explain split.

    No text is in both splits, or twice in one.

    Args:
        store: The store.
        own: The latent's kept windows.
        centered: Whether contexts are cut around their peaks.
    """

    def __init__(self, store: Store, own: LatentWindows, centered: bool) -> None:
        self._store, self._own, self._centered = store, own, centered

    @cached_property
    def explain(self) -> Windows:
        """The explain split's sample."""
        return self._sampled("explain", frozenset(), SAMPLE)

    @cached_property
    def test(self) -> Windows:
        """The test split's sample, without windows whose tokens the explain split's windows hold."""
        return self._sampled("test", self.shown, SAMPLE)

    def of_split(self, split: Split) -> Windows:
        """Return a split's sample."""
        return self.explain if split == "explain" else self.test

    @cached_property
    def shown(self) -> frozenset[bytes]:
        """The texts of the explain split's windows, sampled or of the top."""
        shown = self._own.which("explain", SAMPLE | TOP)
        texts = list(compress(self._kept.texts, shown[self._kept.numbers].tolist()))
        if self._centered != self._store.settings.center:  # the explainer sees them centred
            starts, numbers = self._own.placed(center=True)
            texts += self._store.texts(starts[shown[numbers]])
        return frozenset(texts)

    @cached_property
    def seen(self) -> frozenset[bytes]:
        """The texts in which the latent fires: they are no negatives, wherever else they occur."""
        return self.explain.texts | self.test.texts

    def strongest(self, n: int) -> Windows:
        """Return the n strongest distinct windows of the explain split, sampled or not, weakest first."""
        kept = self._sampled("explain", frozenset(), SAMPLE | TOP if n else 0)
        starts, peaks = kept.starts[-n:], kept.peaks[-n:]
        deciles = _deciles(peaks, self.explain.peaks).tolist()
        texts = frozenset(self._store.texts(starts))
        return Windows(starts, kept.activations[-n:], peaks, deciles, texts, kept.in_other[-n:])

    def besides(self, top: Windows) -> list[int]:
        """Return which windows of the explain split's sample neither overlap these nor have the tokens of one."""
        starts, width = self.explain.starts, self._store.window
        if not len(top.starts):
            return list(range(len(starts)))
        apart = np.abs(starts[:, None] - top.starts).min(axis=1) >= width
        return [i for i, text in enumerate(self._store.texts(starts)) if apart[i] and text not in top.texts]

    def contexts(self, windows: Windows, which: Sequence[int]) -> list[Context]:
        """Return these of some windows as contexts, with their text."""
        rows = np.array(which, dtype=np.int64)
        starts = windows.starts[rows]
        decoded = self._store.detokenizer.windows(self._store.ids(starts))
        return [
            Context("activating", start, text, spans, activations, windows.deciles[i], in_other=windows.in_other[i])
            for start, (text, spans), activations, i in zip(
                starts.tolist(), decoded, windows.activations[rows], which, strict=True
            )
        ]

    def test_deciles(self, starts: np.ndarray) -> np.ndarray:
        """Return the deciles of the test split in which windows that the latent fires in fall, sampled or not.

        Args:
            starts: int64 (window,): windows of the test split that the store keeps for the latent.

        Returns:
            int64 (window,): by where their maxima stand among the sample's; 0 for one that is no test context, since
            the explain split's windows hold its tokens.
        """
        if not len(self.test.peaks):
            return np.zeros(len(starts), dtype=np.int64)
        deciles = _deciles(self._own.on(starts, self._store.window).max(axis=1, initial=0.0), self.test.peaks)
        return np.where([text in self.shown for text in self._store.texts(starts)], 0, deciles)

    @cached_property
    def _kept(self) -> _Kept:
        starts, numbers = self._own.placed(self._centered)
        activations = self._own.on(starts, self._store.window)
        peaks = activations.max(axis=1, initial=0.0)
        return _Kept(starts, numbers, activations, peaks, self._store.texts(starts))

    def _sampled(self, split: Split, seen: frozenset[bytes], flags: int) -> Windows:
        """The distinct windows of a split that were kept for one of these reasons, without those of texts seen.

        Of windows that are alike or overlap, a sampled one comes first.
        """
        kept = self._kept
        sampled = np.flatnonzero(self._own.which(split, flags)[kept.numbers])
        if self._centered:
            sampled = sampled[_apart(kept.starts[sampled], self._store.window)]
        first: dict[bytes, int] = {}
        for i in sampled.tolist():
            first.setdefault(kept.texts[i], i)
        for text in seen.intersection(first):
            del first[text]
        rows = np.fromiter(first.values(), dtype=np.int64, count=len(first))
        rows = rows[np.lexsort((kept.starts[rows], kept.peaks[rows]))]
        deciles = (DECILES * np.arange(len(rows)) // max(1, len(rows)) + 1).tolist()
        in_other = self._in_other(kept.numbers[rows])
        return Windows(kept.starts[rows], kept.activations[rows], kept.peaks[rows], deciles, frozenset(first), in_other)

    def _in_other(self, numbers: np.ndarray) -> list[bool | None]:
        """Say of contexts, by the numbers of their windows, if the latent fires in the other subject, too."""
        if self._centered or self._store.at(self._own.hookpoint).pair_counts is None:
            return [None] * len(numbers)
        fires = (self._own.flags[numbers] & OTHER > 0).tolist()
        return [None if also and self._store.ratio > 1 else also for also in fires]


def _deciles(peaks: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """In which tenth of a sample, given by its peaks in order, windows with such peaks fall, int64 (window,)."""
    return np.minimum(DECILES * sample.searchsorted(peaks) // max(1, len(sample)) + 1, DECILES)


def _apart(starts: np.ndarray, width: int) -> list[int]:
    """Return the windows, in order, that do not overlap the last one kept before them."""
    kept: list[int] = []
    free = 0
    for i, start in enumerate(starts.tolist()):
        if start >= free:
            kept.append(i)
            free = start + width
    return kept
