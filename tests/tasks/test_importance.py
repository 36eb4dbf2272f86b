"""`-T negatives=importance`: what is drawn depends on the explanation, and no grader gains by that."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.log import EvalLog, read_eval_log_sample
from inspect_ai.model import Model
from tests.doubles import model, texts_of

from inspect_autointerp import cli
from inspect_autointerp.builtin.planted.oracle import label
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.leaderboard.load.verdict_frame import verdict_frame
from inspect_autointerp.leaderboard.submit.recompute_statistics import compare_statistics
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import detection, multi_score

LEXICAL = "inspect_autointerp/lexical"
WORD = "self"
"""A common word of the store's corpus that no explanation of a latent has to do with: the subject is random."""


def run(store: Path, logs: Path, *, by: str | Model = LEXICAL, grader: Model | None = None, **options: Any) -> EvalLog:
    defaults: dict[str, Any] = {
        "latents": "sample:40",
        "min_contexts": 10,
        "test_activating": 40,
        "test_nonactivating": 60,
        "texts_per_call": 20,
    }
    arguments: dict[str, Any] = {"negatives": "importance"} | defaults | options
    task = detection(store=str(store), **arguments)
    roles = {"grader": grader} if grader else None
    return inspect_eval(task, model=by, model_roles=roles, log_dir=str(logs), display="none")[0]


def says(log: EvalLog, statistic: str = "balanced_accuracy") -> np.ndarray:
    return np.array([sample.scores["detection"].value[statistic] for sample in log.samples or [] if sample.scores])  # type: ignore[index]


def unweighted(log: EvalLog) -> np.ndarray:
    """Balanced accuracy if every context counted alike, float (latent,)."""
    rates = []
    for sample in log.samples or []:
        columns = ((sample.scores or {})["detection"].metadata or {})["verdicts"]
        labels, kinds = np.array(columns["label"]), np.array(columns["kind"])
        rates.append((labels[kinds == "activating"].mean() + 1 - labels[kinds == "importance"].mean()) / 2)
    return np.array(rates)


def constant(texts: list[str]) -> list[int]:
    return [1 for _ in texts]


def by_place(texts: list[str]) -> list[int]:
    return [i % 2 for i, _ in enumerate(texts)]


def by_length(texts: list[str]) -> list[int]:
    return [int(len(text) > np.median([len(other) for other in texts])) for text in texts]


def by_hash(texts: list[str]) -> list[int]:
    return [sum(text.encode()) % 2 for text in texts]


def resembling_is_active(texts: list[str]) -> list[int]:
    return [int(WORD in text) for text in texts]


def resembling_is_silent(texts: list[str]) -> list[int]:
    """Knows the design: texts that look like the explanation are drawn oftener where the latent is silent."""
    return [int(WORD not in text) for text in texts]


def most_resembling_is_silent(texts: list[str]) -> list[int]:
    """The same within a call: the text that looks most like the explanation is the silent one."""
    counts = [text.count(WORD) for text in texts]
    return [int(count < max(counts) or not count) for count in counts]


BLIND = [constant, by_place, by_length, by_hash, resembling_is_active, resembling_is_silent, most_resembling_is_silent]


@pytest.fixture(scope="module")
def blind_logs(store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], EvalLog]:
    """Returns by grader's name the log in which every latent has the same explanation, which is of no latent."""
    explains, folder = model(lambda _: f"EXPLANATION: {WORD}"), tmp_path_factory.mktemp("blind")

    @cache
    def log_of(name: str) -> EvalLog:
        blind = {blind.__name__: blind for blind in BLIND}[name]
        grader = model(lambda messages: str(blind(texts_of(messages))))
        n = 5 if blind is most_resembling_is_silent else 20  # calls are what an evaluation takes its time for
        return run(store_folder, folder, by=explains, grader=grader, texts_per_call=n)

    return log_of


@pytest.mark.parametrize("blind", [blind.__name__ for blind in BLIND])
def test_grader_without_an_explanation_to_go_by_scores_one_half(
    blind: str, blind_logs: Callable[[str], EvalLog]
) -> None:
    scores = says(blind_logs(blind))
    assert len(scores) >= 10
    if blind == "constant":
        assert (scores == 0.5).all(), "exactly, since the weights add up to the population"
    # Contexts overlap between latents of one corpus, which the spread over latents does not show: hence the floor.
    assert abs(scores.mean() - 0.5) < 3 * max(scores.std() / len(scores) ** 0.5, 0.015)


def test_grader_that_knows_the_design_would_win_without_weights(blind_logs: Callable[[str], EvalLog]) -> None:
    plain = unweighted(blind_logs("resembling_is_silent"))
    assert plain.mean() > 0.55
    assert unweighted(blind_logs("most_resembling_is_silent")).mean() > 0.52
    assert unweighted(blind_logs("resembling_is_active")).mean() < 0.45


def test_estimate_is_that_of_the_whole_population(store_folder: Path, blind_logs: Callable[[str], EvalLog]) -> None:
    store = Store.open(str(store_folder))
    log = blind_logs("resembling_is_silent")
    errors = []
    for sample, tnr in zip(log.samples or [], says(log, "tnr"), strict=True):
        latent = store.at(None).latent(int(str(sample.id).rpartition("/")[2]))
        starts = LatentContexts(store, latent).population_starts("test")
        texts = [text for text, _ in store.detokenizer.windows(store.ids(starts))]
        errors.append(tnr - np.mean([WORD in text for text in texts]))
    assert abs(np.mean(errors)) < 3 * np.std(errors) / len(errors) ** 0.5 + 1e-3
    assert np.std(errors) < 0.03, "at random, √(0.2 · 0.8 / 60) = 0.05"


def test_log_holds_weights_and_agrees_with_itself(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, latents="sample:4", negatives="importance,neighbours")
    rows = verdict_frame(log.location)
    assert set(rows["kind"]) == {"activating", "importance", "neighbours"}
    weighted = rows[rows["kind"] == "importance"]
    assert (weighted["weight"] >= 1).all() and rows[rows["kind"] != "importance"]["weight"].isna().all()
    store = Store.open(str(store_folder))
    for latent, weights in weighted.groupby("latent")["weight"]:
        contexts = LatentContexts(store, store.at(None).latent(int(str(latent).rpartition("/")[2])))
        assert weights.sum() == pytest.approx(len(contexts.population_starts("test")), rel=1e-5)
    samples = [sample.model_dump() for sample in log.samples or []]
    assert compare_statistics(samples).differences == []
    score = samples[0]["scores"]["detection"]
    low, high = score["metadata"]["intervals"]["f1"]
    assert low <= score["value"]["f1"] <= high
    assert "tnr_neighbours" in score["value"]
    score["metadata"]["verdicts"]["weight"][score["metadata"]["verdicts"]["kind"].index("importance")] = 4000
    assert any("but its verdicts give" in line for line in compare_statistics(samples).differences)
    verdicts = score["metadata"]["verdicts"]
    verdicts["kind"] = ["random" if kind == "importance" else kind for kind in verdicts["kind"]]
    assert "must have a weight" in " ".join(compare_statistics(samples).differences)


def test_logs_of_other_negatives_stand_in_no_table_together(store_folder: Path, tmp_path: Path) -> None:
    for negatives in ("random", "importance"):
        run(store_folder, tmp_path, latents="sample:4", negatives=negatives)
    apart = read_results(str(tmp_path)).apart
    assert len(apart) == 1
    assert "other options (negatives=" in str(apart)


def test_every_score_draws_by_importance(store_folder: Path, tmp_path: Path) -> None:
    scores = "detection,fuzzing,simulation,intruder,embedding"
    task = multi_score(store=str(store_folder), latents="sample:3", scores=scores, negatives="importance")
    [log] = inspect_eval(task, model=LEXICAL, log_dir=str(tmp_path), display="none")
    assert log.status == "success"
    for sample in log.samples or []:
        for name, score in (sample.scores or {}).items():
            columns = (score.metadata or {}).get("verdicts")
            if columns is None:  # too few contexts for a question of intruder
                assert name == "intruder"
                continue
            assert ("importance" in columns["kind"]) == ("weight" in columns) == (name != "intruder")
            assert "random" not in columns["kind"]
    samples = [sample.model_dump() for sample in log.samples or []]
    assert compare_statistics(samples).differences == []


def test_one_draw_for_one_explanation(store_folder: Path, tmp_path: Path) -> None:
    one, same, other = (
        run(store_folder, tmp_path, by=model(lambda _, word=word: f"EXPLANATION: {word}"), latents="sample:2",
            grader=model(lambda messages: str(constant(texts_of(messages)))))
        for word in (WORD, WORD, "import")
    )  # fmt: skip
    starts = [verdict_frame(log.location).query("kind == 'importance'")["start"].tolist() for log in (one, same, other)]
    assert starts[0] == starts[1] != starts[2]


def test_random_and_importance_together_are_refused(store_folder: Path) -> None:
    with pytest.raises(
        PrerequisiteError, match=r"negatives=random,importance: random and importance .* give one of them"
    ):
        detection(store=str(store_folder), negatives="random,importance")


def test_delphi_has_no_place_for_weights(
    store_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = run(store_folder, tmp_path / "logs", latents="sample:3")
    assert read_eval_log_sample(log.location, (log.eval.dataset.sample_ids or [])[0])
    arguments = ["export", log.location, "--to", "delphi", "-o", str(tmp_path / "out"), "--store", str(store_folder)]
    monkeypatch.setattr("sys.argv", ["autointerp", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert not stop.value.code
    assert "no verdicts of detection or fuzzing on random contexts" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out" / "scores").exists()


def test_too_broad_planted_explanation_is_seen_at_the_base_rate(planted_store: Path, tmp_path: Path) -> None:
    broad = {
        negatives: inspect_eval(
            detection(store="planted", latents="all", negatives=negatives, texts_per_call=50),
            model="inspect_autointerp/oracle",
            model_args={"explanation": "too_broad"},
            log_dir=str(tmp_path),
            display="none",
        )[0]
        for negatives in ("random", "importance")
    }
    store, errors = Store.open(str(planted_store)), {}
    for negatives, log in broad.items():
        assert log.status == "success"
        errors[negatives] = []
        for sample, tnr in zip(log.samples or [], says(log, "tnr"), strict=True):
            contexts = LatentContexts(store, store.at(None).latent(int(str(sample.id).rpartition("/")[2])))
            starts = contexts.population_starts("test")
            texts = [text for text, _ in store.detokenizer.windows(store.ids(starts))]
            alarms = np.mean([label(sample.metadata["explanation"]["text"], text, None, 0.0, 0) for text in texts])
            errors[negatives].append(tnr - (1 - alarms))
    drawn = np.array(errors["importance"])
    assert abs(drawn.mean()) < 3 * drawn.std() / len(drawn) ** 0.5 + 1e-3
    # No window has a weight above about twice that of a random draw. So the variance is at most about twice as large,
    # and errors are √2 times. A mean absolute error of 24 latents has a standard error of 16 %, so a
    # ratio of 1.41 has one of 0.31.
    assert np.abs(drawn).mean() < (2**0.5 + 3 * 0.31) * np.abs(errors["random"]).mean()
