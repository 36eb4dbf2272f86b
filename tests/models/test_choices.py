"""Choices of a continuation, by a model in memory and by a server, against whole texts run one by one."""

import asyncio
from collections.abc import Callable
from math import inf, isnan, nan
from typing import Any

import pytest
import torch
from tests.completions_server import serving
from tests.models.test_served_likelihood import served
from tests.tiny import MERGES, byte_level, engine, gemma2, gpt2, llama, mamba

from inspect_autointerp.models.likelihood.interface import Choice, ChoiceOrReason, total
from inspect_autointerp.models.likelihood.local import LocalLikelihood
from inspect_autointerp.models.likelihood.server import ServedLikelihood

HEAD = "You get a text.\n\nText: the ferry\nAnswer: 1\n\n"
QUESTIONS: list[Choice] = [
    *((f"{HEAD}Text: {text}\nAnswer:", (" 0", " 1")) for text in ("not", "the abab:", "été", "a" * 40)),
    (f"{HEAD}Text: x\nAnswer:\n", tuple("12345")),
    ("which is it: ", ("not", "nab")),  # the first letter is alike, and in one text part of a longer token
    ("no", ("t", "x")),  # one label makes one token with the prefix
]


def choices(model: Any, questions: list[Choice]) -> list[ChoiceOrReason]:
    return asyncio.run(model.choices(questions))


@torch.no_grad()
def whole(model: LocalLikelihood, text: str) -> float:
    """The log-probability of all of a text's tokens, from one pass without any cache."""
    [item] = model._tokenize([("", text)])
    ids = torch.tensor([item.ids])
    logprobs = model._model(input_ids=ids, use_cache=False).logits[0, :-1].log_softmax(-1)
    return float(logprobs.gather(-1, ids[0, 1:, None]).sum())


@pytest.mark.parametrize("make", [gpt2, llama, gemma2, mamba])
def test_differences_are_those_of_whole_texts(make: Callable[[], Any]) -> None:
    model = engine(make)
    for (prefix, answers), (logprobs, reason) in zip(QUESTIONS, choices(model, QUESTIONS), strict=True):
        assert reason is None
        expected = [whole(model, prefix + answer) for answer in answers]
        assert logprobs is not None
        differences = [one - logprobs[0] for one in logprobs]
        assert differences == pytest.approx([one - expected[0] for one in expected], abs=5e-5)  # float32, sums to 100


def test_server_gives_the_same_differences() -> None:
    model = engine(llama)
    with serving(model, byte_level(True, MERGES)) as (url, asked):
        over_http = choices(ServedLikelihood(served(url)), QUESTIONS)
        assert asked["max_tokens"] == 1
    for (one, _), (other, reason) in zip(choices(model, QUESTIONS), over_http, strict=True):
        assert reason is None
        assert one is not None
        assert other == pytest.approx(one, abs=1e-5)


def test_server_that_gives_nothing_of_use_is_a_reason() -> None:
    with serving(engine(llama), byte_level(True, MERGES)) as (url, _):
        asked: list[Choice] = [("silent: ", ("0", "1")), ("fail: ", ("0", "1")), ("fine: ", ("0", "1"))]
        silent, failed, fine = choices(ServedLikelihood(served(url)), asked)
    assert silent == (None, "no_prompt_logprobs")
    assert failed[0] is None
    assert str(failed[1]).startswith("provider_error: ")
    assert fine[1] is None


def test_texts_that_cannot_be_compared_have_a_reason() -> None:
    model = engine(gpt2)
    long, alike, short = choices(model, [("x" * 300, ("0", "1")), ("x", ("0", "00")), ("x", ("0", "1"))])
    assert long == (None, "too_long")
    assert alike == (None, "ambiguous_labels")
    assert short[1] is None


def test_answers_of_one_text_share_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    model = engine(llama)
    sizes: list[tuple[int, int]] = []
    forward = model._model.forward

    def counted(**options: Any) -> Any:
        sizes.append(tuple(options["input_ids"].shape))
        return forward(**options)

    monkeypatch.setattr(model._model, "forward", counted)
    texts = [f"{letter * 70}" for letter in "cdef"]  # long enough to be worth a pass of its own if it were shared
    asked: list[Choice] = [(f"{HEAD * 2}Text: {text}\n", ("0", "1")) for text in texts]
    before = choices(model, asked)
    prefix = len(model._tokenize([("", f"{HEAD * 2}Text: ")])[0].ids)
    assert sorted(sizes) == [(1, prefix), (4, 71)]
    assert choices(model, asked[::-1]) == before[::-1]


def test_narrow_models_compute_logits_in_float32() -> None:
    wide = engine(llama)
    narrow = LocalLikelihood(wide._model.bfloat16(), byte_level(True, MERGES))
    asked: list[Choice] = [(f"{HEAD}Text: {letter}\n", ("0", "1")) for letter in "abcdefghijklmnopqrstuvwxyz"]
    differences = [one[1] - one[0] for one, _ in choices(narrow, asked) if one]
    logits = [narrow._model(input_ids=torch.tensor([narrow._tokenize([("", q[0])])[0].ids])).logits for q in asked]
    assert {one.dtype for one in logits} == {torch.bfloat16}, "what others compute is left as it was"
    assert len(set(differences)) == len(asked)


def test_total_of_what_no_probability_has_is_nan() -> None:
    assert total([-1.0, -2.0]) == -3.0
    assert total([-1.0, -inf]) == -inf
    assert isnan(total([inf, -inf])) and isnan(total([nan, -1.0]))
