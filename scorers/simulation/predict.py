"""Predictions of a grader for each token: texts go to the grader in batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput

from inspect_autointerp.scorers.shared.ask import Question, ask
from inspect_autointerp.scorers.simulation.expected_value import expected_values
from inspect_autointerp.scorers.simulation.parse import parse_aligned


@dataclass(frozen=True, eq=False)
class Prediction:
    """The grader's prediction for one text."""

    values: np.ndarray | None
    """float (token,), from 0 to 10: 0 where the answer does not name the token. None: unscored."""
    n_named: int = 0
    """Tokens that the answer names."""
    n_weighed: int = 0
    """Number of values that are expectations over the grader's alternatives, not the numbers it wrote."""
    reason: str | None = None
    """Why it is unscored, see `ask.Reply`."""


async def predict(
    model: Model,
    batches: Sequence[Sequence[Sequence[str]]],
    prompt: Callable[[Sequence[Sequence[str]]], list[ChatMessage]],
    *,
    every: bool,
) -> list[Prediction]:
    """Put every batch of texts to the grader, and return the predictions in the order of the texts.

    A batch without an answer that can be used leaves its texts unscored with the reason, see `ask`.

    Args:
        model: The grader.
        batches: The texts, as they are to be shown together, as tokens as `token_lines.as_shown` gives them.
        prompt: Makes the messages for a batch.
        every: Whether the answer is to name every token.
    """
    questions: list[Question[list[Prediction]]] = []
    for number, texts in enumerate(batches):
        first = 1 + sum(map(len, batches[:number]))
        questions.append(
            Question(
                f"texts {first}–{first + len(texts) - 1}",
                prompt(texts),
                read_predictions(texts, every),
                "the lines asked for, beginning with Text 1,",
                GenerateConfig(logprobs=True, top_logprobs=5),
            )
        )
    replies = await ask(model, questions)
    return [
        prediction
        for reply, texts in zip(replies, batches, strict=True)
        for prediction in reply.value or [Prediction(None, reason=reply.reason)] * len(texts)
    ]


def read_predictions(texts: Sequence[Sequence[str]], every: bool) -> Callable[[ModelOutput], list[Prediction]]:
    """Reads an answer on these texts, with expected values where the answer's tokens tell them."""

    def read(output: ModelOutput) -> list[Prediction]:
        answer, logprobs = output.completion, output.choices[0].logprobs if output.choices else None
        rows = parse_aligned(answer, texts, every)
        items = [item for row in rows for item in row if item]
        weighed = expected_values(logprobs.content if logprobs else None, answer, items)
        by_place = {item.start: value for item, value in zip(items, weighed, strict=True) if value is not None}
        return [
            Prediction(
                np.array([by_place.get(item.start, item.value) if item else 0 for item in row], dtype=np.float64),
                sum(item is not None for item in row),
                sum(item is not None and item.start in by_place for item in row),
            )
            for row in rows
        ]

    return read
