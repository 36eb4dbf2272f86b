"""Delphi's scores, written from verdicts and read as its analysis reads them: contexts and statistics are the log's."""

import json
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalLog, read_eval_log, write_eval_log

from inspect_autointerp import cli
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError
from inspect_autointerp.formats import read_explanations
from inspect_autointerp.formats.export import export
from inspect_autointerp.store.store import Store

Samples = list[dict[str, Any]]
FIELDS = ["str_tokens", "activations", "distance", "activating", "prediction", "probability", "correct"]
"""Fields of Delphi's `ClassifierOutput` (EleutherAI/delphi, scorers/classifier/sample.py)."""


def contexts(folder: Path, score: str, latent: str) -> list[dict[str, Any]]:
    return json.loads((folder / "scores" / score / f"{latent.replace('/', '_latent')}.txt").read_text())


def changed(scored_log: str, folder: Path, name: str = "forged.eval", **metadata: Any) -> tuple[EvalLog, str]:
    log = read_eval_log(scored_log)
    log.eval.metadata = (log.eval.metadata or {}) | metadata
    return log, str(folder / name)


def verdicts_of(log: EvalLog, score: str = "detection") -> dict[str, list[Any]]:
    assert log.samples and log.samples[0].scores
    return (log.samples[0].scores[score].metadata or {})["verdicts"]


def test_scores_come_to_the_statistics_of_the_log(
    scored_log: str, samples: Samples, planted_store: Path, tmp_path: Path
) -> None:
    done = export([scored_log], "delphi", tmp_path / "out", store=str(planted_store))
    assert (done.written, done.notes) == (4, ())
    assert sorted(path.name for path in (tmp_path / "out" / "scores").iterdir()) == ["detection", "fuzz"]
    for sample in samples:
        for name, theirs in (("detection", "detection"), ("fuzzing", "fuzz")):
            rows = contexts(tmp_path / "out", theirs, sample["id"])
            assert all(list(row) == FIELDS for row in rows)
            assert len(rows) == sum(row["activating"] for row in rows) * 2 == 40
            rates = [sum(row["correct"] for row in rows if row["activating"] is side) / 20 for side in (True, False)]
            value = sample["scores"][name]["value"]
            assert rates == pytest.approx([value["tpr"], value["tnr"]], abs=1e-4)
            assert [row["correct"] for row in rows] == [row["prediction"] == row["activating"] for row in rows]
            assert all(0 <= row["probability"] <= 1 for row in rows)
    about = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert {
        f"scores/fuzz/{name}" for name in [f"planted_latent{s['id'].partition('/')[2]}.txt" for s in samples]
    } < set(about["files"])


def test_contexts_are_those_of_the_store(
    scored_log: str, samples: Samples, planted_store: Path, tmp_path: Path
) -> None:
    export([scored_log], "delphi", tmp_path / "out", store=str(planted_store))
    store, latent = Store.open(str(planted_store)), samples[0]["id"]
    hookpoint, _, index = latent.rpartition("/")
    drawn = LatentContexts(store, store.at(hookpoint).latent(int(index))).test(20, 20, 0, ("random",))
    by_text = {context.text: context for context in drawn}
    rows = contexts(tmp_path / "out", "detection", latent)
    assert len(rows) == len(by_text) == 40
    for row in rows:
        context = by_text["".join(row["str_tokens"])]
        assert row["str_tokens"] == context.tokens()
        assert row["activations"] == pytest.approx(context.activations.tolist(), rel=1e-6)
        assert (max(row["activations"]) > 0) is row["activating"] is (context.kind == "activating")
        assert row["distance"] == (-1 if context.decile is None else 10 - context.decile)


def test_folder_is_read_back_as_delphis(scored_log: str, samples: Samples, planted_store: Path, tmp_path: Path) -> None:
    export([scored_log], "delphi", tmp_path / "out", store=str(planted_store))
    back = read_explanations(str(tmp_path / "out"), hookpoint="planted", width=2048)
    assert back.format == "delphi"
    assert {index: text.text for index, text in back.texts.items()} == {
        sample["metadata"]["index"]: sample["metadata"]["explanation"]["text"] for sample in samples
    }


def test_store_where_the_log_names_it_is_at_hand(
    scored_log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))  # where there is no planted store
    assert export([scored_log], "delphi", tmp_path / "out").notes == ()
    assert (tmp_path / "out" / "scores" / "fuzz").is_dir()


def test_without_a_store_the_command_says_what_is_left_out(
    scored_log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log, path = changed(scored_log, tmp_path, store="0123456789abcdef")
    write_eval_log(log, path)
    monkeypatch.setattr("sys.argv", ["autointerp", "export", path, "--to", "delphi", "-o", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    message = "forged.eval: no scores/, since its store 0123456789abcdef is not at hand; give it as --store\n"
    assert message in capsys.readouterr().err
    assert len(list((tmp_path / "out" / "explanations").iterdir())) == 4
    assert not (tmp_path / "out" / "scores").exists()


def test_unscored_context_has_null_for_what_was_said(scored_log: str, planted_store: Path, tmp_path: Path) -> None:
    log, path = changed(scored_log, tmp_path)
    held, n = verdicts_of(log), len(verdicts_of(log)["kind"])
    held["label"][0] = held["probability"][0] = None
    held["kind"][0] = "random"
    held["reason"] = ["refused"] + [None] * (n - 1)
    write_eval_log(log, path)
    export([path], "delphi", tmp_path / "out", store=str(planted_store))
    assert log.samples
    first = contexts(tmp_path / "out", "detection", str(log.samples[0].id))[0]
    assert [first[name] for name in ("prediction", "probability", "correct")] == [None] * 3


def test_floor_and_missing_explanation_have_no_scores(scored_log: str, planted_store: Path, tmp_path: Path) -> None:
    log, path = changed(scored_log, tmp_path)
    assert log.samples
    log.samples[0].metadata["explanation"]["latent"] = "planted/0"
    log.samples[1].metadata["explanation"]["text"] = None
    write_eval_log(log, path)
    done = export([path], "delphi", tmp_path / "out", store=str(planted_store))
    assert (done.written, done.left_out) == (2, 2)
    assert len(list((tmp_path / "out" / "scores" / "detection").iterdir())) == 2


def test_what_cannot_be_written_is_refused(scored_log: str, planted_store: Path, tmp_path: Path) -> None:
    log, path = changed(scored_log, tmp_path)
    labels = verdicts_of(log)["label"]
    labels[:] = [1 - label for label in labels]
    write_eval_log(log, path)
    with pytest.raises(UserError, match="has different verdicts for detection than before; export each explainer"):
        export([scored_log, path], "delphi", tmp_path / "out", store=str(planted_store))
    assert not (tmp_path / "out").exists()
    verdicts_of(log)["start"][verdicts_of(log)["kind"].index("random")] = 10**9
    write_eval_log(log, path)
    with pytest.raises(UserError, match="holds no context that starts at 1000000000"):
        export([path], "delphi", tmp_path / "out", store=str(planted_store))
    other, path = changed(scored_log, tmp_path, "other.eval", store="0123456789abcdef")
    write_eval_log(other, path)
    with pytest.raises(UserError, match="but the log is over 0123456789abcdef"):
        export([path], "delphi", tmp_path / "out", store=str(planted_store))
    with pytest.raises(UserError, match="--store is for --to delphi only"):
        export([scored_log], "csv", tmp_path / "out", store=str(planted_store))
