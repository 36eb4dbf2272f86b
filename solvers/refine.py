"""An explanation that is tested on the explain split, shown what it gets wrong, and written again."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.inspect_support.dataset import latent_named, store_of
from inspect_autointerp.solvers.call_explainer import Answer, ask_explainer
from inspect_autointerp.solvers.costs import costed, is_spent
from inspect_autointerp.solvers.explain import explain_latent, explain_options, leave
from inspect_autointerp.solvers.options import Options, at_least_one
from inspect_autointerp.solvers.prompt import VERSION, Errors, explain_messages
from inspect_autointerp.solvers.validate import By, Check, Checked, by_known, check_contexts


@solver
def refine(
    rounds: int = 1, by: By = "grader", checked: int = 20, errors: int = 5, tokens: int | None = None, **options: Any
) -> Solver:
    """Explain, find contexts of the explain split that the explanation gets wrong, show them, and explain again.

    The explanation of the best score on the explain split stands, of equals the earliest. The test split is not looked
    at. It ends early where nothing is wrong, or where the explainer gives no explanation.

    Args:
        rounds: How often it is written again.
        by: Who finds what is wrong: `grader`, the model role `grader`, by labelling texts as for detection; or `words`,
            the TF-IDF of the explanation's words and the store's, without a model.
        checked: Activating contexts that it is tested on, others than the explainer has seen where there are, and as
            many silent ones.
        errors: Contexts of either kind that the explainer is shown, at most, drawn from those that are wrong.
        tokens: Input and output of all that is asked for one latent: no further round begins from then on. None for
            no limit.
        options: Those of `explain`.
    """
    with one_line_errors():
        by = by_known(by)
        at_least_one(rounds=rounds, checked=checked, errors=errors, tokens=1 if tokens is None else tokens)
        asked = explain_options(options)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        store = store_of(state)
        latent = latent_named(store, str(state.sample_id))
        gathered, answer = await explain_latent(state, latent.id, asked)
        if answer is None or answer.text is None:
            return state
        rng = rng_of(asked.seed, latent.id, "errors")
        check = Check(store, latent, check_contexts(store, latent, gathered.active, checked, asked.seed), by)
        answers, results = [answer], [await check(answer.text)]
        for _ in range(rounds):
            wrong = results[-1]
            if (not wrong.missed and not wrong.false_alarms) or is_spent(tokens):
                break
            drawn = [
                [kind[int(i)] for i in sorted(rng.permutation(len(kind))[:errors].tolist())]
                for kind in (wrong.missed, wrong.false_alarms)
            ]
            mistakes = Errors(explanation=answers[-1].text or "", missed=drawn[0], false_alarms=drawn[1])
            again = await ask_explainer(explain_messages(gathered, asked, mistakes), cache=asked.cache, seed=asked.seed)
            answers.append(again)
            if again.text is None:
                break
            results.append(await check(again.text))
        leave_best(state, answers, results, latent.id, asked, f"refine/{VERSION}")
        return state

    return costed(solve)


def leave_best(
    state: TaskState, answers: list[Answer], results: list[Checked], latent_id: str, options: Options, source: str
) -> None:
    """Leave the answer of the best score in the state, of equals the first, and the scores of all beside it.

    Args:
        state: The sample's.
        answers: All; those that come after the results have none and count by their tokens alone.
        results: The first answers'.
        latent_id: Which latent was explained.
        options: With which options.
        source: The solver and the version of its prompt.
    """
    scores = [result.score for result in results]
    candidates = [{"text": one.text, "score": score} for one, score in zip(answers, scores, strict=False)]
    tokens = sum(one.tokens for one in answers)
    best = best_answer(answers, results)
    leave(state, latent_id, options, best, source=source, candidates=candidates, tokens=tokens)


def best_answer(answers: Sequence[Answer], results: Sequence[Checked]) -> Answer:
    """The answer of the best score, of equals the first; one of an unknown score only where no other is known."""
    scores = np.nan_to_num([result.score for result in results], nan=-np.inf)
    return answers[int(scores.argmax())]
