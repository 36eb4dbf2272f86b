"""Explanations for elsewhere: what is written is read back the same, and what a format cannot hold stands beside it."""

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.samples import FEATURE, HOOK, NEURONPEDIA, SAEBENCH, lines, read, texts

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats import Supplied, SuppliedText, tables
from inspect_autointerp.formats.delphi import write_delphi
from inspect_autointerp.formats.eleuther import write_eleuther
from inspect_autointerp.formats.export import FORMATS, GRAPH, TABLES
from inspect_autointerp.formats.neuronpedia import Names, write_neuronpedia
from inspect_autointerp.formats.records import Row
from inspect_autointerp.formats.saebench import write_saebench

NAMES = Names(model="gpt2-small", source=HOOK, author="me", created="2026-01-01T00:00:00+00:00")


def neuronpedia(rows: list[Row], folder: Path) -> Path:
    write_neuronpedia(rows, folder, NAMES)
    return folder


def delphi(rows: list[Row], folder: Path) -> Path:
    write_delphi(rows, folder)
    return folder


def saebench(rows: list[Row], folder: Path) -> Path:
    write_saebench(rows, folder, subject="gpt2-small", coder="r/x:blocks.1", created="2026-01-01T00:00:00+00:00")
    return folder / "r_x_blocks.1_eval_results.json"


def eleuther(rows: list[Row], folder: Path) -> Path:
    write_eleuther(rows, folder)
    return folder / f"{HOOK}_feature.json"


def table(form: str) -> Callable[[list[Row], Path], Path]:
    def write(rows: list[Row], folder: Path) -> Path:
        names = dict.fromkeys(name for row in rows for name in row.scores)
        TABLES[form](rows, folder / form, tables.columns(names, ()))
        return folder / form

    return write


WRITERS = {form: table(form) for form in TABLES} | {
    "neuronpedia": neuronpedia,
    "delphi": delphi,
    "saebench": saebench,
    "eleuther": eleuther,
}


def rows_of(explanations: Supplied) -> list[Row]:
    return [row(index, text.text, text) for index, text in explanations.texts.items()]


def row(index: int, text: str, about: SuppliedText | None = None, **more: Any) -> Row:
    if about is not None:
        more |= {"explainer": about.explainer, "method": about.method, "store": about.store, "scores": about.scores}
    return Row(place="x.eval", hookpoint=HOOK, index=index, text=text, **more)


def said(explanations: Supplied) -> dict[int, Any]:
    return {i: (text.text, text.explainer, text.method, text.scores) for i, text in explanations.texts.items()}


def sources(folder: Path) -> Iterable[tuple[str, Path]]:
    """One source by hand in the schema of each format."""
    (folder / "feature").write_text(json.dumps(FEATURE))
    yield "neuronpedia", folder / "feature"
    yield "neuronpedia", lines(folder / "batch", NEURONPEDIA, NEURONPEDIA | {"index": "7", "description": "a\n“b”"})
    (folder / "run" / "explanations").mkdir(parents=True)
    (folder / "run" / "explanations" / f"{HOOK}_latent5.txt").write_text('"names of days"')
    yield "delphi", folder / "run"
    (folder / "eleuther").write_text('{"5": "names of days", "7": "=1+1"}')
    yield "eleuther", folder / "eleuther"
    full = {"latent": f"{HOOK}/5", "explanation": "a", "explainer": "gpt", "method": "m", "store": "d", "score": 0.5}
    yield "jsonl", lines(folder / "lines", full, full | {"latent": f"{HOOK}/7", "detection.tpr": 0.25})
    (folder / "csv").write_text(f'latent,explanation,score\n{HOOK}/5,"a ""b""\nc",0.5\n')
    yield "csv", folder / "csv"
    pd.DataFrame({"latent": [f"{HOOK}/5"], "explanation": ["a"], "x.tpr": [0.5]}).to_parquet(folder / "parquet")
    yield "parquet", folder / "parquet"


def test_what_is_read_and_written_and_read_again_is_the_same(tmp_path: Path) -> None:
    for number, (form, source) in enumerate(sources(tmp_path)):
        first = read(source)
        assert (first.format, bool(first.texts)) == (form, True)
        folder = tmp_path / f"out{number}"
        folder.mkdir()
        second = read(WRITERS[form](rows_of(first), folder))
        assert second.format == form
        assert said(second) == said(first)


def test_a_slash_in_a_hookpoint_is_two_dashes_to_delphi(tmp_path: Path) -> None:
    write_delphi([Row(place="x", hookpoint="a/b", index=5, text="c")], tmp_path)
    assert (tmp_path / "explanations" / "a--b_latent5.txt").read_text() == '"c"'
    assert texts(read(tmp_path, hookpoint="a/b")) == {5: "c"}


def test_a_saebench_result_keeps_its_entries_its_keys_and_its_score(tmp_path: Path) -> None:
    # (0.75 + 1.0) / 2 = 0.875, and both are 0.125 away from it.
    (tmp_path / "x").write_text(json.dumps(SAEBENCH))
    first = read(tmp_path / "x")
    rows = [
        row(i, text.text, scores={"detection.balanced_accuracy": text.scores["autointerp"]}, method="saebench")
        for i, text in first.texts.items()
    ]
    path = saebench(rows, tmp_path)
    assert said(read(path)) == said(first)
    written = json.loads(path.read_text())
    assert set(written) == set(SAEBENCH)
    assert list(written["eval_result_unstructured"]["5"]) == list(SAEBENCH["eval_result_unstructured"]["5"])
    score = {"autointerp_score": 0.875, "autointerp_std_dev": 0.125}
    assert written["eval_result_metrics"]["autointerp"] == score
    assert (written["sae_lens_release_id"], written["sae_lens_id"]) == ("r/x", "blocks.1")
    with pytest.raises(UserError, match=r"saebench: it has a place for detection alone"):
        saebench([row(5, "a", scores={"fuzzing.balanced_accuracy": 0.5})], tmp_path)


def test_neuronpedias_lines_have_the_same_keys_and_a_text_for_an_index(tmp_path: Path) -> None:
    rows = [
        row(i, "a", explainer="gpt" if i else None, scores={"detection.balanced_accuracy": 0.5}) for i in range(1500)
    ]
    neuronpedia(rows, tmp_path)
    assert sorted(path.name for path in (tmp_path / "explanations").iterdir()) == [
        "batch-0.jsonl.gz",
        "batch-1.jsonl.gz",
    ]
    objects = [
        json.loads(line)
        for kind in ("explanations", "scores")
        for path in sorted((tmp_path / kind).iterdir())
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]
    explanations, scores = objects[:1500], objects[1500:]
    needed = {"id", "modelId", "layer", "index", "description", "authorId", "typeName", "explanationModelName"}
    assert {tuple(record) for record in explanations} == {tuple(explanations[0])}
    assert needed <= set(explanations[0])
    assert [record["index"] for record in explanations] == [str(i) for i in range(1500)]
    assert len({record["id"] for record in explanations}) == 1500
    assert {len(record["id"]) for record in explanations} == {25}
    assert [record["explanationId"] for record in scores] == [record["id"] for record in explanations]
    assert {record["explanationScoreTypeName"] for record in scores} == {"eleuther_recall"}
    assert {record["jsonDetails"] for record in scores} == {"[]"}
    before = (tmp_path / "explanations" / "batch-0.jsonl.gz").read_bytes()
    neuronpedia([*rows, rows[0]], tmp_path)
    assert (tmp_path / "explanations" / "batch-0.jsonl.gz").read_bytes() == before, "the same bytes, none twice"


_SIGNS = st.sampled_from(
    [*"\"'\n\r\t=+@,;\\{<|é漢🦜", *"\u2028\u2029\x85\x0b\x0c\x1c\x1b\ufeff\u202e", "\r\n", "\\u0041", "null"]
)
_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.lists(_SIGNS).map("".join)
)


@given(drawn=st.dictionaries(st.integers(0, 99), _TEXTS.filter(str.strip), min_size=1, max_size=5))
@pytest.mark.parametrize("form", [form for form in FORMATS if form != GRAPH])
def test_any_text_comes_back_as_it_was(
    form: str, drawn: dict[int, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("x")
    rows = [row(index, text, scores={"detection.balanced_accuracy": 0.5}) for index, text in drawn.items()]
    explanations = read(WRITERS[form](rows, folder))
    assert explanations.format == form
    assert texts(explanations) == drawn
