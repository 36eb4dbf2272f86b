"""The lexical explanation of any latent of a store, without an evaluation: other latents' explanations as foils."""

import json
from math import ceil

from inspect_autointerp.builtin.lexical.explain import explain
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.latent import Context, Latent
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.prompt_lines import ACTIVE, ANSWER_TAG, EXAMPLE, numbered_line
from inspect_autointerp.text.render import active_tokens, visible

EXAMPLES = 40
"""Contexts that are read, as many as an explainer is shown by default."""


def describe(store: Store, latent: Latent, seed: int = 0) -> str | None:
    """Return what the lexical explainer says of a latent; None if it has no contexts or no token is active.

    Args:
        store: The store.
        latent: One of its latents.
        seed: Random seed of the draw of contexts of the explain split.
    """
    contexts = LatentContexts(store, latent).explain(EXAMPLES, seed)
    maximum = max((context.max_activation for context in contexts), default=0.0)
    answer = explain("\n".join(_lines(number, context, maximum) for number, context in enumerate(contexts, 1)))
    return answer.removeprefix(f"{ANSWER_TAG} ") if answer.startswith(ANSWER_TAG) else None


def _lines(number: int, context: Context, maximum: float) -> str:
    """Return the two lines that show a context and its active tokens, with strengths from 1 to 10."""
    strengths = [
        f"{json.dumps(visible(token), ensure_ascii=False)}: {ceil(10 * activation / maximum)}"
        for token, activation, active in zip(
            context.tokens(), context.activations.tolist(), active_tokens(context), strict=True
        )
        if active
    ]
    return f"{numbered_line(EXAMPLE, number, visible(context.text))}\n{ACTIVE}{', '.join(strengths)}"
