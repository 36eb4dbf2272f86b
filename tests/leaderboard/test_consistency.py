"""A log that contradicts itself is refused by `submit` and `verify`, and named by the leaderboard."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalLog, EvalSampleReductions, edit_score, write_eval_log
from inspect_ai.scorer import ScoreEdit
from tests.log_files import log_of, sample, summarize, value

from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.load.log_values import log_check
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.leaderboard.submit.recompute import recomputed
from inspect_autointerp.leaderboard.submit.submission import pack

COMMITTED = sorted((Path(__file__).parents[2] / "logs").rglob("*.eval"))
SUITE = {
    **{"entry": True, "name": "tiny", "version": 1, "sha256": "a" * 64, "label": "tiny/1", "scores": ["detection"]},
    **{"grader": "g", "latents": 4, "one_store": True},
}
Change = Callable[[EvalLog], object]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))


def honest(**args: Any) -> EvalLog:
    """A suite's log of four latents with statistics that fit each other."""

    def statistics(index: int) -> dict[str, float]:
        tpr, tnr, share = 0.9 - 0.1 * index, 0.8, 0.01 * (index + 1)
        f1 = 2 * share * tpr / (share * tpr + (1 - share) * (1 - tnr) + share)
        deciles = {"tpr_decile_1": tpr - 0.1, "tpr_decile_10": tpr + 0.1}
        return {name: round(one, 4) for name, one in {"tpr": tpr, "tnr": tnr, "f1": f1, **deciles}.items()}

    log = log_of([sample(i, value(round(0.85 - 0.05 * i, 4), **statistics(i))) for i in range(4)], **args)
    assert log.eval.metadata
    log.eval.metadata["suite"] = dict(SUITE)
    for one in log.samples or []:
        one.metadata["explanation"]["model"] = "m"
    return log


def score(log: EvalLog, index: int = 0) -> Any:
    assert log.samples
    return (log.samples[index].scores or {})["detection"]


def all_values(**changes: float) -> Change:
    """Change all samples, and compute the header anew."""

    def change(log: EvalLog) -> None:
        for i in range(len(log.samples or [])):
            score(log, i).value.update(changes)
        summarize(log)

    return change


def reduced(log: EvalLog) -> Any:
    assert log.reductions
    return log.reductions[0].samples[0]


def without_sample(log: EvalLog, counts: bool = True) -> None:
    assert log.samples and log.results
    log.samples.pop()
    summarize(log)
    if counts:
        log.results.total_samples = log.results.completed_samples = len(log.samples)


def explanations(**changes: Any) -> Change:
    def change(log: EvalLog) -> None:
        for one in log.samples or []:
            one.metadata["explanation"].update(changes)

    return change


def relabelled(explainer: str, **changes: Any) -> Change:
    """Explanations by something else than the header's explainer."""

    def change(log: EvalLog) -> None:
        explanations(**changes)(log)
        log.eval.task_args = {"explainer": explainer}

    return change


def metadata(**changes: Any) -> Change:
    return lambda log: log.eval.metadata.update(changes)  # pyright: ignore[reportOptionalMemberAccess]


def results(**changes: Any) -> Change:
    return lambda log: [setattr(log.results, name, changed) for name, changed in changes.items()]


FORGED: dict[str, tuple[Change, str]] = {
    "one score": (lambda log: score(log).value.update(tpr=0.95, balanced_accuracy=0.875), "the header says mean"),
    "header's mean": (
        lambda log: setattr(log.results.scores[0].metrics["estimate_mean"], "value", 0.99),  # pyright: ignore
        "the header says mean 0.99 of detection's balanced_accuracy, but its samples give 0.775",
    ),
    "header's count": (
        lambda log: setattr(log.results.scores[0], "scored_samples", 9),  # pyright: ignore
        "the header says that 9 latents have a balanced_accuracy of detection, and 4 have",
    ),
    "reduced value": (lambda log: reduced(log).value.update(balanced_accuracy=0.1), "the reduced scores say"),
    "reduced report": (lambda log: setattr(reduced(log), "explanation", "All right."), "has another answer or report"),
    "reduced answer": (lambda log: setattr(reduced(log), "answer", "Better."), "has another answer or report"),
    "reduced twice": (lambda log: log.reductions[0].samples.append(reduced(log)), "of other samples"),  # pyright: ignore
    "all scores": (all_values(balanced_accuracy=0.99), "balanced_accuracy is 0.99, and the mean of tpr and tnr is"),
    "balanced accuracy and TPR": (all_values(balanced_accuracy=0.9, tpr=1.0), "tpr is 1, and its deciles are"),
    "F1": (all_values(f1=0.99), "f1 is 0.99, and follows from tpr, tnr and firing_share as"),
    "beyond 1": (all_values(f1=1.5), "f1 is 1.5, and must be in [0, 1]"),
    "unscored with values": (all_values(unscored=1.0), "it has values, and says that no context was scored"),
    "total of samples": (results(total_samples=9), "the results are of 9 samples, and the header lists 4"),
    "completed samples": (results(completed_samples=3), "say 3 completed samples, and there are 4"),
    "samples of the data set": (lambda log: setattr(log.eval.dataset, "samples", 9), "says 9 samples, and lists 4"),
    "other id": (lambda log: setattr(log.samples[0], "id", "layers.1/77"), "layers.1/77"),  # pyright: ignore
    "other index": (lambda log: log.samples[0].metadata.update(index=9), "says that it is of another latent"),  # pyright: ignore
    "explainer renamed": (lambda log: setattr(log.eval, "model", "openai/gpt-9"), "were written by m"),
    "store renamed": (metadata(store="d9"), "its store is d9, and explanations were written from store d1"),
    "explanations' store": (explanations(store="d9"), "explanations were written from store d9"),
    "empty floor": (relabelled("explain", source="empty"), "its explainer is explain, and explanations are by empty"),
    "shuffled floor": (
        relabelled("explain", latent="layers.1/99"),
        "its explainer is explain, and 4 explanations were written for other latents",
    ),
    "made a floor": (relabelled("shuffled"), "4 explanations were written for their own latents"),
    "other grader": (lambda log: score(log).metadata.update(grader="h"), "were made differently"),
    "other explanation": (explanations(text="Something better."), "are of another explanation than the one it has"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_log_is_refused_and_named(name: str, tmp_path: Path) -> None:
    change, message = FORGED[name]
    (tmp_path / "logs").mkdir()
    path = str(tmp_path / "logs" / "x.eval")
    log = honest()
    write_eval_log(log, path)
    assert recomputed(path).scores["detection"].estimates["balanced_accuracy"].mean == pytest.approx(0.775)
    assert read_results(str(tmp_path / "logs")).entries["explainer"].tolist() == ["m"]
    change(log)
    write_eval_log(log, path)
    with pytest.raises(UserError) as refused:
        recomputed(path)
    assert message in str(refused.value)
    [reason] = read_results(str(tmp_path / "logs")).apart["reason"]
    assert reason.startswith("the log contradicts itself: ")
    assert message in " ".join(log_check(path).contradictions)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem[-30:])
def test_committed_log_has_no_contradiction(path: Path) -> None:
    check = log_check(str(path))
    assert (check.contradictions, check.absent, check.edited) == ([], [], {})


@pytest.mark.parametrize("recompute", [True, False])
def test_edited_scores_are_shown_as_edited(recompute: bool, tmp_path: Path) -> None:
    log = honest()
    write_eval_log(log, str(tmp_path / "a.eval"))
    for index in (0, 2):
        new = ScoreEdit(value=dict(score(log, index).value) | ({"balanced_accuracy": 1.0} if recompute else {}))
        edit_score(log, f"layers.1/{index}", "detection", new, recompute_metrics=False)
    if recompute:
        summarize(log)
    write_eval_log(log, str(tmp_path / "b.eval"))
    assert set(read_results(str(tmp_path)).entries["explainer"]) == {"m", "m, 2 scores edited"}
    [row] = pack([str(tmp_path / "b.eval")]).rows
    assert row.edited == 2


def test_edit_without_new_means_is_a_contradiction(tmp_path: Path) -> None:
    log = honest()
    edit_score(log, "layers.1/0", "detection", ScoreEdit(value=dict(score(log).value) | {"tnr": 1.0}), False)
    write_eval_log(log, str(tmp_path / "a.eval"))
    [reason] = read_results(str(tmp_path)).apart["reason"]
    assert "the header says" in reason


@pytest.mark.parametrize("counts", [True, False])
def test_removed_sample_counts_as_missing(counts: bool, tmp_path: Path) -> None:
    log = honest()
    without_sample(log, counts)
    write_eval_log(log, str(tmp_path / "a.eval"))
    with pytest.raises(UserError, match=r"1 of its 4 samples are missing \(layers\.1/3\)"):
        recomputed(str(tmp_path / "a.eval"))
    results = read_results(str(tmp_path))
    if counts:  # its own numbers disagree, too
        assert "the results are of 3 samples, and the header lists 4" in results.apart["reason"].iloc[0]
        return
    assert results.entries["explainer"].tolist() == ["m, 1 sample missing"]
    assert summary(results)["unscored"].tolist() == [0.25]


def test_failed_sample_counts_as_unscored_in_an_entry(tmp_path: Path) -> None:
    from inspect_ai.log import EvalError

    log = honest()
    assert log.samples and log.results
    log.samples[3].scores = {}
    log.samples[3].error = EvalError(message="no", traceback="", traceback_ansi="")
    log.results.completed_samples = 3
    summarize(log)
    write_eval_log(log, str(tmp_path / "a.eval"))
    [row] = pack([str(tmp_path / "a.eval")]).rows
    assert (row.statistics["unscored"].mean, row.statistics["unscored"].n) == (0.25, 4)
    assert row.statistics["balanced_accuracy"].n == 3


def test_summary_that_is_not_of_its_sample_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from inspect_autointerp.leaderboard.load import log_values

    path = str(tmp_path / "a.eval")
    write_eval_log(honest(), path)
    read: Sequence[dict[str, Any]] = list(log_values.summaries(path))
    read[0]["scores"]["detection"]["value"]["tpr_decile_1"] = 0.75
    monkeypatch.setattr(log_values, "summaries", lambda path: iter(read))
    with pytest.raises(UserError, match=r"the sample of layers\.1/0 says 0\.8 of detection/tpr_decile_1"):
        recomputed(path)


def test_log_of_a_part_of_its_latents_is_honest(tmp_path: Path) -> None:
    log = honest()
    log.eval.dataset.samples, log.eval.config.limit = 9, 4
    write_eval_log(log, str(tmp_path / "a.eval"))
    assert log_check(str(tmp_path / "a.eval")).contradictions == []


def test_epochs_are_compared_by_their_mean(tmp_path: Path) -> None:
    samples = [sample(i, value(0.5 + 0.1 * i + 0.1 * epoch), epoch) for i in range(3) for epoch in (1, 2)]
    log = log_of(samples)
    write_eval_log(log, str(tmp_path / "a.eval"))
    assert log_check(str(tmp_path / "a.eval")).contradictions == []
    assert log.reductions
    log.reductions.append(EvalSampleReductions(scorer="detection", reducer="max", samples=[]))
    write_eval_log(log, str(tmp_path / "b.eval"))
    assert log_check(str(tmp_path / "b.eval")).contradictions == []
