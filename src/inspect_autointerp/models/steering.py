"""The subject, steered: what is asked of the engine, and how samples share one.

The engine itself needs torch and is `inspect_autointerp.prep.engines.steering`; nothing here does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from inspect_autointerp.models.batching import Batches
from inspect_autointerp.models.spending import note_subject

Prompt = Sequence[int]
"""Token ids of the store's corpus; the engine puts BOS before them where prep did."""


@dataclass(frozen=True, slots=True)
class Direction:
    """Vector that is added to the subject's activations, times a strength."""

    latent: int
    """Latent whose decoder vector is added, so strengths are in the units of its activations."""
    random: int | None = None
    """A seed: a random direction of the same length instead, another one for every latent."""
    ablated: bool = False
    """True if what is added is also times minus the latent's own activation at that token: a strength of 1 then takes
    away what the latent writes there, as if it were silent, and nothing else. Such a strength is not tuned."""


@dataclass(frozen=True, slots=True)
class Tune:
    """Find the strength at which steering changes the next token's distribution so much."""

    direction: Direction
    prompts: Sequence[Prompt]
    target_kl: float
    """KL(clean ‖ steered) in nats, the mean over prompts."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """The answer to `Tune`."""

    strength: float | None
    """None where none was found."""
    kl: float
    """KL there; where none was found, the nearest to the target that was met, NaN if nothing was."""
    n_passes: int
    """Steered forward passes that it took."""
    reason: str | None = None
    """Why none was found."""


@dataclass(frozen=True, slots=True)
class Predict:
    """Question: what comes after each prompt, clean and steered at its last token?"""

    direction: Direction
    prompts: Sequence[Prompt]
    strength: float


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """The answer to `Predict`: natural logarithms of the next token's probabilities, float32 (prompt, vocabulary)."""

    clean: np.ndarray
    steered: np.ndarray

    def kl(self) -> np.ndarray:
        """KL(clean ‖ steered) in nats, float64 (prompt,)."""
        clean, steered = self.clean.astype(np.float64), self.steered.astype(np.float64)
        with np.errstate(invalid="ignore"):  # −∞ − −∞, where neither has any
            return np.where(clean > -np.inf, np.exp(clean) * (clean - steered), 0.0).sum(axis=1)


@dataclass(frozen=True, slots=True)
class Generate:
    """Go on from each prompt, clean and steered at its last token and at all that follow."""

    direction: Direction
    prompts: Sequence[Prompt]
    strength: float
    seed: int
    """Random seed. Clean and steered texts use the same random numbers, which depend on the seed, the latent and the
    prompt."""
    n_tokens: int = 8
    temperature: float = 1.0
    """0 takes the likeliest token."""


@dataclass(frozen=True, slots=True)
class Generated:
    """The answer to `Generate`: the new tokens of each prompt, ended by the end of the text if that comes first."""

    clean: list[list[int]]
    steered: list[list[int]]
    kl: list[float]
    """KL(clean ‖ steered) in nats of what comes right after each prompt, at temperature 1."""


class SteeringEngine(Protocol):
    """Answers many questions at once, as if it were each alone."""

    def tune(self, questions: Sequence[Tune]) -> list[Tuned]:
        """The strengths."""
        ...

    def predict(self, questions: Sequence[Predict]) -> list[Predicted]:
        """The next tokens' probabilities."""
        ...

    def generate(self, questions: Sequence[Generate]) -> list[Generated]:
        """The new tokens."""
        ...


class Steering:
    """An engine that many samples share: questions that wait at the same time are answered together, in a thread.

    Args:
        engine: Who answers.
        at_once: Questions answered together, at most.
    """

    def __init__(self, engine: SteeringEngine, at_once: int = 32) -> None:
        self._engine = engine
        self._batches: Batches[Tune | Predict | Generate, Tuned | Predicted | Generated] = Batches(
            self._answer, at_once
        )

    async def tune(self, question: Tune) -> Tuned:
        """The strength."""
        [answer] = await self._batches([question])
        assert isinstance(answer, Tuned)
        note_subject(_read(question.prompts) + (1 + answer.n_passes) * len(question.prompts))
        return answer

    async def predict(self, question: Predict) -> Predicted:
        """The next tokens' probabilities."""
        [answer] = await self._batches([question])
        assert isinstance(answer, Predicted)
        note_subject(_read(question.prompts) + 2 * len(question.prompts))
        return answer

    async def generate(self, question: Generate) -> Generated:
        """The new tokens."""
        [answer] = await self._batches([question])
        assert isinstance(answer, Generated)
        note_subject(_read(question.prompts) + 2 * question.n_tokens * len(question.prompts))
        return answer

    def _answer(self, questions: list[Tune | Predict | Generate]) -> list[Tuned | Predicted | Generated]:
        """Each kind of question together, since a forward pass is of one kind."""
        tune = {i: question for i, question in enumerate(questions) if isinstance(question, Tune)}
        predict = {i: question for i, question in enumerate(questions) if isinstance(question, Predict)}
        generate = {i: question for i, question in enumerate(questions) if isinstance(question, Generate)}
        answers: dict[int, Tuned | Predicted | Generated] = {}
        if tune:
            answers |= zip(tune, self._engine.tune(list(tune.values())), strict=True)
        if predict:
            answers |= zip(predict, self._engine.predict(list(predict.values())), strict=True)
        if generate:
            answers |= zip(generate, self._engine.generate(list(generate.values())), strict=True)
        return [answers[i] for i in range(len(questions))]


def _read(prompts: Sequence[Prompt]) -> int:
    """Tokens of the prompts but the last of each, which are read once for all passes."""
    return sum(len(prompt) - 1 for prompt in prompts)
