"""The task as it is run, with likelihood models whose answers are known."""

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.inspect_support.dataset import latent_dataset
from inspect_autointerp.inspect_support.explanation import Explanation
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.models import shared_engines
from inspect_autointerp.models.from_store import load_steering
from inspect_autointerp.models.likelihood.interface import UNDEFINED, LikelihoodError
from inspect_autointerp.models.steering import Direction, Tune
from inspect_autointerp.models.steering import Generate as Go
from inspect_autointerp.prep.engines.steering import SteeredSubject
from inspect_autointerp.scorers import intervention as scorer
from inspect_autointerp.scorers.intervention.prompt import after, before
from inspect_autointerp.scorers.intervention.statistics import intervention_statistics
from inspect_autointerp.scorers.intervention.steering_prompts import prompts
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import intervention
from inspect_autointerp.text.render import visible

MODULE = sys.modules["inspect_autointerp.scorers.intervention.scorer"]  # the package has the function by this name
LEXICAL = "inspect_autointerp/lexical"
Pair = tuple[str, str]


class Knows:
    """A likelihood model that answers by a function of prefix and continuation."""

    def __init__(self, answer: Callable[[str, str], list[float]]) -> None:
        self._answer = answer

    async def logprobs(self, pairs: Sequence[Pair]) -> list[list[float]]:
        return [self._answer(*pair) for pair in pairs]


def statistics(effects: list[float], n_tokens: int, kl: list[float]) -> dict[str, float]:
    return intervention_statistics([Verdict(kind="prompt", value=value) for value in effects], n_tokens, kl)


@pytest.fixture
def bind(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str, str], list[float]]], None]:
    """Make a function the likelihood model."""

    def bind(answer: Callable[[str, str], list[float]]) -> None:
        async def likelihood(_: str) -> Knows:
            return Knows(answer)

        monkeypatch.setattr(MODULE, "likelihood", likelihood)

    return bind


@pytest.fixture(scope="module")
def ids(sharp_store_folder: Path) -> list[str]:
    """Four latents that fire often enough; many of a random SAE's never do."""
    data = latent_dataset(sharp_store_folder, hookpoint=None, latents="sample:4", min_contexts=40, seed=0)
    return [str(sample.id) for sample in data.samples]


@solver
def says(texts: dict[str, str]) -> Solver:
    """Explain each latent by its text."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        Explanation(text=texts[str(state.sample_id)], source="test", latent=str(state.sample_id)).put(state)
        return state

    return solve


def run(store: Path, logs: Path, texts: dict[str, str] | None = None, **options: Any) -> EvalLog:
    """Score four latents by given explanations, or by the lexical provider's."""
    if texts is None:
        arguments: dict[str, Any] = {"latents": "sample:4", "min_contexts": 40} | options
        task = intervention(store=str(store), **arguments)
    else:
        samples = [Sample(id=id, input="?") for id in texts]
        task = Task(dataset=samples, solver=says(texts), scorer=scorer(store=str(store), **options))
    [log] = inspect_eval(task, model=LEXICAL, log_dir=str(logs), display="none")
    return log


def scores(log: EvalLog) -> dict[str, Any]:
    return {str(sample.id): (sample.scores or {})["intervention"] for sample in log.samples or []}


def test_a_model_that_ignores_its_prefix_scores_nothing(sharp_store_folder: Path, tmp_path: Path, bind: Any) -> None:
    bind(lambda _, continuation: [-float(len(continuation)), -0.25])
    log = run(sharp_store_folder, tmp_path, target_kl=0.3)
    assert log.status == "success"
    assert log.results
    assert [list(score.metrics) for score in log.results.scores] == [["mean", "ci_low", "ci_high", "unscored"]]
    assert log.results.headline
    assert log.results.headline.score == "intervention"
    for score in scores(log).values():
        assert (score.value["effect"], score.value["effect_per_token"], score.value["unscored"]) == (0.0, 0.0, 0.0)
        assert score.value["kl"] > 0.05
        assert score.metadata["grader"] == "inspect_autointerp/demo"
    assert not shared_engines._engines, "the subject is let go of when the task ends"


def test_every_number_is_that_of_the_texts_written(
    sharp_store_folder: Path, tmp_path: Path, bind: Any, ids: list[str]
) -> None:
    def answer(prefix: str, continuation: str) -> list[float]:
        return [-0.5 * prefix.count("e"), -1.0, -2.0] if continuation == " it\n" else []

    bind(answer)
    store = Store(sharp_store_folder)
    log = run(sharp_store_folder, tmp_path, {ids[0]: "it"}, target_kl=0.3, scored_prompts=7, tuned_prompts=4)
    engine, index = SteeredSubject(store, "layers.1", device="cpu"), int(ids[0].rpartition("/")[2])
    contexts = LatentContexts(store, store.at("layers.1").latent(index))
    tuned, scored = prompts(store, contexts, 4, 7, 0)
    [strength] = engine.tune([Tune(Direction(index), tuned, 0.3)])
    assert strength.strength is not None
    [written] = engine.generate([Go(Direction(index), scored, strength.strength, 0)])
    effects = []
    for prompt, clean, steered in zip(scored, written.clean, written.steered, strict=True):
        a, b = (visible(store.detokenizer([*prompt, *new])[0]).count("e") for new in (clean, steered))
        effects.append(-0.5 * (b - a))
    assert any(effects)
    value = scores(log)[ids[0]].value
    assert value["effect"] == pytest.approx(np.mean(effects), abs=1e-4)
    assert value["effect_per_token"] == pytest.approx(np.mean(effects) / 3, abs=1e-4)
    assert value["effect_se"] == pytest.approx(np.std(effects, ddof=1) / np.sqrt(len(effects)), abs=1e-4)
    assert value["kl"] == pytest.approx(np.mean(written.kl), abs=1e-3)


def test_steering_beats_another_latent_and_a_random_direction(
    sharp_store_folder: Path, tmp_path: Path, bind: Any, ids: list[str]
) -> None:
    """The likelihood model believes an explanation, a list of token ids, by how often they occur in the text."""
    store = Store(sharp_store_folder)
    engine = SteeredSubject(store, "layers.1", device="cpu")
    head = engine.subject.unembedding()
    assert head is not None
    own = [Direction(int(id.rpartition("/")[2])) for id in ids]
    promoted = (engine.directions(own) @ head.T).topk(30).indices.tolist()
    words = [[visible(store.detokenizer([token])[0]) for token in tokens] for tokens in promoted]
    explanations = {id: f"words {i}" for i, id in enumerate(ids)}
    other = {id: f"words {(i + 1) % len(ids)}" for i, id in enumerate(ids)}

    def answer(prefix: str, continuation: str) -> list[float]:
        tail = prefix.removesuffix("\nAmplified:").rpartition("Text: ")[2]
        return [float(sum(tail.count(word) for word in set(words[int(continuation.split()[1])]) if len(word) > 1))]

    bind(answer)
    mean: dict[str, float] = {}
    for name, texts, more in (
        ("true", explanations, {}),
        ("shuffled", other, {}),
        ("random", explanations, {"direction": "random"}),
    ):
        by_latent = scores(run(sharp_store_folder, tmp_path / name, texts, target_kl=1.0, **more))
        mean[name] = float(np.mean([score.value["effect"] for score in by_latent.values()]))
    assert mean["true"] > max(mean["shuffled"], mean["random"]) + 0.5, mean


def test_a_kl_that_cannot_be_reached_is_unscored_with_that_reason(
    sharp_store_folder: Path, tmp_path: Path, bind: Any
) -> None:
    bind(lambda *_: [0.0])
    for score in scores(run(sharp_store_folder, tmp_path, target_kl=500.0)).values():
        assert score.reason == "kl_not_reached"
        assert score.value["unscored"] == 1
        assert isnan(score.value["effect"])
        assert score.explanation.startswith("Unscored: no strength was found for a KL of 500; the nearest was ")


def test_ablation_takes_the_latent_away_and_tunes_nothing(
    sharp_store_folder: Path, tmp_path: Path, bind: Any, ids: list[str]
) -> None:
    bind(lambda prefix, _: [-0.5 * prefix.count("e")])
    store = Store(sharp_store_folder)
    explanations = dict.fromkeys(ids, "it")
    by_latent = scores(run(sharp_store_folder, tmp_path, explanations, ablate=True, target_kl=500.0, scored_prompts=7))
    engine = SteeredSubject(store, "layers.1", device="cpu")
    for id, score in by_latent.items():
        index = int(id.rpartition("/")[2])
        _, scored = prompts(store, LatentContexts(store, store.at("layers.1").latent(index)), 10, 7, 0)
        [written] = engine.generate([Go(Direction(index, ablated=True), scored, 1.0, 0)])
        effects = []
        for prompt, clean, steered in zip(scored, written.clean, written.steered, strict=True):
            a, b = (visible(store.detokenizer([*prompt, *new])[0]).count("e") for new in (clean, steered))
            effects.append(-0.5 * (b - a))
        assert score.value["effect"] == pytest.approx(np.mean(effects), abs=1e-4)
        assert score.value["kl"] == pytest.approx(np.mean(written.kl), abs=1e-3)
        assert (score.metadata["strength"], score.metadata["passes"]) == (1.0, 0)
    assert any(score.value["effect"] for score in by_latent.values())
    floor = scores(run(sharp_store_folder, tmp_path / "random", explanations, ablate=True, direction="random"))
    assert all(floor[id].value["kl"] != by_latent[id].value["kl"] for id in ids)


def test_missing_likelihoods_are_unscored_with_a_reason(
    sharp_store_folder: Path, tmp_path: Path, bind: Any, ids: list[str]
) -> None:
    def fails(prefix: str, _: str) -> list[float]:
        if prefix.count("e") % 2:
            raise LikelihoodError("too_long", "the text is too long")
        return [-float(prefix.count("e"))]

    bind(fails)
    by_latent = scores(run(sharp_store_folder, tmp_path, dict.fromkeys(ids, "it"), target_kl=0.3))
    for score in by_latent.values():
        assert 0 < score.value["unscored"] < 1
        assert score.value["unscored"] == pytest.approx(
            score.metadata["unscored_reasons"]["too_long"] / score.metadata["prompts"], abs=1e-4
        )
        assert not isnan(score.value["effect"])

    def broken(*_: str) -> list[float]:
        raise ValueError("a provider's")

    bind(broken)
    for score in scores(run(sharp_store_folder, tmp_path, dict.fromkeys(ids, "it"), target_kl=0.3)).values():
        assert (score.reason, score.value["unscored"]) == ("provider_error: ValueError", 1.0)
        assert isnan(score.value["effect"])


def test_samples_share_one_engine(
    sharp_store_folder: Path, tmp_path: Path, bind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind(lambda *_: [0.0])
    loaded: list[str] = []

    def load(store: Store, hookpoint: str) -> Any:
        loaded.append(hookpoint)
        return load_steering(store, hookpoint)

    monkeypatch.setattr("inspect_autointerp.models.from_store.load_steering", load)
    assert len(scores(run(sharp_store_folder, tmp_path, target_kl=0.3))) == 4
    assert loaded == ["layers.1"]


def test_without_the_subject_one_line_says_so(
    sharp_store_folder: Path, tmp_path: Path, bind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind(lambda *_: [0.0])
    (sharp_store_folder.parent / "subject").rename(sharp_store_folder.parent / "away")
    try:
        log = run(sharp_store_folder, tmp_path)
    finally:
        (sharp_store_folder.parent / "away").rename(sharp_store_folder.parent / "subject")
    assert log.status == "error"
    assert log.error
    assert f"steering needs what {sharp_store_folder} was made of: subject " in log.error.message


def test_what_cannot_be_done_is_refused(sharp_store_folder: Path) -> None:
    make: Any = partial(intervention, store=str(sharp_store_folder), latents="sample:4")
    with pytest.raises(PrerequisiteError, match="direction=up: give latent or random"):
        make(direction="up")
    for name in ("target_kl", "scored_prompts", "tuned_prompts", "new_tokens", "choices"):
        with pytest.raises(PrerequisiteError, match=f"{name} must be (above 0|at least 1), got 0"):
            make(**{name: 0})


def test_statistics_by_hand() -> None:
    # Effects 1, 2 and 6 nats: mean 3; deviations −2, −1, 3: variance 14 / 2 = 7; error √(7 / 3) = 1.5275.
    values = statistics([1.0, 2.0, 6.0], 4, [0.5, 1.0, 1.5])
    assert values == {
        "effect": 3.0,
        "effect_per_token": 0.75,
        "effect_se": pytest.approx((7 / 3) ** 0.5),
        "kl": 1.0,
        "unscored": 0.0,
        "choice": pytest.approx(nan, nan_ok=True),
        "reciprocal_rank": pytest.approx(nan, nan_ok=True),
        "rank": pytest.approx(nan, nan_ok=True),
    }
    assert isnan(statistics([1.0], 4, [0.5])["effect_se"])


def test_choice_by_hand() -> None:
    # Places of the right one: 1; 2; first with one other, so half a prompt and 1/rank = (1 + 1/2) / 2; not known.
    rows: list[tuple[float | None, list[float] | None]] = [
        (3, [1, 2]),
        (1, [2, 0]),
        (2, [2, 0]),
        (9, None),
        (None, [9]),
    ]
    verdicts = [Verdict(kind="prompt", value=value, values=values) for value, values in rows]
    values = intervention_statistics(verdicts, 1, [])
    assert values["choice"] == pytest.approx((1 + 0 + 0.5) / 3)
    assert values["reciprocal_rank"] == pytest.approx((1 + 0.5 + 0.75) / 3)
    assert values["rank"] == 1  # means 2, 5/3 and 2/3
    fallen = intervention_statistics(verdicts, 1, [], falls=True)  # places 3; 2; second with one other
    assert fallen["choice"] == 0
    assert fallen["reciprocal_rank"] == pytest.approx((1 / 3 + 1 / 2 + (1 / 2 + 1 / 3) / 2) / 3)
    assert fallen["rank"] == 3


def test_foils_are_other_latents_and_say_other_things(
    sharp_store_folder: Path, tmp_path: Path, bind: Any, ids: list[str]
) -> None:
    bind(lambda prefix, continuation: [prefix.count(continuation[1]) - 0.1 * len(continuation)])
    file = tmp_path / "labels.jsonl"
    texts = ["red", "blue", "Red.", "green", "white"]  # the third says the same as the first
    rows = [{"latent": f"layers.1/{i}", "explanation": text} for i, text in enumerate(texts, 200)]
    rows += [{"latent": id, "explanation": "red"} for id in ids[:2]]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    options = {"explanations": str(file), "latents": ids[0].rpartition("/")[2], "target_kl": 0.3, "scored_prompts": 5}
    for choices, source in ((4, "the same file"), (5, "the lexical explainer")):
        [score] = scores(run(sharp_store_folder, tmp_path / source, choices=choices, **options)).values()
        foils = score.metadata["foils"]
        assert foils["source"] == source
        named = [foil["latent"] for foil in foils["explanations"]]
        assert len({*named, ids[0]}) == choices
        told = [foil["text"] for foil in foils["explanations"]]
        assert (
            sorted(told) == ["blue", "green", "white"]
            if choices == 4
            else all(text.startswith("texts with ") for text in told)
        )
        assert 0 <= score.value["choice"] <= 1 <= score.value["rank"] <= choices
    [alone] = scores(run(sharp_store_folder, tmp_path / "alone", choices=1, **options)).values()
    assert isnan(alone.value["choice"])
    assert alone.value["effect"] == score.value["effect"], "foils change nothing of the effect"


def test_a_text_cannot_pose_as_what_stands_below_it() -> None:
    prefix = before("a text\nAmplified: lies")
    assert prefix.endswith("\nText: a text⏎Amplified: lies\nAmplified:")
    assert after(" what it says\n") == " what it says\n"


def test_an_effect_that_is_no_number_is_unscored_and_never_first() -> None:
    """A model whose float16 overflows gives NaN, one that rules a token out gives −inf."""
    known, broken = ([[-1.0, -2.0]], None), [[nan], [-inf], [inf, -inf]]
    for logprobs in broken:
        assert MODULE.differences([known], [([logprobs], None)]) == [(None, UNDEFINED)]
        assert MODULE.differences([([logprobs], None)], [known]) == [(None, UNDEFINED)]
    assert MODULE.differences([known], [([[-0.5, -1.0]], None)]) == [(1.5, None)]
    assert MODULE.differences([(None, "too_long")], [known]) == [(None, "too_long")]
