"""The explainer that clusters contexts: which clusters there are, and what it makes of them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.model import ChatMessage
from tests.doubles import model
from tests.solvers.conftest import Explained

from inspect_autointerp.builtin.planted.claims import CLAIMS
from inspect_autointerp.inspect_support.explanation import Concept
from inspect_autointerp.latent import Context
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.solvers.cluster_contexts import active_words, cluster_contexts, context_vectors
from inspect_autointerp.solvers.clusters import merged, spread
from inspect_autointerp.tasks import detection

CHOICE: dict[str, Any] = {"most": 4, "smallest": 2, "least_silhouette": 0.1, "seed": 0}


def context(text: str, *active: str) -> Context:
    """A context of words and signs; it is active on those named."""
    spans = tuple(match.span() for match in re.finditer(r"\s?(?:\w+|[^\w\s])", text))
    strengths = [float(text[start:end].strip() in active) for start, end in spans]
    return Context("activating", 0, text, spans, np.array(strengths, dtype=np.float32))


def by_letters(texts: list[str]) -> np.ndarray:
    """Vectors of length 1 that count letters."""
    counts = np.array([[text.lower().count(letter) for letter in "abcdefghij"] for text in texts], dtype=float)
    lengths = np.linalg.norm(counts, axis=1, keepdims=True)
    return counts / np.where(lengths > 0, lengths, 1)


def test_active_words_are_those_of_active_tokens_and_the_word_before() -> None:
    assert active_words(context("he was not late today", "late")) == "not late"
    assert active_words(context("see (page 5) there", ")")) == "5"
    assert active_words(context("Late", "Late")) == "Late"
    assert active_words(context("?", "?")) == ""
    weak = Context("activating", 0, "a b", ((0, 1), (1, 3)), np.array([0.2, 1.0], dtype=np.float32))
    assert active_words(weak) == "a b", "b is active, and a stands before it"


def test_context_vectors_have_length_one_or_are_empty() -> None:
    vectors = context_vectors([context("a cab", "cab"), context("xyz", "xyz")], by_letters)  # type: ignore[arg-type]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0])


def test_clusters_are_as_many_as_there_are_groups() -> None:
    groups = np.eye(3)[[0, 0, 0, 0, 1, 1, 1, 2, 2]]
    chosen = cluster_contexts(groups, None, **CHOICE)
    assert chosen.members == [[0, 1, 2, 3], [4, 5, 6], [7, 8]]
    assert chosen.silhouette == pytest.approx(1)
    assert [len(own) for own in cluster_contexts(groups, None, **CHOICE | {"smallest": 3}).members] == [5, 4]
    assert len(cluster_contexts(groups, None, **CHOICE | {"smallest": 5}).members) == 1, "one would be too small"
    assert len(cluster_contexts(groups, 2, **CHOICE).members) == 2
    assert len(cluster_contexts(groups, 7, **CHOICE).members) == 3, "no more than there are different vectors"
    same = cluster_contexts(groups[:4], None, **CHOICE)
    assert same.members == [[0, 1, 2, 3]]
    assert np.isnan(same.silhouette)
    assert cluster_contexts(groups[:1], 3, **CHOICE).members == [[0]]


def test_concepts_that_say_the_same_are_one() -> None:
    concepts = merged(["The days", None, "months", "days."], [3, 1, 4, 2])
    assert concepts == (Concept("The days", 0.5), Concept("months", 0.4))
    assert merged([None], [3]) == ()
    shown = spread([context(str(i)) for i in range(10)], 4)
    assert [one.text for one in shown] == ["0", "3", "6", "9"]


def test_two_causes_are_two_clusters_of_the_planted_latent(planted_store: Path, tmp_path: Path) -> None:
    task = detection(
        store="planted", latents="18", test_activating=20, test_nonactivating=20, concepts=True,
        explainer={"name": "clusters", "k": 2},
    )  # fmt: skip
    [log] = inspect_eval(
        task, model="inspect_autointerp/oracle", model_roles={"grader": "inspect_autointerp/oracle"},
        log_dir=str(tmp_path), display="none",
    )  # fmt: skip
    [sample] = log.samples or []
    explanation = sample.metadata["explanation"]
    by_weight = [concept["text"] for concept in explanation["concepts"]]
    assert set(by_weight) <= {CLAIMS[name].text for name in ("not", "never", "negation")}
    assert CLAIMS["not"].text == by_weight[0]
    assert sum(explanation["options"]["clusters"]["sizes"]) == 100
    assert (sample.scores or {})["detection"].value["balanced_accuracy"] == 1  # type: ignore[index,call-overload]


def test_clusters_explain_without_a_key(explained: Explained, tmp_path: Path) -> None:
    _, explanations = explained(explainer={"name": "clusters", "k": 3, "contexts": 30, "examples": 5}, concepts=True)
    for one in explanations:
        assert one["source"] == "clusters/explain/3"
        assert 1 <= len(one["concepts"]) <= 3
        assert one["text"] == "; or ".join(concept["text"] for concept in one["concepts"])
        assert sum(concept["weight"] for concept in one["concepts"]) == pytest.approx(1, abs=1e-3)
        made = one["options"]["clusters"]
        assert len(made["sizes"]) == 3
        assert made["embedder"] == "TF-IDF of words"
    [name] = read_results(str(tmp_path)).entries["explainer"]
    assert name.endswith("lexical · clusters · contexts=30 · examples=5 · k=3")
    again = explained(explainer={"name": "clusters", "k": 3, "contexts": 30, "examples": 5}, concepts=True)[1]
    assert again == explanations, "the draw and the clusters are those of the seed"


def test_cluster_without_an_answer_has_no_concept(explained: Explained) -> None:
    questions: list[str] = []

    def answer(messages: list[ChatMessage]) -> str:
        question = next(message.text for message in reversed(messages) if "Example 1: " in message.text)
        questions.append(question)
        return "I do not know." if question == questions[0] else f"EXPLANATION: case {len(set(questions))}"

    _, [one] = explained(by=model(answer), latents="sample:1", explainer={"name": "clusters", "k": 3, "contexts": 30})
    assert len(one["concepts"]) == 2
    [reason] = one["options"]["clusters"]["unread"]
    assert reason.startswith("invalid_response_format")
    assert one["text"] == "case 2; or case 3"
    assert sum(concept["weight"] for concept in one["concepts"]) < 1, "of the contexts that were clustered"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k must be at least 1, got 0"),
        ({"contexts": 0}, "contexts must be at least 1, got 0"),
        ({"silhouette": 2}, r"silhouette must be in \[-1, 1\], got 2"),
        ({"embedder": " "}, "embedder= : give tfidf"),
        ({"evidence": "logits"}, "evidence=logits: clusters are made of contexts"),
        ({"exampels": 5}, "exampels=5: unknown option"),
    ],
)
def test_clusters_refuse_wrong_options(options: dict[str, Any], message: str, store_folder: Path) -> None:
    with pytest.raises(PrerequisiteError, match=message):
        detection(store=str(store_folder), explainer={"name": "clusters", **options})
