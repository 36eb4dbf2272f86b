"""Texts of contexts for the page, read from the store that a log's verdicts point into, where that store is at hand."""

import numpy as np

from inspect_autointerp.card.tokens import as_html, pieces
from inspect_autointerp.contexts.latent_windows import LatentWindows
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Context
from inspect_autointerp.store.store import Store


class LatentTexts:
    """One latent's contexts as HTML, by where they start.

    Args:
        store: The store.
        latent: The latent's name, `hookpoint/index`.
    """

    def __init__(self, store: Store, latent: str) -> None:
        hookpoint, _, index = latent.rpartition("/")
        self._store = store
        self._windows = LatentWindows(store, hookpoint, int(index))
        self._maximum = store.at(hookpoint).latent(int(index)).max_activation
        self.link = store.at(hookpoint).entry.link(int(index))
        """Address of its page on Neuronpedia, if the store knows it."""

    def activations(self, start: int) -> np.ndarray:
        """Return the latent's activations on a context, float32 (token,)."""
        return self._windows.on(np.array([start], dtype=np.int64), self._store.window)[0]

    def html(self, start: int) -> str:
        """Return a context with its tokens in colour.

        Raises:
            UserError: The store holds no context that starts there.
        """
        if not 0 <= start <= len(self._store.tokens) - self._store.window:
            raise UserError(f"{self._store.folder}: it holds no context that starts at {start}")
        [(text, spans)] = self._store.detokenizer.windows(self._store.ids(np.array([start], dtype=np.int64)))
        context = Context("activating", start, text, spans, self.activations(start))
        return str(as_html(pieces(context, self._maximum)))
