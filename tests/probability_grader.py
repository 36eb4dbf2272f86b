"""A grader that is asked for probabilities, in tests: a function of the explanation and the text, and no model."""

from collections.abc import Callable, Sequence
from math import log

from inspect_ai.model import Model, get_model

from inspect_autointerp.models.likelihood.interface import Choice, ChoiceOrReason
from inspect_autointerp.models.likelihood.role import shared_key
from inspect_autointerp.models.shared_engines import lend

Probability = Callable[[str, str], float | str]
"""Gives the probability of the label 1 by explanation and text, or the reason why there is none."""


class Known:
    """An engine whose probabilities are known. It keeps what it was asked."""

    def __init__(self, says: Probability) -> None:
        self._says = says
        self.asked: list[Choice] = []

    async def choices(self, questions: Sequence[Choice]) -> list[ChoiceOrReason]:
        self.asked += questions
        return [self._answer(prefix, answers) for prefix, answers in questions]

    def _answer(self, prefix: str, answers: Sequence[str]) -> ChoiceOrReason:
        assert answers == (" 0", " 1"), "the layout for base models"
        explanation, text = prefix.removesuffix("\nAnswer:").rsplit("Explanation: ", 1)[1].rsplit("\nText: ", 1)
        share = self._says(explanation.split("\n")[0], text)
        if isinstance(share, str):
            return None, share
        return [log(1 - share) - 40, log(share) - 40], None  # most of the probability is elsewhere


def known_grader(says: Probability, name: str = "known") -> tuple[Model, Known]:
    """Return a model for the role `grader`, and the engine that answers for it in the next run."""
    model = get_model(f"openai-api-completions/{name}/x", base_url="http://127.0.0.1:9", api_key="none", memoize=False)
    engine = Known(says)
    lend(shared_key(model), engine)
    return model, engine
