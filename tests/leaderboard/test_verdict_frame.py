"""A log's verdicts as a table, each of them once, with its context's text; and the latents that scores disagree on."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from inspect_ai.log import read_eval_log, write_eval_log
from tests.log_files import sample, value, write

from inspect_autointerp import cli
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.verdicts import Verdict, to_columns
from inspect_autointerp.leaderboard.analyse import disagreements as module
from inspect_autointerp.leaderboard.analyse.disagreements import disagreements
from inspect_autointerp.leaderboard.load.verdict_frame import COLUMNS, FIELDS, verdict_frame
from inspect_autointerp.store.store import Store

Samples = list[dict[str, Any]]


def test_frame_has_every_verdict_once(scored_log: str, samples: Samples) -> None:
    frame = verdict_frame(scored_log)
    assert list(frame) == list(COLUMNS)
    assert set(FIELDS) < set(COLUMNS)
    for one in samples:
        for name, score in one["scores"].items():
            rows = frame[(frame["latent"] == one["id"]) & (frame["score"] == name)]
            recorded = score["metadata"]["verdicts"]
            for column, values in recorded.items():
                assert [None if pd.isna(cell) else cell for cell in rows[column]] == values, column
            for column in set(FIELDS) - set(recorded):
                assert rows[column].isna().all()
    assert len(frame) == sum(
        len(score["metadata"]["verdicts"]["kind"]) for one in samples for score in one["scores"].values()
    )


def test_frame_of_a_latent_and_a_score_is_a_part(scored_log: str, samples: Samples) -> None:
    ids = [samples[2]["id"], samples[0]["id"]]
    part = verdict_frame(scored_log, ids, ["fuzzing"])
    whole = verdict_frame(scored_log)
    same = whole[whole["latent"].isin(ids) & (whole["score"] == "fuzzing")].reset_index(drop=True)
    assert part.equals(same)


def test_frame_with_the_store_has_the_texts(scored_log: str, samples: Samples, planted_store: Path) -> None:
    latent = samples[0]["id"]
    frame = verdict_frame(scored_log, [latent], ["detection"], str(planted_store))
    store = Store.open(str(planted_store))
    hookpoint, _, index = latent.rpartition("/")
    contexts = LatentContexts(store, store.at(hookpoint).latent(int(index))).test(20, 20, 0, ("random",))
    texts = {context.start: context.text for context in contexts}
    rows = frame[frame["kind"].isin(["activating", "random"])]
    assert {int(start): text for start, text in zip(rows["start"], rows["text"], strict=True)} == texts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latents": ["planted/99999"]}, r"holds no latent planted/99999; it holds planted/"),
        ({"scores": ["simulation"]}, r"holds no score simulation; it holds detection, fuzzing, embedding, intruder"),
        ({"store": "/nowhere"}, r"/nowhere"),
    ],
)
def test_frame_of_what_is_not_there_is_refused(options: Any, message: str, scored_log: str) -> None:
    with pytest.raises(UserError, match=message):
        verdict_frame(scored_log, **options)


def test_frame_of_a_bad_log_is_one_line(scored_log: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such log"):
        verdict_frame(str(tmp_path / "x.eval"))
    (tmp_path / "x.eval").write_bytes(b"no log")
    with pytest.raises(UserError, match="not a readable Inspect log"):
        verdict_frame(str(tmp_path / "x.eval"))
    bare = write(tmp_path / "bare.eval", [sample(0, value(0.5)), sample(1, value(0.75))])
    with pytest.raises(UserError, match=r"holds no verdicts for these latents and scores \(its scores: detection\)"):
        verdict_frame(bare)
    log = read_eval_log(scored_log)
    assert log.samples and log.samples[0].scores
    (log.samples[0].scores["detection"].metadata or {})["verdicts"]["label"][0] = 5
    write_eval_log(log, str(tmp_path / "forged.eval"))
    with pytest.raises(UserError, match=rf"the verdicts of detection of {log.samples[0].id}: column label holds 5"):
        verdict_frame(str(tmp_path / "forged.eval"))


def test_context_outside_of_the_store_is_refused(scored_log: str, tmp_path: Path, planted_store: Path) -> None:
    log = read_eval_log(scored_log)
    assert log.samples and log.samples[0].scores
    (log.samples[0].scores["detection"].metadata or {})["verdicts"]["start"][0] = 10**12
    write_eval_log(log, str(tmp_path / "forged.eval"))
    with pytest.raises(UserError, match="holds no context that starts at 1000000000000"):
        verdict_frame(str(tmp_path / "forged.eval"), store=str(planted_store))


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["autointerp", "verdicts", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def test_command_lists_rows(
    scored_log: str, samples: Samples, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    latent = samples[1]["id"]
    monkeypatch.setenv("COLUMNS", "120")
    status, out, _ = run(monkeypatch, capsys, scored_log, "--latent", latent, "--score", "embedding")
    lines = out.splitlines()
    n = len(samples[1]["scores"]["embedding"]["metadata"]["verdicts"]["kind"])
    assert status == 0
    assert lines[0] == f"{n} verdicts"
    columns = ["latent", "score", "start", "document", "kind", "decile", "neighbour", "cosine", "value"]
    assert lines[2].replace("┃", " ").split() == columns
    assert sum(latent in line for line in lines) == n
    status, _, err = run(monkeypatch, capsys, scored_log, "--latent", "planted/x")
    assert (status, err.count("\n")) == (2, 1)


def test_command_writes_csv_with_nested_values_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = sample(0, value(0.5))
    verdicts = [Verdict(kind="activating", start=5, document=1, decile=3, values=[1, 2.5], text="=1+1\n")]
    assert one.scores
    one.scores["detection"].metadata = {"verdicts": to_columns(verdicts)}
    path = write(tmp_path / "a.eval", [one, sample(1, None)])
    status, out, _ = run(monkeypatch, capsys, path, "--csv", "-")
    assert status == 0
    [head, row] = list(csv.reader(io.StringIO(out)))
    assert dict(zip(head, row, strict=True)) == {
        **{"latent": "layers.1/0", "score": "detection", "start": "5", "document": "1", "kind": "activating"},
        **{"decile": "3", "text": "'=1+1⏎", "values": "[1, 2.5]"},
    } | ({"epoch": "1"} if "epoch" in head else {})


def test_disagreements_are_of_ranks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    accuracies, areas = [0.9, 0.8, 0.7, 0.6, float("nan")], [0.51, 0.54, 0.53, 0.54, 0.9]
    values = pd.DataFrame({"id": list("abcde"), "detection/balanced_accuracy": accuracies, "embedding/auroc": areas})
    monkeypatch.setattr(module, "log_values", lambda log, wanted: values)
    monkeypatch.setattr(module, "read_header", lambda log: None)
    monkeypatch.setattr(module, "scorers_of", lambda header: ["detection", "embedding"])
    rows = disagreements("x.eval", "detection", "embedding", most=3)
    assert rows["latent"].tolist() == ["a", "d", "b"]
    assert rows["first_rank"].tolist() == [1, 0.25, 0.75]
    assert rows["second_rank"].tolist() == [0.25, 0.875, 0.875]
    assert rows["difference"].tolist() == [0.75, -0.625, -0.125]
    with pytest.raises(UserError, match="holds no score fuzzing; it holds detection, embedding"):
        disagreements("x.eval", "detection", "fuzzing")
    with pytest.raises(UserError, match="give two different scores"):
        disagreements("x.eval", "detection", "detection")


def test_command_lists_disagreements(
    scored_log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path))
    status, out, _ = run(monkeypatch, capsys, scored_log, "--disagree", "detection", "embedding", "--most", "2")
    assert status == 0
    assert out.startswith("detection and embedding disagree most on these latents")
    assert len(set(re.findall(r"planted/\d+", out))) == 2
    status, _, err = run(monkeypatch, capsys, scored_log, "--disagree", "detection", "x")
    assert (status, err.count("\n")) == (2, 1)


def test_verdict_frame_has_a_column_for_every_field() -> None:
    assert set(FIELDS) < set(COLUMNS)
    assert set(COLUMNS) - set(FIELDS) == {"latent", "epoch", "score"}
