"""Evidence about a latent for the explainer, with nothing from the test split."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.latent import Context, Latent
from inspect_autointerp.solvers.options import Options, hardest
from inspect_autointerp.solvers.steering_effects import Effect, effects
from inspect_autointerp.store.store import Store

_ALONE = 4
"""So many examples of the subject are shown for one of the other subject alone."""


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """Evidence to show; empty where none was asked for."""

    active: Sequence[Context] = ()
    silent: Sequence[Context] = ()
    alone: Sequence[Context] = ()
    """Contexts in which the latent is active in the other subject alone, with its activations there."""
    promoted: Sequence[str] = ()
    """Tokens that the latent's direction by itself makes most probable, the most first."""
    suppressed: Sequence[str] = ()
    effects: Sequence[Effect] = ()
    reason: str | None = None
    """Why there is nothing that could be explained, in one word."""


async def gather(store: Store, latent: Latent, options: Options) -> Gathered:
    """Return what the options ask for.

    Raises:
        UserError: The store does not have it.
    """
    gathered = Gathered()
    if "contexts" in options.kinds:
        gathered = _contexts(store, latent, options)
    if "subjects" in options.kinds and not gathered.reason:
        n = ceil(options.examples / _ALONE)
        gathered = replace(gathered, alone=LatentContexts(store, latent).only_in_other(n, options.seed))
    if "logits" in options.kinds:
        promoted, suppressed = (_texts(store, ids) for ids in store.at(latent.hookpoint).logits(latent.index))
        gathered = replace(gathered, promoted=promoted, suppressed=suppressed)
    if "effects" in options.kinds and not gathered.reason:
        steered = await effects(store, latent, target_kl=options.target_kl, seed=options.seed)
        gathered = replace(gathered, effects=steered.effects, reason=steered.reason)
    return gathered


def _contexts(store: Store, latent: Latent, options: Options) -> Gathered:
    contexts = LatentContexts(store, latent)
    active = contexts.explain(options.examples, options.seed, options.sampling)
    if not active:
        return Gathered(reason="too_few_contexts")
    return Gathered(active=active, silent=_silent(store, contexts, options.contrastive, options.seed))


def _silent(store: Store, contexts: LatentContexts, n: int, seed: int) -> list[Context]:
    """Up to n silent contexts: look-alikes of each stored kind, alternating, and random ones to fill up."""
    if not n:
        return []
    kinds = hardest(negative_kinds(store, contexts.latent.hookpoint, "all"))
    silent = _in_turn(contexts.contrastive(n, seed, kinds), n)
    if "random" not in kinds and len(silent) < n:
        there = {context.start for context in silent}
        silent += [context for context in contexts.contrastive(n, seed) if context.start not in there]
    return silent[:n]


def _in_turn(contexts: Sequence[Context], n: int) -> list[Context]:
    """The first n, one of each kind after the other."""
    by_kind: dict[str, list[Context]] = {}
    for context in contexts:
        by_kind.setdefault(context.kind, []).append(context)
    order = sorted(contexts, key=lambda context: by_kind[context.kind].index(context))
    return order[:n]


def _texts(store: Store, ids: Sequence[int]) -> list[str]:
    return [store.detokenizer([id])[0] for id in ids]
