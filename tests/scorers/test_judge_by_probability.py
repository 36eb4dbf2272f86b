"""Tests of what is made of the log-probabilities that a grader gives."""

import asyncio
from collections.abc import Sequence
from math import inf, nan

import pytest
from inspect_ai.model import ChatMessage, ChatMessageUser, get_model

from inspect_autointerp.models.likelihood.interface import Choice, ChoiceOrReason
from inspect_autointerp.scorers.intruder.choose_by_probability import NUMBERS
from inspect_autointerp.scorers.shared import judge_by_probability as module

MODEL = get_model("mockllm/model")


def ask(text: str) -> list[ChatMessage]:
    return [ChatMessageUser(content=text)]


@pytest.mark.parametrize("undefined", [(nan, nan), (-1.0, nan), (-inf, -inf)])
def test_undefined_probability_is_no_label(undefined: tuple[float, float], monkeypatch: pytest.MonkeyPatch) -> None:
    class Engine:
        async def choices(self, questions: Sequence[Choice]) -> list[ChoiceOrReason]:
            return [(list(undefined if "bad" in prefix else (-inf, -1.0)), None) for prefix, _ in questions]

    async def engine(model: object) -> Engine:
        return Engine()

    monkeypatch.setattr(module, "choosing", engine)
    bad, good = asyncio.run(module.judge_by_probability(MODEL, ["bad", "good"], ask))
    assert (bad.label, bad.probability, bad.reason) == (None, None, "undefined_probability")
    assert (good.label, good.probability, good.reason) == (1, 1.0, None)
    assert asyncio.run(module.shares(MODEL, [ask("good")], NUMBERS[:2], ask("bad"))) == [
        (None, "undefined_probability")
    ], "a text without content that gives no number"
