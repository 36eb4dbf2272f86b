"""The floors: explanations that cannot be right, which every table shows beside those that may be."""

from functools import lru_cache
from typing import Any

from inspect_ai.model import ModelOutput
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.dataset import derangement, store_of
from inspect_autointerp.inspect_support.explanation import Explanation
from inspect_autointerp.solvers.costs import costed
from inspect_autointerp.solvers.explain import explain_latent, explain_options
from inspect_autointerp.solvers.from_file import forget_changed, put_supplied, supplied

CONSTANT = "words and phrases that occur in many different texts"
VERBOSE = (
    "This latent responds to text in many forms. It is active on common words such as the, a, an, of, to, in, on, at,"
    " for, with, by, from, and, or, but, as, is, are, was, were, be, been, has, have, had, it, this, that, these,"
    " those, he, she, they, we, you, his, her, their, its, not, no, all, any, some, one, two, first, new and other; on"
    " nouns, verbs, adjectives and names; on numbers such as 0, 1, 2, 3, 10 and 100; on punctuation, such as commas,"
    " periods, colons, quotation marks, brackets and line breaks; on the beginnings and endings of words, lines and"
    " sentences; and on words that matter in their context. It also responds to code, such as def, return, import,"
    " self, if, else and for, and to prose about people, places, time, events and things."
)
"""Text that is true of nearly every text: an explanation that names everything."""


@solver
def shuffled(
    file: str | None = None,
    format: str | None = None,
    by: str | None = None,
    key: str | None = None,
    repeated: str | None = None,
    seed: int = 0,
    **options: Any,
) -> Solver:
    """Explain each latent by the explanation of another one, never its own.

    Of the same run: what the explainer says of another latent that is evaluated; which one stands in the sample's
    metadata under `donor`, put there by `dataset.give_donors`. Or of a file: what it says of another latent there; one
    that the file does not explain gets none, so that the same latents are scored as by `supply`.

    Args:
        file: As for `supply`, and so the next four; without one, of the same run.
        format: Which format it is.
        by: Whose.
        key: What it calls the hookpoint.
        repeated: Which of several.
        seed: Of the draw of contexts, and of who gets whose.
        options: Those of `explain`, of the same run.
    """
    with one_line_errors():
        asked = explain_options({**options, "seed": seed})
        if file is not None and options:
            raise UserError(f"{next(iter(options))}: explanations from a file take no options; leave out one of them")
    if file is not None:
        forget_changed(file)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if file is None:
            with one_line_errors():
                if "donor" not in state.metadata:
                    raise UserError(
                        "shuffled: give it as -T explainer=shuffled, so that the task can assign the explanations"
                    )
            await explain_latent(state, state.metadata["donor"], asked)
            return state
        id = str(state.sample_id)
        hookpoint, _, index = id.rpartition("/")
        with one_line_errors():
            explanations = supplied(store_of(state), hookpoint, file, format, by, key, repeated)
            donor = _donors(tuple(explanations.texts), seed)[index] if int(index) in explanations.texts else index
        put_supplied(state, explanations, f"{hookpoint}/{donor}", "shuffled")
        return state

    return costed(solve)


@lru_cache(maxsize=8)
def _donors(indices: tuple[int, ...], seed: int) -> dict[str, str]:
    return derangement([str(index) for index in sorted(indices)], seed)


@solver
def constant(text: str = CONSTANT) -> Solver:
    """Explain every latent by the same sentence.

    Args:
        text: The sentence.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return _said(state, text, "constant")

    return costed(solve)


@solver
def verbose(text: str = VERBOSE) -> Solver:
    """Explain every latent by a long text that is true of nearly every text.

    A score falls for it if it rewards what covers the activating contexts and does not punish what covers all others.

    Args:
        text: The text.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return _said(state, text, "verbose")

    return costed(solve)


@solver
def empty() -> Solver:
    """Explain every latent by nothing: what a grader scores that knows the task and no explanation."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return _said(state, "", "empty")

    return costed(solve)


def _said(state: TaskState, text: str, source: str) -> TaskState:
    Explanation(text=text, source=source, latent=str(state.sample_id)).put(state)
    state.output = ModelOutput.from_content("none", text)
    return state
