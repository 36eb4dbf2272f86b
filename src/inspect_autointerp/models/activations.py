"""A latent on texts that are in no store: what is asked of the engine, and how samples share one.

The engine itself needs torch and is `inspect_autointerp.prep.engines.activations`; nothing here does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from inspect_autointerp.models.batching import Batches
from inspect_autointerp.models.spending import note_subject


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts to read one latent on."""

    latent: int
    texts: Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class Fired:
    """One text, with the latent's activations on it."""

    text: str
    """Text that the subject read, decoded as a whole: the beginning of a text longer than a chunk of the store."""
    spans: tuple[tuple[int, int], ...]
    """Per token, the characters of `text` that it stands for, as (start, end); empty for part of a character."""
    activations: np.ndarray
    """float32 of shape (token,): in the coder's units; 0 where the latent is silent, and on special tokens."""
    n_cut: int = 0
    """Number of the text's tokens that were cut off, since the subject saw no longer text at once in prep."""

    @property
    def max_activation(self) -> float:
        """The largest activation; 0 where the latent is silent, or there are no tokens."""
        return float(self.activations.max(initial=0.0))

    def tokens(self) -> list[str]:
        """The characters of each token, in order."""
        return [self.text[start:end] for start, end in self.spans]


class FiringEngine(Protocol):
    """Reads many latents on many texts at once, as if each text were alone."""

    def __call__(self, questions: Sequence[Texts]) -> list[list[Fired]]:
        """Return the texts of each question with their activations, in order."""
        ...


class Firing:
    """An engine that many samples share: questions that wait at the same time are answered together, in a thread.

    Args:
        engine: Who answers.
        at_once: Questions answered together, at most.
    """

    def __init__(self, engine: FiringEngine, at_once: int = 32) -> None:
        self._batches: Batches[Texts, list[Fired]] = Batches(engine, at_once)

    async def __call__(self, latent: int, texts: Sequence[str]) -> list[Fired]:
        """The latent's activations on the texts, in order."""
        [fired] = await self._batches([Texts(latent, texts)])
        note_subject(sum(len(one.spans) for one in fired))
        return fired
