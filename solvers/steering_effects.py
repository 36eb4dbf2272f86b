"""Effects of steering with a latent on what the subject says next: evidence for an explanation by effects.

As in arXiv 2410.13928, §3.2.1: prompts that end where the latent first fires, and after each the tokens whose
probability steering raises most. The prompts are those that the intervention score tunes on, of the explain split.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.latent import Latent
from inspect_autointerp.models.from_store import steering_of
from inspect_autointerp.models.steering import Direction, Predict, Tune
from inspect_autointerp.scorers.intervention.steering_prompts import Prompt, prompts
from inspect_autointerp.store.store import Store


@dataclass(frozen=True, slots=True)
class Raised:
    """A token that steering makes more probable."""

    token: str
    """Its text, as it stands after the prompt."""
    clean: float
    """Its probability right after the prompt."""
    steered: float
    """The same when the subject is steered at the prompt's last token."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Effect of steering after one prompt."""

    prompt: str
    raised: tuple[Raised, ...]
    """By how much the probability is raised, the most first; fewer than asked for where fewer are raised at all."""


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects of steering after several prompts; the reason if there are none."""

    effects: tuple[Effect, ...]
    strength: float | None
    """In the units of the latent's activation; None where none was found."""
    kl: float
    """The mean KL(clean ‖ steered) there, in nats; where none was found, the nearest to the target, NaN of nothing."""
    reason: str | None = None
    """`too_few_contexts` or `kl_not_reached`; None where there are effects."""
    why: str | None = None
    """The reason in a sentence."""


async def effects(
    store: Store, latent: Latent, *, prompts: int = 10, tokens: int = 5, target_kl: float = 1.0, seed: int
) -> Effects:
    """Steer the subject with a latent, and see which tokens become more probable.

    Args:
        store: The store.
        latent: One of its latents.
        prompts: Beginnings of contexts of the explain split to steer on, at most.
        tokens: How many tokens to name after each, at most.
        target_kl: KL(clean ‖ steered) of what comes right after a prompt, in nats, the mean over prompts.
        seed: Of the draw of prompts.

    Raises:
        UserError: The subject or the coder cannot be had, see `load_steering`.
    """
    drawn = _prompts(store, latent, prompts, seed)
    if not drawn:
        why = "no context of the explain split begins before the latent fires in it"
        return Effects((), None, float("nan"), "too_few_contexts", why)
    steering = await steering_of(store, latent.hookpoint)
    direction = Direction(latent.index)
    tuned = await steering.tune(Tune(direction, drawn, target_kl))
    if tuned.strength is None:
        return Effects((), None, tuned.kl, "kl_not_reached", tuned.reason)
    logprobs = await steering.predict(Predict(direction, drawn, tuned.strength))
    rows = zip(drawn, np.exp(logprobs.clean), np.exp(logprobs.steered), strict=True)
    return Effects(tuple(_effect(store, *row, tokens) for row in rows), tuned.strength, tuned.kl)


def _prompts(store: Store, latent: Latent, n: int, seed: int) -> list[Prompt]:
    tuned, _ = prompts(store, LatentContexts(store, latent), tuned=n, scored=0, seed=seed)
    return tuned


def _effect(store: Store, prompt: Prompt, clean: np.ndarray, steered: np.ndarray, n: int) -> Effect:
    return Effect(store.detokenizer(prompt)[0], raised_tokens(store, prompt, clean, steered, n))


def raised_tokens(
    store: Store, prompt: Sequence[int], clean: np.ndarray, steered: np.ndarray, n: int
) -> tuple[Raised, ...]:
    """Return the tokens whose probability steering raises most.

    Args:
        store: The store, whose tokenizer gives the texts.
        prompt: Token ids of what stands before.
        clean: Probabilities of the next token, (vocabulary,).
        steered: The same when steered.
        n: Tokens, at most; fewer where fewer are raised at all.
    """
    gain = (steered - clean)[: store.detokenizer.n_ids]  # behind them a head may have rows that stand for nothing
    most = [id for id in np.argsort(-gain, kind="stable")[:n].tolist() if gain[id] > 0]  # equals in order of their ids
    return tuple(Raised(store.detokenizer.after(prompt, [id]), float(clean[id]), float(steered[id])) for id in most)
