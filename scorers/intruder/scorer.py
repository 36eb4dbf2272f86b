"""Intruder: do the contexts on which a latent is active belong together, so that one of another latent stands out?

Protocol of arXiv 2507.08473: the grader reads no explanation, but five texts with marked tokens. On four of them the
latent is active where they are marked, and all four are of one decile; the fifth is of another latent. It says which
does not belong; chance is 0.2. Differences: the wording; marks, places and repetitions that say nothing by themselves
(`lineups`), where the paper puts random marks on the intruder; disjoint texts.

It measures the latent, not an explanation of it: where even whole contexts with their marks do not show what a latent's
contexts share, no explanation of them can be expected to, and its low score is the latent's fault, or the grader's.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, ModelOutput
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.inspect_support.model_name import model_name
from inspect_autointerp.latent import DECILES
from inspect_autointerp.scorers.intruder.lineups import SHOWN, Lineup, lineups
from inspect_autointerp.scorers.intruder.parse import parse_choice
from inspect_autointerp.scorers.shared.ask import Question, Reply, ask, grader
from inspect_autointerp.scorers.shared.metrics import estimate
from inspect_autointerp.scorers.shared.score import judged_score, latent_of, made_by
from inspect_autointerp.text.render import THRESHOLD, ansi_block, coloured, delimiters, marked

VERSION = "intruder/1"
"""Changes whenever the wording below does."""

DECILE_KEYS = [f"accuracy_decile_{i}" for i in range(1, DECILES + 1)]
KEYS = ["accuracy", "unscored", *DECILE_KEYS]

_SYSTEM = """\
One latent of a language model is active on some tokens and silent on all others. You get five numbered texts, cut out \
of longer ones, in each of which tokens are marked. In four of them the marked tokens are those on which the latent is \
active. The remaining one does not belong: the latent is silent on it, and its marks mean nothing. The delimiters of \
the marks are named above the texts and are not part of them; ⏎ stands for the end of a line.

Find what the marked tokens of four texts have in common, in themselves or in what stands around them, and the text \
that does not share it. How many tokens are marked, and where in the text, says nothing.

Answer with the number of the text that does not belong, and nothing else."""

_WORKED = (
    (
        (
            "the ferry leaves on <<Tuesday>> at noon",
            "the shop is closed every <<Sunday>>⏎from",
            "and two eggs,⏎well <<beaten>> with sugar",
            "I have not been there since last <<Friday>>",
            "see you on <<Mon>>. or Tue., she wrote",
        ),
        3,
    ),
    (
        (
            "x = rows[1<<:>>3] + rest⏎print(",
            "for row in table<<:>>⏎    total += row",
            "while not done<<:>>⏎    step()⏎⏎    #",
            "if x is None<<:>>⏎        return y",
            "class Reader<<:>>⏎    '''Reads.'''",
        ),
        1,
    ),
)


def intruder_messages(texts: Sequence[str], pair: tuple[str, str] = ("<<", ">>")) -> list[ChatMessage]:
    """The prompt that asks which of five marked texts does not belong.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.
    """
    return [*_beginning(), ChatMessageUser(content=_question(texts, pair))]


@cache  # the same objects each time, see `detection`
def _beginning() -> list[ChatMessage]:
    messages: list[ChatMessage] = [ChatMessageSystem(content=_SYSTEM)]
    for examples, answer in _WORKED:
        messages.append(ChatMessageUser(content=_question(examples, ("<<", ">>"))))
        messages.append(ChatMessageAssistant(content=str(answer)))
    return messages


def _question(texts: Sequence[str], pair: tuple[str, str]) -> str:
    head = [f"Marked tokens stand between {pair[0]} and {pair[1]}.", ""]
    return "\n".join([*head, *(f"Text {i}: {text}" for i, text in enumerate(texts, 1))])


_TITLES = ("WRONG · another text was named than the intruder", "UNSCORED", "RIGHT · the intruder was named")


@scorer(metrics={key: [estimate()] for key in KEYS})
def intruder(
    contexts: str | None = None,
    questions: int = 5,
    seed: int = 0,
    window: int | None = None,
    threshold: float = THRESHOLD,
) -> Scorer:
    """Measure how well an intruder is told from the contexts of a latent; no explanation is read.

    The grader is the model role `grader`, or the main model.

    Args:
        contexts: The context store, see `evaluation.locate`.
        questions: Per decile, at most: each takes five contexts of it that no other takes.
        seed: Of the draw, and of the intruders' places.
        window: Tokens in a context; the store's own by default.
        threshold: A token is activating from this share of its context's maximum on.
    """
    options = dict(locals())

    async def score(state: TaskState, target: Target) -> Score:
        store, latent = latent_of(state, contexts, window)
        model, _ = grader()
        metadata = made_by(model_name(model), VERSION, options)
        rng = rng_of(seed, latent.id, "intruder")
        asked = lineups(store, LatentContexts(store, latent), questions, rng, threshold)
        if not asked:
            return _nothing_to_ask(metadata)
        pair = delimiters(test.context for lineup in asked for test in lineup.tests)
        replies = await ask(model, [_asked(number, lineup, pair) for number, lineup in enumerate(asked, 1)])
        n_scored = sum(reply.value is not None for reply in replies)
        n_found = sum(reply.value == lineup.place for lineup, reply in zip(asked, replies, strict=True))
        return judged_score(
            statistics(asked, [reply.value for reply in replies]),
            f"{n_found} of {n_scored} intruders found",
            [reply.reason for reply in replies],
            report(asked, replies, pair),
            metadata,
        )

    return score


def _asked(number: int, lineup: Lineup, pair: tuple[str, str]) -> Question[int]:
    texts = [marked(test.context, pair, test.marks) for test in lineup.tests]
    return Question(f"question {number}", intruder_messages(texts, pair), _read, f"a number from 1 to {SHOWN}")


def _read(output: ModelOutput) -> int:
    """Return the place, from 0, that an answer names."""
    return parse_choice(output.completion, SHOWN) - 1


def _nothing_to_ask(metadata: Mapping[str, Any]) -> Score:
    return Score(
        value=dict.fromkeys(KEYS, float("nan")) | {"unscored": 1.0},
        reason="too_few_contexts",
        explanation=f"Unscored: no decile has {SHOWN} test contexts and an intruder for them.",
        metadata=dict(metadata),
    )


def statistics(asked: Sequence[Lineup], said: Sequence[int | None]) -> dict[str, float]:
    """All statistics of one latent, by name; NaN where one is undefined.

    Args:
        asked: The questions.
        said: Per question the place that the grader named, from 0; None where it is unscored.

    Returns:
        - `accuracy`: share of the scored questions in which the intruder was found, in [0, 1]; chance is 0.2.
        - `accuracy_decile_i`: the same among those of decile i (10 the strongest).
        - `unscored`: share of questions without an answer that can be used.
    """
    found: dict[int, list[bool]] = {decile: [] for decile in range(1, DECILES + 1)}
    for lineup, place in zip(asked, said, strict=True):
        if place is not None:
            found[lineup.decile].append(place == lineup.place)
    scored = [one for of_decile in found.values() for one in of_decile]
    values = {"accuracy": _share(scored), "unscored": 1 - len(scored) / len(asked) if asked else float("nan")}
    return values | {key: _share(found[i]) for i, key in enumerate(DECILE_KEYS, 1)}


def _share(found: Sequence[bool]) -> float:
    return float(np.mean(found)) if found else float("nan")


def report(asked: Sequence[Lineup], replies: Sequence[Reply[int]], pair: tuple[str, str]) -> str:
    """The questions in sections (wrong, unscored, right), the strongest first, as one block in ANSI colours."""
    maximum = max(test.context.max_activation for lineup in asked for test in lineup.tests)
    sections: dict[str, list[list[str]]] = {title: [] for title in _TITLES}
    for lineup, reply in sorted(zip(asked, replies, strict=True), key=lambda one: -one[0].decile):
        title = _TITLES[1 if reply.value is None else 2 * (reply.value == lineup.place)]
        sections[title].append(_lines(lineup, reply, maximum, pair))
    lines: list[str] = []
    for title, shown in sections.items():
        if shown:
            lines += [f"{title}: {len(shown)} of {len(asked)}", *(line for rows in shown for line in rows), ""]
    return ansi_block(lines)


def _lines(lineup: Lineup, reply: Reply[int], maximum: float, pair: tuple[str, str]) -> list[str]:
    of = lineup.tests[lineup.place].context.neighbour
    said = reply.reason if reply.value is None else f"{reply.value + 1} was named"
    lines = [f"  decile {lineup.decile} · the intruder is {lineup.place + 1}, of latent {of} · {said}"]
    for place, test in enumerate(lineup.tests):
        sign = "▸" if place == lineup.place else " "
        lines.append(f"  {sign} {place + 1} │ {coloured(test.context, maximum, test.marks, pair)}")
    return lines
