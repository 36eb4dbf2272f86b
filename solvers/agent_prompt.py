"""Instructions for an agent that explains a latent."""

from dataclasses import replace

from inspect_autointerp.latent import Latent
from inspect_autointerp.solvers.evidence import Gathered
from inspect_autointerp.solvers.options import Options
from inspect_autointerp.solvers.prompt import question

VERSION = "agent/1"
"""Changes whenever the wording below, or a tool's description, does."""

INSTRUCTIONS = """\
You find out what one latent of a language model responds to. A latent is a direction inside the model that is silent \
on most text and active on some tokens. You have tools to look at texts, to run the model on texts that you write, and \
to see what the latent does.

Work like a scientist.
1. Look at the examples. Write down several different hypotheses with `hypotheses`, the best one first.
2. Test them with `activations`. Write texts that tell the hypotheses apart: pairs that differ in one thing alone, a \
token outside of its usual surroundings, the surroundings without the token. A text on which your best hypothesis \
fails is worth more than ten on which it holds.
3. Look for counterexamples with `contexts`: weak examples (a low decile), and silent texts found by a search word.
4. Write down the revised hypotheses. Go on until one of them passes your tests.
5. Call `submit` with one explanation.

Explain in one short sentence or phrase what the active tokens have in common, in themselves or in what stands around \
them, so that somebody could predict from new text whether and where the latent will be active. Be specific, and cover \
weak examples too. Do not list examples, and say nothing about delimiters, strengths or "the latent"."""

CONTINUE = "Call a tool to test a hypothesis, or `submit` with your explanation."
LAST = "This is your last turn. Call `submit` now with the best explanation that you have."


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
        "⏎ stands for the end of a line. Below each example the active tokens are listed with their strength, from 1"
        f" (weak) to 10 (the strongest of all).\n\n{shown}"
    )
