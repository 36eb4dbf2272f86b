"""The agent explainer: what it spends, how it ends, and that nothing that it is given ends in a traceback."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, ChatMessageTool, ModelOutput
from inspect_ai.solver import SolverSpec
from inspect_ai.tool import ToolCall
from tests.doubles import model, texts_of
from tests.solvers.conftest import Explained

from inspect_autointerp.errors import UserError
from inspect_autointerp.models.shared_engines import release
from inspect_autointerp.solvers.tools import TOOLS
from inspect_autointerp.tasks import detection

Turn = str | Sequence[tuple[str, dict[str, Any]]] | Exception
GRADER = model(lambda messages: str([1] * len(texts_of(messages))), name="grader")


@pytest.fixture(autouse=True)
def let_go() -> Iterator[None]:
    yield
    release()


def calls(*wanted: tuple[str, dict[str, Any]], text: str = "I test.") -> ModelOutput:
    output = ModelOutput.from_content("mockllm/model", text)
    output.message.tool_calls = [
        ToolCall(id=f"{i}-{id(output)}", function=name, arguments=given) for i, (name, given) in enumerate(wanted)
    ]
    return output


def plays(turn: Callable[[int, list[ChatMessage]], Turn]) -> Any:
    """A model whose turns are given by their number, from 0."""

    def answer(messages: list[ChatMessage]) -> Any:
        reply = turn(sum(message.role == "assistant" for message in messages), messages)
        return reply if isinstance(reply, str | Exception) else calls(*reply)

    return model(answer)


def play(explained: Explained, turn: Callable[[int, list[ChatMessage]], Turn], **options: Any) -> tuple[EvalLog, Any]:
    log, explanations = explained(plays(turn), GRADER, latents="sample:1", explainer={"name": "agent", **options})
    return log, explanations[0]


def tool_errors(log: EvalLog) -> list[str]:
    [sample] = log.samples or []
    return [m.error.message for m in sample.messages if isinstance(m, ChatMessageTool) and m.error]


def test_lexical_agent_calls_every_tool_and_its_cost_is_logged(explained: Explained) -> None:
    log, explanations = explained(explainer={"name": "agent"})
    for sample, one in zip(log.samples or [], explanations, strict=True):
        functions = {message.function for message in sample.messages if isinstance(message, ChatMessageTool)}
        assert functions == {*TOOLS, "hypotheses", "submit"}
        assert one["ended"] == "submitted"
        cost = sample.metadata["explanation_cost"]
        assert cost["calls"] == 4
        assert cost["tool_calls"] == 7
        assert cost["explainer_tokens"] == one["tokens"] > 1000
        assert cost["grader_tokens"] == 0
        assert cost["subject_tokens"] > 0
        assert 0 < cost["seconds"] < 600


def test_agent_that_never_submits_ends_at_its_rounds(explained: Explained) -> None:
    log, one = play(explained, lambda n, _: [("contexts", {"page": 1})], rounds=3)
    assert (one["text"], one["reason"], one["ended"]) == (None, "turn_limit", "turn_limit")
    [sample] = log.samples or []
    assert sample.metadata["explanation_cost"]["calls"] <= 4
    assert sample.scores["detection"].reason == "turn_limit"  # pyright: ignore[reportOptionalSubscript]
    assert "last turn" in "".join(message.text for message in sample.messages if message.role == "user")


@pytest.mark.parametrize(
    ("options", "ended"), [({"rounds": 3}, "turn_limit"), ({"tokens": 30, "rounds": 50}, "token_limit")]
)
def test_best_hypothesis_counts_when_the_budget_ends(explained: Explained, options: dict[str, int], ended: str) -> None:
    log, one = play(explained, lambda n, _: [("hypotheses", {"best_first": [f"days {n}", "nights"]})], **options)
    assert (one["reason"], one["ended"]) == (None, ended)
    assert one["text"].startswith("days ")
    assert (log.samples or [])[0].scores["detection"].answer == one["text"]  # pyright: ignore[reportOptionalSubscript]


def test_time_limit_ends_an_agent_that_waits(explained: Explained, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slowly(*_: object) -> str:
        await asyncio.sleep(60)
        return ""

    module = sys.modules["inspect_autointerp.solvers.tools.activations"]
    monkeypatch.setattr(module, "show_activations", slowly)
    turns = [[("hypotheses", {"best_first": ["days"]})], [("activations", {"texts": ["a"]})]]
    _, one = play(explained, lambda n, _: turns[min(n, 1)], seconds=8)
    assert (one["text"], one["ended"]) == ("days", "time_limit")


def test_text_without_tools_counts_by_its_explanation_line(explained: Explained) -> None:
    _, one = play(explained, lambda n, _: f"I think.\nEXPLANATION: days {n}", rounds=2)
    assert one["text"].startswith("days")
    assert one["ended"] == "turn_limit"
    _, one = play(explained, lambda n, _: "Hm.", rounds=2)
    assert (one["text"], one["reason"]) == (None, "turn_limit")


def test_many_calls_at_once_are_bounded(explained: Explained) -> None:
    def turn(n: int, _: object) -> Turn:
        return [("contexts", {"page": 1})] * 250 if n == 0 else [("submit", {"explanation": "days"})]

    log, one = play(explained, turn)
    assert len([error for error in tool_errors(log) if "200 tool calls" in error]) >= 50
    assert one["text"] is None or one["ended"] == "submitted"


BAD_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("contexts", {"page": "many"}),
    ("contexts", {"page": 10**9}),
    ("contexts", {"decile": 11}),
    ("contexts", {"kind": "test"}),
    ("contexts", {"kind": "silent", "decile": 3}),
    ("contexts", {"search": "   "}),
    ("contexts", {"split": "test"}),
    ("activations", {}),
    ("activations", {"texts": []}),
    ("activations", {"texts": [""]}),
    ("activations", {"texts": ["x" * 2001]}),
    ("activations", {"texts": ["<|bos|> hello"]}),
    ("activations", {"texts": ["x"] * 21}),
    ("activations", {"texts": [{"a": 1}]}),
    ("steer", {"strength": 0}),
    ("steer", {"strength": float("nan")}),
    ("steer", {"prompts": [" "]}),
    ("steer", {"prompts": ["word " * 300]}),
    ("neighbours", {"page": 99}),
    ("hypotheses", {"best_first": []}),
    ("hypotheses", {"best_first": ["\n"]}),
    ("submit", {"explanation": ""}),
    ("submit", {"explanation": "x" * 5000}),
    ("no_such_tool", {}),
]


def test_wrong_arguments_are_messages_and_the_agent_goes_on(explained: Explained) -> None:
    def turn(n: int, _: object) -> Turn:
        return BAD_CALLS if n == 0 else [("submit", {"explanation": "days"})]

    log, one = play(explained, turn)
    assert len(tool_errors(log)) == len(BAD_CALLS)
    assert all(error and "Traceback" not in error for error in tool_errors(log))
    assert (one["text"], one["ended"]) == ("days", "submitted")


def test_concepts_are_recorded_beside_the_explanation(explained: Explained) -> None:
    _, one = play(
        explained, lambda n, _: [("submit", {"explanation": "days\nor nights", "concepts": ["days", "nights"]})]
    )
    assert one["text"] == "days or nights"
    assert one["concepts"] == [{"text": "days", "weight": None}, {"text": "nights", "weight": None}]


def test_provider_that_fails_leaves_the_latent_unscored(explained: Explained) -> None:
    def turn(n: int, _: object) -> Turn:
        return [("hypotheses", {"best_first": ["days"]})] if n == 0 else RuntimeError("down")

    log, one = play(explained, turn)
    assert (one["text"], one["reason"]) == (None, "provider_error: RuntimeError")
    assert not (log.samples or [])[0].error


def run_without_subject(store_folder: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> EvalLog:
    def refuse(*_: object) -> None:
        raise UserError("reading new texts needs what the store was made of: it is gone")

    monkeypatch.setattr("inspect_autointerp.models.from_store.load_firing", refuse)
    monkeypatch.setattr("inspect_autointerp.models.from_store.load_steering", refuse)
    task: Task = detection(
        store=str(store_folder), latents="sample:1", min_contexts=10, explainer={"name": "agent", **options}
    )
    [log] = inspect_eval(task, model="inspect_autointerp/lexical", log_dir=str(folder), display="none")
    return log


def test_subject_that_cannot_be_loaded_ends_in_one_line(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = run_without_subject(store_folder, tmp_path / "forged", monkeypatch)
    assert log.status == "error"
    assert log.error is not None
    assert "it is gone; without the subject the agent works with tools:" in log.error.message
    assert "\n" not in log.error.message.strip()


def test_agent_works_without_the_subject_where_asked_to(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = run_without_subject(store_folder, tmp_path, monkeypatch, tools="contexts,steer,promoted_tokens")
    assert log.status == "success", log.error
    assert any("it is gone" in error for error in tool_errors(log)), "steer says so to the agent"
    assert (log.samples or [])[0].metadata["explanation"]["ended"] == "submitted"


@pytest.mark.parametrize(
    "options", [{"rounds": 0}, {"tokens": 0}, {"seconds": -1}, {"tools": "shell"}, {"examples": 0}, {"turns": 3}]
)
def test_wrong_options_are_refused_before_anything_is_asked(store_folder: Path, options: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=next(iter(options))):
        detection(store=str(store_folder), explainer={"name": "agent", **options})


def test_dollars_need_a_price(explained: Explained, store_folder: Path, tmp_path: Path) -> None:
    task = detection(store=str(store_folder), latents="sample:1", explainer={"name": "agent", "dollars": 0.1})
    [log] = inspect_eval(task, model=plays(lambda n, _: "x"), log_dir=str(tmp_path / "forged"), display="none")
    assert log.error is not None
    assert "does not know the price" in log.error.message


def test_own_agent_of_the_examples_runs(store_folder: Path, tmp_path: Path) -> None:
    turns: list[Turn] = [
        [("contexts", {})],
        [("activations", {"texts": ["def f():", "the end"]})],
        [("hypotheses", {"best_first": ["days"]})],
        "EXPLANATION: nights",
    ]
    task: Task = detection(store=str(store_folder), latents="sample:1", min_contexts=10)
    solver = SolverSpec(str(Path(__file__).parents[2] / "examples/own_agent.py"))
    [log] = inspect_eval(
        task, solver=solver, model=plays(lambda n, _: turns[n]), model_roles={"grader": GRADER},
        log_dir=str(tmp_path), display="none",
    )  # fmt: skip
    assert log.status == "success", log.error
    [sample] = log.samples or []
    one = sample.metadata["explanation"]
    assert (one["text"], one["source"], one["ended"]) == ("nights", "own_agent/1", "submitted")
    assert json.dumps(sample.metadata["explanation_cost"])
