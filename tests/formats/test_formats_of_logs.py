"""Logs exported in every format: whose explanation a row has, what is left out, joined, kept secret or refused."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from inspect_ai.log import EvalLog, read_eval_log, write_eval_log
from tests.formats.samples import HOOK, LOG, read, texts

from inspect_autointerp import cli
from inspect_autointerp.errors import UserError
from inspect_autointerp.formats import tables
from inspect_autointerp.formats.export import FORMATS, GRAPH, TABLES, export
from inspect_autointerp.formats.logs import log_rows
from inspect_autointerp.formats.records import Row, headlines
from inspect_autointerp.inspect_support.log_samples import read_header
from inspect_autointerp.scorers.shared.specs import SCORES

LATENTS = [f"layers.1/{index}" for index in (199, 320, 1523)]


EXPLANATIONS = [form for form in FORMATS if form != GRAPH]
"""Formats that explanations can be read from again."""


def made(folder: Path, change: Callable[[EvalLog], None], name: str = "x.eval") -> str:
    """A copy of the example log with a change."""
    log = read_eval_log(str(LOG))
    change(log)
    write_eval_log(log, str(folder / name))
    return str(folder / name)


def with_texts(*texts: str | None, **more: Any) -> Callable[[EvalLog], None]:
    def change(log: EvalLog) -> None:
        for sample, text in zip(log.samples or [], texts, strict=True):
            sample.metadata["explanation"] |= {"text": text} | more

    return change


@pytest.mark.parametrize("form", EXPLANATIONS)
def test_a_log_in_every_format(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from inspect_autointerp.formats import read_explanations

    output = tmp_path / "deep" / "out"
    arguments = ["autointerp", "export", str(LOG), "--to", form, "-o", str(output)]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code in (0, None)
    names = {"saebench": "inspect_autointerp_demo_layers.1_eval_results.json", "eleuther": "layers.1_feature.json"}
    place = output / names[form] if form in names else output
    ours = read_explanations(str(LOG), hookpoint=HOOK, width=2048)
    explanations = read_explanations(str(place), hookpoint=HOOK, width=2048)
    assert (explanations.format, texts(explanations)) == (form, texts(ours))
    beside = output.with_name("out.provenance.json") if form in TABLES else output / "provenance.json"
    about = json.loads(beside.read_text())
    [log] = about["logs"]
    assert (about["format"], about["written"], log["store"]) == (form, 3, "9cffc7dd5cd6e4a5")
    assert log["explainer"]["model"] == log["scores"]["detection"]["grader"] == "inspect_autointerp/lexical"
    assert log["scores"]["detection"]["prompt"].startswith("detection/")
    # (0.665 + 0.825 + 0.805) / 3 = 0.765
    detection = log["scores"]["detection"]["statistics"]["balanced_accuracy"]
    assert (round(detection["mean"], 4), detection["n"]) == (0.765, 3)
    assert detection["low"] < 0.765 < detection["high"]
    if form not in TABLES:
        rows = read_explanations(str(output / "latents.jsonl"), hookpoint=HOOK, width=2048)
        assert rows.texts[199].scores["detection.auroc"] == 0.6661
    left = sorted(path.name for path in output.parent.iterdir())
    assert left == (["out", "out.provenance.json"] if form in TABLES else ["out"]), "nothing is left behind"
    assert not list(output.parent.rglob(".*"))
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2, "it exists"
    monkeypatch.setattr("sys.argv", [*arguments, "--overwrite"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code in (0, None)


def test_undefined_is_null_and_every_score_says_who_made_it(tmp_path: Path) -> None:
    def change(log: EvalLog) -> None:
        [sample] = [sample for sample in log.samples or [] if sample.id == "layers.1/199"]
        value = (sample.scores or {})["detection"].value
        assert isinstance(value, dict)
        value["balanced_accuracy"] = float("nan")

    log = made(tmp_path, change)
    export([log], "jsonl", tmp_path / "out")
    records = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert [record["detection.balanced_accuracy"] for record in records] == [None, 0.825, 0.805]
    assert [record["latent"] for record in records] == LATENTS
    first = records[0]
    assert (first["detection.grader"], first["log"], first["method"]) == (
        "inspect_autointerp/lexical",
        "x.eval",
        "explain/2",
    )
    assert json.loads(first["detection.options"])["negatives"] == "random"
    assert {tuple(record) for record in records} == {tuple(first)}
    export([log], "parquet", tmp_path / "parquet")
    frame = pd.read_parquet(tmp_path / "parquet")
    assert frame["detection.balanced_accuracy"].isna().tolist() == [True, False, False]
    assert str(frame["detection.auroc"].dtype) == "float64"
    [row] = [row for row in log_rows(log, read_header(log)) if row.index == 199]
    assert "detection.balanced_accuracy" not in headlines(row.scores)
    assert not any(name.startswith("detection") for name in headlines(row.scores)), "not another one in its place"


def test_first_statistic_of_a_score_is_its_headline() -> None:
    for row in log_rows(str(LOG), read_header(str(LOG))):
        assert headlines(row.scores)
        for name in headlines(row.scores):
            score, _, statistic = name.partition(".")
            assert statistic == SCORES[score].headline


@pytest.mark.parametrize("form", ["neuronpedia", "delphi", "saebench", "eleuther"])
def test_what_is_no_explanation_of_its_latent_is_left_out_and_counted(form: str, tmp_path: Path) -> None:
    done = export([made(tmp_path, with_texts("a", None, ""))], form, tmp_path / "out")
    assert (done.written, done.left_out) == (1, 2)
    assert len((tmp_path / "out" / "latents.jsonl").read_text().splitlines()) == 3
    with pytest.raises(UserError, match=rf"{form}: none of these logs' latents has its own explanation"):
        export([made(tmp_path, with_texts("a", "b", "c", latent="layers.1/7"))], form, tmp_path / "floor")
    assert not (tmp_path / "floor").exists()


def test_a_floors_rows_say_whose_explanation_they_have(tmp_path: Path) -> None:
    log = made(tmp_path, with_texts("a", "b", "c", latent="layers.1/7"))
    export([log], "csv", tmp_path / "out")
    for source in (log, tmp_path / "out"):
        explanations = read(source, width=2048)
        assert {text.written_for for text in explanations.texts.values()} == {"layers.1/7"}
        assert sorted(explanations.texts) == [199, 320, 1523]


@pytest.mark.parametrize("form", ["delphi", "saebench", "eleuther"])
def test_two_logs_of_one_explanation_are_joined_and_of_two_refused(form: str, tmp_path: Path) -> None:
    def fuzzing_alone(log: EvalLog) -> None:
        for sample in log.samples or []:
            assert sample.scores
            sample.scores = {"fuzzing": sample.scores["fuzzing"]}

    other = made(tmp_path, fuzzing_alone, "other.eval")
    done = export([other, str(LOG)], form, tmp_path / "out")
    assert done.written == 6, "rows; each latent is written once"
    if form == "saebench":
        [path] = (tmp_path / "out").glob("*_eval_results.json")
        assert json.loads(path.read_text())["eval_result_unstructured"]["199"]["score"] == 0.665
    if form == "eleuther":
        assert json.loads((tmp_path / "out/scores/recall_layers.1.json").read_text())["199"] == 0.665
        assert json.loads((tmp_path / "out/scores/fuzz_layers.1.json").read_text())["199"] == 0.6412
    with pytest.raises(
        UserError, match=r"x.eval: layers.1/199 has a different explanation in .*example.eval; export each"
    ):
        export([str(LOG), made(tmp_path, with_texts("a", "b", "c"))], form, tmp_path / "none")
    assert not (tmp_path / "none").exists()
    export([str(LOG), made(tmp_path, with_texts("a", "b", "c"))], "jsonl", tmp_path / "table")
    assert len((tmp_path / "table").read_text().splitlines()) == 6


def test_a_log_of_which_samples_are_missing_gives_those_it_has(tmp_path: Path) -> None:
    def cut(log: EvalLog) -> None:
        log.samples = (log.samples or [])[:2]
        log.status = "cancelled"
        log.results = None

    export([made(tmp_path, cut)], "jsonl", tmp_path / "out")
    assert len((tmp_path / "out").read_text().splitlines()) == 2
    [about] = json.loads((tmp_path / "out.provenance.json").read_text())["logs"]
    assert about["status"] == "cancelled"
    assert about["scores"]["detection"]["statistics"]["balanced_accuracy"]["n"] == 2, "of the latents that it has"


def test_what_may_be_secret_or_a_place_is_not_written(tmp_path: Path) -> None:
    def change(log: EvalLog) -> None:
        log.eval.model_args = {"api_key": "sk-1"}
        log.eval.model_generate_config.extra_headers = {"Authorization": "sk-2"}
        log.eval.task_args["contexts"] = "/home/me/store"

    export([made(tmp_path, change)], "delphi", tmp_path / "out")
    for path in (tmp_path / "out").rglob("*.json*"):
        assert not any(word in path.read_text() for word in ("sk-1", "sk-2", "/home/me"))


def test_refused_in_one_line(tmp_path: Path) -> None:
    log, out = str(LOG), tmp_path / "out"

    def refuse(message: str, logs: list[str], to: str = "jsonl", output: Path = out, **options: Any) -> None:
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(UserError, match=message) as error:
            export(logs, to, output, **options)
        assert "\n" not in str(error.value)
        assert sorted(tmp_path.rglob("*")) == before, "nothing was changed"

    def elsewhere(log: EvalLog) -> None:
        assert log.eval.metadata
        log.eval.metadata["hookpoint"] = "layers.2"

    other = made(tmp_path, elsewhere)
    (tmp_path / "broken.eval").write_bytes(b"PK\x03\x04 cut short")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.txt").write_text("mine")
    refuse(r"--to xml: unknown format; give one of jsonl", [log], "xml")
    refuse(r"a log was given twice", [log, log])
    refuse(r"none.eval: no such log", [str(tmp_path / "none.eval")])
    refuse(r"broken.eval: not a readable Inspect log", [str(tmp_path / "broken.eval")])
    refuse(r"not a readable Inspect log", [str(tmp_path)])
    refuse(
        r"neuronpedia: it is of one coder, and these logs are of .*layers.1.* and .*layers.2",
        [log, other],
        "neuronpedia",
    )
    refuse(r"mine exists; give another -o, or --overwrite", [log], "delphi", tmp_path / "mine")
    refuse(
        r"mine is not an export: it is not overwritten",
        [log],
        "delphi",
        tmp_path / "mine",
        overwrite=True,
    )
    refuse(r"mine is a folder, but csv writes a file", [log], "csv", tmp_path / "mine", overwrite=True)
    refuse(r"cannot be written", [log], "csv", tmp_path / "broken.eval" / "out")
    export([log], "delphi", out)
    before = (out / "provenance.json").read_bytes()
    none = made(tmp_path, with_texts(None, None, None))
    refuse(r"none of these logs' latents has its own explanation", [none], "delphi", overwrite=True)
    assert (out / "provenance.json").read_bytes() == before


def test_neuronpedias_names_are_the_users_or_the_logs(tmp_path: Path) -> None:
    export([str(LOG)], "neuronpedia", tmp_path / "a")
    export([str(LOG)], "neuronpedia", tmp_path / "b", model_id="gpt2-small", source_id="6-res-jb", author_id="u1")
    names = []
    for name in "ab":
        content = gzip.decompress((tmp_path / name / "explanations" / "batch-0.jsonl.gz").read_bytes())
        record = json.loads(content.splitlines()[0])
        names.append((record["modelId"], record["layer"], record["authorId"], record["createdAt"][:10]))
    assert names == [
        ("demo", "layers.1", "inspect-autointerp", "2026-11-30"),
        ("gpt2-small", "6-res-jb", "u1", "2026-11-30"),
    ]
    assert read(tmp_path / "b", key="6-res-jb", width=2048).texts[199].scores["eleuther_recall"] == 0.665


def test_half_a_surrogate_pair_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Row(place="x.eval", hookpoint=HOOK, index=5, text="a\ud800")
    monkeypatch.setattr("inspect_autointerp.formats.row_buffer.log_rows", lambda *_: [row])
    with pytest.raises(UserError, match=r"layers.1/5 has half a surrogate pair in its explanation"):
        export([str(LOG)], "jsonl", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("form", "place"), [("csv", "out"), ("csv", "out.provenance.json"), ("delphi", "out")])
def test_export_file_that_appears_meanwhile_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, place: str
) -> None:
    columns = tables.columns

    def late(*arguments: Any) -> Any:
        (tmp_path / place).write_text("mine")
        return columns(*arguments)

    monkeypatch.setattr("inspect_autointerp.formats.export.tables.columns", late)
    with pytest.raises(UserError, match=rf"{place} (exists; give another -o|has appeared in the meantime)"):
        export([str(LOG)], form, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == [place]
    assert (tmp_path / place).read_text() == "mine"


def test_export_overwrite_replaces_exports_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    export([str(LOG)], "delphi", out)
    export([str(LOG)], "delphi", out, overwrite=True)
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds a file that is not part of an export \(thesis.txt\): it is not"):
        export([str(LOG)], "delphi", out, overwrite=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "provenance.json").write_text('{"files": []}')
    with pytest.raises(UserError, match="other is not an export: it is not overwritten"):
        export([str(LOG)], "delphi", tmp_path / "other", overwrite=True)
    assert (out / "thesis.txt").read_text() == "mine"
