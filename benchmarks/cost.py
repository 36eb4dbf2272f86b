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
import re
import sys
from collections.abc import Callable, Sequence
from itertools import takewhile

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.cost_calls import CONTEXTS, EXPLAIN, EXPLANATIONS, METRICS, Call, Cost, Metric
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Context

WINDOW, ACTIVE = 32, 2
"""Tokens of a context, and active ones of an activating context."""
START, AROUND, OPENING, END = 1, 5, 4, 1
"""Tokens of Llama 3's chat template: of a prompt, of each message, of the answer's header, of the answer's end."""


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
