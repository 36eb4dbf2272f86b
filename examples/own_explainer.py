"""An explainer of your own: an Inspect solver that shows ten strong contexts and asks for a short phrase.

inspect eval inspect_autointerp/detection --solver examples/own_explainer.py@short_phrase --model openai/gpt-4o-mini
"""

from inspect_ai.model import get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inspect_autointerp import latent_contexts
from inspect_autointerp.inspect_support.dataset import store_of
from inspect_autointerp.inspect_support.explanation import Explanation

PROMPT = """Each line is a text. In some of them a unit of a neural network responds to the words between « and ».
Say in two to six words what it responds to. Answer with these words alone.

{lines}"""


@solver
def short_phrase(examples: int = 10, seed: int = 0) -> Solver:
    """Explain a latent in two to six words.

    Args:
        examples: Contexts of the explain split to show.
        seed: Random seed of their draw.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        store = store_of(state)
        contexts = latent_contexts(store, str(state.sample_id)).explain(examples, seed, sampling="top")
        lines = "\n".join(highlight(context.tokens(), context.activations.tolist()) for context in contexts)
        model = get_model()
        output = await model.generate(PROMPT.format(lines=lines))
        text = output.completion.strip().strip('".') if output.stop_reason == "stop" else ""
        Explanation(
            text=text or None,
            reason=None if text else "invalid_response_format",
            source="short_phrase/1",
            latent=str(state.sample_id),
            store=store.digest,
            model=str(model),
            options={"examples": examples, "seed": seed},
            tokens=output.usage.total_tokens if output.usage else None,
        ).put(state)
        state.output = output
        return state

    return solve


def highlight(tokens: list[str], activations: list[float]) -> str:
    """Return a context on one line, with « » around tokens of at least half of its largest activation."""
    strong = max(activations) / 2
    shown = (f"«{token}»" if value >= strong else token for token, value in zip(tokens, activations, strict=True))
    return "".join(shown).replace("\n", "⏎")
