"""Vectors of texts by the subject's own output vectors of their tokens: a reconstructor that nobody trained."""

import numpy as np
import torch

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.engines.load_from_store import reloaded
from inspect_autointerp.store.store import Store

_SIGNS = "\"'`.,;:()[]"
"""Signs around a word that are left away, too."""
_AT_ONCE = 1 << 22
"""Tokens counted at once: numpy makes eight bytes of each."""


def token_counts(tokens: np.ndarray, n: int) -> np.ndarray:
    """Return how often each of n tokens occurs, int64 (n,); others do not count.

    Args:
        tokens: Token ids, (token,), of any length; they may lie in a file.
        n: Tokens to count.
    """
    counts = np.zeros(n, dtype=np.int64)
    for first in range(0, len(tokens), _AT_ONCE):
        counts += np.bincount(tokens[first : first + _AT_ONCE], minlength=n)[:n]
    return counts


class TokenVectors:
    """Output vectors (unembedding rows) of the store's subject, the mean vector taken off.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        purpose: What errors say it is for.

    Raises:
        UserError: The subject or the coder cannot be loaded, or the subject has no output vectors.
    """

    def __init__(self, store: Store, hookpoint: str, purpose: str) -> None:
        subject, _ = reloaded(store, hookpoint, purpose, device="cpu", whole=True)
        unembedding = subject.unembedding()
        if unembedding is None:
            raise UserError(
                f"{purpose}: {store.at(hookpoint).subject} has no output vectors; give a URL as reconstructor"
            )
        self._hookpoint, self._purpose, self._tokenizer = hookpoint, purpose, subject.tokenizer
        self._rows = torch.nn.functional.normalize(unembedding - unembedding.mean(dim=0), dim=1)
        counts = token_counts(store.tokens, len(self._rows))
        self._weights = torch.from_numpy(np.log((counts.sum() + 1) / (counts + 1))).float()

    @torch.inference_mode()
    def reconstruct(self, text: str, width: int) -> np.ndarray:
        """Return the sum of a text's distinct tokens, weighted by how rare each is in the store's corpus.

        Args:
            text: The text; each word counts as one after a space, too.
            width: Numbers that the vector should have.

        Returns:
            float32 (width,), of any length.

        Raises:
            UserError: The subject's vectors are of another width.
        """
        if width != self._rows.shape[1]:
            raise UserError(
                f"{self._purpose}: the latents of {self._hookpoint} have vectors of {width} numbers and the subject's"
                f" tokens of {self._rows.shape[1]}, so reconstructor=tokens cannot compare them; give a URL"
            )
        words = {part for word in text.split() for part in (word, word.strip(_SIGNS)) if part}
        spellings = [spelling for word in words for spelling in (word, f" {word}")]
        ids = {id for spelling in spellings for id in self._tokenizer.encode(spelling, add_special_tokens=False)}
        chosen = torch.tensor(sorted(id for id in ids if id < len(self._rows)), dtype=torch.int64)
        return (self._rows[chosen] * self._weights[chosen, None]).sum(dim=0).numpy()
