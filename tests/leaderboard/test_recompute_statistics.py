"""Statistics computed anew from verdicts: an honest log's agree, and whatever was changed by hand is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalLog, read_eval_log, write_eval_log

from inspect_autointerp import cli
from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.submit.recompute import recomputed
from inspect_autointerp.leaderboard.submit.recompute_statistics import FromVerdicts, compare_statistics
from inspect_autointerp.scorers.shared.specs import SCORES

Samples = list[dict[str, Any]]
NAN = float("nan")


def score(samples: Samples, name: str) -> dict[str, Any]:
    return samples[0]["scores"][name]


def columns(samples: Samples, name: str) -> dict[str, list[Any]]:
    return score(samples, name)["metadata"]["verdicts"]


def first(samples: Samples, name: str, kind: str) -> int:
    return columns(samples, name)["kind"].index(kind)


def test_honest_log_has_no_difference(samples: Samples) -> None:
    result = compare_statistics(samples)
    assert result == FromVerdicts([], dict.fromkeys(("detection", "fuzzing", "embedding", "intruder"), 4), {})
    assert any("_neighbours" in statistic for statistic in score(samples, "fuzzing")["value"])


def test_every_statistic_of_an_honest_log_is_compared(samples: Samples) -> None:
    for name in ("detection", "fuzzing", "embedding", "intruder"):
        values = score(samples, name)["value"]
        known = [statistic for statistic, value in values.items() if value == value]
        assert len(known) > 3
        for statistic in values:
            original = values[statistic]
            values[statistic] = NAN if original == original else 0.5
            [line] = compare_statistics(samples).differences
            assert line.startswith(f"{name} of {samples[0]['id']}: {statistic} is ")
            values[statistic] = original


@pytest.mark.parametrize("off", [0.0002, -0.0002])
def test_statistic_off_by_more_than_rounding_is_named(off: float, samples: Samples) -> None:
    values = score(samples, "embedding")["value"]
    stated = values["auroc"]
    values["auroc"] = stated + off
    [line] = compare_statistics(samples).differences
    assert line == (
        f"embedding of {samples[0]['id']}: auroc is {stated + off:.6g}, but its verdicts give"
        f" {float(line.rpartition(' ')[2]):.6g}"
    )
    assert float(line.rpartition(" ")[2]) == pytest.approx(stated, abs=6e-5)


@pytest.mark.parametrize("name", ["detection", "fuzzing", "intruder"])
def test_turned_label_is_named(name: str, samples: Samples) -> None:
    labels, kinds = (columns(samples, name)[column] for column in ("label", "kind"))
    labels[
        next(
            i
            for i, label in enumerate(labels)
            if label and kinds[i] == ("intruder" if name == "intruder" else "activating")
        )
    ] = 0
    assert any(line.startswith(f"{name} of {samples[0]['id']}: ") for line in compare_statistics(samples).differences)


@pytest.mark.parametrize("name", ["detection", "fuzzing"])
def test_changed_probability_is_named(name: str, samples: Samples) -> None:
    held = columns(samples, name)["probability"]
    place = first(samples, name, "activating")
    held[place] = 0.0 if held[place] else 1.0
    assert any(": auroc is " in line for line in compare_statistics(samples).differences)


@pytest.mark.parametrize("name", ["detection", "fuzzing", "embedding"])
def test_changed_kind_is_named(name: str, samples: Samples) -> None:
    kinds = columns(samples, name)["kind"]
    kinds[first(samples, name, "random")] = "activating"
    assert compare_statistics(samples).differences


def test_kind_that_was_not_tested_is_named(samples: Samples) -> None:
    columns(samples, "embedding")["kind"][first(samples, "embedding", "random")] = "mismarked"
    [line] = compare_statistics(samples).differences
    assert line.endswith("its verdicts are of a kind that it was not tested on, mismarked")


def lacks_partner(samples: Samples) -> None:
    partners = columns(samples, "fuzzing")["partner"]
    partners[next(i for i, partner in enumerate(partners) if partner is not None)] = len(partners)


MALFORMED: dict[str, tuple[str, Callable[[Samples], object], str]] = {
    "no list": (
        "detection",
        lambda s: score(s, "detection")["metadata"]["verdicts"].update(label="1"),
        "must be lists by name",
    ),
    "unknown": ("detection", lambda s: columns(s, "detection").update(x=[]), "unknown column x"),
    "short": ("detection", lambda s: columns(s, "detection")["label"].pop(), "columns of one length"),
    "type": ("detection", lambda s: columns(s, "detection")["label"].__setitem__(0, "1"), "label holds str"),
    "label": ("detection", lambda s: columns(s, "detection")["label"].__setitem__(0, 7), "7, which is not in [0, 1]"),
    "probability": (
        "detection",
        lambda s: columns(s, "detection")["probability"].__setitem__(0, 1.5),
        "1.5, which is not in [0, 1]",
    ),
    "infinite": (
        "embedding",
        lambda s: columns(s, "embedding")["value"].__setitem__(0, float("inf")),
        "inf, which is not a finite number",
    ),
    "huge": ("embedding", lambda s: columns(s, "embedding")["value"].__setitem__(0, 10**400), "not a finite number"),
    "decile": ("detection", lambda s: columns(s, "detection")["decile"].__setitem__(0, 11), "11, which is not in"),
    "partner": ("fuzzing", lacks_partner, "which is not in [0, "),
    "no decile": (
        "intruder",
        lambda s: columns(s, "intruder").update(decile=[None] * len(columns(s, "intruder")["decile"])),
        "its statistics cannot be computed from its verdicts (StopIteration)",
    ),
    "no mapping": ("intruder", lambda s: score(s, "intruder")["metadata"].update(verdicts=[1]), "lists by name"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_verdicts_are_a_difference(case: str, samples: Samples) -> None:
    name, change, message = MALFORMED[case]
    change(samples)
    [line] = compare_statistics(samples).differences
    assert message in line
    assert f"{name} of {samples[0]['id']}" in line


def test_removed_verdicts_are_named(samples: Samples) -> None:
    del score(samples, "detection")["metadata"]["verdicts"]
    [line] = compare_statistics(samples).differences
    assert line == f"detection of {samples[0]['id']} has statistics, and no verdicts as others have"
    for sample in samples[1:]:
        del sample["scores"]["detection"]["metadata"]["verdicts"]
    result = compare_statistics(samples)
    assert (result.differences, result.skipped) == ([], {"detection": "its log holds no verdicts"})


def test_edited_score_is_not_compared(samples: Samples) -> None:
    score(samples, "detection")["value"]["tpr"] = 0.123
    assert len(compare_statistics(samples).differences) == 1
    result = compare_statistics(samples, {"detection": {samples[0]["id"]}})
    assert (result.differences, result.n_latents["detection"]) == ([], 3)


@pytest.mark.parametrize(
    ("name", "prompt", "why"),
    [
        ("simulation", SCORES["simulation"].version, "they need more than a log holds"),
        ("detection1", "detection/0", f"it is of detection/0, and this version computes {SCORES['detection'].version}"),
        ("mine", "mine/1", "no score of this package"),
    ],
)
def test_score_that_cannot_be_recomputed_is_skipped(name: str, prompt: str, why: str, samples: Samples) -> None:
    other = score(samples, "detection")
    other["metadata"]["prompt"] = prompt
    samples[0]["scores"] = {name: other}
    result = compare_statistics(samples[:1])
    assert (result.differences, result.skipped) == ([], {name: why})


def test_other_window_leaves_out_what_the_share_decides(samples: Samples) -> None:
    for sample in samples:
        sample["metadata"]["window"] = 16  # graded on windows of the store's own length
        sample["scores"]["detection"]["value"]["f1"] = 0.123
    assert compare_statistics(samples).differences == []
    score(samples, "detection")["value"]["tpr"] = 0.123
    assert len(compare_statistics(samples).differences) == 1


def test_generation_is_computed_with_the_recorded_median() -> None:
    verdicts = {"kind": ["active"] * 3 + ["near_miss"] * 3, "value": [0, 2, 4, 0, 0, 3]}
    values = {"tpr": 0.6667, "tnr": 0.6667, "tpr_median": 0.3333, "tnr_median": 1.0, "balanced_accuracy_median": 0.6667}
    metadata = {
        "prompt": SCORES["generation"].version,
        "options": {"min_texts": 3, "min_contexts": 20},
        "median": 4.0,
        "verdicts": verdicts,
    }
    sample = {"id": "layers.1/0", "metadata": {}, "scores": {"generation": {"value": values, "metadata": metadata}}}
    assert compare_statistics([sample]).differences == []
    metadata["median"] = 2.5
    names = [line.split(": ")[1].split(" is ")[0] for line in compare_statistics([sample]).differences]
    assert names == ["tnr_median", "balanced_accuracy_median"]


def entry(scored_log: str) -> EvalLog:
    """The log as one of a suite."""
    log = read_eval_log(scored_log)
    assert log.eval.metadata and log.samples and log.samples[0].scores
    grader = (log.samples[0].scores["detection"].metadata or {})["grader"]
    log.eval.metadata["suite"] = {
        **{"entry": True, "name": "small", "version": 1, "sha256": "a" * 64, "label": "small/1"},
        **{"scores": ["detection"], "grader": grader, "latents": 4, "one_store": True},
    }
    return log


def test_verify_says_what_was_computed_from_verdicts(
    scored_log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    path, packed = str(tmp_path / "x.eval"), str(tmp_path / "entry.json")
    write_eval_log(entry(scored_log), path)
    for command in (["submit", path, "-o", packed], ["verify", packed, path]):
        monkeypatch.setattr("sys.argv", ["autointerp", *command])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert not end.value.code
    assert (
        "Statistics of each latent computed from its verdicts: detection (4 latents), fuzzing (4 latents), embedding (4"
        " latents), intruder (4 latents)"
    ) in capsys.readouterr().out


def test_log_whose_verdict_was_changed_is_refused(
    scored_log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    log = entry(scored_log)
    assert log.samples and log.samples[1].scores
    verdicts = (log.samples[1].scores["detection"].metadata or {})["verdicts"]
    place = verdicts["kind"].index("activating")
    verdicts["label"][place] = 1 - verdicts["label"][place]
    write_eval_log(log, str(tmp_path / "x.eval"))
    with pytest.raises(UserError, match=rf"detection of {log.samples[1].id}: .* but its verdicts give"):
        recomputed(str(tmp_path / "x.eval"))
