"""The tool `contexts`: texts of the explain split on which the latent fires, or on which it is silent."""

from typing import Literal

from inspect_ai.tool import Tool, ToolError, tool

from inspect_autointerp.solvers.examples import examples
from inspect_autointerp.solvers.tools.latent_at_hand import LatentAtHand, at_hand, tool_call
from inspect_autointerp.text.prompt_lines import SILENT_TEXT, marks_line, numbered_line
from inspect_autointerp.text.render import delimiters, visible

Kind = Literal["activating", "silent"]
_TOKENS_SHOWN = 640
"""Tokens on a page, about."""
_MOST, _LEAST = 20, 2
"""Texts on a page."""
_LONGEST_SEARCH = 100


@tool
def contexts() -> Tool:
    """Let an agent look through the latent's contexts."""

    async def execute(
        kind: Kind = "activating", decile: int | None = None, search: str | None = None, page: int = 1, seed: int = 0
    ) -> str:
        """Look through texts from the corpus in which the latent is active, or in which it is silent.

        In active texts, the tokens on which the latent is active are marked, and listed with their strengths, from 1 to
        10. Without decile and search, the texts come in random order.

        Args:
            kind: `activating` for texts in which the latent is active, `silent` for texts in which it is not.
            decile: Show only activating texts of this decile: 10 is the strongest tenth of all activating texts, 1 the
                weakest. They come strongest first.
            search: Show only texts that contain these letters; upper and lower case are the same. With kind `silent`,
                this finds texts in which the latent should be active by your hypothesis, and is not.
            page: Page of the texts, from 1.
            seed: Another number gives another random order.
        """
        with tool_call():
            return show_contexts(at_hand(), kind, decile, search, page, seed)

    return execute


def show_contexts(at: LatentAtHand, kind: Kind, decile: int | None, search: str | None, page: int, seed: int) -> str:
    """Return a page of contexts as text.

    Args:
        at: The latent.
        kind: Which contexts.
        decile: The decile, 1 to 10; None for all.
        search: What has to occur in them; None for anything.
        page: Which page, from 1.
        seed: Random seed of the order.

    Raises:
        ToolError: An argument is outside of its range, or there is nothing to show.
    """
    if kind not in ("activating", "silent"):
        raise ToolError(f"kind={kind}: give activating or silent.")
    if decile is not None and (kind == "silent" or not 1 <= decile <= 10):
        raise ToolError(f"decile={decile}: give 1 to 10, with kind=activating.")
    if search is not None and not 0 < len(search.strip()) <= _LONGEST_SEARCH:
        raise ToolError(f"search: give 1 to {_LONGEST_SEARCH} characters that are not all spaces.")
    every = at.explain.activating if kind == "activating" else at.explain.silent
    if decile is not None:
        every = [context for context in every if context.decile == decile]
    else:
        every = at.explain.shuffled(every, seed)
    if search is not None:
        every = [context for context in every if search.casefold() in context.text.casefold()]
    what = f"{kind} texts" + (f" of decile {decile}" if decile is not None else "")
    what += f" with {search!r}" if search is not None else ""
    if not every:
        return f"There are no {what} to show."
    size = max(_LEAST, min(_MOST, _TOKENS_SHOWN // at.store.window))
    pages = -(-len(every) // size)
    if not 1 <= page <= pages:
        raise ToolError(f"page={page}: there are pages 1 to {pages} of these texts.")
    shown, first = every[(page - 1) * size : page * size], (page - 1) * size + 1
    foot = f"Page {page} of {pages}; {len(every):,} {what} in all."
    if kind == "silent":
        lines = [
            numbered_line(SILENT_TEXT, number, visible(context.text)) for number, context in enumerate(shown, first)
        ]
        return "\n".join([*lines, "", foot])
    pair = delimiters(shown)
    lines = [marks_line(pair)]
    lines += examples(shown, first, pair, at.explain.maximum)
    return "\n".join([*lines, "", foot])
