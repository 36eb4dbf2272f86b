"""Explanations from elsewhere: one source by hand in the schema of each format, and what is refused in which line."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats import Supplied, read_explanations

HOOK = "layers.1"
NEURONPEDIA = {
    "id": "cluabcdefghijklmnopqrstuv",
    "modelId": "gpt2-small",
    "layer": HOOK,
    "index": "5",
    "authorId": "clkht01d40000jv08hvalcvly",
    "description": "names of days",
    "embedding": None,
    "typeName": "oai_token-act-pair",
    "explanationModelName": "gpt-4o-mini",
    "umap_x": 0.0,
    "umap_y": 0.0,
    "umap_cluster": 0,
    "umap_log_feature_sparsity": 0.0,
}
FEATURE = {
    "modelId": "gpt2-small",
    "layer": HOOK,
    "index": "5",
    "maxActApprox": 3.5,
    "activations": [{"tokens": ["on", " Tuesday"], "values": [0.0, 3.5]}],
    "explanations": [
        {
            "id": "x",
            "description": "names of days",
            "explanationModelName": "gpt-4o-mini",
            "typeName": "oai_token-act-pair",
            "scores": [{"value": 0.75, "explanationScoreTypeName": "eleuther_recall", "jsonDetails": "[]"}],
        }
    ],
}
SAEBENCH = {
    "eval_type_id": "autointerp",
    "eval_config": {"model_name": "gpt2-small", "n_latents": 2},
    "eval_id": "1",
    "datetime_epoch_millis": 1730000000000,
    "eval_result_metrics": {"autointerp": {"autointerp_score": 0.8, "autointerp_std_dev": 0.1}},
    "eval_result_details": [],
    "sae_bench_commit_hash": "abc",
    "sae_lens_id": "blocks.1",
    "sae_lens_release_id": "r",
    "sae_lens_version": "5.0",
    "sae_cfg_dict": {"d_sae": 100},
    "eval_result_unstructured": {
        "5": {
            "latent": 5,
            "explanation": "names of days",
            "predictions": [1, 2],
            "correct seqs": [1, 3],
            "score": 0.75,
            "logs": "…",
        },
        "7": {"latent": 7, "explanation": "colons", "predictions": [], "correct seqs": [], "score": 1.0, "logs": ""},
    },
}
LOG = next((Path(__file__).parents[2] / "logs" / "example").glob("*.eval"))


def read(source: Path | str, **options: Any) -> Supplied:
    return read_explanations(str(source), **({"hookpoint": HOOK, "width": 100} | options))


def lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def texts(explanations: Supplied) -> dict[int, str]:
    return {index: text.text for index, text in explanations.texts.items()}


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


GOOD = '{"index": 5, "explanation": "a"}\n'


def second(line: str, message: str, id: str) -> Any:
    """A good line, this one, and what is said of it."""
    return pytest.param((GOOD + line + "\n").encode(), f"x:2: {message}", id=id)


def row(index: str, explanation: str = '"b"', more: str = "") -> str:
    return f'{{"index": {index}, "explanation": {explanation}{more}}}'


REFUSED = [
    pytest.param(b"", r"x: the file is empty; explanations are read from jsonl, csv", id="empty"),
    pytest.param(b"\n \n", r"x: the file is empty", id="blank"),
    pytest.param(b"hello\nworld", r"x: neither JSON nor a CSV file whose head names", id="text"),
    pytest.param(b"[1, 2]", r"x: JSON of no known kind", id="json"),
    pytest.param(b'{"a": 1}', r"x: JSON of no known kind", id="object"),
    pytest.param(b"{}", r"x: JSON of no known kind", id="nothing"),
    pytest.param(GOOD.encode("utf-16"), r"x:1: not UTF-8 \(byte 0xff\); convert it", id="utf-16"),
    pytest.param((GOOD + row("6", '"é"')).encode("latin-1"), r"x:2: not UTF-8 \(byte 0xe9\)", id="latin-1"),
    second('{"index": 6, "expl', r"broken JSON \(Unterminated string", id="cut"),
    second("{]\n{]\n[]", r"broken JSON .*\(and 2 more\)$", id="broken lines"),
    pytest.param(b'{"index": 5,\n"explanation": }', r"x:2: broken JSON", id="broken document"),
    second("\u2028" + row("6"), "broken JSON", id="no white space"),
    second(row("5"), r"latent 5 again; it is at .*x:1 already; give repeated=first, last or newest$", id="twice"),
    second(row("6", more=', "index": 7'), r"the name index is given twice", id="name twice"),
    second(row("100"), r"latent 100, and the coder of layers.1 has 100 \(0 to 99\)$", id="width"),
    second(row("-1"), "-1 is not a latent", id="negative"),
    second(row("1.0"), "1.0 is not a latent", id="float"),
    second(row("true"), "True is not a latent", id="bool"),
    second(row('"١"'), "١ is not a latent", id="digits of another script"),
    second(row('"1_0"'), "1_0 is not a latent", id="underscore"),
    second(row("9" * 5000), "a number is too long$", id="too many digits"),
    second(row("7", more=', "latent": "layers.1/6"'), "layers.1/6 is another latent than", id="disagree"),
    second(row("7", more=', "latent": 6'), "latent 6 and index 7 are not the same", id="two indices"),
    second(row("6", "1"), "latent 6 has 1 where its explanation should be", id="number"),
    second(row("6", '["a"]'), "latent 6 has a list where", id="list"),
    second(row("6", '"\\ud800"'), "latent 6 has half a surrogate pair", id="surrogate"),
    second('{"index": 6}', "a row needs `explanation`", id="no explanation"),
    second(row("6", more=', "explainer": 3'), "`explainer` is not text", id="explainer"),
    second(row("6", more=', "hookpoint": 3'), "`hookpoint` is not text", id="hookpoint"),
    second("[" * 100_000, "(JSON is nested too deeply|broken JSON)", id="deep"),
    pytest.param(row('"5"', more=', "hookpoint": "m"').encode(), r"x: nothing of layers.1, it is of m; if", id="other"),
    pytest.param(b"index,explanation\n5,a\n6\n", r"x:3: 1 fields, and the head has 2$", id="csv fields"),
    pytest.param(b'index,explanation\n5,"a" b\n', r"x:2: broken CSV", id="csv quotes"),
    pytest.param(b'index,explanation\n5,"a\n\n', r"x:2: broken CSV", id="csv open quote"),
    pytest.param(b"index,explanation\n5,a\n6,\xe9\n", r"x:3: not UTF-8", id="csv latin-1"),
    pytest.param(b"index,explanation,explanation\n5,a,b\n", r"x:1: the head must name, once each", id="csv head"),
    pytest.param(b"index,explanation\n", r"x: it holds no explanations", id="csv of nothing"),
    pytest.param(
        b'{\n"5": "a",\n"6": "b",\n"5": "c"\n}',
        r"x:4: latent 5 again; .*x:2 already; give repeated=first, ",
        id="eleuther twice",
    ),
    pytest.param(b'{\n"5": "a",\n}', r"x:3: broken JSON", id="eleuther trailing comma"),
    pytest.param(
        json.dumps(SAEBENCH, indent=1).replace('"7": {', '"5": {').encode(),
        r"x:\d+: the name 5 is given twice \(lines \d+ and \d+\)$",
        id="saebench twice",
    ),
    pytest.param(
        json.dumps(SAEBENCH).replace('"latent": 7', '"latent": 8').encode(), r"x, entry 7: it says of", id="8"
    ),
    pytest.param(b"PK\x03\x04 cut short", r"x: not a readable Inspect log", id="zip"),
    pytest.param(b"PAR1 cut short", r"x: broken Parquet", id="parquet"),
    pytest.param(b"\x1f\x8b cut short", r"x: broken gzip; download it again", id="gzip"),
    pytest.param(b'{"version": 2, "status": "success", "eval": {}}', r"x: not a readable Inspect log", id="json log"),
]


@pytest.mark.parametrize(("content", "message"), REFUSED)
def test_refused_with_its_file_and_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        read(tmp_path / "x")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("index", ["x" * 1_000_000, 5, ["x" * 1_000_000], "\x1b[31m\n" * 9], ids=[*"abcd"])
def test_a_megabyte_is_not_echoed(index: Any, tmp_path: Path) -> None:
    big = "y" * 1_000_000
    row = {"index": index, "explanation": big, "hookpoint": big}
    with pytest.raises(UserError) as error:
        read(lines(tmp_path / "x", row, row | {"latent": big, "explanation": 3}))
    assert len(str(error.value)) < 500
    assert "\x1b" not in str(error.value)
    assert "\n" not in str(error.value)


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


def test_a_hookpoint_by_another_name_is_said_and_not_guessed(tmp_path: Path) -> None:
    path = lines(tmp_path / "x", NEURONPEDIA | {"layer": "1-res-jb"})
    with pytest.raises(UserError, match=r"nothing of layers.1, it is of 1-res-jb; if those are the same latents, give"):
        read(path)
    assert sorted(read(path, key="1-res-jb").texts) == [5]
    assert sorted(read(path, key="gpt2-small/1-res-jb").texts) == [5]
    more = NEURONPEDIA | {"layer": "1-res-jb", "modelId": "gemma", "index": "7"}
    lines(path, NEURONPEDIA | {"layer": "1-res-jb"}, more)
    with pytest.raises(
        UserError, match=r"for several subjects; put one of them in front of the key \(gemma/…, gpt2-sm"
    ):
        read(path, key="1-res-jb")
    assert sorted(read(path, key="gemma/1-res-jb").texts) == [7]


def test_what_could_be_two_formats_is_asked_for(tmp_path: Path) -> None:
    path = lines(tmp_path / "x", NEURONPEDIA | {"explanation": "another text"})
    with pytest.raises(
        UserError, match=r"can be read as jsonl or as neuronpedia; give format=jsonl or format=neuronpedia"
    ):
        read(path)
    assert read(path, format="neuronpedia").texts[5].text == "names of days"
    assert read(path, format="jsonl", key=HOOK).texts[5].text == "another text"
    folder = tmp_path / "both" / "explanations"
    folder.mkdir(parents=True)
    lines(folder / "batch-0.jsonl", NEURONPEDIA)
    (folder / "layers.1_latent5.txt").write_text('"a"')
    with pytest.raises(UserError, match=r"can be read as neuronpedia or as delphi"):
        read(folder.parent)


@pytest.mark.parametrize("form", ["csv", "parquet", "neuronpedia", "saebench", "eleuther", "log", "delphi", "nonsense"])
def test_a_file_of_another_format_than_said_is_refused(form: str, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        read(lines(tmp_path / "x", {"index": 5, "explanation": "a"}), format=form)
    with pytest.raises(UserError):
        read(tmp_path, format=form)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("notes.md", "hello", r"explanations/notes.md: not named as Delphi does", id="name"),
        pytest.param("a\n\x1b[31m.txt", "hello", r"/a⏎\\x1b\[31m.txt: not named as Delphi", id="hostile"),
        pytest.param("layers.1_latent7.txt", "hello", r"latent7.txt:1: broken JSON .*; Delphi writes", id="raw"),
        pytest.param("layers.1_latent7.txt", "[1]", r"latent7.txt: a list, where Delphi writes", id="list"),
        pytest.param("layers.1_latent100.txt", '"a"', r"latent100.txt: latent 100, and the coder", id="width"),
    ],
)  # fmt: skip
def test_delphi_refuses_what_is_not_its(name: str, content: str, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "explanations"
    folder.mkdir()
    (folder / "layers.1_latent5.txt").write_text('"a"')
    (folder / name).write_text(content)
    with pytest.raises(UserError, match=message) as error:
        read(tmp_path)
    assert "\n" not in str(error.value)


def test_what_is_not_there_or_closed_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none: no such file or folder"):
        read(tmp_path / "none")
    with pytest.raises(UserError, match=r"a folder without batch-N.jsonl.gz .* HOOKPOINT_latentN.txt"):
        read(tmp_path)
    for name in ("", "a\0b"):
        with pytest.raises(UserError, match=r"explanations: empty"):
            read(name)


def test_another_projects_log_is_refused(tmp_path: Path) -> None:
    from inspect_ai.log import read_eval_log, write_eval_log

    log = read_eval_log(str(LOG), header_only=True)
    log.eval.metadata = {}
    write_eval_log(log, str(tmp_path / "x.eval"))
    message = r"this log comes from another project \(task inspect_autointerp/multi_score\) and has"
    with pytest.raises(UserError, match=message):
        read(tmp_path / "x.eval")
