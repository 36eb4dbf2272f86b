"""The paper's default explainer: activating contexts of the explain split, one explanation (arXiv 2410.13928, §3.2)."""

from inspect_ai.model import ChatMessageUser, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inspect_autointerp.contexts import LatentContexts
from inspect_autointerp.explanation import Explanation
from inspect_autointerp.reasons import unusable
from inspect_autointerp.solvers.prompt import VERSION, explain_messages, parse_explanation
from inspect_autointerp.store import Store

_AGAIN = (
    "Your answer holds no explanation that can be read: its last line must begin with `EXPLANATION:` and go on with"
    " the explanation. Answer again, with that line alone."
)


@solver
def explain(contexts: str, examples: int = 40, seed: int = 0, window: int | None = None) -> Solver:
    """Ask the explainer, Inspect's main model, what a latent responds to.

    It is shown contexts of the explain split, drawn from the deciles of their maximum in equal shares, with activating
    tokens marked and their activations listed from 1 to 10. An answer without a readable explanation is sent back once
    with what was wrong; after that the latent has no explanation, and the scorer leaves it unscored with the reason.

    Args:
        contexts: Folder of the context store.
        examples: How many contexts to show.
        seed: Of their draw.
        window: Tokens in a context; the store's own by default.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        await explain_latent(state, str(state.sample_id), contexts, examples, seed, window)
        return state

    return solve


async def explain_latent(
    state: TaskState, latent_id: str, contexts: str, examples: int, seed: int, window: int | None
) -> None:
    """Have one latent explained, and leave the explanation in the state (which may be another latent's)."""
    store = Store.open(contexts, window)
    hookpoint, _, index = latent_id.rpartition("/")
    latent = store.latent(hookpoint, int(index))
    state.messages = explain_messages(LatentContexts(store, latent).explain(examples, seed))
    text = None
    for attempt in range(2):
        if attempt:
            state.messages.append(ChatMessageUser(content=_AGAIN))
        state.output = await get_model().generate(state.messages)
        state.messages.append(state.output.message)
        text = parse_explanation(state.output.completion)
        if text is not None:
            break
    reason = None if text is not None else unusable(state.output.stop_reason)
    Explanation(text=text, source=VERSION, latent=latent_id, reason=reason, store=store.digest).put(state)
