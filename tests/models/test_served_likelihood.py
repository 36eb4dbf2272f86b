"""Likelihood by a server, through Inspect's providers, against the model that stands behind it."""

import asyncio
from collections.abc import Iterator
from math import isnan, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig, Logprob, Model, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver
from tests.completions_server import serving
from tests.tiny import MERGES, byte_level, engine, llama

from inspect_autointerp.models.likelihood.interface import LikelihoodError
from inspect_autointerp.models.likelihood.server import ServedLikelihood, behind

PAIRS = [
    ("Description: a\n-", " not the abab"),
    ("no", "t the"),  # astride
    ("aé-", "éa"),
    ("a:", "\n  été ♥"),
    ("x ", "  "),
    ("x", ""),
]


@pytest.fixture(scope="module", params=[True, False], ids=["BOS", "no BOS"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[Any, str, dict[str, Any]]]:
    model = engine(llama, request.param)
    with serving(model, byte_level(request.param, MERGES)) as (url, asked):
        yield model, url, asked


def served(url: str, provider: str = "openai-api-completions/local/tiny") -> Model:
    name = f"{provider}-{url.split(':')[-1][:-3]}"  # Inspect keeps a server's address by its model's name
    return get_model(name, base_url=url, api_key="none", memoize=False)


@pytest.mark.parametrize("provider", ["openai-api-completions/local/tiny", "vllm-completions/tiny"])
def test_it_is_what_the_model_behind_the_server_says(provider: str, server: tuple) -> None:
    model, url, asked = server

    async def both() -> tuple[list[list[float]], list[list[float]]]:
        return await model.logprobs(PAIRS), await ServedLikelihood(served(url, provider)).logprobs(PAIRS)

    local, over_http = asyncio.run(both())
    for one, other in zip(local, over_http, strict=True):
        assert other == pytest.approx(one, abs=1e-5, nan_ok=True)
    assert asked["path"] == "/v1/completions"
    assert asked["prompt_logprobs"] == 1


def test_what_has_nothing_before_it_is_undefined(server: tuple) -> None:
    model, url, _ = server
    logprob = asyncio.run(ServedLikelihood(served(url)).logprobs([("", "not the")]))[0]
    assert logprob == pytest.approx(asyncio.run(model.logprobs([("", "not the")]))[0], abs=1e-5, nan_ok=True)
    assert isnan(logprob[0]) == (not model._tokenize._bos)


@pytest.mark.parametrize(("answer", "reason"), [("silent", "no_prompt_logprobs"), ("other", "not_spelled")])
def test_a_server_that_does_not_answer_the_question(answer: str, reason: str, server: tuple) -> None:
    with pytest.raises(LikelihoodError) as raised:
        asyncio.run(ServedLikelihood(served(server[1])).logprobs([("x", f" {answer} x")]))
    assert raised.value.reason == reason


def test_a_server_that_fails_raises_what_its_provider_does(server: tuple) -> None:
    with pytest.raises(Exception, match="400"):
        asyncio.run(ServedLikelihood(served(server[1])).logprobs([("x", "y"), ("x", "fail")]))


@pytest.mark.parametrize(("of_model", "of_run", "expected"), [(None, None, 4), (2, None, 2), (None, 1, 1), (2, 1, 1)])
def test_retries_end_unless_the_user_says_when(
    of_model: int | None, of_run: int | None, expected: int, server: tuple, tmp_path: Any
) -> None:
    retries: list[int | None] = []
    config = GenerateConfig(max_retries=of_model)
    model = get_model("openai-api-completions/local/tiny", base_url=server[1], api_key="none", config=config)

    @solver
    def look() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            retries.append(ServedLikelihood(model)._model._resolve_config(None).max_retries)
            return state

        return solve

    options: dict[str, Any] = {"max_retries": of_run} if of_run else {}
    [log] = eval(
        Task([Sample("a")], solver=look()), model="none/none", log_dir=str(tmp_path), display="none", **options
    )
    assert log.status == "success"
    assert retries == [expected]
    assert model.config.max_retries == of_model, "the model itself may be the explainer, too"


def test_the_log_does_not_hold_what_a_server_says_of_every_token(server: tuple, tmp_path: Any) -> None:
    @solver
    def ask() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            await ServedLikelihood(served(server[1])).logprobs([("x" * 50, " y")])
            return state

        return solve

    [log] = eval(Task([Sample("a")], solver=ask()), model="none/none", log_dir=str(tmp_path), display="none")
    assert log.samples
    [event] = [event for event in log.samples[0].events if event.event == "model"]
    logprobs = event.output.choices[0].prompt_logprobs
    assert logprobs is not None
    assert logprobs.content == []


def tokens(*pieces: str) -> list[Logprob]:
    return [Logprob(token=piece, logprob=-float(i)) for i, piece in enumerate(pieces, 1)]


@pytest.mark.parametrize(
    ("prefix", "continuation", "pieces", "expected"),
    [
        pytest.param("a b", " c d", ["b", "c", "d"], [-2, -3], id="spaces that are not named"),
        pytest.param("a b ", "c", ["b", "c"], [-2], id="a space that goes with what follows"),
        pytest.param(
            "aé", "éa", ["\ufffd", "\ufffd", "\ufffd", "\ufffd", "a"], [-1, -2, -3, -4, -5], id="parts all around"
        ),
        pytest.param("é a", "éa", ["\ufffd", " a", "\ufffd", "\ufffd", "a"], [-3, -4, -5], id="parts"),
        pytest.param("aé", "éa", ["", "é", "", "é", "a"], [-3, -4, -5], id="parts, the last named whole"),
        pytest.param("ab", "\ufffda", ["b", "\ufffd", "a"], [-2, -3], id="a replacement in the text itself"),
        pytest.param("", "ab", ["b"], [nan, -1], id="the first token is not among them"),
        pytest.param("", "ab", ["a", "b"], [-1, -2], id="it is"),
        pytest.param("", "ab", ["<s>", "a", "b"], [-2, -3], id="and a special one before it"),
    ],
)
def test_tokens_are_matched_by_what_they_spell(
    prefix: str, continuation: str, pieces: list[str], expected: list[float]
) -> None:
    matched = behind(prefix + continuation, len(prefix), tokens(*pieces))
    assert matched == pytest.approx(expected, nan_ok=True)


@given(st.lists(st.text("ab é♥\n", min_size=1, max_size=3), min_size=1, max_size=8), st.data())
def test_tokens_that_spell_the_text_are_split_where_it_is(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    boundary = data.draw(st.integers(0, len(text) - 1))
    ends = [len("".join(pieces[: i + 1])) for i in range(len(pieces))]
    expected = [-float(i) for i, end in enumerate(ends, 1) if end > boundary]
    assert behind(text, boundary, tokens(*pieces)) == expected
