"""Intervals for which latents and documents are drawn: by hand, beside scikit-learn's weights, and on a real log."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from inspect_autointerp import cli
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.leaderboard.analyse import document_intervals as module
from inspect_autointerp.leaderboard.analyse.document_intervals import (
    Judged,
    document_interval,
    document_intervals,
    resampled_means,
    weighted_auroc,
)
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.statistics.intervals import bootstrap_interval

NAN = float("nan")


def labelled(*labels: Sequence[int], documents: Sequence[int] | None = None) -> list[Verdict]:
    """Verdicts on activating contexts with the first labels, and on random ones with the second."""
    kinds = [kind for kind, side in zip(("activating", "random"), labels, strict=True) for _ in side]
    every = [label for side in labels for label in side]
    return [
        Verdict(kind=kind, label=label, document=7 if documents is None else documents[i])
        for i, (kind, label) in enumerate(zip(kinds, every, strict=True))
    ]


def judged(by_latent: Sequence[Sequence[Verdict]], ranked: bool = False) -> Judged:
    read = Judged.from_verdicts(by_latent, ranked)
    assert read is not None
    return read


def test_one_document_leaves_the_bootstrap_over_latents() -> None:
    one = judged([labelled([1, 1], [0, 0]), labelled([1, 0], [0, 1])])  # 1.0 and 0.5
    means = resampled_means(one, 0, 4000)
    values, counts = np.unique(means, return_counts=True)
    assert values.tolist() == [0.5, 0.75, 1.0]
    assert (counts / 4000).tolist() == pytest.approx([0.25, 0.5, 0.25], abs=0.03)
    assert document_interval(one) == (0.5, 1.0)
    assert document_interval(judged([labelled([1, 0], [0, 0])] * 5)) == (0.75, 0.75)


def test_documents_that_decide_widen_the_interval() -> None:
    documents = [*range(20), *range(20)]
    right = [int(document < 10) for document in range(20)]  # graders are right on ten documents, wrong on the others
    latents = [labelled(right, [1 - label for label in right], documents=documents)] * 30
    assert bootstrap_interval([0.5] * 30) == (0.5, 0.5)
    low, high = document_interval(judged(latents))
    assert low < 0.35 and high > 0.65
    own = [
        labelled(right, [1 - label for label in right], documents=[40 * i + d for d in range(40)]) for i in range(30)
    ]
    narrow_low, narrow_high = document_interval(judged(own))  # the same verdicts, each on a document of its own
    assert narrow_high - narrow_low < (high - low) / 3


@pytest.mark.parametrize("seed", range(5))
def test_weighted_auroc_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    high, low = rng.integers(3, 9, 15) / 2, rng.integers(0, 7, 22) / 2  # with many ties
    weights = rng.integers(0, 4, (6, 37)).astype(float)
    areas = weighted_auroc(high, low, weights[:, :15], weights[:, 15:])
    truth, values = np.repeat([1, 0], [15, 22]), np.concatenate([high, low])
    expected = [roc_auc_score(truth, values, sample_weight=weight) for weight in weights]
    assert areas.tolist() == pytest.approx(expected, abs=1e-12)
    assert np.isnan(weighted_auroc(high, low, np.zeros((1, 15)), weights[:1, 15:])).all()


@pytest.mark.parametrize("ranked", [True, False])
def test_latents_under_weights_are_those_of_scikit_learn(ranked: bool) -> None:
    rng = np.random.default_rng(1)
    kinds = ["activating"] * 9 + ["random"] * 8 + ["neighbours"] * 3

    def verdict(kind: str) -> Verdict:
        number, document = int(rng.integers(5 if ranked else 2)), int(rng.integers(12))
        return Verdict(kind=kind, document=document, value=number if ranked else None, label=None if ranked else number)

    by_latent = [[verdict(kind) for kind in kinds] for _ in range(4)]
    read = judged(by_latent, ranked)
    weights = rng.integers(1, 4, (5, int(read.document.max()) + 1)).astype(float)
    values = (module._aurocs if ranked else module._balanced_accuracies)(read, weights)
    for latent in range(4):
        own = read.latent == latent
        truth, value, document = read.activating[own], read.value[own], read.document[own]
        assert len(truth) == 17
        measure = roc_auc_score if ranked else balanced_accuracy_score
        expected = [measure(truth, value, sample_weight=weight[document]) for weight in weights]
        assert values[:, latent].tolist() == pytest.approx(expected, abs=1e-12)


def test_interval_without_what_it_needs_is_undefined() -> None:
    known = labelled([1], [0])
    assert document_interval(judged([known])) == pytest.approx((NAN, NAN), nan_ok=True)  # one latent
    one_sided = [Verdict(kind="activating", label=1, document=1)]
    unscored = [Verdict(kind=kind, document=1, reason="refused") for kind in ("activating", "random")]
    assert document_interval(judged([known, one_sided, unscored, []])) == pytest.approx((NAN, NAN), nan_ok=True)
    assert Judged.from_verdicts([known, [Verdict(kind="activating", label=1), *known]], False) is None  # no document
    assert judged([]).latent.size == 0


def test_latent_that_was_not_drawn_does_not_count() -> None:
    disjoint = [labelled([1], [0], documents=[1, 2]), labelled([0], [1], documents=[3, 4])]  # 1.0 and 0.0
    means = resampled_means(judged(disjoint), 0, 500)
    assert np.isnan(means).any()  # no latent has documents of both sides
    assert set(np.unique(means[~np.isnan(means)])) >= {0.0, 1.0}


def test_intervals_of_a_log_are_of_scores_with_weights(
    scored_log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path))
    results = read_results(str(Path(scored_log).parent))
    bounds = (
        document_intervals(results, seed=3, resamples=200).assign(score=results.entries["score"]).set_index("score")
    )
    assert bounds[list(module.COLUMNS)].isna().all(axis=1).to_dict() == {
        **{"detection": False, "fuzzing": False, "embedding": False, "intruder": True}
    }
    means = dict(zip(results.entries["score"], results.values.groupby("entry")["value"].mean(), strict=True))
    for score in ("detection", "fuzzing", "embedding"):
        low, high = (bounds[name].to_dict()[score] for name in module.COLUMNS)
        assert low <= means[score] <= high
    again = document_intervals(results, seed=3, resamples=200)
    assert np.array_equal(again.to_numpy(), bounds[list(module.COLUMNS)].to_numpy(), equal_nan=True)


def test_leaderboard_shows_the_interval_where_asked(
    scored_log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path))

    def run(*options: str) -> str:
        monkeypatch.setattr("sys.argv", ["autointerp", "leaderboard", str(Path(scored_log).parent), *options])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert not end.value.code
        return capsys.readouterr().out

    assert "interval by document" not in run()
    assert "| interval by document |" in run("--documents", "--md", "-")
    run("--documents", "--csv", str(tmp_path / "rows.csv"))
    rows = {row["score"]: row for row in csv.DictReader((tmp_path / "rows.csv").open())}
    assert float(rows["detection"]["document_low"]) <= float(rows["detection"]["document_high"])
    assert rows["intruder"]["document_low"] == ""


def test_weights_of_contexts_count_in_every_resample() -> None:
    def weighted(label: int, weight: float) -> Verdict:
        return Verdict(kind="importance", label=label, value=label, weight=weight, document=7)

    active = [Verdict(kind="activating", label=1, value=0.5, document=7)]
    # The false alarm weighs 1 of 4: TNR 0.75, balanced accuracy 0.875; AUROC 0.75.
    latent = [*active, weighted(1, 1), weighted(0, 3)]
    assert set(resampled_means(judged([latent, latent]), 0, 50)) == {0.875}
    assert set(resampled_means(judged([latent, latent], ranked=True), 0, 50)) == {0.75}
