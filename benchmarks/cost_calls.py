"""The calls that the tasks make about a latent, at their defaults, with answers that can be used."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from inspect_ai.model import ChatMessage

from inspect_autointerp import tasks
from inspect_autointerp.latent import DECILES, Context
from inspect_autointerp.scorers.detection.scorer import detection_messages
from inspect_autointerp.scorers.fuzzing.marks import MISMARKED, marked_contexts
from inspect_autointerp.scorers.fuzzing.scorer import fuzzing_messages
from inspect_autointerp.scorers.intruder.lineups import SHOWN
from inspect_autointerp.scorers.intruder.scorer import intruder_messages
from inspect_autointerp.scorers.simulation.scorer import simulation_messages
from inspect_autointerp.solvers.evidence import Gathered
from inspect_autointerp.solvers.explain import explain_options
from inspect_autointerp.solvers.prompt import explain_messages
from inspect_autointerp.text.render import delimiters, marked, visible
from inspect_autointerp.text.token_lines import as_shown, spelled

T = TypeVar("T")
CONTEXTS = 100
"""Contexts of a latent in the paper's table."""
EXPLANATIONS = (  # of two latents
    "verbs and short phrases with which a text tells its reader what is allowed or required, such as must and may",
    "the second part of a comparison between two quantities, above all numbers that follow the word than",
)
REASONING = "What the active tokens have in common is how they are used rather than what they mean."
EXPLAINING = explain_options({})


@dataclass(frozen=True)
class Call:
    """One question to a model, and an answer that can be used."""

    messages: Sequence[ChatMessage]
    answer: str


@dataclass(frozen=True)
class Cost:
    """Calls and tokens."""

    calls: int | None
    input: int
    constant: int
    """Input tokens of the messages that are the same in every call."""
    output: int


@dataclass(frozen=True)
class Metric:
    """Something that a task asks of a model about each latent."""

    name: str
    calls: Callable[[str, Sequence[Context], np.random.Generator], list[Call]]
    """Calls that a task makes about an explanation (or to get one, without any) and contexts, all of which are used."""
    parts: dict[str, int]
    """Number of contexts of each kind that the task uses for a latent."""
    paper: Cost | None = None
    """The paper's, at `CONTEXTS`."""

    @property
    def contexts(self) -> int:
        """Return how many the task uses for a latent."""
        return sum(self.parts.values())


def _default(task: Callable[..., object], name: str) -> int:
    """The default of one of a task's arguments."""
    return inspect.signature(task).parameters[name].default


def _batches(texts: Sequence[T], shown: int) -> list[Sequence[T]]:
    return [texts[i : i + shown] for i in range(0, len(texts), shown)]


def _call(messages: Sequence[ChatMessage], n: int) -> Call:
    """A call that is answered with n labels in the form of the prompt's worked examples."""
    worked = next(message.text for message in messages if message.role == "assistant")
    first, between, *_, last = re.split(r"\d+", worked)
    return Call(messages, first + between.join(str(i % 2) for i in range(n)) + last)


def explain_calls(explanation: str, contexts: Sequence[Context], rng: np.random.Generator) -> list[Call]:
    """Return what the solver `explain` asks."""
    return [Call(explain_messages(Gathered(active=contexts), EXPLAINING), f"{REASONING}\nEXPLANATION: {explanation}")]


def detection_calls(explanation: str, contexts: Sequence[Context], rng: np.random.Generator) -> list[Call]:
    """Return what the scorer `detection` asks."""
    batches = _batches([visible(context.text) for context in contexts], _default(tasks.detection, "texts_per_call"))
    return [_call(detection_messages(explanation, batch), len(batch)) for batch in batches]


def fuzzing_calls(explanation: str, contexts: Sequence[Context], rng: np.random.Generator) -> list[Call]:
    """Return what the scorer `fuzzing` asks; the share of activating contexts with wrong marks is the task's."""
    right, wrong = (FUZZING[kind] for kind in ("activating", MISMARKED))
    n_activating = sum(context.kind == "activating" for context in contexts)
    tests, _ = marked_contexts(contexts, round(n_activating * right / (right + wrong)), rng)
    pair = delimiters(test.context for test in tests)
    texts = [marked(test.context, pair, test.marks) for test in tests]
    batches = _batches(texts, _default(tasks.fuzzing, "texts_per_call"))
    return [_call(fuzzing_messages(explanation, batch, pair), len(batch)) for batch in batches]


def simulation_calls(
    explanation: str, contexts: Sequence[Context], rng: np.random.Generator, every: bool = False
) -> list[Call]:
    """Return what the scorer `simulation` asks, answered with the true activations."""
    tokens = [as_shown(context.tokens()) for context in contexts]
    values = [np.ceil(10 * context.activations).astype(int).tolist() for context in contexts]
    shown = _default(tasks.simulation, "texts_per_call")
    return [
        Call(simulation_messages(explanation, batch, every), spelled(batch, true, every))
        for batch, true in zip(_batches(tokens, shown), _batches(values, shown), strict=True)
    ]


def intruder_calls(explanation: str, contexts: Sequence[Context], rng: np.random.Generator) -> list[Call]:
    """Return what the scorer `intruder` asks; the intruder looks like the others."""
    pair = delimiters(contexts)
    batches = _batches([marked(context, pair) for context in contexts], SHOWN)
    return [Call(intruder_messages(batch, pair), "1") for batch in batches]


FUZZING = {
    "activating": _default(tasks.fuzzing, "test_activating"),
    MISMARKED: _default(tasks.fuzzing, "test_mismarked"),
    "random": _default(tasks.fuzzing, "test_nonactivating"),
}
SIMULATION = {kind: _default(tasks.simulation, f"test_{kind}") for kind in ("activating", "nonactivating")}
EXPLAIN = Metric("explanation", explain_calls, {"activating": EXPLAINING.examples})
METRICS = (
    Metric(
        "detection",
        detection_calls,
        {kind: _default(tasks.detection, f"test_{kind}") for kind in ("activating", "nonactivating")},
        Cost(None, 17_000, 11_900, 240),
    ),
    Metric("fuzzing", fuzzing_calls, FUZZING, Cost(None, 19_600, 14_200, 249)),
    Metric("simulation", simulation_calls, SIMULATION, Cost(None, 104_900, 87_500, 5)),
    Metric("  every=true", partial(simulation_calls, every=True), SIMULATION, Cost(None, 496_900, 451_000, 46_700)),
    Metric("intruder", intruder_calls, {"activating": _default(tasks.intruder, "questions") * DECILES * SHOWN}),
)
