"""Explanations of several concepts: the union, the coverage of each, and how far apart they are."""

from collections.abc import Sequence
from math import isnan

import numpy as np
import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.explanation import Concept, Explanation, read_concepts, union_text
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.models.text_vectors import mean_cosine
from inspect_autointerp.scorers.shared.concept_statistics import coverage, polysemanticity, share_of_one
from inspect_autointerp.scorers.shared.concepts import read_concepts_option, union
from inspect_autointerp.scorers.shared.judge import Label


def verdicts(labels: Sequence[int | None], kinds: str) -> list[Verdict]:
    names = {"a": "activating", "r": "random"}
    return [Verdict(kind=names[kind], label=label) for label, kind in zip(labels, kinds, strict=True)]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([Label(0, 0.2), Label(1, 0.7)], Label(1, 0.7)),
        ([Label(0, 0.2), Label(0, 0.4)], Label(0, 0.4)),
        ([Label(1, 0.9), Label(None, None, "refusal")], Label(1, None)),
        ([Label(0, 0.1), Label(None, None, "refusal")], Label(None, None, "refusal")),
        ([Label(0, 0.1), Label(1, None)], Label(1, None)),
    ],
)
def test_union_is_active_if_any_concept_says_so(labels: list[Label], expected: Label) -> None:
    assert union(labels) == expected


def test_coverage_says_what_each_concept_explains_alone() -> None:
    kinds = "aaaaarr"
    both = [verdicts([1, 1, 1, 0, None, 1, 0], kinds), verdicts([0, 0, 1, 1, 1, 0, 0], kinds)]
    first, second = coverage([Concept("x", 0.6), Concept("y")], both)
    assert first == {"text": "x", "weight": 0.6, "explains": 0.75, "only": 0.5, "false_alarms": 0.5}
    assert second == {"text": "y", "weight": None, "explains": 0.6, "only": 0.25, "false_alarms": 0.0}
    assert share_of_one(both) == 0.75


def test_coverage_of_nothing_is_undefined() -> None:
    [row] = coverage([Concept("x")], [verdicts([None, None], "ar")])
    assert (row["explains"], row["only"], row["false_alarms"]) == (None, None, None)
    assert isnan(share_of_one([verdicts([None], "a")]))


def test_polysemanticity_is_one_minus_the_mean_cosine() -> None:
    vectors = {"a": [1.0, 0.0], "b": [0.0, 1.0], "c": [0.6, 0.8], "": [0.0, 0.0]}

    def embed(texts: Sequence[str]) -> np.ndarray:
        return np.array([vectors[text] for text in texts])

    assert polysemanticity(["a", "b"], embed) == pytest.approx(1)
    assert polysemanticity(["a", "b", "c"], embed) == pytest.approx(1 - (0 + 0.6 + 0.8) / 3)
    assert polysemanticity(["a", "a"], embed) == pytest.approx(0)
    assert isnan(polysemanticity(["a"], embed))
    assert isnan(polysemanticity(["a", ""], embed)), "nothing of one was embedded"
    assert isnan(mean_cosine(np.zeros((0, 2))))


def test_concepts_of_logs_old_and_new_are_read() -> None:
    assert read_concepts(["days", "nights"]) == (Concept("days"), Concept("nights"))
    assert read_concepts(({"text": "days", "weight": 1}, 5, {"weight": 2})) == (Concept("days", 1.0),)
    assert read_concepts(None) == () == read_concepts("days")
    assert union_text([Concept("names of days."), Concept("months ")]) == "names of days; or months"
    assert Explanation(text="a", source="s", latent="l/0").concepts == ()


@pytest.mark.parametrize(("given", "embedder"), [(False, None), (True, "tfidf"), ("tfidf", "tfidf")])
def test_option_concepts_names_an_embedder(given: bool | str, embedder: str | None) -> None:
    assert read_concepts_option(given) == embedder


def test_option_concepts_without_a_name_is_refused() -> None:
    with pytest.raises(UserError, match=r"^concepts= : give tfidf, minilm"):
        read_concepts_option(" ")
