"""Instructions for an agent that explains a latent."""

from dataclasses import replace

from inspect_autointerp.latent import Latent
from inspect_autointerp.solvers.evidence import Gathered
from inspect_autointerp.solvers.options import Options
from inspect_autointerp.solvers.prompt import question
from inspect_autointerp.text.prompt_lines import LAST_TURN, LATENT, LINE_BREAK

VERSION = "agent/2"
"""Changes whenever the wording below, or a tool's description, does."""

INSTRUCTIONS = f"""\
You explain what one latent of a language model is active on. {LATENT} You have tools to look at texts, to run the \
model on texts that you write, and to see what the latent makes the model write.

Work like a scientist.
1. Read the examples. Note several different hypotheses with `hypotheses`, the best one first.
2. Test them with `activations`. Write texts that tell the hypotheses apart: pairs of texts that differ in one thing \
only, a token without its usual surroundings, the surroundings without the token. A text on which your best hypothesis \
fails is worth more than ten texts on which it holds.
3. Look for counterexamples with `contexts`: weak examples (a low decile), and silent texts found by a search word.
4. Note the revised hypotheses. Repeat steps 2 to 4 until one hypothesis passes your tests.
5. Call `submit` with one explanation.

The explanation is one short sentence or phrase. It says what the marked tokens have in common, in themselves or in \
the text around them, so that a reader can predict, for a new text, whether the latent is active in it and on which \
tokens. Be specific, and cover the weak examples too. Do not list examples in it, and do not mention the marks, the \
strengths or "the latent"."""

CONTINUE = "Call a tool to test a hypothesis, or call `submit` with your explanation."
LAST = f"{LAST_TURN} Call `submit` now with the best explanation that you have."


def opening(latent: Latent, gathered: Gathered, options: Options, rounds: int, tokens: int) -> str:
    """Return the agent's first message: the latent, its budget, and the examples that a one-shot explainer sees.

    Args:
        latent: The latent.
        gathered: What to show of it.
        options: In what manner.
        rounds: Turns that the agent has.
        tokens: Tokens that it has.
    """
    shown = question(gathered, replace(options, activations=True))
    share = f"{100 * latent.firing_share:.2g} % of the corpus's texts"
    return (
        f"The latent {latent.id} is active in {share}. You have {rounds} turns and {tokens:,} tokens.\n"
        f"{LINE_BREAK} The examples are texts in which the latent is active. Below each example, its marked tokens are"
        f" listed with their strengths, from 1 (weak) to 10 (the strongest in all examples).\n\n{shown}"
    )
