"""Several explanations, of which the one stands that does best on the explain split."""

from dataclasses import replace
from typing import Any

from inspect_ai.solver import Generate, Solver, TaskState, solver

from inspect_autointerp.contexts.sampling import seed_of
from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.inspect_support.dataset import latent_named, store_of
from inspect_autointerp.solvers.call_explainer import ask_explainer
from inspect_autointerp.solvers.costs import costed, is_spent
from inspect_autointerp.solvers.evidence import gather
from inspect_autointerp.solvers.explain import explain_latent, explain_options
from inspect_autointerp.solvers.options import at_least_one
from inspect_autointerp.solvers.prompt import VERSION, explain_messages
from inspect_autointerp.solvers.refine import leave_best
from inspect_autointerp.solvers.validate import By, Check, by_known, check_contexts


@solver
def best_of(n: int = 5, by: By = "words", checked: int = 40, tokens: int | None = None, **options: Any) -> Solver:
    """Write n explanations, each from its own draw of contexts, and keep the best on the explain split.

    Of equals the first. A candidate that cannot be read is left out; the test split is not looked at.

    Args:
        n: How many.
        by: What is best: by `words`, the AUROC of the TF-IDF of the explanation's words and the store's, which asks no
            model; or by the `grader`, the balanced accuracy of the model role `grader`, as for detection.
        checked: Activating contexts that candidates are tested on, and as many silent ones; the same for all.
        tokens: Input and output of all that is asked for one latent: no further explanation is written from then on.
            None for no limit.
        options: Those of `explain`.
    """
    with one_line_errors():
        by = by_known(by)
        at_least_one(n=n, checked=checked, tokens=1 if tokens is None else tokens)
        asked = explain_options(options)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        store = store_of(state)
        latent = latent_named(store, str(state.sample_id))
        shown, answer = await explain_latent(state, latent.id, asked)
        if answer is None:
            return state
        answers = [answer]
        for number in range(1, n):
            if is_spent(tokens):
                break
            other = replace(asked, seed=seed_of(asked.seed, "candidate", number) >> 1)
            gathered = await gather(store, latent, other)
            messages = explain_messages(gathered, other)
            answers.append(await ask_explainer(messages, cache=asked.cache, number=number, seed=asked.seed))
        readable = [answer for answer in answers if answer.text is not None]
        if not readable:
            return state
        check = Check(store, latent, check_contexts(store, latent, shown.active, checked, asked.seed), by)
        results = [await check(answer.text or "") for answer in readable]
        leave_best(state, readable, results, latent.id, asked, f"best_of/{VERSION}")
        return state

    return costed(solve)
