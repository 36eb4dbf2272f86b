"""Engines that run a store's own subject and coder: the one place under src/ that loads prep, by name.

Prep needs torch, which is an extra; nothing here does before an engine is loaded.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from inspect_autointerp.errors import UserError
from inspect_autointerp.models.activations import Firing
from inspect_autointerp.models.shared_engines import shared
from inspect_autointerp.models.steering import Steering
from inspect_autointerp.store.store import Store
from inspect_autointerp.vectors.rows import Rows


def load_firing(store: Store, hookpoint: str, device: str | None = None) -> Firing:
    """Load the subject, up to the store's deepest hookpoint, and the coder that a store was made of.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        device: Where they run; by default on a GPU if there is one.

    Raises:
        UserError: One of them cannot be loaded or has changed since, or torch is missing.
    """
    engine = _engine("activations", "reading new texts runs the subject").ReadingSubject
    return Firing(engine(store, hookpoint, device=device))


def load_steering(store: Store, hookpoint: str, device: str | None = None) -> Steering:
    """Load the subject and the coder that a store was made of, to steer the subject; see `load_firing`."""
    engine = _engine("steering", "steering runs the subject").SteeredSubject
    return Steering(engine(store, hookpoint, device=device))


def load_triage(store: Store, hookpoint: str, device: str | None = None) -> Any:
    """Load them as `prep.engines.triage.TriageSubject`, which steers and knows promoted tokens; see `load_firing`."""
    return _engine("triage", "triage runs the subject").TriageSubject(store, hookpoint, device=device)


def load_decoder(store: Store, hookpoint: str, purpose: str) -> Any:
    """Return the decoder of a store's coder, a tensor (latent, d) on the CPU; None if it has none.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        purpose: What errors say it is for.

    Raises:
        UserError: See `load_firing`.
    """
    return _engine("load_from_store", "cosines of decoders need the coders").decoder(store, hookpoint, purpose)


def load_rows(store: Store, hookpoint: str, latents: Sequence[int], purpose: str = "reading vectors") -> Rows:
    """Return the encoder and decoder rows of some latents of a store's coder.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        latents: Which latents.
        purpose: What errors say it is for.

    Raises:
        UserError: See `load_firing`.
    """
    return _engine("coder_rows", f"{purpose} loads the coder").coder_rows(store, hookpoint, latents, purpose)


def load_token_vectors(store: Store, hookpoint: str, purpose: str) -> Any:
    """Load the subject's output vectors, which make a vector of a text; see `load_rows` for arguments and errors."""
    return _engine("token_vectors", f"{purpose} loads the subject").TokenVectors(store, hookpoint, purpose)


async def firing_of(store: Store, hookpoint: str) -> Firing:
    """Return the engine of a store's hookpoint, which all samples of the running tasks share; see `load_firing`."""
    return await shared(("firing", store.key, hookpoint), lambda: load_firing(store, hookpoint))


async def steering_of(store: Store, hookpoint: str) -> Steering:
    """Return the steering engine of a store's hookpoint, which all samples share; see `load_firing`."""
    return await shared(("steering", store.key, hookpoint), lambda: load_steering(store, hookpoint))


def _engine(module: str, why: str) -> Any:
    try:
        return import_module(f"inspect_autointerp.prep.engines.{module}")
    except ImportError as error:
        raise UserError(f'{why}, which needs `pip install "inspect-autointerp[prep]"` ({error})') from error
