"""Fuzzing: does the explanation tell the tokens on which the latent fires from others?

Protocol of arXiv 2410.13928, §3.3.2 and D.2: the grader reads the explanation and a few texts at a time in which tokens
are marked, and says of each whether the marks are right. Differences: the wording; marks on negatives that say nothing
by themselves (`marks`), where the paper's code marks other numbers of tokens at other places; activating texts with
wrong marks beside silent ones, and apart from them; no text twice; disjoint splits.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inspect_autointerp.contexts.negatives import HARD, negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.inspect_support.explanation import Explanation
from inspect_autointerp.scorers.fuzzing.marks import MISMARKED, marked_contexts
from inspect_autointerp.scorers.shared.ask import grader, question_message
from inspect_autointerp.scorers.shared.classification import latent_statistics, statistics_keys
from inspect_autointerp.scorers.shared.judge import judge, worked_answer
from inspect_autointerp.scorers.shared.report import report
from inspect_autointerp.scorers.shared.score import (
    judged_metrics,
    judged_score,
    latent_of,
    made_by,
    too_few,
    without_explanation,
)
from inspect_autointerp.text.render import THRESHOLD, delimiters, marked, visible

VERSION = "fuzzing/2"
"""Changes whenever the wording below does."""

_SYSTEM = """\
One latent of a language model is active on some tokens and silent on all others. Somebody has explained what it \
responds to. You get the explanation and some numbered texts, cut out of longer ones, in each of which tokens are \
marked. The delimiters of the marks are named below the explanation and are not part of the text; ⏎ stands for the end \
of a line.

For each text decide from the explanation alone whether the marks are right: whether the marked tokens are those on \
which the latent is active. They are wrong where the latent is silent on the marked tokens, be it active elsewhere in \
the text or not at all. Any number of the texts, none and all included, can have right marks.

Answer with a list of {what}, one for each text in order, and nothing else."""
_LABELS = "0 (wrong) and 1 (right)"
_CONFIDENCES = "whole numbers from 0 (surely wrong) to 100 (surely right), 50 or more counting as right"

_WORKED = (
    (
        "names of days of the week",
        ("the ferry leaves on <<Tuesday>> at", "we met on Monday <<at the>> pier", "two eggs,⏎<<well>> beaten"),
        (1, 0, 0),
    ),
    (
        "the colon that opens an indented block of Python code",
        ("for row in table<<:>>⏎    total += row[2]", "while not done<<:>>⏎    step()", "x = rows[1<<:>>3]"),
        (1, 1, 0),
    ),
)

_TITLES = (
    "WRONG · right marks, the grader said they are not",
    "WRONG · wrong marks, the grader said they are right",
    "UNSCORED",
    "RIGHT · right marks",
    "RIGHT · wrong marks",
)


def fuzzing_messages(
    explanation: str, texts: Sequence[str], pair: tuple[str, str] = ("<<", ">>"), confidence: bool = False
) -> list[ChatMessage]:
    """The prompt that puts one batch of marked texts to the grader.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.
    """
    return [*_beginning(confidence), question_message(_question(explanation, texts, pair))]


@cache  # the same objects each time, see `detection`
def _beginning(confidence: bool) -> list[ChatMessage]:
    system = _SYSTEM.format(what=_CONFIDENCES if confidence else _LABELS)
    messages: list[ChatMessage] = [ChatMessageSystem(content=system)]
    for worked, examples, labels in _WORKED:
        messages.append(ChatMessageUser(content=_question(worked, examples, ("<<", ">>"))))
        messages.append(ChatMessageAssistant(content=worked_answer(labels, confidence)))
    return messages


def _question(explanation: str, texts: Sequence[str], pair: tuple[str, str]) -> str:
    said = visible(explanation.strip()) or "(none was given)"
    head = [f"Explanation: {said}", f"Marked tokens stand between {pair[0]} and {pair[1]}.", ""]
    return "\n".join([*head, *(f"Text {i}: {text}" for i, text in enumerate(texts, 1))])


@scorer(metrics=judged_metrics((*HARD, MISMARKED)))
def fuzzing(
    contexts: str | None = None,
    activating: int = 100,
    nonactivating: int = 100,
    mismarked: int = 50,
    shown: int = 5,
    confidence: bool = False,
    seed: int = 0,
    window: int | None = None,
    negatives: str = "random",
    min_contexts: int = 20,
    threshold: float = THRESHOLD,
) -> Scorer:
    """Grade an explanation by how well it tells right marks from wrong ones.

    The grader is the model role `grader`; without one the explainer grades itself, and the score's metadata says so.

    Args:
        contexts: The context store, see `evaluation.locate`.
        activating: Test contexts with their activating tokens marked, the deciles in equal shares.
        nonactivating: Test contexts of each kind on which the latent is silent, with marks.
        mismarked: Further activating test contexts, marked where the latent is silent. Where there are too few
            activating contexts for both, both get less in proportion.
        shown: Texts per call to the grader.
        confidence: Ask for 0 to 100 rather than 0 or 1: gives an AUROC where the provider has no log-probabilities.
        seed: Of the draw, the marks and the order of contexts.
        window: Tokens in a context; the store's own by default.
        negatives: Kinds of silent contexts, see `negative_kinds`; each harder one gets statistics of its own.
        min_contexts: A latent with fewer contexts of a harder kind, or fewer mismarked ones, is undefined there.
        threshold: A token is activating from this share of its context's maximum on.
    """
    options = dict(locals())

    async def score(state: TaskState, target: Target) -> Score:
        store, latent = latent_of(state, contexts, window)
        model, name = grader()
        metadata = made_by(name, VERSION, options)
        kinds = negative_kinds(store, latent.hookpoint, negatives)
        hard = (*kinds[1:], *((MISMARKED,) if mismarked else ()))
        explanation = Explanation.get(state)
        if explanation.text is None:
            return without_explanation(explanation, statistics_keys(hard), metadata)
        drawn = LatentContexts(store, latent).test(activating + mismarked, nonactivating, seed, kinds)
        found = sum(context.kind == "activating" for context in drawn)
        share = activating / (activating + mismarked)
        rng = rng_of(seed, latent.id, "fuzzing")
        tests, like = marked_contexts(drawn, min(activating, round(found * share)), rng, threshold)
        chosen = [test.context for test in tests]
        pair = delimiters(chosen)
        texts = [marked(test.context, pair, test.marks) for test in tests]
        batches = [texts[i : i + shown] for i in range(0, len(texts), shown)]
        text = explanation.text
        verdicts = await judge(
            model, batches, lambda batch: fuzzing_messages(text, batch, pair, confidence), confidence=confidence
        )
        values = latent_statistics(chosen, verdicts, latent.firing_share, hard, min_contexts, like)
        counts = Counter(context.kind for context in chosen)
        metadata |= too_few(counts, hard, min_contexts)
        seen = report(chosen, verdicts, _TITLES, [test.marks for test in tests], pair)
        return judged_score(values, text, [verdict.reason for verdict in verdicts], seen, metadata)

    return score
