"""A named suite end to end: its store, an evaluation, an entry, and what is refused on the way."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.log import EvalLog, read_eval_log, write_eval_log
from tests.doubles import model, texts_of
from tests.tiny_suite import content

from inspect_autointerp import cli
from inspect_autointerp.leaderboard.load.comparable import compare
from inspect_autointerp.leaderboard.load.log_entry import read_entries
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.tasks import multi_score as suite_task

LEXICAL = "inspect_autointerp/lexical"
Autointerp = Callable[..., tuple[int, str, str]]


@pytest.fixture
def autointerp(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Autointerp:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["autointerp", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as info:
            cli.main()
        captured = capsys.readouterr()
        return int(info.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def written(tmp_path: Path, store_folder: Path) -> Callable[..., Path]:
    """The file of a suite over the store of `store_folder`."""

    def write(**changes: Any) -> Path:
        settings = {"pool": 600} | changes.pop("settings", {})
        path = tmp_path / "tiny.yaml"
        path.write_text(yaml.safe_dump(content(settings=settings, **changes)), encoding="utf-8")
        return path

    return write


def run(task: Any, logs: Path, **options: Any) -> EvalLog:
    given: Any = {"model": LEXICAL} | options
    [log] = inspect_eval(task, **given, log_dir=str(logs), display="none")
    assert log.status == "success"
    return log


def about(log: EvalLog) -> dict[str, Any]:
    return (log.eval.metadata or {})["suite"]


def test_a_suite_fixes_all_but_the_explainer(
    written: Callable[..., Path], store_folder: Path, tmp_path: Path, autointerp: Autointerp
) -> None:
    manifest = Manifest.read(store_folder)
    path = written(digest=manifest.digest, evaluation={"scores": ["detection", "fuzzing"]})
    options: Any = {"suite": str(path), "store": str(store_folder)}
    logs = [run(suite_task(**options, explainer=name), tmp_path) for name in ("explain", "empty")]
    facts = about(logs[0])
    assert facts == about(logs[1])
    assert (facts["name"], facts["version"], facts["entry"], facts["latents"]) == ("tiny", 1, True, 6)
    assert (facts["one_store"], facts["digest"]) == (True, manifest.digest)
    assert len(facts["sha256"]) == 64
    ids = [[sample.id for sample in log.samples or []] for log in logs]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 6
    [sample, *_] = logs[0].samples or []
    made = (sample.scores or {})["detection"].metadata or {}
    assert made["grader"] == LEXICAL
    assert {key: made["options"][key] for key in ("activating", "nonactivating", "texts_per_call", "min_contexts")} == {
        "activating": 10, "nonactivating": 10, "texts_per_call": 5, "min_contexts": 10,
    }  # fmt: skip
    tables, apart = compare(read_entries(str(tmp_path)))
    assert {table.setting.score: len(table.entries) for table in tables} == {"detection": 2, "fuzzing": 2}
    assert not apart
    assert tables[0].setting.suite == facts["label"]
    assert set(read_results(str(tmp_path)).entries["suite"]) == {facts["label"]}
    _packed_and_checked(logs, path, tmp_path, autointerp)


def _packed_and_checked(logs: list[EvalLog], path: Path, folder: Path, autointerp: Autointerp) -> None:
    entry, places = folder / "entry.json", [log.location for log in logs]
    status, out, err = autointerp("submit", *places, "-o", entry, "--suite", path)
    assert status == 0, err
    assert "4 rows of suite tiny/1" in out
    packed = json.loads(entry.read_text())
    row = packed["rows"][0]
    assert [row["score"] for row in packed["rows"]] == ["detection", "fuzzing"] * 2
    header = read_eval_log(places[0], header_only=True)
    assert header.results
    [metrics, _] = [score.metrics for score in header.results.scores]
    for part, name in (("mean", "mean"), ("low", "ci_low"), ("high", "ci_high")):
        assert row["statistics"]["balanced_accuracy"][part] == pytest.approx(metrics[name].value, abs=1e-12)
    assert str(folder) not in entry.read_text()  # no places on the user's machine

    status, out, err = autointerp("verify", entry, *places, "--suite", path)
    assert status == 0, err
    assert "2 logs recomputed: every number is the entry's" in out
    status, out, _ = autointerp("verify", entry, places[0])
    assert status == 0
    assert "give --suite FILE" in out
    assert f"was not given: {Path(places[1]).name}" in out

    def refused(change: Callable[[dict[str, Any]], None], *given: str) -> str:
        forged = json.loads(entry.read_text())
        change(forged)
        (folder / "forged.json").write_text(json.dumps(forged))
        status, _, err = autointerp("verify", folder / "forged.json", *given, "--suite", path)
        assert status == 2
        assert "not a valid entry" in err
        return err

    def statistic(forged: dict[str, Any]) -> dict[str, Any]:
        return forged["rows"][0]["statistics"]["balanced_accuracy"]

    def add_to_mean(forged: dict[str, Any]) -> None:
        statistic(forged)["mean"] += 1e-4

    def all_ones(forged: dict[str, Any]) -> None:  # which agrees with itself
        values = [1.0] * len(forged["latents"])
        statistic(forged).update(mean=1.0, low=1.0, high=1.0, n=6, values=values)

    assert "mean of balanced_accuracy is 0." in refused(add_to_mean)
    refusal = refused(all_ones, *places)
    assert "detection statistics balanced_accuracy mean is 1.0 in the entry, and 0." in refusal
    assert "detection statistics balanced_accuracy values[" in refusal
    other_name: Callable[[dict[str, Any]], None] = lambda forged: forged["rows"][0].update(explainer="openai/gpt-9")  # noqa: E731
    assert "explainer is 'openai/gpt-9' in the entry" in refused(other_name, *places)
    assert "sha256" in refused(lambda forged: forged["logs"][0].update(sha256="0" * 64), *places)
    refusal = refused(lambda forged: forged["rows"][0]["setting"].update(store="0" * 16))
    assert f"detection of {row['explainer']}: over store {'0' * 16}, and that of suite tiny is " in refusal
    assert "option texts_per_call is 1" in refused(
        lambda forged: forged["rows"][0]["setting"].update(options='{"texts_per_call": 1}'), *places
    )
    assert "without the suite's fuzzing" in refused(lambda forged: forged["rows"].pop())
    assert "is of definition 0000" in refused(lambda forged: forged["suite"].update(sha256="0" * 64))
    # The log itself, changed after the fact: its header no longer says what its samples do.
    log = read_eval_log(places[0])
    assert log.samples
    (log.samples[0].scores or {})["detection"].value["balanced_accuracy"] = 0.123  # pyright: ignore[reportIndexIssue, reportOptionalSubscript, reportCallIssue, reportArgumentType]
    write_eval_log(log, str(folder / "forged.eval"))
    status, _, err = autointerp("submit", folder / "forged.eval", "-o", folder / "x.json", "--suite", path)
    assert status == 2
    assert "contradicts itself: the header says mean" in err
    assert not (folder / "x.json").exists()
    (folder / "forged.eval").unlink()
    for text, message in (("{", "broken JSON"), ('{"format": 2}', "not an entry"), ('{"a": 1, "a": 1}', "twice")):
        (folder / "hostile.json").write_text(text)
        status, _, err = autointerp("verify", folder / "hostile.json")
        assert status == 2
        assert message in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(
            {"texts_per_call": 4},
            r"^texts_per_call=4: suite tiny fixes texts_per_call=5; leave out one of the two$",
            id="number",
        ),
        pytest.param({"scores": "fuzzing"}, "scores=fuzzing: suite tiny fixes scores=detection", id="scores"),
        pytest.param({"negatives": ["random", "neighbours"]}, "fixes negatives=random;", id="negatives"),
        pytest.param({"confidence": True}, "fixes confidence=False", id="confidence"),
        pytest.param({"window": 16}, "fixes window=None", id="window"),
        pytest.param({"latents": "0:5"}, "latents=0:5: suite tiny draws its own", id="latents"),
        pytest.param({"grader": "mockllm/x"}, "the grader of suite tiny is inspect_autointerp/lexical", id="grader"),
        pytest.param({"hookpoint": "layers.2"}, "fixes hookpoint=layers.1", id="hookpoint"),
    ],
)
def test_what_contradicts_a_suite_is_one_line(
    options: dict[str, Any], message: str, written: Callable[..., Path], store_folder: Path
) -> None:
    with pytest.raises(PrerequisiteError, match=message):
        suite_task(suite=str(written()), store=str(store_folder), **options)


def test_what_agrees_with_a_suite_may_be_said(written: Callable[..., Path], store_folder: Path) -> None:
    same: Any = {"texts_per_call": 5, "scores": "detection", "seed": 0, "grader": LEXICAL}
    suite_task(suite=str(written()), store=str(store_folder), **same)


def test_another_store_is_refused_with_both_digests(written: Callable[..., Path], store_folder: Path) -> None:
    digest = Manifest.read(store_folder).digest
    with pytest.raises(PrerequisiteError, match=f"its digest is {digest}, and that of suite tiny is 0000000000000000"):
        suite_task(suite=str(written(digest="0" * 16)), store=str(store_folder))
    with pytest.raises(PrerequisiteError, match="tokens is 60000, the suite's is 50000"):
        suite_task(suite=str(written(settings={"tokens": 50_000})), store=str(store_folder))


def test_named_suite_takes_any_self_made_store(
    written: Callable[..., Path], store_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = Manifest.read(store_folder)
    text = manifest.files["tokens.npy"][:16]
    for digest, known in ((manifest.digest, manifest.digest), ("0" * 16, None)):
        path = written(digest={text: [digest]})
        log = run(suite_task(suite=str(path), store=str(store_folder)), tmp_path / digest, limit=2)
        assert (about(log)["one_store"], about(log)["digest"]) == (False, known)
        assert ("suite tiny publishes 0000000000000000 for this library" in capsys.readouterr().err) == (not known)
        [entry] = read_entries(str(tmp_path / digest))
        assert (entry.one_store, entry.digest) == (False, known)


def test_another_grader_makes_no_entry_and_says_so(
    written: Callable[..., Path], store_folder: Path, tmp_path: Path, autointerp: Autointerp,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    judge = model(lambda messages: str([1] * len(texts_of(messages))), "judge")
    # By name, so that the task is made inside of the evaluation, where roles are known.
    arguments = {"suite": str(written()), "store": str(store_folder)}
    log = run("inspect_autointerp/multi_score", tmp_path, task_args=arguments, model_roles={"grader": judge})
    assert "no entry of suite tiny" in capsys.readouterr().err
    assert about(log)["entry"] is False
    [entry] = read_entries(str(tmp_path))
    assert entry.setting.suite == ""
    status, _, err = autointerp("submit", log.location, "-o", tmp_path / "entry.json")
    assert status == 2
    assert "not a log of a suite" in err
    same = run("inspect_autointerp/multi_score", tmp_path, task_args=arguments, model_roles={"grader": LEXICAL})
    assert about(same)["entry"] is True


def test_a_part_of_a_suite_is_no_entry(
    written: Callable[..., Path], store_folder: Path, tmp_path: Path, autointerp: Autointerp
) -> None:
    log = run(suite_task(suite=str(written()), store=str(store_folder)), tmp_path, limit=2)
    status, _, err = autointerp("submit", log.location, "-o", tmp_path / "entry.json")
    assert status == 2
    assert "2 of the suite's 6 latents" in err
    shutil.copy(log.location, tmp_path / "cut.eval")
    (tmp_path / "cut.eval").write_bytes((tmp_path / "cut.eval").read_bytes()[:500])
    assert "not a readable log" in autointerp("submit", tmp_path / "cut.eval", "-o", tmp_path / "entry.json")[2]
