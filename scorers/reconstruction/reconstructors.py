"""Reconstructors: a text in, a vector out. Either the subject's own tokens, or an HTTP endpoint."""

from typing import Any

import numpy as np

from inspect_autointerp.models.from_store import load_token_vectors
from inspect_autointerp.models.shared_engines import shared
from inspect_autointerp.store.store import Store
from inspect_autointerp.vectors.endpoint import Endpoint, usage_in, vectors_in
from inspect_autointerp.vectors.rows import Side

TOKENS = "tokens"
FORMAT = "inspect_autointerp.reconstruct/1"
"""The request's format: changes when a key is renamed or means something else."""


class ByTokens:
    """The mean of the subject's own output vectors of the text's tokens, rare tokens counting more.

    Args:
        store: The store.
        hookpoint: The latents' hookpoint.
    """

    def __init__(self, store: Store, hookpoint: str) -> None:
        self._store, self._hookpoint = store, hookpoint

    async def __call__(self, text: str, width: int) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the vector of a text; zeros of one whose tokens the subject does not know."""
        store, hookpoint = self._store, self._hookpoint
        engine = await shared(
            ("token vectors", store.key, hookpoint), lambda: load_token_vectors(store, hookpoint, "reconstruction")
        )
        return engine.reconstruct(text, width), {}


class ByEndpoint:
    """A program behind a URL.

    Args:
        endpoint: The program.
        store: The store.
        hookpoint: The latents' hookpoint.
        side: Which vector of the latent it should reconstruct.
        seed: Sent along.
    """

    def __init__(self, endpoint: Endpoint, store: Store, hookpoint: str, side: Side, seed: int) -> None:
        self._endpoint = endpoint
        self._request = {
            "format": FORMAT,
            "subject": store.manifest.subject,
            "hookpoint": hookpoint,
            "coder_sha256": store.at(hookpoint).entry.sha256,
            "kind": side,
            "seed": seed,
        }

    async def __call__(self, text: str, width: int) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the vector that the endpoint makes of a text."""
        answer = await self._endpoint.post(self._request | {"texts": [text], "width": width})
        [vector] = vectors_in(answer, 1, width)
        wrote = answer.get("model")
        about = {"model": wrote[:200]} if isinstance(wrote, str) else {}
        return np.array(vector), {"endpoint": about | usage_in(answer).record()}
