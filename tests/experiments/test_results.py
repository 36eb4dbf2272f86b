"""Tests of what is computed from a study's levels, by hand."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from inspect_ai.log import write_eval_log
from pydantic import ValidationError
from tests.log_files import log_of, sample, value

from inspect_autointerp.experiments.correlations import level_correlations
from inspect_autointerp.experiments.definition import Level, Pair, Study
from inspect_autointerp.experiments.results import Found, outcome, read_found


def found(values: dict[str, float], coder: str = "sae", score: str = "detection") -> Found:
    log: Any = SimpleNamespace(eval=SimpleNamespace(metadata={"subject": "s", "coder": coder, "hookpoint": "h"}))
    entries: Any = {score: SimpleNamespace(statistic="balanced_accuracy")}
    return Found(cast(Any, log), entries, {score: pd.Series(values, dtype=float)}, {score: 0.0})


def test_medians_and_paired_differences_over_common_latents() -> None:
    levels = {"a": Level(), "b": Level(), "missing": Level()}
    outcomes = {
        "a": found({"h/1": 0.5, "h/2": 0.6, "h/3": 0.7, "h/4": 0.8}),
        "b": found({"h/2": 0.7, "h/3": 0.9, "h/4": 1.0, "h/5": 0.0, "h/6": np.nan}),
    }
    rows: Any = outcome(outcomes, levels, "a").set_index("level")
    assert list(rows.index) == ["a", "b"]
    assert rows.loc["a", ["q25", "median", "q75"]].tolist() == pytest.approx([0.575, 0.65, 0.725])
    assert (rows.loc["b", "n"], rows.loc["a", "against"]) == (4, "")
    # common: 2, 3, 4, of which b is higher by 0.1, 0.2, 0.2
    assert (rows.loc["b", "pairs"], rows.loc["b", "difference"]) == (3, pytest.approx(0.5 / 3))
    assert rows.loc["b", "verdict"] == "tied"  # three signs give p = 1/4 at best


def test_scores_of_two_levels_are_correlated_over_common_latents() -> None:
    fuzzing, intervention = {"h/1": 0.1, "h/2": 0.2, "h/3": 0.3, "h/4": 0.9}, {"h/2": 3.0, "h/3": 2.0, "h/4": 0.5}
    results = {"contexts": found(fuzzing, score="fuzzing"), "effects": found(intervention, score="intervention")}
    results["other"] = found(intervention, coder="neurons", score="intervention")
    pairs = [
        Pair(first=("contexts", "fuzzing"), second=(level, score), paper=-0.37)
        for level, score in (
            ("effects", "intervention"),
            ("other", "intervention"),
            ("effects", "fuzzing"),
            ("no", "x"),
        )
    ]
    [row] = level_correlations(results, pairs).to_dict("records")
    assert (row["first"], row["second"], row["n"]) == ("contexts: fuzzing", "effects: intervention", 3)
    assert row["pearson"] == pytest.approx(np.corrcoef([0.2, 0.3, 0.9], [3.0, 2.0, 0.5])[0, 1])
    assert (row["spearman"], row["paper"]) == (pytest.approx(-1), -0.37)
    assert level_correlations({}, pairs).empty


def test_pairs_of_unknown_levels_or_scores_are_refused() -> None:
    study = {"about": "a", "factor": "f", "scores": ["fuzzing"], "levels": {"a": {}}}
    for first, message in (("b", "unknown level b; there are a"), ("a", "unknown score x; there are fuzzing")):
        pair = {"first": [first, "fuzzing"], "second": ["a", "x"]}
        with pytest.raises(ValidationError, match=message):
            Study.model_validate(study | {"pairs": [pair]})


def test_other_latents_are_not_paired() -> None:
    many = {f"h/{i}": 0.8 + 0.01 * (i % 5) for i in range(30)}
    few = {f"h/{i}": 0.5 + 0.01 * (i % 7) for i in range(30)}
    levels = {"a": Level(), "b": Level(), "b, random": Level(floor=True, of="b")}
    outcomes = {"a": found(many), "b": found(few, coder="neurons"), "b, random": found(few, coder="neurons")}
    rows: Any = outcome(outcomes, levels, "a").set_index("level")
    assert rows.loc["b", ["pairs", "verdict", "against"]].tolist() == [0, "lower", "a"]
    assert rows.loc["b, random", ["pairs", "verdict", "against"]].tolist() == [30, "tied", "b"]
    # two comparisons of the score: Holm doubles the smaller p
    from scipy.stats import ttest_ind

    p = ttest_ind(list(few.values()), list(many.values()), equal_var=False).pvalue
    assert rows.loc["b", "p_holm"] == pytest.approx(2 * p)


def test_nothing_finished_is_an_empty_table() -> None:
    assert outcome({}, {"a": Level()}, "a").empty


def test_read_found_names_a_damaged_log_and_leaves_it_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "logs"
    folder.mkdir()
    for level, mean in (("a", None), ("b", 0.99), ("c", None)):
        log = log_of([sample(i, value(0.5 + 0.1 * i)) for i in range(3)])
        assert log.eval.metadata and log.results
        log.eval.metadata["level"] = level
        if mean:
            log.results.scores[0].metrics["estimate_mean"].value = mean
        write_eval_log(log, str(folder / f"{level}.eval"))
    whole = (folder / "c.eval").read_bytes()
    (folder / "c.eval").write_bytes(whole[: len(whole) // 2])
    read = read_found(folder)
    assert list(read) == ["a"]
    assert read["a"].values["detection"].tolist() == pytest.approx([0.5, 0.6, 0.7])
    lines = " ".join(capsys.readouterr().err.split())
    assert "b.eval: left out: the log contradicts itself: the header says mean 0.99" in lines
    assert "c.eval: left out: unreadable" in lines
