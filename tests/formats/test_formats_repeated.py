"""A latent with several explanations: one is asked for, by its maker or by its place."""

import json
from pathlib import Path

import pytest
from tests.formats.samples import FEATURE, NEURONPEDIA, lines, read, texts

from inspect_autointerp.errors import UserError


def test_of_several_makers_one_is_chosen(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "x",
        NEURONPEDIA,
        NEURONPEDIA | {"explanationModelName": "claude", "description": "weekdays"},
    )
    with pytest.raises(
        UserError,
        match=r"x:2: latent 5 again.*; give one of them as by=…: claude, gpt-4o-mini; or repeated=first, last",
    ):
        read(path)
    explanations = read(path, by="claude")
    assert (texts(explanations), explanations.passed_over) == ({5: "weekdays"}, 1)
    with pytest.raises(UserError, match=r"nothing by llama; it is by claude, clkht.*, gpt-4o-mini, oai_token-act-pair"):
        read(path, by="llama")


OLD = NEURONPEDIA | {"createdAt": "2024-11-05T08:00:00.000Z"}
NEW = OLD | {"description": "weekdays", "createdAt": "2025-01-02T03:04:05.678Z", "id": "y"}
TWICE = {  # in each format that can hold two: the earlier, then the later
    "neuronpedia": "\n".join(map(json.dumps, (OLD, NEW))),
    "neuronpedia feature": json.dumps(FEATURE | {"explanations": [OLD, NEW]}),
    "jsonl": '{"index": 5, "explanation": "names of days"}\n{"index": 5, "explanation": "weekdays"}\n',
    "csv": "index,explanation\n5,names of days\n5,weekdays\n",
    "eleuther": '{\n"5": "names of days",\n"5": "weekdays"\n}',
}


@pytest.mark.parametrize("kind", TWICE)
def test_latent_with_two_explanations_has_the_one_asked_for(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(TWICE[kind], encoding="utf-8")
    with pytest.raises(UserError, match=r"latent 5 again; .* already; give repeated=first, last or newest$"):
        read(path)
    for repeated, text in (("first", "names of days"), ("last", "weekdays")):
        explanations = read(path, repeated=repeated)
        assert (texts(explanations), explanations.passed_over) == ({5: text}, 1)
    if kind.startswith("neuronpedia"):
        assert texts(read(path, repeated="newest")) == {5: "weekdays"}
    else:
        with pytest.raises(UserError, match="repeated=newest: latent 5 does not say when it was written; give first"):
            read(path, repeated="newest")
    with pytest.raises(UserError, match="repeated=all: unknown; give one of first, last, newest"):
        read(path, repeated="all")


def test_newest_explanation_is_by_date_and_not_by_place(tmp_path: Path) -> None:
    assert texts(read(lines(tmp_path / "x", NEW, OLD), repeated="newest")) == {5: "weekdays"}
    local = OLD | {"createdAt": "2025-01-02T04:00:00+02:00"}  # an hour before
    assert texts(read(lines(tmp_path / "x", local, NEW), repeated="newest")) == {5: "weekdays"}
    with pytest.raises(UserError, match=r"x:1: repeated=newest: latent 5 says yesterday; give first or last"):
        read(lines(tmp_path / "x", OLD | {"createdAt": "yesterday"}, NEW), repeated="newest")
    row = {"index": 5, "explanation": "a", "created": "2025-01-02"}
    path = lines(tmp_path / "x", row, row | {"explanation": "b", "created": "2024-12-31T23:00:00Z"})
    assert texts(read(path, repeated="newest")) == {5: "a"}


def test_usable_explanation_comes_before_an_empty_one(tmp_path: Path) -> None:
    path = lines(tmp_path / "x", NEURONPEDIA | {"description": " "}, NEURONPEDIA, NEURONPEDIA | {"description": ""})
    for repeated in ("first", "last"):
        explanations = read(path, repeated=repeated)
        assert (texts(explanations), explanations.problems, explanations.passed_over) == ({5: "names of days"}, [], 2)


def test_author_tells_two_explanations_apart(tmp_path: Path) -> None:
    path = lines(tmp_path / "x", OLD, NEW | {"authorId": "someone"})
    with pytest.raises(UserError, match=r"give one of them as by=…: clkht01d40000jv08hvalcvly, someone; or repeated="):
        read(path)
    assert texts(read(path, by="someone")) == {5: "weekdays"}


def test_option_for_repeats_does_not_mix_subjects(tmp_path: Path) -> None:
    path = lines(tmp_path / "x", OLD, NEW | {"modelId": "gemma"})
    with pytest.raises(UserError, match="for several subjects; put one of them in front of the key"):
        read(path, repeated="first")


def test_option_for_repeats_keeps_other_faults(tmp_path: Path) -> None:
    path = lines(tmp_path / "x", OLD, NEW | {"description": 3})
    with pytest.raises(UserError, match=r"x:2: latent 5 has 3 where its explanation should be$"):
        read(path, repeated="first")
