"""Tests of `python -m benchmarks.cost`: by hand, against what the tasks send, and that it is below the paper's."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import cost, cost_calls
from benchmarks.cost_calls import Call, Cost
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser
from tests.doubles import model

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import detection, fuzzing, intruder, simulation

EXPLANATION = "names of days"
Prompt = list[tuple[str, str]]


def prompt(messages: Sequence[ChatMessage]) -> Prompt:
    return [(message.role, message.text) for message in messages]


def test_the_sums_of_two_calls_by_hand() -> None:
    def call(question: str) -> Call:
        worked = [ChatMessageUser(content="x y"), ChatMessageAssistant(content="[1, 0]")]
        return Call([ChatMessageSystem(content="a b c"), *worked, ChatMessageUser(content=question)], "0 1")

    sums = cost.cost([call("p q r s"), call("t")], [call("u")], count=lambda text: len(text.split()))
    # By call: 1 to start, 5 around each of 4 messages, 3 + 2 + 2 words and those of the question, 4 to open the answer.
    assert sums == Cost(
        calls=2,
        input=(1 + 4 * 5 + 7 + 4 + 4) + (1 + 4 * 5 + 7 + 1 + 4),
        constant=2 * (1 + 3 * 5 + 7),
        output=2 * (2 + 1),
    )


def test_what_two_latents_do_not_share_is_not_constant() -> None:
    ours, other = (Call([ChatMessageUser(content=text)], "") for text in ("one", "two"))
    assert cost.cost([ours], [other], count=len).constant == 0


def test_an_answer_has_the_form_of_the_worked_ones() -> None:
    assert (
        cost_calls._call([ChatMessageAssistant(content="[1,0]"), ChatMessageAssistant(content="1")], 3).answer
        == "[0,1,0]"
    )
    assert cost_calls._call([ChatMessageAssistant(content="1\n0\n1")], 2).answer == "0\n1"


def run(task: Task, logs: Path) -> tuple[list[Prompt], list[Prompt], str]:
    """Return what the explainer and the grader were sent first for the task's one latent, and its name."""
    explaining: list[Prompt] = []
    grading: list[Prompt] = []

    def explain(messages: list[ChatMessage]) -> str:
        explaining.append(prompt(messages))
        return f"EXPLANATION: {EXPLANATION}"

    def grade(messages: list[ChatMessage]) -> str:
        grading.append(prompt(messages))
        return "?"  # which no scorer can use: it asks again, with the same messages and two more

    log = inspect_eval(
        task, model=model(explain), model_roles={"grader": model(grade)}, log_dir=str(logs), display="none"
    )[0]
    assert log.status == "success", log.error
    (sample,) = log.samples or []
    shortest = min(map(len, grading))
    return explaining, [messages for messages in grading if len(messages) == shortest], str(sample.id)


def contexts_of(store: Path, latent_id: str) -> LatentContexts:
    opened = Store(store)
    hookpoint, _, index = latent_id.rpartition("/")
    return LatentContexts(opened, opened.at(hookpoint).latent(int(index)))


OPTIONS: dict[str, Any] = {"latents": "sample:1", "min_contexts": 10, "explainer": {"name": "explain", "examples": 7}}


def test_detection_and_its_explanation_are_what_the_task_sends(store_folder: Path, tmp_path: Path) -> None:
    task = detection(store=str(store_folder), test_activating=8, test_nonactivating=9, **OPTIONS)
    explaining, grading, latent = run(task, tmp_path)
    contexts, rng = contexts_of(store_folder, latent), np.random.default_rng(0)
    asked = cost_calls.explain_calls(EXPLANATION, contexts.explain(7, 0), rng)
    assert explaining == [prompt(call.messages) for call in asked]
    asked = cost_calls.detection_calls(EXPLANATION, contexts.test(8, 9, 0), rng)
    assert len(grading) == 4  # 17 contexts, five a call
    assert sorted(grading) == sorted(prompt(call.messages) for call in asked)


def test_fuzzing_is_what_the_task_sends(store_folder: Path, tmp_path: Path) -> None:
    # 2 : 1, as in the defaults that the table takes the share of wrong marks from
    task = fuzzing(store=str(store_folder), test_activating=8, test_mismarked=4, test_nonactivating=8, **OPTIONS)
    _, grading, latent = run(task, tmp_path)
    rng = rng_of(0, latent, "fuzzing")
    asked = cost_calls.fuzzing_calls(EXPLANATION, contexts_of(store_folder, latent).test(12, 8, 0), rng)
    assert sorted(grading) == sorted(prompt(call.messages) for call in asked)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return cost.vocabulary()


@pytest.mark.parametrize("every", [False, True])
def test_simulation_is_what_the_task_sends(every: bool, store_folder: Path, tmp_path: Path) -> None:
    sizes = {"test_activating": 8, "test_nonactivating": 8}
    _, grading, latent = run(simulation(store=str(store_folder), every=every, **sizes, **OPTIONS), tmp_path)
    tests = contexts_of(store_folder, latent).test(8, 8, 0)
    asked = cost_calls.simulation_calls(EXPLANATION, tests, np.random.default_rng(0), every)
    assert sorted(grading) == sorted(prompt(call.messages) for call in asked)


def test_intruder_sends_as_many_questions_on_five_contexts_each(planted_store: Path, tmp_path: Path) -> None:
    task = intruder(store=str(planted_store), latents="sample:1", questions=1)
    _, grading, latent = run(task, tmp_path)
    tests = contexts_of(planted_store, latent).test(50, 0, 0)
    asked = cost_calls.intruder_calls(EXPLANATION, tests, np.random.default_rng(0))
    assert len(asked) == len(grading) == 10  # one question of each decile
    assert prompt(asked[0].messages)[:-1] == grading[0][:-1]


def test_at_equal_contexts_less_is_read_than_in_the_paper(tokenizer: Any) -> None:
    windows, rng = cost.reference_windows(tokenizer), np.random.default_rng(0)
    for metric in cost_calls.METRICS:
        if metric.paper:
            ours = cost.measured(metric, cost_calls.CONTEXTS, windows, cost.counter(tokenizer), rng)
            assert ours.input < metric.paper.input, metric.name
            assert ours.constant < metric.paper.constant, metric.name
            if metric.name != "simulation":  # the paper reads probabilities off its prompt, which few providers give
                assert ours.output <= metric.paper.output, metric.name


def test_windows_hold_their_tokens_texts(tokenizer: Any) -> None:
    window = cost.reference_windows(tokenizer)[0]
    assert len(window.spans) == cost.WINDOW
    assert "".join(window.tokens()) == window.text
    assert cost.counter(tokenizer)(window.text) == cost.WINDOW


def test_without_the_extra_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mistral_common.tokens.tokenizers.mistral", None)
    with pytest.raises(UserError, match=r'needs mistral-common .*: `pip install "inspect-autointerp\[bench\]"`$'):
        cost.vocabulary()
