"""The tool `promoted_tokens`: what the latent's direction by itself makes more and less probable."""

from inspect_ai.tool import Tool, tool

from inspect_autointerp.solvers.examples import quoted
from inspect_autointerp.solvers.tools.latent_at_hand import LatentAtHand, at_hand, tool_call
from inspect_autointerp.text.prompt_lines import LEAST_PROBABLE, MOST_PROBABLE


@tool
def promoted_tokens() -> Tool:
    """Let an agent see what the latent promotes."""

    async def execute() -> str:
        """List the tokens that the latent, by itself, makes most and least probable as the next token."""
        with tool_call():
            return show_promoted(at_hand())

    return execute


def show_promoted(at: LatentAtHand) -> str:
    """Return the promoted and suppressed tokens, the most first.

    Raises:
        UserError: The store does not know them.
    """
    promoted, suppressed = (
        ", ".join(quoted(at.store.detokenizer([id])[0]) for id in ids)
        for ids in at.store.at(at.latent.hookpoint).logits(at.latent.index)
    )
    return f"{MOST_PROBABLE}{promoted}\n{LEAST_PROBABLE}{suppressed}"
