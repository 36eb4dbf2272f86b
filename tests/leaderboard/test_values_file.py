import logging
import shutil
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inspect_ai.log import edit_score, list_eval_logs, read_eval_log, write_eval_log
from inspect_ai.scorer import ScoreEdit
from tests.log_files import NAN, log_of, sample, summarize, value, write

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.values_at_end import has_values, keep_values
from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.load import log_entry, values_file
from inspect_autointerp.leaderboard.load import log_values as module
from inspect_autointerp.leaderboard.load.log_archive import LogArchive, log_digest, read_header
from inspect_autointerp.leaderboard.load.log_values import log_check, log_values
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.leaderboard.load.values_file import SUFFIX


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, so that values come from the log or from the file beside it."""
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def clear(cache: Path) -> None:
    shutil.rmtree(cache, ignore_errors=True)


def kept(folder: Path, name: str = "a.eval", n: int = 12) -> str:
    """A log with its values beside it."""
    folder.mkdir(exist_ok=True)
    samples = [sample(i, value(0.5 + 0.03 * i, tpr=NAN if i == 2 else 0.25)) for i in range(n)]
    log = write(folder / name, [*samples, sample(n, None)])
    keep_values(log)
    assert has_values(log)
    return log


def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "summaries", lambda path: pytest.fail("the samples were read"))


@pytest.mark.parametrize("name", ["a.eval", "2026-11-21T12-00-00+00-00_detection_a.json"])
def test_tables_are_the_same_with_and_without(
    name: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = kept(tmp_path / "logs", name)
    with monkeypatch.context() as patch:
        unread(patch)
        values, check, results = log_values(log), log_check(log), read_results(str(tmp_path / "logs"))
    clear(cache)
    Path(log + SUFFIX).unlink()
    assert log_values(log).equals(values)
    assert log_check(log) == check
    again = read_results(str(tmp_path / "logs"))
    assert again.values.equals(results.values)
    assert summary(again).equals(summary(results))


def test_file_counts_where_its_log_was_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = kept(tmp_path / "logs")
    values = log_values(log)
    (tmp_path / "logs").rename(tmp_path / "elsewhere")
    unread(monkeypatch)
    assert log_values(str(tmp_path / "elsewhere" / "a.eval")).equals(values)


def said(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what this package logged; Inspect traces its writing, if an evaluation before set that level."""
    return [record for record in caplog.records if record.name.startswith("inspect_autointerp")]


def test_file_of_an_edited_log_is_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = kept(tmp_path / "logs")
    log = read_eval_log(path)
    edit_score(log, "layers.1/0", "detection", ScoreEdit(value=value(1.0, tpr=0.25)), recompute_metrics=False)
    summarize(log)
    write_eval_log(log, path)
    assert log_values(path)["detection/balanced_accuracy"][0] == 1.0
    assert log_check(path).edited == {"detection": 1}
    assert not said(caplog)
    before = Path(path + SUFFIX).read_bytes()
    keep_values(path)  # nothing is kept of an edited log
    assert Path(path + SUFFIX).read_bytes() == before


def test_file_of_a_log_scored_again_is_ignored(tmp_path: Path) -> None:
    path = kept(tmp_path / "logs")
    log = read_eval_log(path)
    for one in log.samples or []:
        if one.scores:
            one.scores["fuzzing"] = one.scores["detection"]
    write_eval_log(log, path)
    assert "fuzzing/balanced_accuracy" in log_values(path)


def falsify(file: Path, change: str) -> None:
    """Write false values, under the true digest."""
    table = pq.read_table(file)
    frame = table.to_pandas()
    match change:
        case "means":
            frame["detection/balanced_accuracy"] = np.float32(0.99)
        case "order":
            numbers = ["detection/balanced_accuracy", "firing_share"]
            frame[numbers] = np.roll(frame[numbers].to_numpy(), 1, axis=0)
        case "rows":
            frame = frame.iloc[1:]
        case "more rows":
            frame = frame.iloc[[0, *range(len(frame))]]
        case "text":
            frame["detection/tpr"] = "0.5"
        case "explanations":
            frame["explanation"] = "another"
        case "missing id":
            frame.loc[3, "id"] = None
        case _:
            raise ValueError(change)
    false = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(false.replace_schema_metadata(table.schema.metadata), file)


@pytest.mark.parametrize(
    "change",
    ["means", "order", "rows", "more rows", "text", "explanations", "missing id", "cut", "empty", "no file of ours"],
)
def test_false_file_costs_one_line(change: str, tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = kept(tmp_path / "logs")
    true = log_values(path)
    clear(cache)
    file = Path(path + SUFFIX)
    match change:
        case "cut":
            file.write_bytes(file.read_bytes()[:-200])
        case "empty":
            file.write_bytes(b"")
        case "no file of ours":
            pq.write_table(pa.table({"id": ["layers.1/0"]}), file)
        case _:
            falsify(file, change)
    with caplog.at_level(logging.WARNING):
        assert log_values(path).equals(true)
    [record] = said(caplog)
    assert "is passed over" in record.message
    assert "\n" not in record.message


@pytest.mark.parametrize("case", ["swapped", "another version"])
def test_file_that_does_not_count_costs_nothing(
    case: str, tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = kept(tmp_path / "logs"), kept(tmp_path / "logs", "b.eval", 8)
    true = [log_values(path) for path in paths]
    clear(cache)
    files = [Path(path + SUFFIX) for path in paths]
    if case == "swapped":
        one, other = (file.read_bytes() for file in files)
        files[0].write_bytes(other)
        files[1].write_bytes(one)
    else:  # its description has other fields
        for file in files:
            table = pq.read_table(file)
            pq.write_table(table.replace_schema_metadata({values_file._ABOUT: b'{"format": 0, "odd": NaN}'}), file)
    with caplog.at_level(logging.WARNING):
        assert all(log_values(path).equals(values) for path, values in zip(paths, true, strict=True))
    assert not said(caplog)


def test_values_without_logs_are_named(tmp_path: Path) -> None:
    Path(kept(tmp_path / "logs")).unlink()
    with pytest.raises(UserError, match=r"values without logs \(1 × \*.values.parquet\).*put the .eval"):
        read_results(str(tmp_path / "logs"))


def test_half_a_character_in_a_sample_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "a.eval", [sample(i, value(0.5)) for i in range(3)])
    before = Path(path)
    with ZipFile(before) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(before, "w") as archive:
        for name, raw in members.items():
            archive.writestr(name, raw.replace(b"Report of", rb"Report \ud800 of"))
    keep_values(path)
    unread(monkeypatch)
    with caplog.at_level(logging.WARNING):
        assert len(log_values(path)) == 3
    assert not said(caplog)


def test_directory_of_a_log_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path / "logs", "2026-11-21T12-00-00+00-00_detection_a.eval")
    read: list[str] = []
    real = LogArchive.read
    monkeypatch.setattr(LogArchive, "read", staticmethod(lambda path: read.append(path) or real(path)))
    monkeypatch.setattr(log_entry, "read_eval_log_sample", lambda *_, **__: pytest.fail("Inspect read a directory"))
    read_results(str(tmp_path / "logs"))
    assert len(read) == 1


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_are_those_of_python(tmp_path: Path) -> None:
    path = tmp_path / "a.eval"
    names = [f"samples/layers.1/{i}_epoch_1.json" for i in range(3)] + ["PK\1\2" + "x" * 50, "samples/é.json"]
    with ZipFile(path, "w") as archive:
        for name in [*names, names[0]]:
            info = ZipInfo(name)
            info.comment = b"PK\1\2" * 20 if name == names[1] else b""
            archive.writestr(info, f'{{"name": "{len(name)}", "value": NaN}}')
    ours = LogArchive.read(str(path))
    assert ours
    with ZipFile(path) as archive:
        assert sorted(ours.places) == sorted({name.encode() for name in archive.namelist()})
        for name in names:
            assert ours.json(name)["name"] == str(len(name))
    with pytest.raises(KeyError):
        ours.json("samples/none.json")


def test_file_does_not_disturb_inspect(tmp_path: Path) -> None:
    kept(tmp_path / "logs")
    assert [Path(info.name).name for info in list_eval_logs(str(tmp_path / "logs"))] == ["a.eval"]


@pytest.mark.parametrize("name", ["a.eval", "a.json"])
def test_digest_changes_with_any_sample(name: str, tmp_path: Path) -> None:
    one, other = ([sample(0, value(0.5)), sample(1, value(v))] for v in (0.5, 0.75))
    log = log_of(one)
    write_eval_log(log, str(tmp_path / name))
    digest = log_digest(str(tmp_path / name))
    shutil.copy(tmp_path / name, tmp_path / f"b{name}")
    assert log_digest(str(tmp_path / f"b{name}")) == digest
    log.samples = other
    write_eval_log(log, str(tmp_path / name))
    assert log_digest(str(tmp_path / name)) != digest


def test_header_is_inspect_s_without_reductions(tmp_path: Path) -> None:
    path = write(tmp_path / "a.eval", [sample(i, value(0.5)) for i in range(3)])
    ours, theirs = read_header(path), read_eval_log(path, header_only=True)
    assert theirs.reductions
    assert ours.reductions is None
    theirs.reductions = None
    assert ours.model_dump_json() == theirs.model_dump_json()
    whole = Path(path).read_bytes()
    for cut in (10, len(whole) // 2, len(whole) - 30):
        Path(path).write_bytes(whole[:cut])
        assert LogArchive.read(path) is None
