"""Cost of a latent: calls and tokens of each metric, beside the paper's Table 1 (arXiv 2410.13928).

`python -m benchmarks.cost` makes the very messages that the tasks send, at the tasks' defaults, and counts them. No
model is asked. What is assumed:

- A context is 32 tokens of a real vocabulary (Mistral's Tekken, 131k, which the package `mistral-common` carries; the
  paper's contexts are 32 of Gemma's 256k), cut out of the Python language reference, each of whose paragraphs is
  brought to one line, as on the web. Two tokens of an activating one are active, anywhere in it (the demo's have 1.4).
- Around the text stands Llama 3's chat template: one token at the start, five around each message, four that open the
  answer; the answer ends with one. Anything a provider adds besides is not counted.
- Answers are in the form of the worked examples, and usable at once: no retry. An explanation has one line before it.
- The paper's two kinds of simulation stand beside ours that names the active tokens alone (all at once; it reads the
  prompt's log-probabilities, which no API gives, and so has next to no output) and beside ours that names every token
  (token by token).
- Constant are the messages that no latent and no batch changes, in every call, the first included, as the paper counts
  what can be cached. Whether it is cached is the provider's business: OpenAI caches no prefix under 1,024 tokens, nor
  do most of Anthropic's models, and vLLM caches whole blocks of 16.
"""

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import TypeVar

import numpy as np
from inspect_ai.model import ChatMessage
from rich.console import Console
from rich.table import Table

from inspect_autointerp import tasks
from inspect_autointerp.errors import UserError
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

WINDOW, ACTIVE = 32, 2
"""Tokens of a context, and active ones of an activating context."""
T = TypeVar("T")
CONTEXTS = 100
"""Contexts of a latent in the paper's table."""
EXPLANATIONS = (  # of two latents
    "verbs and short phrases with which a text tells its reader what is allowed or required, such as must and may",
    "the second part of a comparison between two quantities, above all numbers that follow the word than",
)
REASONING = "What the active tokens have in common is how they are used rather than what they mean."
START, AROUND, OPENING, END = 1, 5, 4, 1
"""Tokens of Llama 3's chat template: of a prompt, of each message, of the answer's header, of the answer's end."""


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


def cost(first: Sequence[Call], second: Sequence[Call], count: Callable[[str], int]) -> Cost:
    """Return what the calls about one latent cost.

    Args:
        first: These calls.
        second: Those about another latent, which tell what is constant.
        count: Tokens of a text.
    """
    prompts = [[(message.role, message.text) for message in call.messages] for call in (*first, *second)]
    alike = sum(1 for _ in takewhile(lambda place: len(set(place)) == 1, zip(*prompts, strict=False)))
    sizes = [[AROUND + count(text) for _, text in prompt] for prompt in prompts[: len(first)]]
    return Cost(
        calls=len(first),
        input=sum(START + sum(prompt) + OPENING for prompt in sizes),
        constant=sum(START + sum(prompt[:alike]) for prompt in sizes) if alike else 0,
        output=sum(count(call.answer) + END for call in first),
    )


def measured(
    metric: Metric, n: int, windows: Sequence[Context], count: Callable[[str], int], rng: np.random.Generator
) -> Cost:
    """Return what a metric costs on n contexts per latent, of kinds in the proportion of the task's."""
    silent = sum(part for kind, part in metric.parts.items() if kind in ("random", "nonactivating"))
    n_silent = round(n * silent / metric.contexts)

    def calls(explanation: str) -> list[Call]:
        drawn = rng.choice(len(windows), n, replace=False).tolist()
        contexts = [context_of(windows[number], i >= n_silent, rng) for i, number in enumerate(drawn)]
        return metric.calls(explanation, contexts, rng)

    return cost(*map(calls, EXPLANATIONS), count=count)


def context_of(window: Context, fires: bool, rng: np.random.Generator) -> Context:
    """The window as a context on which a latent fires, at random places, or is silent."""
    activations = np.zeros(len(window.spans), dtype=np.float32)
    if fires:
        activations[rng.choice(len(activations), ACTIVE, replace=False)] = rng.uniform(0.5, 1, ACTIVE)
    kind = "activating" if fires else "random"
    return Context(kind, window.start, window.text, window.spans, activations, decile=1 if fires else None)


def vocabulary():
    """Mistral's Tekken tokenizer.

    Raises:
        UserError: The package that carries it is missing.
    """
    try:
        from mistral_common.tokens.tokenizers.mistral import MistralTokenizer
    except ImportError as error:
        raise UserError(
            f'counting tokens needs mistral-common ({error}): `pip install "inspect-autointerp[bench]"`'
        ) from error
    return MistralTokenizer.v3(is_tekken=True).instruct_tokenizer.tokenizer


def counter(tokenizer) -> Callable[[str], int]:
    """Counts the tokens of a text."""
    return lambda text: len(tokenizer.encode(text, bos=False, eos=False))


def reference_windows(tokenizer) -> list[Context]:
    """Whole windows of the Python language reference, those in ASCII, where no token is part of a character."""
    from pydoc_data.topics import topics

    from mistral_common.tokens.tokenizers.base import SpecialTokenPolicy

    windows = []
    for topic in topics.values():
        unwrapped = re.sub(r"(?<=[^\n]{60})\n *(?=\S)", " ", topic)  # a long line goes on in the next one
        ids = tokenizer.encode(unwrapped, bos=False, eos=False)
        for start in range(0, len(ids) - WINDOW + 1, WINDOW):
            each = [
                tokenizer.decode([token], special_token_policy=SpecialTokenPolicy.IGNORE)
                for token in ids[start : start + WINDOW]
            ]
            if (text := "".join(each)).isascii():
                ends = np.cumsum([len(token) for token in each]).tolist()
                spans = tuple(zip([0, *ends[:-1]], ends, strict=True))
                windows.append(Context("random", start, text, spans, np.zeros(WINDOW, dtype=np.float32)))
    return windows


def _cells(cost: Cost | None) -> tuple[str, str]:
    """Input (constant) and output."""
    if cost is None:
        return "–", "–"
    return f"{cost.input / 1000:.1f}k ({cost.constant / 1000:.1f}k)", f"{cost.output:,}"


def table() -> Table:
    """Everything, counted."""
    tokenizer = vocabulary()
    windows, count, rng = reference_windows(tokenizer), counter(tokenizer), np.random.default_rng(0)
    title = f"tokens of a latent: input (constant in every call), output; at {CONTEXTS} contexts, then at the defaults"
    shown = Table(title=title, title_justify="left")
    shown.add_column("")
    for column in ("calls", "input", "output", "the paper's", "output"):
        shown.add_column(column, justify="right")
    for column in ("contexts", "calls", "input", "output"):
        shown.add_column(column, justify="right")
    for metric in (EXPLAIN, *METRICS):
        default = measured(metric, metric.contexts, windows, count, rng)
        cells = (str(metric.contexts), str(default.calls), *_cells(default))
        if metric is EXPLAIN:
            shown.add_row(metric.name, *["–"] * 5, *cells)
        else:
            alike = measured(metric, CONTEXTS, windows, count, rng)
            shown.add_row(metric.name, str(alike.calls), *_cells(alike), *_cells(metric.paper), *cells)
    return shown


def main() -> None:
    """Count everything and print the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    try:
        Console(width=None if sys.stdout.isatty() else 120).print(table())
    except UserError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
