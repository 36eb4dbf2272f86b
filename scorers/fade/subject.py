"""Requests of FADE to the subject: activations on written texts, and steered texts; or why there are none."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Context
from inspect_autointerp.models.activations import Firing
from inspect_autointerp.models.from_store import firing_of, steering_of
from inspect_autointerp.models.shared_engines import shared
from inspect_autointerp.models.steering import Direction, Generate, Steering
from inspect_autointerp.scorers.shared.score import LatentTest
from inspect_autointerp.store.store import Store

T = TypeVar("T")
NOT_ASKED = "subject=false"


@dataclass(frozen=True)
class SteeredText:
    """A text that the subject wrote."""

    factor: float
    """Strength, as a multiple of the latent's largest activation; 0 without steering."""
    prompt: int
    """Number of its prompt."""
    text: str


@dataclass
class _Attempt:
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    reason: str | None = None


async def firing_or_reason(store: Store, hookpoint: str) -> Firing | str:
    """Return the engine that reads new texts, or why there is none."""
    return await _or_reason("firing", store, hookpoint, lambda: firing_of(store, hookpoint))


async def steering_or_reason(store: Store, hookpoint: str) -> Steering | str:
    """Return the engine that steers, or why there is none."""
    return await _or_reason("steering", store, hookpoint, lambda: steering_of(store, hookpoint))


async def _or_reason(kind: str, store: Store, hookpoint: str, load: Callable[[], Awaitable[T]]) -> T | str:
    """Load an engine; where it cannot be loaded, it is tried once for all samples of the running tasks."""
    attempt = await shared(("fade", kind, store.key, hookpoint), _Attempt)
    async with attempt.lock:
        if attempt.reason is None:
            try:
                return await load()
            except UserError as error:
                attempt.reason = str(error)
    return attempt.reason


async def steered_texts(
    steering: Steering, test: LatentTest, contexts: Sequence[Context], factors: Sequence[float], new_tokens: int
) -> list[SteeredText]:
    """Have the subject go on from contexts, without steering and at every factor.

    The latent's direction is added from the last token of a context on, at the factor times the latent's largest
    activation. The likeliest token is taken each time.

    Args:
        steering: The engine.
        test: The latent.
        contexts: The contexts to go on from.
        factors: The factors, without 0.
        new_tokens: Tokens to write.
    """
    store, direction = test.store, Direction(test.latent.index)
    prompts = [tuple(store.tokens[one.start : one.start + store.window].tolist()) for one in contexts]
    texts: list[SteeredText] = []
    for factor in factors:
        strength = factor * test.latent.max_activation
        written = await steering.generate(Generate(direction, prompts, strength, test.seed, new_tokens, 0.0))
        clean = [] if texts else [(0.0, written.clean)]
        for way, continuations in [*clean, (factor, written.steered)]:
            texts += [
                SteeredText(way, number, store.detokenizer.after(prompts[number], ids))
                for number, ids in enumerate(continuations)
            ]
    return texts
