"""The task as it is run: explainer, embedder, log; and against known truth, on the planted latents."""

from collections.abc import Sequence
from importlib import import_module
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.log import EvalLog
from inspect_ai.model import Model, get_model
from tests.doubles import model

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.leaderboard.load.log_entry import read_entries
from inspect_autointerp.scorers.shared.ranking import KEYS
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import embedding

LEXICAL = "inspect_autointerp/lexical"
ORACLE = "inspect_autointerp/oracle"


class Double:
    """In place of a model of sentence-transformers: counts what it embeds."""

    documents_embedded = 0
    queries_embedded = 0
    digest = "0123456789abcdef"

    def __init__(self, name: str, option: str, *, trust_remote_code: bool = False) -> None:
        self.name = name

    def queries(self, texts: Sequence[str], prompt: str | None = None) -> np.ndarray:
        type(self).queries_embedded += len(texts)
        return np.stack([self.vector((prompt or "") + text) for text in texts])

    def documents(self, texts: Sequence[str]) -> np.ndarray:
        type(self).documents_embedded += len(texts)
        return np.stack([self.vector(text) for text in texts])

    def vector(self, text: str) -> np.ndarray:
        numbers = rng_of(text).normal(size=16).astype(np.float32)
        return numbers / np.linalg.norm(numbers)


class Constant(Double):
    """Finds everything alike."""

    def vector(self, text: str) -> np.ndarray:
        return np.full(16, 0.25, dtype=np.float32)


class Short(Double):
    """Reads nothing that is longer than 60 characters."""

    def vector(self, text: str) -> np.ndarray:
        return super().vector(text) * (1.0 if len(text) <= 60 else np.nan)


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[Double]:
    return use(Double, monkeypatch, tmp_path)


def use(kind: type[Double], monkeypatch: pytest.MonkeyPatch, cache: Path) -> type[Double]:
    kind.documents_embedded = kind.queries_embedded = 0
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(cache / "cache"))
    module = import_module("inspect_autointerp.models.text_vectors")
    monkeypatch.setattr(module, "SentenceModel", kind)
    return kind


def run(store: Path | str, logs: Path, *, by: str | Model = LEXICAL, **options: Any) -> EvalLog:
    options = {"latents": "sample:6", "min_contexts": 10, "test_activating": 10, "test_nonactivating": 10} | options
    [log] = inspect_eval(embedding(store=str(store), **options), model=by, log_dir=str(logs), display="none")
    assert log.status == "success"
    return log


def score(log: EvalLog, number: int = 0) -> Any:
    return ((log.samples or [])[number].scores or {})["embedding"]


def values(log: EvalLog) -> list[dict[str, float]]:
    return [score(log, i).value for i in range(len(log.samples or []))]


def test_a_run_by_words_needs_no_grader_and_says_so(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, negatives="all")
    assert all(list(value) == SCORES["embedding"].statistics(["neighbours"]) for value in values(log))
    assert all(0 <= value["auroc"] <= 1 for value in values(log))
    assert log.results
    assert log.results.headline
    assert log.results.headline.score == "embedding"
    assert (log.eval.metadata or {})["grader"] == "none: no model is asked"
    assert not log.eval.model_roles
    metadata = score(log).metadata
    assert (metadata["grader"], metadata["options"]["embedder"]) == ("TF-IDF of words", "tfidf")
    assert "contexts" not in metadata["options"]
    [entry] = read_entries(str(tmp_path))
    assert entry.headline == pytest.approx(np.mean([value["auroc"] for value in values(log)]), abs=1e-3)


def test_the_same_again_is_the_same(store_folder: Path, tmp_path: Path) -> None:
    assert repr(values(run(store_folder, tmp_path))) == repr(values(run(store_folder, tmp_path)))


def test_a_second_explainer_costs_its_queries_alone(store_folder: Path, tmp_path: Path, double: type[Double]) -> None:
    first = run(store_folder, tmp_path, embedder="a/model")
    store = Store(store_folder)
    distinct: set[int] = set()
    for sample in first.samples or []:
        hookpoint, _, index = str(sample.id).rpartition("/")
        tests = LatentContexts(store, store.at(hookpoint).latent(int(index))).test(10, 10, 0)
        distinct |= {context.start for context in tests}
    assert (double.queries_embedded, double.documents_embedded) == (6, len(distinct))
    again = run(store_folder, tmp_path, embedder="a/model", explainer="shuffled")
    assert (double.queries_embedded, double.documents_embedded) == (12, len(distinct)), "contexts are kept"
    assert score(again).metadata["grader"] == "a/model (0123456789abcdef)"
    third = run(store_folder, tmp_path, embedder="a/model")
    assert repr(values(third)) == repr(values(first)), "what was kept gives what was computed"
    run(store_folder, tmp_path, embedder="a/model", window=16)
    assert double.documents_embedded > len(distinct), "windows of another length are other contexts"


def test_a_prompt_for_queries_makes_another_score(store_folder: Path, tmp_path: Path, double: type[Double]) -> None:
    plain = run(store_folder, tmp_path, embedder="a/model")
    prompted = run(store_folder, tmp_path, embedder="a/model", query_prompt="Find: ")
    assert [value["auroc"] for value in values(plain)] != [value["auroc"] for value in values(prompted)]
    assert score(prompted).metadata["options"]["query_prompt"] == "Find: "


def test_a_blind_embedder_scores_one_half_exactly(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(Constant, monkeypatch, tmp_path)
    statistics = values(run(store_folder, tmp_path, embedder="a/model", negatives="all"))
    assert all(value["auroc"] == 0.5 and value["unscored"] == 0 for value in statistics)
    assert all(value["auroc_neighbours"] in (0.5,) or isnan(value["auroc_neighbours"]) for value in statistics)


def test_random_vectors_score_one_half_on_average(store_folder: Path, tmp_path: Path, double: type[Double]) -> None:
    log = run(store_folder, tmp_path, embedder="a/model", latents="all", test_activating=50, test_nonactivating=50)
    aurocs = np.array([value["auroc"] for value in values(log)])
    assert len(aurocs) >= 10
    assert abs(aurocs.mean() - 0.5) < 4 * aurocs.std() / len(aurocs) ** 0.5


def test_the_empty_explanation_is_undefined_and_never_zero(
    store_folder: Path, tmp_path: Path, double: type[Double]
) -> None:
    for embedder in ("tfidf", "a/model"):
        log = run(store_folder, tmp_path, explainer="empty", embedder=embedder)
        for i, value in enumerate(values(log)):
            assert value["unscored"] == 1
            assert isnan(value["auroc"])
            assert score(log, i).reason == "empty_explanation"
        assert log.results
        metrics = log.results.scores[0].metrics
        assert metrics.pop("unscored").value == 1
        assert all(isnan(metric.value) for metric in metrics.values())


def test_what_the_model_would_cut_is_unscored_and_counted(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(Short, monkeypatch, tmp_path)
    log = run(store_folder, tmp_path, embedder="a/model", by=model(lambda _: "EXPLANATION: something"))
    assert any(0 < value["unscored"] < 1 and not isnan(value["auroc"]) for value in values(log))
    counted = score(log).metadata["unscored_reasons"]
    assert counted == {"context_too_long": round(20 * values(log)[0]["unscored"])}
    again = run(store_folder, tmp_path, embedder="a/model", by=model(lambda _: "EXPLANATION: something"))
    assert repr(values(again)) == repr(values(log)), "kept as what it is"
    long = run(store_folder, tmp_path, embedder="a/model", by=model(lambda _: "EXPLANATION: " + "word " * 20))
    assert {score(long, i).reason for i in range(6)} == {"explanation_too_long"}


def test_a_missing_explanation_is_unscored(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, by=model(lambda _: "no"))
    assert all(list(value) == KEYS and value["unscored"] == 1 and isnan(value["auroc"]) for value in values(log))
    assert score(log).reason == "invalid_response_format"


@pytest.mark.parametrize("given", ["", " "])
def test_an_embedder_without_a_name_is_one_line(given: str, store_folder: Path) -> None:
    with pytest.raises(PrerequisiteError, match="give tfidf, minilm, or a sentence-transformers model"):
        embedding(store=str(store_folder), embedder=given)


def test_embedder_that_cannot_be_loaded_fails_first(store_folder: Path) -> None:
    with pytest.raises(PrerequisiteError, match=r"embedder /nowhere/model: cannot be loaded"):
        embedding(store=str(store_folder), embedder="/nowhere/model")


def test_the_true_explanation_beats_the_wrong_one(planted_store: Path, tmp_path: Path) -> None:
    # Latents whose true explanation names the words they fire on, and the wrong one other words.
    named = "0,1,3,7,8,9"

    def auroc(sort: str) -> np.ndarray:
        oracle = get_model(ORACLE, memoize=False, explanation=sort)
        log = run("planted", tmp_path, by=oracle, latents=named, test_activating=60, test_nonactivating=60)
        return np.array([value["auroc"] for value in values(log)])

    true, narrow, wrong = (auroc(sort) for sort in ("true", "too_narrow", "wrong"))
    assert (true > wrong + 0.2).all()
    assert (true > 0.9).all()
    assert true.mean() > narrow.mean() > wrong.mean()
