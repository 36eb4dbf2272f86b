import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.log import read_eval_log_sample_summaries
from tests.log_files import NAN, sample, value, write

from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.load import log_values as module
from inspect_autointerp.leaderboard.load.log_values import log_values
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.leaderboard.load.sample_summaries import elements, summaries
from inspect_autointerp.leaderboard.load.samples import explanations, read_sample


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_values_are_those_of_the_samples(tmp_path: Path) -> None:
    log = write(tmp_path / "a.eval", [sample(0, value(0.75, tpr=NAN)), sample(1, None), sample(2, value(NAN, 1.0))])
    values = log_values(log).set_index("id")
    assert values.loc["layers.1/0", "detection/balanced_accuracy"] == 0.75
    assert values["detection/tpr"].isna().all()
    assert values["detection/unscored"].tolist() == pytest.approx([0, NAN, 1], nan_ok=True)
    assert values["firing_share"].tolist() == [0.01, 0.02, 0.03]
    assert values["explanation"].tolist() == ["words, 0", "words, 1", "words, 2"]
    assert log_values(log, lambda column: column.endswith("/tpr")).columns.tolist() == ["id", "detection/tpr"]


def test_a_log_is_read_once_and_again_when_it_changed(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write(tmp_path / "a.eval", [sample(0, value(0.75))])
    first = log_values(log)
    monkeypatch.setattr(module, "summaries", lambda path: pytest.fail("read again"))
    assert log_values(log).equals(first)
    monkeypatch.undo()
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(cache))
    write(tmp_path / "a.eval", [sample(0, value(0.25)), sample(1, value(0.5))])
    assert log_values(log)["detection/balanced_accuracy"].tolist() == [0.25, 0.5]
    assert len(list((cache / "logs").iterdir())) == 1
    [kept] = (cache / "logs").iterdir()
    kept.write_bytes(b"PAR1 not")
    assert len(log_values(log)) == 2


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write(tmp_path / "a.eval", [sample(0, value(0.75))])
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "file"))
    assert log_values(log)["detection/balanced_accuracy"].tolist() == [0.75]


def test_epochs_are_averaged_over_those_with_a_value(tmp_path: Path) -> None:
    log = write(tmp_path / "a.eval", [sample(0, value(0.5)), sample(0, value(1.0), 2), sample(0, value(NAN, 1.0), 3)])
    [row] = log_values(log).to_dict("records")
    assert (row["detection/balanced_accuracy"], row["detection/unscored"]) == pytest.approx((0.75, 1 / 3))
    assert row["explanation"] == "words, 0"


def test_what_is_no_number_is_undefined(tmp_path: Path) -> None:
    odd: Any = {"balanced_accuracy": "x", "unscored": float("inf"), "tpr": None, "tnr": 1e300}
    log = write(tmp_path / "a.eval", [sample(0, odd), sample(1, 0.5)])
    assert log_values(log).filter(like="detection/").isna().all(axis=None)


@pytest.mark.parametrize("name", ["a.eval", "a.json"])
def test_streamed_summaries_are_inspect_s(tmp_path: Path, name: str) -> None:
    log = write(tmp_path / name, [sample(i, value(0.1 * i, tpr=NAN)) for i in range(5)])
    theirs = [summary.model_dump() for summary in read_eval_log_sample_summaries(log)]
    for ours, other in zip(summaries(log), theirs, strict=True):
        assert (ours["id"], ours["metadata"]) == (other["id"], other["metadata"])
        assert ours["scores"]["detection"]["value"] == pytest.approx(other["scores"]["detection"]["value"], nan_ok=True)


TEXT = st.text(max_size=6)
JSON = st.recursive(
    st.none() | st.integers() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=60)
@given(st.lists(st.dictionaries(TEXT, JSON, max_size=3), max_size=5), st.integers(1, 9), st.booleans())
def test_an_array_is_read_whatever_the_chunks(rows: list[Any], chunk: int, ascii: bool) -> None:
    class Chunks(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(chunk)

    text = json.dumps(rows, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    assert list(elements(Chunks(text))) == rows
    with pytest.raises(ValueError, match="cut short"):
        list(elements(Chunks(text[:-1])))
    with pytest.raises(ValueError, match="not a JSON array"):
        list(elements(io.BytesIO(b"{}")))


@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_elements_are_read_as_python_s_parser_does(chunk: int) -> None:
    class Chunks(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(chunk)

    rows = [
        {"id": "a", "parts": [{"id": 1}, {"id": 2, "more": [{"id": 3}, {"id": 4}]}]},
        {"id": "b", "text": ',{"id": and \\\\",{\\"id\\":', "half": "\ud83d", "big": 10**30, "odd": float("inf")},
        {"id": "c", "value": 0.1 + 0.2, "é": "ünï"},
        [1, {"id": 5}],
        {"id": "d"},
    ]
    for separators in ((",", ":"), (", ", ": ")):
        text = json.dumps(rows, separators=separators).encode()
        assert list(elements(Chunks(text))) == json.loads(text)


def test_hostile_logs_are_listed_and_the_others_stand(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    write(logs / "a.eval", [sample(0, value(0.75)), sample(1, value(0.5))], "one")
    write(logs / "b.eval", [sample(1, value(NAN, 1.0)), sample(0, value(NAN, 1.0))], "nan")
    write(logs / "c.eval", [sample(0, value(0.5)), sample(1, None)], "half")
    write(logs / "other.eval", [sample(0, value(0.5))], "other", project=False)
    whole = (logs / "a.eval").read_bytes()
    (logs / "2026-01-01T00-00-00-00-00_cut_x.eval").write_bytes(whole[: len(whole) // 2])
    results = read_results(str(logs))
    rows = summary(results).set_index(results.entries["explainer"])
    assert rows["mean"].to_dict() == pytest.approx({"one": 0.625, "half": 0.5, "nan": NAN}, nan_ok=True)
    assert rows["unscored"].to_dict() == {"one": 0, "half": 0.5, "nan": 1}
    assert results.latents["id"].tolist() == ["layers.1/0", "layers.1/1"]
    [reason] = results.apart["reason"]
    assert reason.startswith("unreadable")


def test_the_order_of_logs_changes_nothing(tmp_path: Path) -> None:
    summaries = []
    for order in ("abc", "cab"):
        logs = tmp_path / order
        logs.mkdir()
        for place, name in enumerate(order):
            accuracy = {"a": 0.9, "b": 0.8, "c": 0.7}[name]
            samples = [sample(i, value(accuracy - 0.01 * i)) for i in range(8)]
            write(logs / f"{place}.eval", samples if place else samples[::-1], name)
        results = read_results(str(logs))
        summaries.append((results.entries.drop(columns="log"), results.values, results.latents, summary(results)))
    assert all(one.equals(other) for one, other in zip(*summaries, strict=True))


def test_samples_whose_summaries_are_cut_are_set_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.eval", [sample(0, value(0.75))])

    def cut(path: str) -> Any:
        yield from ()
        raise ValueError("a JSON array that is cut short")

    monkeypatch.setattr(module, "summaries", cut)
    results = read_results(str(tmp_path))
    assert len(results.entries) == len(results.values) == len(summary(results)) == 0
    assert results.apart["reason"].tolist() == ["unreadable (ValueError)"]


def test_explanations_and_samples_are_read_on_demand(tmp_path: Path) -> None:
    write(tmp_path / "a.eval", [sample(i, value(0.75)) for i in (3, 1)])
    results = read_results(str(tmp_path))
    texts = explanations(results).set_index("latent")["explanation"]
    assert texts.to_dict() == {0: "words, 1", 1: "words, 3"}
    read = read_sample(results, 0, 1)
    assert (read.id, read.metadata["explanation"]["text"]) == ("layers.1/3", "words, 3")
    assert np.asarray(results.matrix(1)).tolist() == [[0.75], [0.75]]
