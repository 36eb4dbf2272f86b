"""The task as it is run: the tiny subject decides, or planted predicates in its place."""

import json
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, ModelOutput, get_model
from tests.doubles import model

from inspect_autointerp.builtin.planted.latents import LATENTS, SORTS, Sort
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.inspect_support.answer_reasons import main_reason
from inspect_autointerp.models import shared_engines
from inspect_autointerp.models.activations import Fired, Firing, Texts
from inspect_autointerp.models.from_store import load_firing
from inspect_autointerp.prep.engines.activations import ReadingSubject
from inspect_autointerp.scorers.generation.scorer import known_texts
from inspect_autointerp.scorers.generation.statistics import KEYS
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import generation

MODULE = sys.modules["inspect_autointerp.scorers.generation.scorer"]  # the package has the function by this name
LEXICAL, ORACLE = "inspect_autointerp/lexical", "inspect_autointerp/oracle"
ACTIVE = [f"def f{i}(self):\n    return self.value_{i}" for i in range(10)]
SILENT = [
    f"The {word} was closed."
    for word in ["shop", "door", "road", "mine", "bank", "park", "lake", "port", "file", "gate"]
]
Answer = Callable[[list[ChatMessage]], str | ModelOutput | Exception]


def answer(active: Sequence[str] = ACTIVE, silent: Sequence[str] = SILENT) -> str:
    return json.dumps({"active": list(active), "silent": list(silent)})


def run(store: Path | str, logs: Path, says: Answer | None = None, **options: Any) -> EvalLog:
    """Score latents by what a writer writes, or by what the lexical provider does."""
    task = generation(store=str(store), **({"latents": "sample:4", "min_contexts": 40} | options))
    roles: Any = {"writer": model(says)} if says else None
    [log] = inspect_eval(task, model=LEXICAL, model_roles=roles, log_dir=str(logs), display="none")
    return log


def scores(log: EvalLog) -> dict[str, Any]:
    assert log.status == "success", log.error
    return {str(sample.id): (sample.scores or {})["generation"] for sample in log.samples or []}


def test_the_lexical_provider_writes_and_the_subject_decides(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path)
    statistics = scores(log)
    assert len(statistics) == 4
    for score in statistics.values():
        assert list(score.value) == KEYS
        assert score.value["unscored"] < 0.5
        assert 0 <= score.value["balanced_accuracy"] <= 1
        assert score.metadata["grader"] == f"the subject, on texts by {LEXICAL}, the explainer"
        assert score.metadata["prompt"] == "generation/2"
        assert score.metadata["options"] == {
            **{"texts": 10, "min_texts": 3},
            **{"window": None, "negatives": "random", "min_contexts": 40, "seed": 0},
        }
    assert log.results
    assert log.results.headline
    assert log.results.headline.score == "generation"
    assert log.eval.metadata
    assert log.eval.metadata["grader"] == ("none: the subject decides, on texts by the writer")
    assert not shared_engines._engines, "the subject is let go of when the task ends"


def test_every_number_is_that_of_the_activations(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, lambda _: answer(), latents="sample:8")
    store = Store(store_folder)
    engine = ReadingSubject(store, "layers.1", device="cpu")
    seen = set()
    for id, score in scores(log).items():
        latent = store.at("layers.1").latent(int(id.rpartition("/")[2]))
        [fired] = engine([Texts(latent.index, [*ACTIVE, *SILENT])])
        tests = LatentContexts(store, latent).activating("test")
        median = float(np.median([context.max_activation for context in tests]))
        fires, near = (np.array([one.activations.max() for one in part]) for part in (fired[:10], fired[10:]))
        pairs = (fires[:, None] > near).mean() + 0.5 * (fires[:, None] == near).mean()
        rates = [(fires > 0).mean(), (near == 0).mean(), (fires >= median).mean(), (near < median).mean()]
        expected = [(rates[0] + rates[1]) / 2, (rates[2] + rates[3]) / 2, pairs, *rates, 0.0]
        assert list(score.value.values()) == pytest.approx(expected, abs=1e-4)
        assert score.metadata["median"] == pytest.approx(median, abs=1e-4)
        assert score.metadata["counted"] == {"active": 10, "silent": 10}
        assert score.metadata["unscored_reasons"] == {}
        seen |= {score.value["tpr"], score.value["tnr"], score.value["tpr_median"], score.value["auroc"]}
    assert len(seen - {0.0, 0.5, 1.0}) > 3, seen


def test_explanation_floors_and_roles(store_folder: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    def says(messages: list[ChatMessage]) -> str:
        asked.append(messages[-1].text)
        return answer()

    log = run(store_folder, tmp_path, says, explainer="empty", latents="sample:2")
    assert asked == ["Explanation: (none was given)\n\nWrite 10 texts of each kind."] * 2
    assert {score.metadata["grader"] for score in scores(log).values()} == {"the subject, on texts by mockllm/model"}


def test_copies_do_not_count(store_folder: Path, tmp_path: Path) -> None:
    store = Store(store_folder)
    log = run(store_folder, tmp_path / "first", latents="sample:1")
    [id] = scores(log)
    contexts = LatentContexts(store, store.at("layers.1").latent(int(id.rpartition("/")[2])))
    known = known_texts(contexts)
    explain, test = contexts.activating("explain")[3].text, contexts.activating("test")[-1].text
    active = [explain, f"  {test.upper()}\n", known["example"][0], *SILENT[:3], SILENT[3], SILENT[3], "", SILENT[5]]
    log = run(store_folder, tmp_path, lambda _: answer(active, ["x", *SILENT[6:], *"abcde"]), latents=id.split("/")[1])
    [score] = scores(log).values()
    reasons = {"copy_of_context": 2, "copy_of_example": 1, "repeated": 1, "empty": 1}
    assert score.metadata["unscored_reasons"] == reasons
    assert score.metadata["counted"] == {"active": 5, "silent": 10}
    assert score.value["unscored"] == 0.25
    assert "NOT COUNTED: 5 of 20" in score.explanation


def test_an_answer_that_cannot_be_used_is_sent_back_once(store_folder: Path, tmp_path: Path) -> None:
    questions: list[str] = []

    def mends(messages: list[ChatMessage]) -> str:
        questions.append(messages[-1].text)
        return answer() if "cannot be used" in messages[-1].text else answer(ACTIVE[:9])

    for score in scores(run(store_folder, tmp_path / "mends", mends, latents="sample:1")).values():
        assert score.value["unscored"] < 1
    assert questions[1] == (
        "Your answer cannot be used: active holds 9 texts, not 10. Answer again with one JSON object, with 10 texts"
        " in each of its two lists, and nothing else."
    )
    refused = ModelOutput.from_content("mockllm/model", "No.", stop_reason="content_filter")
    hostile: list[tuple[str | ModelOutput | Exception, str]] = [
        (answer(ACTIVE[:9]), "invalid_response_format"),
        ("x" * 2_000_000, "invalid_response_format"),
        (answer(["x" * 900_000, *ACTIVE[1:]]), "invalid_response_format"),
        (refused, "refusal"),
        (ValueError("down"), "provider_error: ValueError"),
    ]
    given: dict[str, int] = {}  # by explanation, which of them its latent gets

    def says(messages: list[ChatMessage]) -> str | ModelOutput | Exception:
        asked = next(message.text for message in messages[::-1] if message.text.startswith("Explanation: "))
        return hostile[given.setdefault(asked, len(given))][0]

    statistics = scores(run(store_folder, tmp_path, says, latents="sample:5"))
    assert sorted(str(score.reason) for score in statistics.values()) == sorted(reason for _, reason in hostile)
    for score in statistics.values():
        assert score.value["unscored"] == 1
        assert all(isnan(value) for key, value in score.value.items() if key != "unscored")
        assert str(score.explanation).startswith(
            f"Unscored: the writer wrote no texts that can be used ({score.reason}"
        )
        [reason] = score.metadata["unscored_reasons"]
        assert main_reason(reason) == score.reason


def test_texts_of_any_characters_and_length_are_read(store_folder: Path, tmp_path: Path) -> None:
    odd = ["\x00\x1b[31m", "\ud800 half", "漢字 é", "‮ abc", "<|bos|>", "x = 1\n" * 600, *SILENT[:4]]
    [score] = scores(run(store_folder, tmp_path, lambda _: answer(odd, ACTIVE[:1] * 10), latents="sample:1")).values()
    assert score.metadata["counted"]["active"] == 10
    assert score.metadata["cut"] == 1
    assert re.search(r"cut: \d+ tokens more than the subject saw at once in prep", score.explanation)
    assert "\\x00\\x1b[31m" in re.sub(r"\x1b\[[\d;]*m", "", score.explanation)
    assert "\u202e" not in score.explanation


def test_samples_share_one_engine(store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load(store: Store, hookpoint: str) -> Firing:
        loaded.append(hookpoint)
        return load_firing(store, hookpoint)

    monkeypatch.setattr("inspect_autointerp.models.from_store.load_firing", load)
    assert len(scores(run(store_folder, tmp_path))) == 4
    assert loaded == ["layers.1"]


def test_without_the_subject_one_line_says_so(sharp_store_folder: Path, tmp_path: Path) -> None:
    subject = sharp_store_folder.parent / "subject"
    subject.rename(subject.with_name("away"))
    try:
        log = run(sharp_store_folder, tmp_path)
    finally:
        subject.with_name("away").rename(subject)
    assert log.status == "error"
    assert log.error
    assert f"reading new texts needs what {sharp_store_folder} was made of: subject " in log.error.message


def test_what_cannot_be_done_is_refused(store_folder: Path) -> None:
    make: Any = partial(generation, store=str(store_folder), latents="sample:2")
    for numbers in ({"texts": 0}, {"min_texts": 0}, {"texts": 2}):
        with pytest.raises(PrerequisiteError, match=r"texts=\d+, min_texts=\d: both must be at least 1"):
            make(**numbers)


class Predicates:
    """A firing engine for the planted latents: each fires where its truth says."""

    def __call__(self, questions: Sequence[Texts]) -> list[list[Fired]]:
        return [[self._read(question.latent, text) for text in question.texts] for question in questions]

    def _read(self, latent: int, text: str) -> Fired:
        spans = tuple(match.span() for match in re.finditer(r"\s*(?:\w+|[^\w\s])", text))
        spoken = {i for start, end in LATENTS[latent].true.spans(text) for i in range(start, end)}
        fires = [not spoken.isdisjoint(range(*span)) for span in spans]
        return Fired(text, spans, np.array(fires, dtype=np.float32))


@pytest.mark.usefixtures("planted_store")
def test_what_the_score_sees_on_planted_latents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspect_autointerp.models.from_store.load_firing", lambda *_: Firing(Predicates()))
    by_sort: dict[Sort, dict[str, np.ndarray]] = {}
    for sort in SORTS:
        task = generation(store="planted", latents="all")
        explainer = get_model(ORACLE, memoize=False, explanation=sort)
        [log] = inspect_eval(task, model=explainer, log_dir=str(tmp_path), display="none")
        values = [score.value for score in scores(log).values()]
        by_sort[sort] = {key: np.array([value[key] for value in values]) for key in KEYS}
        assert (by_sort[sort]["unscored"] == 0).all()
    assert (by_sort["true"]["balanced_accuracy"] == 1).all()
    assert (by_sort["true"]["auroc"] == 1).all()
    assert abs(by_sort["wrong"]["balanced_accuracy"].mean() - 0.5) < 0.05
    assert (by_sort["too_narrow"]["tpr"] == 1).all(), "all that is written from it fires"
    assert (by_sort["too_narrow"]["tnr"] < 1).mean() > 0.9, "but so does a near miss that it leaves out"
    assert (by_sort["too_broad"]["tnr"] == 1).all(), "where it does not hold, the truth does not"
    assert (by_sort["too_broad"]["tpr"] < 1).mean() > 0.9
    for sort in ("too_narrow", "too_broad"):
        assert 0.55 < by_sort[sort]["balanced_accuracy"].mean() < 0.95, by_sort[sort]["balanced_accuracy"]
