"""Output choice on a subject whose latents raise known classes of words; graders that are blind to explanations."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, Model
from tests.doubles import model as double
from tests.planted_subject import WORDS, Planted

from inspect_autointerp.builtin.lexical.choose_steered import choose_steered
from inspect_autointerp.contexts.sampling import seed_of
from inspect_autointerp.inspect_support.verdicts import Verdict, recorded_verdicts
from inspect_autointerp.models.likelihood.local import load
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import output_choice

HOOKPOINT = "layers.0"
LEXICAL = "inspect_autointerp/lexical"
CHANCE = pytest.approx(1 / 3, abs=0.11)  # three standard errors of 200 questions


def run(planted: Planted, logs: Path, grader: Model | None = None, **options: Any) -> EvalLog:
    given = {"store": str(planted.store), "latents": "all", "min_contexts": 10, "new_tokens": 8} | options
    roles: Any = {"grader": grader} if grader else None
    [log] = inspect_eval(output_choice(**given), model=LEXICAL, model_roles=roles, log_dir=str(logs), display="none")
    assert log.status == "success", log.error
    return log


def picked(log: EvalLog) -> np.ndarray:
    values: list[Any] = [(sample.scores or {})["output_choice"].value for sample in log.samples or []]
    return np.array([value["picked"] for value in values])


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with the true explanations."""
    file = tmp_path_factory.mktemp("words") / "words.jsonl"
    rows = [{"latent": f"{HOOKPOINT}/{number}", "explanation": " ".join(words)} for number, words in enumerate(WORDS)]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(file)


@pytest.fixture(scope="module")
def true(planted_cause: Planted, words: str, tmp_path_factory: pytest.TempPathFactory) -> EvalLog:
    return run(planted_cause, tmp_path_factory.mktemp("true"), explanations=words)


@pytest.fixture(scope="module")
def trials(true: EvalLog) -> list[list[Verdict]]:
    """The questions of all latents: the texts of each, as they were shown."""
    trials: list[list[Verdict]] = []
    for sample in true.samples or []:
        verdicts = recorded_verdicts((sample.scores or {})["output_choice"].metadata)
        trials += [verdicts[i : i + 3] for i in range(0, len(verdicts), 3)]
    assert len(trials) > 150
    return trials


def test_the_true_explanation_beats_another_latents_and_a_random_direction(
    true: EvalLog, planted_cause: Planted, words: str, tmp_path: Path
) -> None:
    shuffled = run(planted_cause, tmp_path / "shuffled", explanations=words, explainer="shuffled")
    random = run(planted_cause, tmp_path / "random", explanations=words, direction="random")
    means = [float(picked(log).mean()) for log in (true, shuffled, random)]
    assert means[0] > 0.8
    assert means[1] < 0.45
    assert means[0] > max(means[1:]) + 0.3, means


def test_texts_stand_in_any_place_and_were_steered_alike(true: EvalLog, trials: list[list[Verdict]]) -> None:
    places = [next(i for i, text in enumerate(trial) if text.kind == "steered") for trial in trials]
    assert all(share == CHANCE for share in (np.bincount(places, minlength=3) / len(places)).tolist())
    values: list[Any] = [(sample.scores or {})["output_choice"].value for sample in true.samples or []]
    assert np.mean([value["kl"] for value in values]) == pytest.approx(1, abs=0.3)
    assert np.mean([value["kl_foils"] for value in values]) == pytest.approx(1, abs=0.3)
    assert len({text.start for trial in trials for text in trial}) <= 20, "the beginnings are the same for all latents"


def share_right(trials: list[list[Verdict]], key: Callable[[Verdict, list[Verdict]], float]) -> float:
    """The share of questions in which a grader that names the text with the largest value is right; ties by a hash."""
    chosen = [max(trial, key=lambda text: (key(text, trial), seed_of(text.text))) for trial in trials]
    return float(np.mean([text.kind == "steered" for text in chosen]))


def test_graders_that_have_not_read_the_explanation_are_at_chance(
    trials: list[list[Verdict]], planted_cause: Planted
) -> None:
    store = Store(planted_cause.store)

    def tokens(text: Verdict) -> set[str]:
        return {*(text.text or "").split()}

    def beginning(text: Verdict) -> str:
        assert text.start is not None
        return store.detokenizer(store.tokens[text.start : text.start + 4].tolist())[0]

    subject = load(str(planted_cause.subject), device="cpu")
    pairs = [(beginning(text), text.text or "") for trial in trials for text in trial]
    logprobs = [sum(one) for one in asyncio.run(subject.logprobs(pairs))]
    probable = dict(zip(pairs, logprobs, strict=True))
    graders: dict[str, Callable[[Verdict, list[Verdict]], float]] = {
        "the oddest": lambda text, _: -probable[beginning(text), text.text or ""],
        "the most probable": lambda text, _: probable[beginning(text), text.text or ""],
        "the longest": lambda text, _: len(text.text or ""),
        "the shortest": lambda text, _: -len(text.text or ""),
        "the most repetitive": lambda text, _: -len(tokens(text)),
        "the most like its beginning": lambda text, _: len(tokens(text) & {*beginning(text).split()}),
        "the most like the others": lambda text, trial: sum(len(tokens(text) & tokens(other)) for other in trial),
        "the most strongly steered": lambda text, _: text.value or 0,
        "any": lambda *_: 0,
    }
    shares = {name: share_right(trials, key) for name, key in graders.items()}
    assert all(value == CHANCE for value in shares.values()), shares


def test_promoted_tokens_are_of_each_candidate(planted_cause: Planted, words: str, tmp_path: Path) -> None:
    few: Any = {"latents": "0", "questions": 4, "tuned_prompts": 4, "foils": 3}
    questions: list[str] = []

    def answer(messages: list[ChatMessage]) -> str:
        questions.append(messages[-1].text)
        return str(choose_steered(questions[-1])[0])

    log = run(planted_cause, tmp_path / "logs", double(answer), explanations=words, promoted=True, **few)
    assert picked(log).tolist() == [1.0], "the tokens that the latent promotes are all of its class"
    assert len(questions) > 1
    for question in questions:
        lines = [line for line in question.splitlines() if line.startswith("Most probable: ")]
        assert len(lines) == len(set(lines)) == 3


def test_what_cannot_be_done_is_refused(planted_cause: Planted) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"foils": 2}, "foils must be at least 3, got 2"),
        ({"questions": 0}, "questions must be at least 1, got 0"),
        ({"target_kl": 0}, "target_kl must be above 0, got 0"),
        ({"direction": "up"}, "direction=up: give latent or random"),
        ({"direction": "random", "promoted": True}, "a random direction promotes no tokens"),
    ]
    for options, message in wrong:
        with pytest.raises(PrerequisiteError, match=message):
            output_choice(store=str(planted_cause.store), **options)
