"""Contexts as an explainer reads them: active tokens between delimiters, their strengths in a line below."""

import json
from collections.abc import Sequence
from math import ceil

from inspect_autointerp.latent import Context
from inspect_autointerp.text.prompt_lines import ACTIVE, EXAMPLE, OTHER_MODEL, numbered_line
from inspect_autointerp.text.render import active_tokens, marked, visible

MAX_LISTED = 10
"""Activating tokens listed per example."""


def quoted(token: str) -> str:
    """Return a token in quotation marks, with what cannot be seen spelled out."""
    return json.dumps(visible(token), ensure_ascii=False)


def examples(
    contexts: Sequence[Context],
    first: int,
    pair: tuple[str, str],
    maximum: float,
    *,
    activations: bool = True,
    name: str = EXAMPLE,
    subjects: bool = False,
) -> list[str]:
    """Return the lines that show contexts, each after an empty line.

    Args:
        contexts: What to show.
        first: The first one's number.
        pair: The delimiters.
        maximum: The activation that is given as 10, in the coder's units.
        activations: Whether to list the active tokens with their strengths.
        name: What a context is called.
        subjects: Whether to say if the latent is active in the other one of two subjects, too, where that is known.
    """
    lines: list[str] = []
    for number, context in enumerate(contexts, first):
        lines += ["", numbered_line(name, number, marked(context, pair))]
        lines += [f"{ACTIVE}{strengths(context, maximum)}"] if activations else []
        if subjects and context.in_other is not None:
            lines.append(f"{OTHER_MODEL}{'active, too' if context.in_other else 'silent'}")
    return lines


def strengths(context: Context, maximum: float) -> str:
    """Return the activating tokens with ⌈10 · activation / maximum⌉, the strongest ten in order of the text."""
    active = [i for i, is_active in enumerate(active_tokens(context)) if is_active]
    activations, tokens = context.activations.tolist(), context.tokens()
    strongest = sorted(sorted(active, key=lambda i: -activations[i])[:MAX_LISTED])
    return ", ".join(f"{quoted(tokens[i])}: {ceil(10 * activations[i] / maximum)}" for i in strongest)
