"""Explanations from files and logs, and the floors."""

import json
from pathlib import Path

import pytest
from tests.doubles import model, texts_of
from tests.solvers.conftest import Explained

from inspect_autointerp.inspect_support.dataset import derangement


@pytest.fixture
def indices(explained: Explained) -> list[int]:
    """The latents that `explained` evaluates."""
    log, _ = explained(explainer="empty")
    return [int(str(sample.id).rpartition("/")[2]) for sample in log.samples or []]


@pytest.fixture
def labels(indices: list[int], tmp_path: Path) -> Path:
    """Explanations of all but the last of them."""
    file = tmp_path / "labels.jsonl"
    rows = [{"index": index, "explanation": f"about {index}", "explainer": "somebody"} for index in indices[:-1]]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_what_a_file_says_is_graded_and_what_it_leaves_out_is_unscored(
    explained: Explained, indices: list[int], labels: Path
) -> None:
    log, explanations = explained(
        by="none/none", grader=model(lambda m: str([1] * len(texts_of(m)))), explanations=str(labels)
    )
    assert [one["text"] for one in explanations] == [*(f"about {index}" for index in indices[:-1]), None]
    assert {one["model"] for one in explanations[:-1]} == {"somebody"}
    assert {one["source"] for one in explanations} == {"supply"}
    assert len({one["file"] for one in explanations}) == 1
    last = (log.samples or [])[-1].scores["detection"]  # type: ignore[index]
    assert last.reason == "not_in_file"
    assert last.value["unscored"] == 1.0  # type: ignore[index]


def test_people_have_a_name_of_their_own(explained: Explained, labels: Path) -> None:
    _, explanations = explained(explainer="human", explanations=str(labels))
    assert {one["source"] for one in explanations} == {"human"}


def test_shuffled_of_a_file_gives_another_latents_and_to_the_same_latents(
    explained: Explained, indices: list[int], labels: Path
) -> None:
    _, explanations = explained(explainer="shuffled", explanations=str(labels))
    texts = [one["text"] for one in explanations]
    assert texts == [f"about {indices[1]}", f"about {indices[0]}", None]
    assert [one["latent"] for one in explanations[:2]] == [f"layers.1/{indices[1]}", f"layers.1/{indices[0]}"]


def test_of_three_shuffled_follows_one_seeded_cycle() -> None:
    donors = derangement(["1", "2", "3"], seed=0)
    assert sorted(donors.values()) == ["1", "2", "3"]
    assert all(latent != donor for latent, donor in donors.items())


def test_a_log_is_a_source_and_its_store_is_checked(explained: Explained, tmp_path: Path) -> None:
    grader = model(lambda m: str([1] * len(texts_of(m))), name="grader")
    log, first = explained(model(lambda _: "EXPLANATION: days"), grader)
    _, again = explained(by="none/none", grader=grader, scores="fuzzing", explanations=log.location)
    assert [one["text"] for one in again] == [one["text"] for one in first]
    assert {one["model"] for one in again} == {"mockllm/model"}
    assert [one["store"] for one in again] == [one["store"] for one in first], "scorers refuse another"


def test_constant_says_the_same_of_all(explained: Explained) -> None:
    _, explanations = explained(explainer="constant")
    assert {one["text"] for one in explanations} == {"words and phrases that occur in many different texts"}
    _, explanations = explained(explainer={"name": "constant", "text": "x"})
    assert {one["text"] for one in explanations} == {"x"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"explainer": "best"}, "explainer=best: unknown explainer; give one of explain, refine"),
        ({"explainer": {"name": "empty", "text": "x"}}, "explainer=empty: unknown option 'text'; it takes none"),
        ({"explainer": {"name": "refine", "exemples": 1}}, "exemples=1: unknown option; give one of examples"),
        ({"explainer": "supply"}, "explainer=supply: give its file, for instance -T explanations=labels.jsonl"),
        ({"explainer": "refine", "explanations": "x"}, "explanations=x already provides explanations; it cannot"),
        ({"explanations": "no-such-file.jsonl"}, "no-such-file.jsonl"),
        ({"explainer": {"name": "single_token", "share": 2}}, "share must be in (0, 1], got 2"),
        ({"explainer": {"name": "single_token", "otherwise": "x"}}, "otherwise=x: give explain or none"),
    ],
)
def test_what_cannot_be_is_one_line(explained: Explained, options: dict, message: str) -> None:
    with pytest.raises(Exception) as raised:
        explained(**options)
    assert message in str(raised.value).replace("\\", "")


def test_a_refused_file_is_one_line_before_anything_is_asked(
    explained: Explained, indices: list[int], tmp_path: Path
) -> None:
    file = tmp_path / "twice.jsonl"
    file.write_text(2 * (json.dumps({"index": indices[0], "explanation": "a"}) + "\n"), encoding="utf-8")
    asked: list[int] = []
    with pytest.raises(Exception, match=r"twice\.jsonl:2: latent \d+ again"):
        explained(by=model(lambda _: asked.append(1) or "EXPLANATION: x"), explanations=str(file))
    assert not asked
    _, [explanation] = explained(
        explainer={"name": "supply", "repeated": "first"},
        explanations=str(file),
        latents=str(indices[0]),
    )
    assert explanation["text"] == "a"


def test_single_tokens_need_no_model(explained: Explained) -> None:
    _, explanations = explained(explainer={"name": "single_token", "share": 0.001, "otherwise": "none"})
    assert all(one["text"].startswith('the token "') for one in explanations if one["text"])
    assert all(one["tokens"] is None for one in explanations)
    assert {one["source"] for one in explanations} == {"single_token/1"}
    _, explanations = explained(explainer={"name": "single_token", "share": 1.0, "otherwise": "none"})
    assert {one["reason"] for one in explanations} == {"not_single_token"}
    _, explanations = explained(explainer={"name": "single_token", "share": 1.0})
    assert all(one["text"].startswith("texts with ") for one in explanations), "the model is asked of the others"


def test_changed_file_is_read_anew_by_the_next_evaluation(
    explained: Explained, indices: list[int], labels: Path
) -> None:
    options = {"by": "none/none", "grader": model(lambda m: str([1] * len(texts_of(m)))), "explanations": str(labels)}
    _, first = explained(**options)
    row = {"index": indices[0], "explanation": "something else", "explainer": "somebody"}
    labels.write_text(json.dumps(row) + "\n", encoding="utf-8")
    _, second = explained(**options)
    assert first[0]["text"] == f"about {indices[0]}"
    assert [one["text"] for one in second[:2]] == ["something else", None]
    assert first[0]["file"] != second[0]["file"]
