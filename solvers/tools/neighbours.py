"""The tool `neighbours`: which latents are close, and texts that tell them apart."""

from inspect_ai.tool import Tool, ToolError, tool

from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.solvers.examples import examples
from inspect_autointerp.solvers.tools.latent_at_hand import LatentAtHand, at_hand, tool_call
from inspect_autointerp.text.prompt_lines import marks_line
from inspect_autointerp.text.render import delimiters

_PER_PAGE, _TEXTS = 3, 3
"""Neighbours on a page, and texts of each."""
_KINDS = {
    "neighbours": "Latents whose directions are most like this one's",
    "cooccurring": "Latents that are most often active in the same texts",
}


@tool
def neighbours() -> Tool:
    """Let an agent see what to tell the latent from."""

    async def execute(page: int = 1) -> str:
        """List the latents that are most similar to this one, with texts in which they are active and it is silent.

        An explanation that fits these texts too is too broad.

        Args:
            page: Page of the neighbours, from 1. Each page has three, the nearest first.
        """
        with tool_call():
            return show_neighbours(at_hand(), page)

    return execute


def show_neighbours(at: LatentAtHand, page: int) -> str:
    """Return a page of neighbours as text.

    Args:
        at: The latent.
        page: Which page, from 1.

    Raises:
        ToolError: There is no such page.
        UserError: The store holds no neighbours.
    """
    hookpoint = at.store.at(at.latent.hookpoint)
    held = negative_kinds(at.store, hookpoint.name, "all")
    kind = "cooccurring" if "neighbours" not in held and "cooccurring" in held else "neighbours"
    every = [index for index in hookpoint.neighbours(kind, at.latent.index).tolist() if index != at.latent.index]
    pages = max(1, -(-len(every) // _PER_PAGE))
    if not 1 <= page <= pages:
        raise ToolError(f"page={page}: there are pages 1 to {pages} of neighbours.")
    nearest = every[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    lines = [f"{_KINDS[kind]}: {', '.join(map(str, every)) or 'none'}."]
    by_latent = at.explain.of_neighbours(nearest, _TEXTS)
    pair = delimiters([context for contexts in by_latent.values() for context in contexts])
    if any(by_latent.values()):
        lines += [f"{marks_line(pair)} On them the neighbour is active; this latent is silent on the whole text."]
    for index, contexts in by_latent.items():
        lines += ["", f"Latent {index}:"]
        if not contexts:
            lines += ["No text is known in which it is active and this latent is silent."]
            continue
        lines += examples(contexts, 1, pair, contexts[0].max_activation, activations=False, name="Neighbour's text")[1:]
    return "\n".join([*lines, "", f"Page {page} of {pages}."])
