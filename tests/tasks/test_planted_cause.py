"""Scores of effects and of likelihoods against known truth: a subject that is known to be raised by its latents.

Every score that claims to see an explanation ranks the true one, a latent's class of words, above another class's,
those of the other latents shuffled, and, where the subject is steered, a random direction at the same KL. A likelihood
model to which what it has read is nothing gives chance.
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.model import ChatMessage, get_model
from tests.doubles import model as double
from tests.planted_subject import FILLERS, WORDS, N, Planted, strength

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.models.likelihood.interface import Likelihood
from inspect_autointerp.models.likelihood.local import load
from inspect_autointerp.models.shared_engines import release
from inspect_autointerp.scorers.intervention.scorer import after, before
from inspect_autointerp.solvers.steering_effects import effects
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import embedding, generation, intervention, surprisal

HOOKPOINT = "layers.0"
# By task: the statistic that says how good an explanation is, its chance level, and by how much truth exceeds floors.
SCORES: dict[Callable[..., Task], tuple[str, float, float]] = {
    embedding: ("auroc", 0.5, 0.3),
    surprisal: ("auroc", 0.5, 0.2),
    intervention: ("effect", 0.0, 2.0),
    generation: ("balanced_accuracy", 0.5, 0.4),
}
READS = (surprisal, intervention)
"""Those that ask a likelihood model."""
_RANKED = {"test_activating": 20, "test_nonactivating": 20}
FEW = {embedding: _RANKED, surprisal: _RANKED, intervention: {"scored_prompts": 20, "choices": 1}, generation: {}}
"""As many contexts as tell truth from falsehood here."""


def says(messages: list[ChatMessage], off: int) -> str:
    """A scripted model, which explains a latent by the words of a class, and writes texts by an explanation."""
    question = messages[-1].text
    if not question.startswith("Explanation: "):
        return f"EXPLANATION: {' '.join(WORDS[(words_of(messages) + off) % N])}"
    words, plain = question.splitlines()[0].split()[1:11], FILLERS[:10]
    silent = [f"Once {plain[i]} {plain[i - 1]} then {plain[i - 2]}" for i in range(10)]
    return json.dumps(
        {"active": [f"{text} {word}" for text, word in zip(silent, words, strict=True)], "silent": silent}
    )


def words_of(messages: list[ChatMessage]) -> int:
    """The class that most of the words are of on which an explainer is told that the latent was active."""
    active = re.findall(r'" (\w+)": \d', messages[-1].text)
    return int(np.argmax([sum(word in words for word in active) for words in WORDS]))


def values(planted: Planted, task: Callable[..., Task], logs: Path, **options: Any) -> np.ndarray:
    """The score of every latent; see `statistics`."""
    return statistics(planted, task, logs, **options)[SCORES[task][0]]


def statistics(
    planted: Planted, task: Callable[..., Task], logs: Path, *, off: int = 0, reads: str = "subject", **options: Any
) -> dict[str, np.ndarray]:
    """Every statistic of every latent, explained by the words of its class, or of the class so many places further on.

    By name, float (latent,).
    """
    role = get_model(f"hf/{getattr(planted, reads)}", memoize=False, device="cpu")
    [log] = inspect_eval(
        task(store=str(planted.store), latents="all", min_contexts=10, **FEW[task] | options),
        model=double(lambda messages: says(messages, off)),
        model_roles={"likelihood": role} if task in READS else None, log_dir=str(logs), display="none",
    )  # fmt: skip
    assert log.status == "success", log.error
    name = task.__name__
    by_latent = {str(sample.id): (sample.scores or {})[name].value for sample in log.samples or []}
    assert all(value["unscored"] == 0 for value in by_latent.values())  # type: ignore[call-overload,index]
    rows: list[dict[str, float]] = [by_latent[f"{HOOKPOINT}/{number}"] for number in range(N)]  # type: ignore[misc]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.fixture(scope="module")
def true(planted_cause: Planted, tmp_path_factory: pytest.TempPathFactory) -> dict[Callable[..., Task], np.ndarray]:
    """The score of every true explanation."""
    return {task: values(planted_cause, task, tmp_path_factory.mktemp("logs")) for task in SCORES}


@pytest.mark.parametrize("task", SCORES, ids=lambda task: task.__name__)
def test_the_true_explanation_beats_a_wrong_one_and_another_latents(
    task: Callable[..., Task], planted_cause: Planted, true: dict[Callable[..., Task], np.ndarray], tmp_path: Path
) -> None:
    _, chance, margin = SCORES[task]
    wrong = values(planted_cause, task, tmp_path / "wrong", off=3)
    shuffled = values(planted_cause, task, tmp_path / "shuffled", explainer="shuffled")
    for floor in (wrong, shuffled):
        assert (true[task] > floor + margin).all(), (true[task], floor)
        assert floor.mean() < chance + 0.1
    if task is not intervention:
        assert (true[task] > 0.95).all(), "it has every word by which the two kinds of contexts differ"


def test_the_latents_own_direction_beats_a_random_one_at_the_same_kl(
    planted_cause: Planted, true: dict[Callable[..., Task], np.ndarray], tmp_path: Path
) -> None:
    random = values(planted_cause, intervention, tmp_path, direction="random")
    assert true[intervention].mean() > random.mean() + 2
    # One latent's random direction may raise its class by chance: of ten classes one is raised the most by each.
    assert np.median(true[intervention] - random) > 2


def test_ablation_takes_the_words_away(planted_cause: Planted, tmp_path: Path) -> None:
    own = values(planted_cause, intervention, tmp_path / "own", ablate=True)
    wrong = values(planted_cause, intervention, tmp_path / "wrong", ablate=True, off=3)
    assert (own < 0).all()
    assert wrong.mean() > own.mean() + 0.5


def test_the_right_explanation_rises_most_among_others(planted_cause: Planted, tmp_path: Path) -> None:
    file = tmp_path / "words.jsonl"
    rows = [{"latent": f"{HOOKPOINT}/{number}", "explanation": " ".join(words)} for number, words in enumerate(WORDS)]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    few = {"explanations": str(file), "choices": 4, "scored_prompts": 8}
    true, shuffled = (
        statistics(planted_cause, intervention, tmp_path / name, explainer=name, **few)
        for name in ("supply", "shuffled")
    )
    assert (true["choice"] > 0.8).all(), true["choice"]
    assert (true["rank"] == 1).all()
    assert shuffled["choice"].mean() == pytest.approx(1 / 4, abs=0.12)
    assert shuffled["rank"].mean() == pytest.approx(2.5, abs=0.7)


@pytest.mark.parametrize("task", READS, ids=lambda task: task.__name__)
def test_a_model_that_believes_nothing_gives_chance(
    task: Callable[..., Task], planted_cause: Planted, tmp_path: Path
) -> None:
    name, chance, _ = SCORES[task]
    few = {"choices": 4, "scored_prompts": 5} if task is intervention else {}
    measured = statistics(planted_cause, task, tmp_path, reads="believes_nothing", **few)
    assert (measured[name] == chance).all()
    if task is intervention:
        assert (measured["choice"] == 0.25).all(), "one of four explanations"


def test_the_tokens_that_steering_raises_are_the_class(planted_cause: Planted) -> None:
    store = Store(planted_cause.store)

    async def find() -> None:
        for number in range(N):
            measured = await effects(store, store.at(HOOKPOINT).latent(number), seed=0)
            assert measured.reason is None
            assert measured.kl == pytest.approx(1, rel=0.1)
            for effect in measured.effects:
                assert effect.prompt.split()[-1].strip(".") in WORDS[number]
                assert len(effect.raised) == 5
                assert {raised.token.removeprefix(" ") for raised in effect.raised} <= {*WORDS[number]}

    asyncio.run(find())


def test_latents_fire_on_their_words_and_on_nothing_else(planted_cause: Planted) -> None:
    store = Store(planted_cause.store)
    for number in (0, 7):
        latent = store.at(HOOKPOINT).latent(number)
        for context in LatentContexts(store, latent).activating("test"):
            for token, activation in zip(context.tokens(), context.activations, strict=True):
                word = token.removeprefix(" ")
                expected = strength(word) if word in WORDS[number] else 0.0
                assert activation == pytest.approx(expected, abs=1e-3)


def test_the_subject_is_what_it_is_said_to_be(planted_cause: Planted) -> None:
    """By hand: of ` the fire of war`, no word of its own: `fire` is word 0 of class 0, at 0.5; the last is a byte's."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(planted_cause.subject)
    model: Any = AutoModelForCausalLM.from_pretrained(planted_cause.subject)
    vocabulary = tokenizer.get_vocab()
    ids = [0, *tokenizer(" the fire of a kindle")["input_ids"]]
    assert tokenizer.convert_ids_to_tokens(ids) == ["<|bos|>", "Ġthe", "Ġfire", "Ġof", "Ġa", "Ġkindle"]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0, -1]
    # Attention looks at the five words e⁸ times as much as at BOS: seen is (0.5 + 1) / 5 of nearly all. The residual's
    # square is 10² + 1 (here) + 0 (rest) + 1 (word) + seen²; what the norm makes of it has the length of an embedding.
    seen = 1.5 / (5 + np.exp(-8))
    shrunk = (102 / (102 + seen**2)) ** 0.5
    assert float(logits[vocabulary["Ġember"]]) == pytest.approx(shrunk * (2 * 1 + 6 * seen), rel=1e-4)
    assert float(logits[vocabulary["Ġshore"]]) == pytest.approx(0, abs=1e-4)
    assert float(logits[vocabulary[f"Ġ{FILLERS[3]}"]]) == pytest.approx(shrunk, rel=1e-4)
    assert float(logits[vocabulary["x"]]) == pytest.approx(-5 * shrunk, rel=1e-4)


@pytest.fixture
def believer(planted_cause: Planted) -> Iterator[Likelihood]:
    yield load(str(planted_cause.subject), device="cpu")
    release()


def test_as_a_likelihood_model_it_believes_what_it_has_read(believer: Likelihood) -> None:
    logprobs = after(" ".join(WORDS[0]))
    pairs = [(before(f" the {word} of"), logprobs) for word in ("ember", "the", "coral")]
    own, nothing, other = (sum(answer) for answer in asyncio.run(believer.logprobs(pairs)))
    assert own > nothing > other
