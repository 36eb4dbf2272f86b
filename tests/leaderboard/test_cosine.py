"""Scores by distance of negatives: bins, values and what is said where no cosine is known."""

from math import isnan
from typing import Any

import pytest
from tests.given_results import results_of_values

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.leaderboard.analyse import cosine
from inspect_autointerp.leaderboard.analyse.cosine import by_cosine, cosine_columns
from inspect_autointerp.leaderboard.show.cosine import cosine_views
from inspect_autointerp.scorers.shared.ranking import ranking_statistics


def verdicts(cosines: list[float | None], labels: list[int]) -> list[Verdict]:
    """Two activating contexts, one of them missed, two random ones, and neighbours with these cosines and labels."""
    return [
        *(Verdict(kind="activating", label=label, decile=1) for label in (1, 0)),
        *(Verdict(kind="random", label=0) for _ in range(2)),
        *(
            Verdict(kind="neighbours", label=label, neighbour=3, cosine=near)
            for near, label in zip(cosines, labels, strict=True)
        ),
    ]


def frame(monkeypatch: pytest.MonkeyPatch, *by_latent: list[Verdict], score: str = "detection") -> Any:
    """Return the breakdown of one explainer with these verdicts, in two bins."""
    monkeypatch.setattr(cosine, "_verdicts", lambda results, row: {str(i): rows for i, rows in enumerate(by_latent)})
    return by_cosine(results_of_values({score: {"x": [0.5] * len(by_latent)}}), bins=2)


def test_each_bin_is_set_against_the_activating_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = frame(
        monkeypatch,
        verdicts([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 0]),
        verdicts([0.1, 0.1, 0.9, None], [0, 1, 1, 1]),
    )
    assert rows["group"].tolist() == ["random", "0.100–0.200", "0.200–0.900"]
    # TPR is 1/2 in both. TNR: random 1, 1; near 1, 1/2; nearer 1/2 (of 0.2 0.8 0.9: 2/3), 0.
    assert rows["contexts"].tolist() == [4, 3, 4]
    assert rows["mean"].round(4).tolist() == [0.75, 0.625, round((0.5 + 2 / 3 + 0.5) / 4, 4)]
    assert rows["tnr"].round(4).tolist() == [1.0, 0.75, round((2 / 3 + 0) / 2, 4)]
    assert rows["n"].tolist() == [2, 2, 2]
    assert (rows["low"] <= rows["mean"]).all()


def test_importance_sampled_contexts_count_with_their_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        Verdict(kind="activating", value=0.5, decile=1),
        *(Verdict(kind="importance", value=value, weight=weight) for value, weight in ((0.9, 1), (0.1, 9))),
        Verdict(kind="neighbours", value=0.4, neighbour=3, cosine=0.5),
    ]
    values = frame(monkeypatch, rows, score="embedding")["mean"].tolist()
    assert values == [ranking_statistics(rows, LatentFacts())["auroc"], 1] == [0.9, 1]


def test_one_cosine_alone_is_one_bin(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = frame(monkeypatch, verdicts([0.3, 0.3], [0, 1]))
    assert rows["group"].tolist() == ["random", "0.300–0.300"]
    assert rows["contexts"].tolist() == [2, 2]
    assert isnan(rows["low"][1]), "the interval of one latent"


def test_view_has_a_row_per_bin(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = frame(monkeypatch, verdicts([0.1, 0.9], [0, 1]))
    [view] = cosine_views(results_of_values({"x": [0.5]}), rows)
    assert view.head == ["explainer", "cosine", "balanced accuracy", "TNR", "latents", "contexts"]
    assert [row[1] for row in view.rows] == ["random", *rows["group"][1:]]
    assert view.title.startswith("By cosine of neighbours · detection")


def test_logs_without_cosines_have_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert frame(monkeypatch, verdicts([None, None], [0, 1])).empty


def test_columns_for_files_have_the_ends_of_each_bin(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = frame(monkeypatch, verdicts([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 0]))
    [wide] = cosine_columns(rows).to_dict("records")
    assert list(wide)[:6] == [f"cosine_1_{part}" for part in ("from", "to", "mean", "low", "high", "n")]
    assert (wide["cosine_2_to"], wide["cosine_2_n"]) == (0.9, 1)
    assert wide["cosine_2_mean"] == rows["mean"][2]
