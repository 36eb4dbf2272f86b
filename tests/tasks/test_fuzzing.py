"""The task as it is run; what marks give away is tested in tests/scorers/test_marks.py."""

import re
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, Model
from tests.doubles import model, texts_of

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import fuzzing
from inspect_autointerp.text.render import active_tokens, marked

LEXICAL = "inspect_autointerp/lexical"
MARKS = re.compile("(<<|>>|[«»⟦⟧⦗⦘])")


def run(store: Path, logs: Path, *, by: str | Model = LEXICAL, grader: Model | None = None, **options: Any) -> EvalLog:
    sizes = {"test_activating": 10, "test_nonactivating": 10, "test_mismarked": 8}
    options = {"latents": "sample:6", "min_contexts": 5} | sizes | options
    roles = {"grader": grader} if grader else None
    task = fuzzing(store=str(store), **options)
    return inspect_eval(task, model=by, model_roles=roles, log_dir=str(logs), display="none")[0]


def values(log: EvalLog) -> list[dict]:
    return [sample.scores["fuzzing"].value for sample in log.samples or [] if sample.scores]  # type: ignore[misc]


def test_the_lexical_provider_explains_and_grades(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, negatives="all")
    assert log.status == "success"
    assert log.results
    keys = SCORES["fuzzing"].statistics(["neighbours", "mismarked"])
    assert [score.name for score in log.results.scores] == ["fuzzing"]
    assert all(list(value) == keys for value in values(log))
    assert all(value["unscored"] == 0 for value in values(log))


def places(text: str) -> list[int]:
    """Return the marks' distances from the text's start, in characters without marks: all that a blind grader sees."""
    spans, at = [], 0
    for piece in MARKS.split(text):
        if MARKS.fullmatch(piece):
            spans.append(at)
        else:
            at += len(piece)
    return spans


def by_first_mark(texts: list[str]) -> list[int]:
    return [int(places(text)[0] > np.median([places(other)[0] for other in texts])) for text in texts]


def by_number_of_marks(texts: list[str]) -> list[int]:
    return [int(len(places(text)) > 2) for text in texts]


def by_unmarked(texts: list[str]) -> list[int]:
    return [int(bool(places(text))) for text in texts]


def by_place(texts: list[str]) -> list[int]:
    return [i % 2 for i, _ in enumerate(texts)]


@pytest.mark.parametrize("blind", [by_first_mark, by_number_of_marks, by_unmarked, by_place], ids=lambda b: b.__name__)
def test_a_grader_that_never_reads_the_explanation_scores_one_half(blind, store_folder: Path, tmp_path: Path) -> None:
    log = run(
        store_folder,
        tmp_path,
        grader=model(lambda messages: str(blind(texts_of(messages)))),
        by=model(lambda _: "EXPLANATION: something"),
        latents="all",
        min_contexts=10,
        negatives="neighbours",
        test_activating=40,
        test_nonactivating=40,
        test_mismarked=20,
    )
    for key in ("balanced_accuracy", "balanced_accuracy_neighbours", "balanced_accuracy_mismarked"):
        scores = np.array([value[key] for value in values(log) if not isnan(value[key])])
        assert len(scores) >= 8
        # With 40 and 20 contexts the mean of n latents has a standard error of √(¼/40 + ¼/20) / 2 / √n at most.
        error = (0.25 / 40 + 0.25 / 20) ** 0.5 / 2 / len(scores) ** 0.5
        assert abs(scores.mean() - 0.5) < 3 * error, key


def test_an_oracle_scores_one_and_no_text_occurs_twice(store_folder: Path, tmp_path: Path) -> None:
    store = Store(store_folder)
    seen: list[str] = []

    def grade(messages: list[ChatMessage]) -> str:
        hookpoint, _, index = messages[-1].text.split("\n")[0].removeprefix("Explanation: ").rpartition("/")
        pair = tuple(messages[-1].text.split("\n")[1].removesuffix(".").split()[-3::2])
        contexts = LatentContexts(store, store.at(hookpoint).latent(int(index))).activating("test")
        right = {marked(context, pair, active_tokens(context)) for context in contexts}  # type: ignore[arg-type]
        seen.extend(MARKS.sub("", text) for text in texts_of(messages))
        return str([int(text in right) for text in texts_of(messages)])

    latent = str((run(store_folder, tmp_path, latents="sample:1").samples or [])[0].id)
    explained, grader = model(lambda _: f"EXPLANATION: {latent}"), model(grade)
    log = run(store_folder, tmp_path, by=explained, grader=grader, latents=int(latent.rpartition("/")[2]))
    assert values(log)[0]["balanced_accuracy"] == 1.0
    assert values(log)[0]["balanced_accuracy_mismarked"] == 1.0
    assert len(seen) == len(set(seen))


def test_without_mismarked_contexts_there_is_no_score_of_them(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, test_mismarked=0)
    assert all(list(value) == SCORES["fuzzing"].statistics() for value in values(log))


def test_a_missing_explanation_is_unscored(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, by=model(lambda _: "no"), grader=model(lambda _: "[]"))
    assert all(value["unscored"] == 1.0 and isnan(value["tnr_mismarked"]) for value in values(log))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"threshold": 0}, r"threshold must be in \(0, 1\], got 0", id="threshold"),
        pytest.param({"negatives": "similar"}, r"no similar contexts", id="negatives"),
        pytest.param({"test_activating": 0}, r"activating must be at least 1, got 0", id="nothing to mark"),
    ],
)
def test_a_mistake_is_one_line_before_any_model_call(options: dict[str, Any], message: str, store_folder: Path) -> None:
    from inspect_ai._util.error import PrerequisiteError

    with pytest.raises(PrerequisiteError, match=message):
        fuzzing(store=str(store_folder), **options)
