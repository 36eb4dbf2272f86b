"""Measures the latents of one hookpoint: reads their contexts, and steers the subject once with each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Latent
from inspect_autointerp.models.from_store import load_triage
from inspect_autointerp.models.steering import Direction, Predict
from inspect_autointerp.store.store import Store
from inspect_autointerp.triage.measures import input_score, output_score, token_confidence

_AT_ONCE = 32
"""Latents steered in one call."""
LEAST_CONTEXTS = 10
"""Fewer contexts leave the input score undefined, as in arXiv 2505.20063."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """Choices in how latents are measured; defaults are those of arXiv 2505.20063's code, where it makes the choice."""

    prompt: str = "From my experience,"
    """Neutral text after which the subject is steered."""
    factor: float = 10.0
    """Strength of steering, as a multiple of the largest activation of any latent at the prompt's last token."""
    tokens: int = 20
    """Promoted tokens that represent a latent."""
    contexts: int = 100
    """Strongest contexts of the explain split that are read, at most."""
    confidence_tokens: int = 10
    """Most probable tokens in the token confidence."""


def measure_latents(store: Store, hookpoint: str, latents: Sequence[Latent], method: Method) -> pd.DataFrame:
    """Measure latents, with a progress bar on standard error.

    Args:
        store: The store.
        hookpoint: Their hookpoint.
        latents: The latents.
        method: How they are measured.

    Returns:
        A row per latent: `latent` (its id), `input_score`, `output_score` and `token_confidence_change` (NaN where
        undefined), `contexts` (how many were read) and `strength` (in the units of the latents' activations).

    Raises:
        UserError: The subject or the coder cannot be loaded, or no latent fires at the end of the prompt.
    """
    engine = load_triage(store, hookpoint)
    ids = engine.token_ids(method.prompt)
    largest = engine.largest_activation(ids)
    if not largest > 0:
        raise UserError(
            f"triage: no latent fires at the end of the prompt {method.prompt!r}, so there is no strength;"
            " give another text as --prompt"
        )
    strength = method.factor * largest
    rows: list[dict[str, Any]] = []
    batches = [latents[i : i + _AT_ONCE] for i in range(0, len(latents), _AT_ONCE)]
    for batch in track(batches, "latents", transient=True, console=Console(emoji=False, stderr=True)):
        promoted = engine.promoted([latent.index for latent in batch], method.tokens)
        questions = [Predict(Direction(latent.index), [ids], strength) for latent in batch]
        for latent, tokens, predicted in zip(batch, promoted, engine.predict(questions), strict=True):
            peaks = peak_tokens(store, latent, method.contexts)
            clean, steered = predicted.clean[0], predicted.steered[0]
            rows.append(
                {
                    "latent": latent.id,
                    "input_score": input_score(peaks, tokens) if tokens and len(peaks) >= LEAST_CONTEXTS else nan,
                    "output_score": output_score(steered, tokens) if tokens else nan,
                    "token_confidence_change": token_confidence(steered, method.confidence_tokens)
                    - token_confidence(clean, method.confidence_tokens),
                    "contexts": len(peaks),
                    "strength": strength,
                }
            )
    return pd.DataFrame(rows)


def peak_tokens(store: Store, latent: Latent, n: int) -> list[int]:
    """Return the token on which a latent is the most active in each of its n strongest contexts of the explain split.

    The test split is left alone, so latents can be chosen by their class and then be tested.
    """
    contexts = LatentContexts(store, latent).explain(n, 0, "top")
    return [int(store.tokens[context.start + int(np.argmax(context.activations))]) for context in contexts]
