"""Scores against known truth: planted latents, explained and graded by the oracle that knows them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import get_model

from inspect_autointerp.builtin.planted.__main__ import Column, measure, rated, table
from inspect_autointerp.builtin.planted.latents import LATENTS, Sort
from inspect_autointerp.latent import Context
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import detection, fuzzing

ORACLE = "inspect_autointerp/oracle"
N = 60


def run(logs: Path, *, score: Callable[..., Task] = detection, error_rate: float = 0.0, **options: Any) -> EvalLog:
    """A score of all planted latents, explained by the oracle as the options say."""
    task = score(store="planted", latents="all", test_activating=N, test_nonactivating=N, texts_per_call=60)
    explainer = get_model(ORACLE, memoize=False, **options)
    grader = get_model(ORACLE, memoize=False, error_rate=error_rate)
    [log] = inspect_eval(task, model=explainer, model_roles={"grader": grader}, log_dir=str(logs), display="none")
    assert log.status == "success"
    return log


def values(log: EvalLog, key: str) -> np.ndarray:
    """One statistic of every latent, by index."""
    name = log.eval.task.rsplit("/", 1)[-1]
    scores = {str(sample.id): sample.scores[name].value for sample in log.samples or [] if sample.scores}
    return np.array([scores[f"planted/{index}"][key] for index in range(len(LATENTS))])  # type: ignore[index,call-overload]


def said(log: EvalLog) -> list[str]:
    """The explanation of every latent, by index."""
    texts = {sample.metadata["index"]: sample.metadata["explanation"]["text"] for sample in log.samples or []}
    return [texts[index] for index in range(len(LATENTS))]


@pytest.mark.parametrize("score", [detection, fuzzing])
def test_a_perfect_grader_gives_the_true_explanation_the_highest_score(
    score: Callable[..., Task], planted_store: Path, tmp_path: Path
) -> None:
    log = run(tmp_path, score=score)
    assert (log.eval.metadata or {})["store"] == Store(planted_store).digest
    assert said(log) == [planted.true.text for planted in LATENTS]
    for key in ("balanced_accuracy", "f1", "tpr", "tnr"):
        assert (values(log, key) == 1).all(), key
    assert (values(log, "unscored") == 0).all()


@pytest.mark.parametrize(("score", "rate"), [(detection, 0.1), (detection, 0.3), (fuzzing, 0.2)])
def test_a_grader_that_errs_takes_its_error_rate_off_the_balanced_accuracy(
    score: Callable[..., Task], rate: float, planted_store: Path, tmp_path: Path
) -> None:
    log = run(tmp_path, score=score, error_rate=rate)
    accuracies = values(log, "balanced_accuracy")
    # A latent's has a standard error of √(e (1 − e) / 2n); texts and explanations are all different, so errors are too.
    error = (rate * (1 - rate) / (2 * N)) ** 0.5
    assert abs(accuracies.mean() - (1 - rate)) < 3 * error / len(accuracies) ** 0.5
    assert (abs(accuracies - (1 - rate)) < 4 * error).all()
    assert log.results
    [metrics] = [score.metrics for score in log.results.scores]
    assert metrics["ci_low"].value <= 1 - rate <= metrics["ci_high"].value


@pytest.mark.parametrize("sort", ["too_narrow", "wrong", "too_broad"])
def test_a_false_explanation_scores_lower(sort: Sort, planted_store: Path, tmp_path: Path) -> None:
    log = run(tmp_path, explanation=sort)
    assert said(log) == [planted.claim(sort).text for planted in LATENTS]
    balanced, f1 = values(log, "balanced_accuracy"), values(log, "f1")
    if sort == "too_broad":
        assert balanced.mean() > 0.93, "random contexts hardly show it"
        assert (values(log, "tpr") == 1).all()
    else:
        assert (balanced < 0.9).all()
    if sort == "wrong":
        assert abs(balanced.mean() - 0.5) < 0.03
    assert f1.mean() < 0.75


@pytest.mark.parametrize("sort", ["too_narrow", "wrong", "too_broad"])
def test_fuzzing_sees_a_false_explanation_by_the_marks(sort: Sort, planted_store: Path, tmp_path: Path) -> None:
    log = run(tmp_path, score=fuzzing, explanation=sort)
    balanced, mismarked = values(log, "balanced_accuracy"), values(log, "balanced_accuracy_mismarked")
    if sort == "too_broad":
        assert (values(log, "tpr") == 1).all()
        assert balanced.mean() > 0.93, "marks seldom fall on what a too-broad explanation speaks of besides"
    else:
        assert (balanced < 0.9).all()
        assert np.nanmax(mismarked) < 1


@pytest.fixture(scope="module")
def store(planted_cache: Path) -> Store:
    return Store(next(planted_cache.glob("planted-*")))


@pytest.fixture(scope="module")
def figures(store: Store) -> dict[Sort, dict[Column, np.ndarray]]:
    return measure(store, n=100, seed=0)


def test_which_statistic_sees_what(figures: dict[Sort, dict[Column, np.ndarray]], store: Store) -> None:
    random, f1 = Column("balanced_accuracy", "random"), Column("f1", "random")
    neighbours = Column("balanced_accuracy", "neighbours")
    for column, true in figures["true"].items():
        # Activations are from 2 to 5 where the true claim speaks, so that all or nothing cannot correlate perfectly.
        assert (
            (true > 0.95).all()
            if column.statistic.startswith("correlation")
            else np.allclose(true, 1, rtol=0, atol=1e-9)
        )
        for sort in ("too_narrow", "wrong"):
            seen = ~(figures[sort][column] >= true)  # a wrong one that speaks of nothing has no correlation at all
            if sort == "too_narrow" and column.statistic in ("responsiveness_signed", "purity"):
                assert seen.mean() > 0.75, f"{column}: whatever a too-narrow explanation speaks of is active too"
            else:
                assert seen.all(), f"{sort}, {column}"
    share = np.array([store.at("planted").latent(index).firing_share for index in range(len(LATENTS))])
    broad, rare = figures["too_broad"], share < 0.06
    assert rare.sum() >= 8
    lost = {column: 1 - broad[column][rare].mean() for column in (random, f1, neighbours)}
    assert lost[random] < 0.06, "a too-broad explanation hides among random contexts"
    assert lost[f1] > 0.3, "at the natural rate it does not"
    assert lost[neighbours] > 0.3, "nor among those of its siblings"
    assert (broad[neighbours] < 0.75).all()
    for column in (Column("correlation_weighted", "random"), Column("correlation", "neighbours")):
        assert (figures["true"][column] - broad[column])[rare].mean() > 0.2, column


def test_neighbours_show_a_too_broad_explanation_to_a_grader_that_errs_too(store: Store) -> None:
    noisy = measure(store, n=60, seed=0, error_rate=0.1)
    neighbours = Column("balanced_accuracy", "neighbours")
    assert (noisy["true"][neighbours] > noisy["too_broad"][neighbours]).all()


def test_the_table_has_a_row_per_sort_of_explanation(figures: dict[Sort, dict[Column, np.ndarray]]) -> None:
    made = table(figures)
    cells = [list(column.cells) for column in made.columns]
    assert cells[0] == ["true", "too broad", "too narrow", "wrong"]
    assert cells[1][0] == "1.000"
    assert str(cells[2][1]).endswith("(100%)")


def test_rated_is_undefined_where_no_context_is_rated_2() -> None:
    def context(kind: Any, peak: float) -> Context:
        return Context(kind, 0, "a", ((0, 1),), np.array([peak], dtype=np.float32), None)

    contexts = [context("activating", 2.0), context("random", 0.0), context("neighbours", 0.0)]
    assert rated(contexts, [1, 0, 1]) == {"responsiveness_signed": 1.0, "purity": 1.0}  # neighbours do not count
    assert all(np.isnan(value) for value in rated(contexts, [0, 0, 1]).values())
