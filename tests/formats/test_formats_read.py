"""Explanations from elsewhere: a source of each format is read."""

import gzip
import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
from tests.formats.samples import FEATURE, HOOK, LOG, NEURONPEDIA, SAEBENCH, lines, read, texts

from inspect_autointerp.errors import UserError


def test_jsonl(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "x",  # the name says nothing
        {"latent": f"{HOOK}/5", "explanation": "names of days", "explainer": "gpt-4o", "method": "m", "score": 0.5},
        {"hookpoint": HOOK, "index": 7, "explanation": " colons "},
        {"index": "0", "explanation": "zero", "store": "d1", "detection.tpr": 0.25, "note": {"any": "thing"}},
        {"latent": "layers.2/5", "explanation": "of another hookpoint"},
    )
    explanations = read(path)
    assert (explanations.format, explanations.passed_over, explanations.problems) == ("jsonl", 1, [])
    assert texts(explanations) == {5: "names of days", 7: " colons ", 0: "zero"}
    five = explanations.texts[5]
    assert (five.place, five.explainer, five.method, five.scores) == (f"{path}:1", "gpt-4o", "m", {"score": 0.5})
    assert (explanations.texts[0].store, explanations.texts[0].scores) == ("d1", {"detection.tpr": 0.25})
    assert explanations.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read(LOG, width=2048).sha256 == hashlib.sha256(LOG.read_bytes()).hexdigest()


def test_csv_with_quotes_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    content = (
        f'\ufefflatent,explanation,explainer,score\r\n{HOOK}/5,"=1+1, ""so""\r\nand so",gpt,0.5\r\n{HOOK}/7,b,,\r\n'
    )
    path.write_bytes(content.encode())
    explanations = read(path)
    assert explanations.format == "csv"
    assert texts(explanations) == {5: '=1+1, "so"\r\nand so', 7: "b"}
    assert [text.place for text in explanations.texts.values()] == [f"{path}:2", f"{path}:4"]
    assert [text.explainer for text in explanations.texts.values()] == ["gpt", None]
    assert [text.scores for text in explanations.texts.values()] == [{"score": 0.5}, {}]


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "x"
    pd.DataFrame({"index": [5, 7], "explanation": ["a", "b"], "score": [0.5, None]}).to_parquet(path, index=False)
    explanations = read(path)
    assert (explanations.format, texts(explanations)) == ("parquet", {5: "a", 7: "b"})
    assert [text.scores for text in explanations.texts.values()] == [{"score": 0.5}, {}]


def test_neuronpedia_in_its_three_shapes(tmp_path: Path) -> None:
    other = NEURONPEDIA | {"index": "7", "description": "colons"}
    batch = lines(tmp_path / "batch-0.jsonl", NEURONPEDIA, other)
    assert texts(read(batch)) == {5: "names of days", 7: "colons"}
    folder = tmp_path / "v1" / "explanations"
    folder.mkdir(parents=True)
    for number, record in enumerate((NEURONPEDIA, other)):
        (folder / f"batch-{number}.jsonl.gz").write_bytes(gzip.compress(json.dumps(record).encode() + b"\n"))
    for place in (folder, folder.parent):
        explanations = read(place)
        assert (explanations.format, texts(explanations)) == ("neuronpedia", {5: "names of days", 7: "colons"})
    for content in (FEATURE, [FEATURE]):
        path = tmp_path / "feature"
        path.write_text(json.dumps(content, indent=2))
        explanations = read(path)
        assert explanations.texts[5].scores == {"eleuther_recall": 0.75}
        assert (explanations.texts[5].explainer, explanations.texts[5].method) == ("gpt-4o-mini", "oai_token-act-pair")


def test_delphi(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "explanations"
    folder.mkdir(parents=True)
    (folder / "a--b_latent5.txt").write_text('"names of days"')
    (folder / "a--b_latent7.txt").write_text('"Explanation could not be parsed."')
    (folder / "layers.2_latent5.txt").write_text('"of another hookpoint"')
    for place in (folder, folder.parent):
        explanations = read(place, hookpoint="a/b")
        assert (explanations.format, texts(explanations), explanations.passed_over) == (
            "delphi",
            {5: "names of days"},
            1,
        )
        assert [(problem.latent, problem.reason) for problem in explanations.problems] == [(7, "not_parsed_by_delphi")]


def test_saebench(tmp_path: Path) -> None:
    for indent in (None, 2):
        (tmp_path / "x").write_text(json.dumps(SAEBENCH, indent=indent))
        explanations = read(tmp_path / "x")
        assert (explanations.format, texts(explanations)) == ("saebench", {5: "names of days", 7: "colons"})
        assert explanations.texts[7].scores == {"autointerp": 1.0}


def test_eleuther(tmp_path: Path) -> None:
    for indent in (None, 2):
        (tmp_path / "x").write_text(json.dumps({"5": 'a "quoted" {x: 1}', "7": "b"}, indent=indent))
        explanations = read(tmp_path / "x")
        assert (explanations.format, texts(explanations)) == ("eleuther", {5: 'a "quoted" {x: 1}', 7: "b"})
    assert [text.place for text in explanations.texts.values()] == [f"{tmp_path / 'x'}:2", f"{tmp_path / 'x'}:3"]


def test_a_log_of_this_project(tmp_path: Path) -> None:
    from inspect_ai.log import read_eval_log, write_eval_log

    write_eval_log(read_eval_log(str(LOG)), str(tmp_path / "x.json"))
    for path in (LOG, tmp_path / "x.json"):
        explanations = read(path, width=2048)
        assert (explanations.format, sorted(explanations.texts)) == ("log", [199, 320, 1523])
        text = explanations.texts[199]
        assert (text.explainer, text.method, text.store) == (
            "inspect_autointerp/lexical",
            "explain/2",
            "9cffc7dd5cd6e4a5",
        )
        assert text.text.startswith('texts with "than"')
        assert text.scores["detection.balanced_accuracy"] == 0.665
        assert "detection.auroc" not in text.scores, "the headline alone"


def test_under_a_url(tmp_path: Path) -> None:
    import fsspec

    fs = fsspec.filesystem("memory")
    fs.pipe("/exchange/run/explanations/layers.1_latent5.txt", b'"a"')
    fs.pipe("/exchange/x.jsonl", b'{"index": 5, "explanation": "a"}\n')
    for place in ("run", "x.jsonl"):
        assert texts(read(f"memory://exchange/{place}")) == {5: "a"}
    with pytest.raises(UserError, match=r"memory://exchange/none: no such file or folder"):
        read("memory://exchange/none")


def test_what_is_no_explanation_costs_its_latent_alone(tmp_path: Path) -> None:
    explanations = read(
        lines(
            tmp_path / "x",
            {"index": 0, "explanation": "fine"},
            {"index": 1, "explanation": ""},
            {"index": 2, "explanation": " \n"},
            {"index": 3, "explanation": "x" * 10_001},
            {"index": 4, "explanation": "x" * 10_000},
            {"index": 5, "explanation": "a\0b"},
            {"index": 6, "explanation": None},
            {"index": 7, "explanation": None, "reason": "refusal"},
        )
    )
    assert sorted(explanations.texts) == [0, 4]
    assert [(problem.latent, problem.reason) for problem in explanations.problems] == [
        (1, "empty_explanation"),
        (2, "empty_explanation"),
        (3, "explanation_too_long"),
        (5, "nul_in_explanation"),
        (6, "no_explanation"),
        (7, "refusal"),
    ]
    assert explanations.problems[0].place == f"{tmp_path / 'x'}:2"
