"""Texts that the subject writes when it is steered, each direction once per evaluation, whoever asks for it."""

from dataclasses import dataclass

import anyio

from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.contexts.selection import intruding_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import split_hookpoints
from inspect_autointerp.models.from_store import steering_of
from inspect_autointerp.models.shared_engines import shared
from inspect_autointerp.models.steering import Direction, Generate, Tune
from inspect_autointerp.scorers.output_choice.beginnings import beginnings
from inspect_autointerp.store.store import Store

FOILS = 8
"""Latents that steer the other texts, by default."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Settings that a steered text depends on, apart from its direction."""

    target_kl: float
    questions: int
    tuned_prompts: int
    new_tokens: int
    temperature: float
    seed: int


@dataclass(frozen=True, slots=True)
class Steered:
    """Texts that the subject writes after each beginning when it is steered along one direction."""

    texts: tuple[str, ...]
    """The new text after each beginning; empty if no strength was found."""
    kl: tuple[float, ...]
    """KL(clean ‖ steered) in nats of the token right after each beginning."""
    strength: float | None
    """In the units of the latent's activation; None if none was found."""
    reason: str | None = None
    """Why none was found, in a sentence."""


class SteeredTexts:
    """Steers the subject along the directions of one hookpoint, and remembers what it wrote.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        setting: Strength, prompts and sampling.
    """

    def __init__(self, store: Store, hookpoint: str, setting: Setting) -> None:
        self._store, self._hookpoint, self._setting = store, hookpoint, setting
        self._locks: dict[Direction, anyio.Lock] = {}
        self._steered: dict[Direction, Steered] = {}
        self.tuning = beginnings(store, "explain", setting.tuned_prompts, setting.seed)
        self.asked = beginnings(store, "test", setting.questions, setting.seed)

    async def along(self, direction: Direction) -> Steered:
        """Return the texts that a direction gives.

        Raises:
            UserError: The subject or the coder cannot be loaded, or the coder has no directions.
        """
        async with self._locks.setdefault(direction, anyio.Lock()):
            if direction not in self._steered:
                self._steered[direction] = await self._steer(direction)
            return self._steered[direction]

    async def _steer(self, direction: Direction) -> Steered:
        setting, steering = self._setting, await steering_of(self._store, self._hookpoint)
        tuned = await steering.tune(Tune(direction, [one.ids for one in self.tuning], setting.target_kl))
        if tuned.strength is None:
            return Steered((), (), None, tuned.reason)
        prompts = [one.ids for one in self.asked]
        written = await steering.generate(
            Generate(direction, prompts, tuned.strength, setting.seed, setting.new_tokens, setting.temperature)
        )
        return Steered(
            tuple(
                self._store.detokenizer.after(prompt, new) for prompt, new in zip(prompts, written.steered, strict=True)
            ),
            tuple(written.kl),
            tuned.strength,
        )


async def steered_texts(store: Store, hookpoint: str, setting: Setting) -> SteeredTexts:
    """Return the texts of a hookpoint that all samples of the running tasks share."""
    return await shared(
        ("steered texts", store.key, store.window, hookpoint, setting), lambda: SteeredTexts(store, hookpoint, setting)
    )


def check_foils(store: Store, hookpoint: str, foils: int) -> None:
    """Check that enough other latents can be steered with; fewer than `FOILS` are no mistake by default.

    Args:
        store: The store.
        hookpoint: One of its hookpoints, or several as `join_hookpoints` writes them.
        foils: Latents that steer the other texts.

    Raises:
        UserError: There are not as many.
    """
    for at in map(store.at, split_hookpoints(hookpoint)):
        n = len(intruding_latents(at))
        if foils > max(n, FOILS):
            raise UserError(f"foils={foils}: of {at.name}, {n} latents can steer the other texts; give at most {n}")


def foil_latents(store: Store, hookpoint: str, n: int, seed: int) -> list[int]:
    """Return the latents that steer the other texts: the same n for every latent that is evaluated.

    They are drawn from those that may intrude, so a frozen store has the same ones.
    """
    return rng_of(seed, "foils").permutation(intruding_latents(store.at(hookpoint)))[:n].tolist()
