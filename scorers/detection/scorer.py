"""Detection: does the explanation tell texts on which the latent fires from texts on which it does not?

Protocol of arXiv 2410.13928, §3.3.1 and D.1: the grader reads the explanation and a few whole texts at a time, without
marks, and labels each. Differences: the wording; disjoint splits; an answer that cannot be used is unscored rather
than wrong; statistics per latent with intervals over latents, beside the accuracy that the paper reports.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.inspect_support.explanation import Explanation
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
from inspect_autointerp.text.render import visible

VERSION = "detection/2"
"""Changes whenever the wording below does."""

_SYSTEM = """\
One latent of a language model is active on some texts and silent on all others. Somebody has explained what it \
responds to. You get the explanation and some numbered texts, cut out of longer ones; ⏎ stands for the end of a line.

For each text decide from the explanation alone whether the latent is active somewhere in it. Any number of the texts, \
none and all included, can be of either kind.

Answer with a list of {what}, one for each text in order, and nothing else."""
_LABELS = "0 (silent) and 1 (active)"
_CONFIDENCES = "whole numbers from 0 (surely silent) to 100 (surely active), 50 or more counting as active"

_WORKED = (
    (
        "names of days of the week",
        ("the ferry leaves on Tuesday at", "a cup of sugar and two eggs,⏎well beaten", "See you Fri. or Sat."),
        (1, 0, 1),
    ),
    (
        "the colon that opens an indented block of Python code",
        ('print("a: b")⏎x = rows[1:3]', "{'key': value}", "the time was 10:45 when"),
        (0, 0, 0),
    ),
)


def detection_messages(explanation: str, texts: Sequence[str], confidence: bool = False) -> list[ChatMessage]:
    """The prompt that puts one batch of texts to the grader.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.
    """
    return [*_beginning(confidence), question_message(_question(explanation, texts))]


@cache  # the same objects: Inspect copies, and writes into a sample's log, each message once and not once per call
def _beginning(confidence: bool) -> list[ChatMessage]:
    system = _SYSTEM.format(what=_CONFIDENCES if confidence else _LABELS)
    messages: list[ChatMessage] = [ChatMessageSystem(content=system)]
    for worked, examples, labels in _WORKED:
        messages.append(ChatMessageUser(content=_question(worked, examples)))
        messages.append(ChatMessageAssistant(content=worked_answer(labels, confidence)))
    return messages


def _question(explanation: str, texts: Sequence[str]) -> str:
    said = visible(explanation.strip()) or "(none was given)"
    return "\n".join([f"Explanation: {said}", "", *(f"Text {i}: {text}" for i, text in enumerate(texts, 1))])


@scorer(metrics=judged_metrics())
def detection(
    contexts: str | None = None,
    activating: int = 100,
    nonactivating: int = 100,
    shown: int = 5,
    confidence: bool = False,
    seed: int = 0,
    window: int | None = None,
    negatives: str = "random",
    min_contexts: int = 20,
) -> Scorer:
    """Grade an explanation by how well it tells test contexts apart.

    The grader is the model role `grader`; without one the explainer grades itself, and the score's metadata says so.

    Args:
        contexts: The context store, see `evaluation.locate`.
        activating: Test contexts on which the latent fires, the deciles in equal shares.
        nonactivating: Test contexts of each kind of negative.
        shown: Texts per call to the grader.
        confidence: Ask for 0 to 100 rather than 0 or 1: gives an AUROC where the provider has no log-probabilities.
        seed: Of the draw and the order of contexts.
        window: Tokens in a context; the store's own by default.
        negatives: Kinds of negatives, see `negative_kinds`; each harder one than random gets statistics of its own.
        min_contexts: A latent with fewer contexts of a harder kind is undefined there.
    """
    options = dict(locals())

    async def score(state: TaskState, target: Target) -> Score:
        store, latent = latent_of(state, contexts, window)
        model, name = grader()
        metadata = made_by(name, VERSION, options)
        kinds = negative_kinds(store, latent.hookpoint, negatives)
        hard = kinds[1:]
        explanation = Explanation.get(state)
        if explanation.text is None:
            return without_explanation(explanation, statistics_keys(hard), metadata)
        tests = LatentContexts(store, latent).test(activating, nonactivating, seed, kinds)
        texts = [visible(context.text) for context in tests]
        batches = [texts[i : i + shown] for i in range(0, len(texts), shown)]
        text = explanation.text
        verdicts = await judge(
            model, batches, lambda batch: detection_messages(text, batch, confidence), confidence=confidence
        )
        values = latent_statistics(tests, verdicts, latent.firing_share, hard, min_contexts)
        counts = Counter(context.kind for context in tests)
        metadata |= too_few(counts, hard, min_contexts)
        return judged_score(values, text, [verdict.reason for verdict in verdicts], report(tests, verdicts), metadata)

    return score
