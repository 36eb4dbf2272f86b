"""Whatever is wrong with one log, the others' numbers stand, and it is listed with a reason."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from inspect_ai.log import EvalLog, write_eval_log
from inspect_ai.model import ModelUsage
from tests.log_files import NAN, log_of, sample, summarize, value, write
from typer.testing import CliRunner

from inspect_autointerp.cli import app
from inspect_autointerp.leaderboard.analyse.breakdown import breakdown
from inspect_autointerp.leaderboard.analyse.correlations import correlations
from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.leaderboard.show.guidelines import guidelines

DAMAGES = 50


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Three logs of three latents."""
    folder = tmp_path / "logs"
    folder.mkdir()
    for name, accuracy in (("one", 0.9), ("two", 0.8), ("bad", 0.7)):
        samples = [sample(i, value(accuracy - 0.1 * i, tpr_decile_1=0.5, tpr_decile_10=0.9)) for i in range(3)]
        write(folder / f"{name}.eval", samples, name)
    return folder


def numbers(logs: Path) -> dict[str, tuple[Any, ...]]:
    """Return what the leaderboard says of each explainer, with everything of `--full` computed on the way."""
    results = read_results(str(logs))
    for by in ("decile", "hookpoint", "density"):
        breakdown(results, by)
    correlations(results)
    guidelines(results)
    rows = summary(results).assign(explainer=results.entries["explainer"]).set_index("explainer")
    return {str(name): tuple(row) for name, row in rows[["n", "mean", "low", "high", "unscored"]].iterrows()}


def damaged(whole: bytes, rng: random.Random) -> bytes:
    at, n = rng.randrange(len(whole)), rng.choice((1, 1, 4, 40, 400))
    kind = rng.choice(("flip", "zero", "cut", "random"))
    if kind == "cut":
        return whole[:at]
    old = whole[at : at + n]
    new = {
        "flip": bytes(byte ^ (1 << rng.randrange(8)) for byte in old),
        "zero": bytes(len(old)),
        "random": rng.randbytes(len(old)),
    }[kind]
    return whole[:at] + new + whole[at + len(old) :]


def test_leaderboard_of_randomly_damaged_log_keeps_the_others(logs: Path) -> None:
    def means() -> dict[str, tuple[Any, ...]]:
        """Return what is computed on all that is read; the rest is computed on that."""
        results = read_results(str(logs))
        rows = summary(results).set_index(results.entries["explainer"])[["n", "mean", "low", "high", "unscored"]]
        return {str(name): tuple(row) for name, row in rows.iterrows()}

    before = means()
    whole = (logs / "bad.eval").read_bytes()
    rng = random.Random(0)
    listed = 0
    for _ in range(DAMAGES):
        (logs / "bad.eval").write_bytes(damaged(whole, rng))
        remaining = means()
        assert {name: remaining[name] for name in ("one", "two")} == {name: before[name] for name in ("one", "two")}
        listed += len(remaining) == 2
        assert remaining.get("bad", before["bad"]) == before["bad"], "never other numbers"
    assert listed > DAMAGES / 2


def test_every_output_stands_beside_a_damaged_log(logs: Path, tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    whole = (logs / "bad.eval").read_bytes()
    rng = random.Random(1)
    for number in range(4):
        (logs / "bad.eval").write_bytes(damaged(whole, rng) if number else whole[: len(whole) // 2])
        options = ["--full", "--csv", f"{tmp_path}/rows.csv", "--latents", f"{tmp_path}/latents.csv"]
        options += ["--json", f"{tmp_path}/rows.json", "--html", f"{tmp_path}/page"]
        done = CliRunner().invoke(app, ["leaderboard", str(logs), *options], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        rows = pd.read_csv(tmp_path / "rows.csv").set_index("explainer")["mean"]
        assert rows[["one", "two"]].tolist() == pytest.approx([0.8, 0.7])
        assert {"one", "two"} <= set(pd.read_csv(tmp_path / "latents.csv")["explainer"])
        assert (tmp_path / "page" / "index.html").is_file() and (tmp_path / "page" / "view").is_dir()


def _metadata(**changes: Any) -> Callable[[EvalLog], object]:
    return lambda log: log.eval.metadata.update(changes)  # pyright: ignore[reportOptionalMemberAccess]


def _ids(*ids: str) -> Callable[[EvalLog], object]:
    def change(log: EvalLog) -> None:
        log.eval.dataset.sample_ids = list(ids)
        log.eval.dataset.samples = len(ids)
        for one, id in zip(log.samples or [], ids, strict=False):
            one.id = id
        summarize(log)

    return change


def _cost(log: EvalLog) -> None:
    usage = ModelUsage(input_tokens=1, total_tokens=1, total_cost=float("inf"))
    log.stats.model_usage = {"m": usage}


def _value(**changes: Any) -> Callable[[EvalLog], object]:
    def change(log: EvalLog) -> None:
        for one in log.samples or []:
            (one.scores or {})["detection"].value.update(changes)  # pyright: ignore[reportAttributeAccessIssue]
        summarize(log)

    return change


ODD: dict[str, tuple[Callable[[EvalLog], object], str]] = {
    "other hookpoint": (_metadata(hookpoint="layers.9"), "which is not a latent of its hookpoint layers.9"),
    "two hookpoints": (_ids("layers.1/0", "layers.2/1", "layers.1/2"), "layers.2/1, which is not a latent"),
    "id twice": (_ids("layers.1/0", "layers.1/0", "layers.1/2"), "lists layers.1/0 twice"),
    "huge index": (_ids("layers.1/0", f"layers.1/{10**30}", "layers.1/2"), "which is not a latent"),
    "odd sweep": (_metadata(sweep={"id": 1, "shard": "x", "of": []}), "unreadable"),
    "cancelled": (lambda log: setattr(log, "status", "cancelled"), "not finished (status cancelled)"),
    "failed": (lambda log: setattr(log, "status", "error"), "not finished (status error)"),
    "no results": (lambda log: setattr(log, "results", None), "not finished"),
    "no samples": (lambda log: log.samples.clear(), "the log has no samples; its own summary says"),  # pyright: ignore[reportOptionalMemberAccess]
    "odd arguments": (lambda log: log.eval.task_args.update(explainer=["x"], explanations={}), ""),
    "odd suite": (_metadata(suite={"entry": True, "digest": [1], "label": {}, "one_store": "no"}), ""),
    "half a character": (_metadata(subject="\ud800", coder="\udfff"), ""),
    "infinite cost": (_cost, ""),
    "text for a number": (_value(balanced_accuracy="0.9"), ""),
    "infinite value": (_value(balanced_accuracy=float("inf")), ""),
    "statistic called as a column": (_value(rank_low=0.5, score=0.1, over_floor=0.2), ""),
}


@pytest.mark.parametrize("name", ODD)
def test_leaderboard_of_odd_log_keeps_the_others(name: str, logs: Path, tmp_path: Path) -> None:
    before = numbers(logs)
    change, reason = ODD[name]
    log = log_of([sample(i, value(0.5 + 0.1 * i)) for i in range(3)], "odd")
    change(log)
    write_eval_log(log, str(logs / "bad.eval"))
    targets = [part for kind in ("csv", "json", "parquet") for part in (f"--{kind}", f"{tmp_path}/rows.{kind}")]
    options = [*targets, "--latents", f"{tmp_path}/latents.parquet", "--full"]
    done = CliRunner().invoke(app, ["leaderboard", str(logs), *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    figures = numbers(logs)
    assert {name: figures[name] for name in ("one", "two")} == {name: before[name] for name in ("one", "two")}
    if reason:
        [left] = json.loads((tmp_path / "rows.json").read_text())["not_compared"]
        assert reason in left["reason"]


def test_log_without_samples_says_its_own_score(logs: Path) -> None:
    log = log_of([sample(i, value(0.65)) for i in range(3)], "lean")
    log.eval.config.log_samples = False
    log.samples, log.reductions = [], None
    write_eval_log(log, str(logs / "lean.eval"))
    apart = read_results(str(logs)).apart.set_index("explainer")["reason"]
    assert apart["lean"] == (
        "the log has no samples (made with --no-log-samples); its own summary says balanced_accuracy 0.650"
    )


def test_shards_with_common_latents_are_listed(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for shard, indices in ((1, (0, 1)), (2, (1, 2))):
        log = log_of([sample(i, value(0.5 + 0.1 * i)) for i in indices], "swept")
        assert log.eval.metadata
        log.eval.metadata["sweep"] = {"id": "s", "shard": shard, "of": 2}
        write_eval_log(log, str(tmp_path / "logs" / f"{shard}.eval"))
    write(tmp_path / "logs" / "one.eval", [sample(i, value(0.9)) for i in range(3)], "one")
    assert numbers(tmp_path / "logs").keys() == {"one"}
    assert read_results(str(tmp_path / "logs")).apart["reason"].tolist() == [
        "shards of the sweep that hold the same latents"
    ]


def test_shard_that_contradicts_itself_is_listed_and_the_others_count(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for shard, indices in ((1, (0, 1)), (2, (2, 3)), (3, (4, 5))):
        log = log_of([sample(i, value(0.5 + 0.1 * i)) for i in indices], "swept")
        assert log.eval.metadata and log.results
        log.eval.metadata["sweep"] = {"id": "s", "shard": shard, "of": 3}
        if shard == 2:
            log.results.scores[0].metrics["estimate_mean"].value = 0.99
        write_eval_log(log, str(tmp_path / "logs" / f"{shard}.eval"))
    results = read_results(str(tmp_path / "logs"))
    assert results.entries["explainer"].tolist() == ["swept, 2 of 3 shards"]
    assert results.entries["n_latents"].tolist() == [4]
    [reason] = results.apart["reason"]
    assert reason.startswith("the log contradicts itself: the header says mean 0.99")


def test_repeated_samples_and_undefined_ones_count_once(logs: Path) -> None:
    samples = [sample(0, value(0.5)), sample(1, value(NAN, 1.0)), sample(2, None)]
    write(logs / "bad.eval", samples, "bad")
    shutil.copy(logs / "bad.eval", logs / "again.eval")
    n, mean, _, _, unscored = numbers(logs)["bad"]
    assert (n, mean, unscored) == pytest.approx((1, 0.5, 2 / 3))
