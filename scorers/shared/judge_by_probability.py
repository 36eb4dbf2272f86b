"""The judge that does not write: how probable is each answer after the question, one text per question.

The grader has to be a model that tells log-probabilities of what it is given (`models.likelihood`). Nothing is
generated, so there is no answer to misread, and the same model gives the same probabilities each time. A question that
cannot be answered, because it is longer than the model's context for instance, leaves its text unscored with the
reason.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from math import exp, isnan

from inspect_ai.model import ChatMessage, Model
from inspect_ai.util import span

from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.inspect_support.log_detail import lean
from inspect_autointerp.models.likelihood.chat_prompt import choice_of
from inspect_autointerp.models.likelihood.interface import UNDEFINED
from inspect_autointerp.models.likelihood.role import choosing
from inspect_autointerp.scorers.shared.ask import ROLE, graders
from inspect_autointerp.scorers.shared.judge import Label
from inspect_autointerp.scorers.shared.judging_option import ByProbability
from inspect_autointerp.scorers.shared.several_graders import Judged, by_all
from inspect_autointerp.scorers.shared.threshold import Threshold, chosen_threshold

LABELS = ("0", "1")
"""The labels that are compared."""
CONTENT_FREE = "N/A"
"""The text without content (Zhao et al. 2021, arXiv 2102.09690)."""

Prompt = Callable[[str], list[ChatMessage]]
"""Makes the messages that ask about one text."""


async def judge_by_probability(
    model: Model, texts: Sequence[str], prompt: Prompt, content_free: bool = False
) -> list[Label]:
    """Return a label for each text: 1 where that is at least as probable as 0.

    Args:
        model: The grader.
        texts: The texts as they are to be shown.
        prompt: Makes a question.
        content_free: Subtract the log-odds of a text without content.
    """
    reference = prompt(CONTENT_FREE) if content_free else None
    answers = await shares(model, [prompt(text) for text in texts], LABELS, reference)
    return [
        Label(None, None, reason) if own is None else Label(int(own[1] >= own[0]), own[1]) for own, reason in answers
    ]


async def judge_by_all_probabilities(calls: Sequence[Sequence[str]], prompt: Prompt, by: ByProbability) -> Judged:
    """Have texts judged by every grader, each text alone.

    Args:
        calls: The texts, in groups that mean nothing here.
        prompt: Makes a question.
        by: How they are judged.
    """
    texts = [text for call in calls for text in call]
    return await by_all(partial(judge_by_probability, texts=texts, prompt=prompt, content_free=by.content_free))


async def own_threshold(
    kinds: Sequence[str], texts: Sequence[str], prompt: Prompt, by: ByProbability
) -> Threshold | None:
    """Return the threshold of a latent, chosen on contexts of the explain split; None with several graders.

    Args:
        kinds: Kind of each of these contexts.
        texts: The contexts as they are shown.
        prompt: Makes a question.
        by: How they are judged.
    """
    models = graders()
    if len(models) > 1:
        return None
    labels = await judge_by_probability(models[0], texts, prompt, by.content_free) if texts else []
    return chosen_threshold(kinds, labels)


async def shares(
    model: Model,
    questions: Sequence[list[ChatMessage]],
    answers: Sequence[str],
    reference: list[ChatMessage] | None = None,
) -> list[tuple[list[float] | None, str | None]]:
    """Return, for each question, the probability of each answer, given that it is one of them; or None and why.

    Args:
        model: The grader.
        questions: As messages.
        answers: The answers, none of which begins with another.
        reference: A question without content, against which the others are measured; None for none.

    Raises:
        UserError: The model tells no log-probabilities of what it is given.
    """
    with one_line_errors():
        engine = await choosing(model)
    asked = questions if reference is None else [*questions, reference]
    async with span(f"{ROLE} · {len(asked)} questions") if not lean() else nullcontext():
        replies = await engine.choices([choice_of(model, messages, answers) for messages in asked])
    prior, why_none = replies.pop() if reference is not None else ([0.0] * len(answers), None)
    if prior is None:
        return [(None, reason or why_none) for _, reason in replies]
    return [
        (None, reason) if own is None else _share(normalized([a - b for a, b in zip(own, prior, strict=True)]))
        for own, reason in replies
    ]


def _share(probabilities: list[float]) -> tuple[list[float] | None, str | None]:
    """Return probabilities, or the reason where they are undefined: no comparison with NaN says anything."""
    return (None, UNDEFINED) if any(map(isnan, probabilities)) else (probabilities, None)


def normalized(logprobs: Sequence[float]) -> list[float]:
    """Return probabilities that sum to 1, in the ratios of log-probabilities; NaN where one is, or all are −inf."""
    largest = max(logprobs)
    weights = [exp(logprob - largest) for logprob in logprobs]
    return [weight / sum(weights) for weight in weights]
