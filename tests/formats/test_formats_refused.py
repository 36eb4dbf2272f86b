"""Explanations from elsewhere that cannot be read: refused in one line, with the file and the line in it."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.formats.samples import HOOK, LOG, NEURONPEDIA, SAEBENCH, lines, read

from inspect_autointerp.errors import UserError

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
    pytest.param(
        b"x" * 200_000 + b"\nworld", r"x: neither JSON nor a CSV file whose head names", id="a very long line"
    ),
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
