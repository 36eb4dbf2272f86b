"""The tool `activations`: the latent's activation on texts that the agent writes."""

from collections.abc import Sequence

from inspect_ai.tool import Tool, tool

from inspect_autointerp.latent import Context
from inspect_autointerp.models.activations import Fired
from inspect_autointerp.models.from_store import firing_of
from inspect_autointerp.solvers.examples import strengths
from inspect_autointerp.solvers.tools.latent_at_hand import LatentAtHand, at_hand, check_texts, tool_call
from inspect_autointerp.text.prompt_lines import ACTIVE, TEXT, marks_line, numbered_line
from inspect_autointerp.text.render import active_tokens, delimiters, marked

MOST_TEXTS = 20


@tool
def activations() -> Tool:
    """Let an agent test a hypothesis on texts that it writes."""

    async def execute(texts: list[str]) -> str:
        """Run the model on texts that you write, and see on which tokens the latent is active.

        Use it to test a hypothesis: write texts in which the latent should be active, and texts that differ from them
        in one thing only and in which it should be silent. Strength 10 is the strongest in the corpus; your texts can
        be stronger. The model reads each text by itself, from its beginning.

        Args:
            texts: 1 to 20 texts, each up to 2,000 characters.
        """
        with tool_call():
            return await show_activations(at_hand(), texts)

    return execute


async def show_activations(at: LatentAtHand, texts: list[str]) -> str:
    """Return texts with the latent's activations on them.

    Args:
        at: The latent.
        texts: What the agent wrote.

    Raises:
        ToolError: A text cannot be read, see `check_texts`.
        UserError: The subject or the coder cannot be loaded.
    """
    check_texts(at.store, texts, MOST_TEXTS, "text")
    firing = await firing_of(at.store, at.latent.hookpoint)
    return _shown(await firing(at.latent.index, texts), at.explain.maximum)


def _shown(fired: Sequence[Fired], maximum: float) -> str:
    read = [Context("activating", -1, one.text, one.spans, one.activations) for one in fired]
    maximum = maximum or max(context.max_activation for context in read)
    pair = delimiters(read)
    lines = [marks_line(pair)]
    for number, (one, context) in enumerate(zip(fired, read, strict=True), 1):
        lines += ["", numbered_line(TEXT, number, marked(context, pair))]
        if context.max_activation:
            weaker = int((context.activations > 0).sum()) - sum(active_tokens(context))
            more = f" (and {weaker} tokens more weakly)" if weaker else ""
            lines += [f"{ACTIVE}{strengths(context, maximum)}{more}"]
        else:
            lines += ["Silent: the latent is active on no token."]
        lines += [f"Cut: the last {one.n_cut} tokens were not read."] if one.n_cut else []
    n_active = sum(context.max_activation > 0 for context in read)
    return "\n".join([*lines, "", f"Active in {n_active} of {len(read)} texts."])
