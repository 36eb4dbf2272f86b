"""The paper's default explainer: activating contexts of the explain split, one explanation (arXiv 2410.13928, §3.2)."""

from collections.abc import Mapping
from dataclasses import asdict
from inspect import signature
from typing import Any

from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import LimitExceededError

from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.dataset import latent_named, store_of
from inspect_autointerp.inspect_support.explanation import Explanation
from inspect_autointerp.inspect_support.log_detail import lean
from inspect_autointerp.latent import Sampling
from inspect_autointerp.solvers.call_explainer import Answer, ask_explainer
from inspect_autointerp.solvers.costs import costed
from inspect_autointerp.solvers.evidence import Gathered, gather
from inspect_autointerp.solvers.options import Options, Style
from inspect_autointerp.solvers.prompt import VERSION, explain_messages
from inspect_autointerp.solvers.trained_on import read_trained_on


@solver
def explain(
    examples: int = 40,
    sampling: Sampling = "quantiles",
    activations: bool = True,
    cot: bool = False,
    contrastive: int = 0,
    evidence: str = "contexts",
    style: Style = "sentence",
    target_kl: float = 1.0,
    cache: bool = True,
    seed: int = 0,
    trained_on: str | list[str] | None = None,
) -> Solver:
    """Ask the explainer, Inspect's main model, what a latent responds to.

    An answer without a readable explanation is sent back once with what was wrong; after that the latent has no
    explanation, and the scorer leaves it unscored with the reason.

    Args:
        examples: Contexts of the explain split to show, activating tokens marked; the paper has 10, 20, 40 and 60.
        sampling: How they are drawn: `quantiles` (of the maxima, tenths in equal shares), `random`, `top` (the
            strongest) or `mix` (a fifth of them the strongest, the others by quantiles).
        activations: List activating tokens below each, with strengths from 1 to 10.
        cot: Have the model think in steps first.
        contrastive: Texts of the explain split to show as such on which the latent is silent: look-alikes as far as the
            store holds any, else random ones.
        evidence: `contexts`; `effects` (what the subject says next when it is steered, which loads it); `logits` (the
            tokens that the latent's direction promotes and suppresses); `subjects` (in which of two subjects contexts
            are active, and contexts of the other one alone); several with + between; or `both`, contexts and logits.
        style: `sentence`, or `label`: two to five words.
        target_kl: Of effects: how strong they are to be, see the task intervention.
        cache: Take an explanation that was paid for before from Inspect's cache: the same prompt to the same model
            with the same settings.
        seed: Of the draw of contexts.
        trained_on: Scores that the explainer model was trained on; the leaderboard does not rank it by these.
    """
    with one_line_errors():
        options = Options(**locals())

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        await explain_latent(state, str(state.sample_id), options)
        return state

    return costed(solve)


def explain_options(given: Mapping[str, Any]) -> Options:
    """The options of `explain` that are not given at their defaults.

    Raises:
        UserError: There is none of a name, or a value is not allowed.
    """
    parameters = signature(explain).parameters
    if unknown := sorted(given.keys() - parameters.keys()):
        raise UserError(f"{unknown[0]}={given[unknown[0]]}: unknown option; give one of {', '.join(parameters)}")
    return Options(**{name: given.get(name, parameter.default) for name, parameter in parameters.items()})


async def explain_latent(state: TaskState, latent_id: str, options: Options) -> tuple[Gathered, Answer | None]:
    """Have one latent explained, and leave the explanation in the state (which may be another latent's).

    Returns:
        What the explainer was shown, and its answer; None where there was nothing to show.
    """
    store = store_of(state)
    with one_line_errors():
        gathered = await gather(store, latent_named(store, latent_id), options)
    if gathered.reason:
        leave(state, latent_id, options, None, reason=gathered.reason)
        return gathered, None
    try:
        answer = await ask_explainer(explain_messages(gathered, options), cache=options.cache, seed=options.seed)
    except LimitExceededError as error:  # Inspect goes on to the scorers
        leave(state, latent_id, options, None, reason=f"{error.type}_limit")
        raise
    leave(state, latent_id, options, answer)
    return gathered, answer


def leave(
    state: TaskState,
    latent_id: str,
    options: Options,
    answer: Answer | None,
    reason: str | None = None,
    made: Mapping[str, Any] | None = None,
    **more: Any,
) -> None:
    """Leave an answer in the state for the scorer and the log.

    Args:
        state: The sample's.
        latent_id: Which latent was explained.
        options: With which options.
        answer: What was said.
        reason: Why nothing was.
        made: What else the log says among the options.
        more: Further fields of the record.
    """
    if answer is not None:
        state.output, reason = answer.output, answer.reason
        if not lean():  # they are in the call's event, too
            state.messages = answer.messages
    fields: dict[str, Any] = {
        "text": answer and answer.text,
        "source": VERSION,
        "latent": latent_id,
        "reason": reason,
        "store": store_of(state).digest,
        "options": {name: value for name, value in asdict(options).items() if name not in ("cache", "trained_on")}
        | dict(made or {}),
        "trained_on": read_trained_on(options.trained_on),
        "model": answer and answer.model,
        "tokens": answer and answer.tokens,
    }
    Explanation(**fields | more).put(state)
