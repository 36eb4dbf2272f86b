"""Beginnings of texts that end where a latent first fires: what the subject goes on from when it is steered."""

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of, stratified
from inspect_autointerp.latent import Context, Split
from inspect_autointerp.store.store import Store

Prompt = tuple[int, ...]
"""Token ids, without BOS."""


def prompts(
    store: Store, contexts: LatentContexts, tuned: int, scored: int, seed: int
) -> tuple[list[Prompt], list[Prompt]]:
    """Prompts to tune a strength on, of the explain split, and others to score on, of the test split.

    Each is an activating context cut right after the first token on which the latent fires. Where that is a context's
    first token, nothing would be left to go on from, and the context is passed over. The deciles of the contexts'
    maxima come in equal shares. No prompt occurs twice; one that begins texts of both splits is not scored on.

    Args:
        store: The store.
        contexts: The latent's.
        tuned: How many to tune on, at most.
        scored: How many to score on, at most.
        seed: Of the draw.
    """
    seen = _cut(store, contexts, "explain")
    fresh = {prompt: decile for prompt, decile in _cut(store, contexts, "test").items() if prompt not in seen}
    rng = rng_of(seed, contexts.latent.id, "prompts")
    drawn: list[list[Prompt]] = []
    for deciles, n in ((seen, tuned), (fresh, scored)):
        cut = list(deciles)
        drawn.append([cut[i] for i in stratified(list(deciles.values()), n, rng)])
    return drawn[0], drawn[1]


def _cut(store: Store, contexts: LatentContexts, split: Split) -> dict[Prompt, int]:
    """All prompts of a split, and the deciles of the contexts that they are cut from; of several, of the strongest."""
    cut: dict[Prompt, int] = {}
    for context in contexts.activating(split):  # weakest first
        end = _first_active(context) + 1
        if end > 1:
            ids = store.tokens[context.start : context.start + end]
            cut[tuple(ids.tolist())] = context.decile or 1
    return cut


def _first_active(context: Context) -> int:
    return int((context.activations > 0).argmax())
