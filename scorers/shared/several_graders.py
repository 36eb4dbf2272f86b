"""Judging by all graders that the role `grader` has: one label per context, and each grader's own.

With one grader the label is that grader's. Of several it is the likelier one by Dawid and Skene's model of this
latent's contexts (`statistics.dawid_skene`), and the score's metadata keeps what each of them said.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import anyio
import numpy as np
from inspect_ai.model import ChatMessage, Model

from inspect_autointerp.inspect_support.answer_reasons import counted, main_reason
from inspect_autointerp.inspect_support.model_name import model_name
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.shared.ask import graders
from inspect_autointerp.scorers.shared.base_rate import base_rate_metadata
from inspect_autointerp.scorers.shared.classification import classification_statistics
from inspect_autointerp.scorers.shared.judge import Label, judge, labelled
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome
from inspect_autointerp.scorers.shared.threshold import Threshold
from inspect_autointerp.statistics.dawid_skene import dawid_skene
from inspect_autointerp.text.render import ansi_block

GRADERS = "graders"
"""The key of a score's metadata under which each grader's labels are kept."""
DISAGREE = "graders_disagree"
"""The reason of a context for which the graders' labels weigh the same."""
SHOWN = ("balanced_accuracy", "auroc", "tpr", "tnr", "unscored")
"""The statistics that are kept of each grader."""


@dataclass(frozen=True)
class Judged:
    """Labels of contexts by one grader or several."""

    names: list[str]
    each: list[list[Label]]
    """By grader, a label for each context."""


@dataclass(frozen=True)
class Graded:
    """The contexts that were graded."""

    order: list[int]
    """Numbers of the graded contexts, counted as they were drawn, in the order in which they were shown."""
    judged: Judged
    """Their labels, by grader."""
    partners: dict[int, int]
    """Position in `order` of a negative, and that of the activating context whose marks it has, if that was graded."""
    metadata: dict[str, Any]
    """For the log; empty without a rule."""
    note: str
    """For the report; empty without a rule."""

    def pick(self, items: Sequence[Any]) -> list[Any]:
        """Return what belongs to the contexts graded, in order."""
        return [items[i] for i in self.order]


async def judge_by_all(
    batches: Sequence[Sequence[str]],
    prompt: Callable[[Sequence[str]], list[ChatMessage]],
    *,
    confidence: bool,
    first: int = 1,
) -> Judged:
    """Put every batch of texts to every grader; arguments are those of `judge`.

    Raises:
        Exception: What ends a run, see `ask`.
    """

    async def ask_one(model: Model) -> list[Label]:
        return await judge(model, batches, prompt, confidence=confidence, first=first)

    return await by_all(ask_one)


async def by_all(ask_one: Callable[[Model], Awaitable[list[Label]]]) -> Judged:
    """Have the same contexts labelled by every grader.

    Args:
        ask_one: Asks one of them.

    Raises:
        Exception: What ends a run, see `ask`.
    """
    models = graders()
    answers: dict[int, list[Label]] = {}

    async def one(number: int) -> None:
        answers[number] = await ask_one(models[number])

    if len(models) == 1:
        await one(0)
    else:
        try:
            async with anyio.create_task_group() as group:
                for number in range(len(models)):
                    group.start_soon(one, number)
        except ExceptionGroup as errors:  # what ends a run, which Inspect knows by its type
            raise errors.exceptions[0] from None
    return Judged([model_name(model) for model in models], [answers[i] for i in range(len(models))])


def labelled_outcome(
    test: LatentTest,
    contexts: Sequence[Context],
    graded: Graded,
    texts_per_call: int,
    report: Callable[[list[Verdict]], str],
    threshold: Threshold | None = None,
) -> Outcome:
    """Return a latent's outcome from the labels of its contexts.

    Args:
        test: The latent.
        contexts: As they were shown.
        graded: Their labels.
        texts_per_call: Texts in one call to a grader.
        report: Makes the report from verdicts.
        threshold: Of one grader that was asked for probabilities; None where it wrote its labels.
    """
    facts = test.facts(texts_per_call, None if threshold is None else threshold.value)
    partners = graded.partners
    each = [labelled(test.store, contexts, labels, partners) for labels in graded.judged.each]
    recorded: list[dict[str, Any]] = []
    if len(each) == 1:
        verdicts, head = each[0], graded.note
    else:
        joined, misses, false_alarms = aggregate(each)
        verdicts = labelled(test.store, contexts, joined, partners)
        for number, (name, own) in enumerate(zip(graded.judged.names, each, strict=True)):
            values = classification_statistics(own, facts)
            rates = {"misses": misses[number], "false_alarms": false_alarms[number]}
            recorded.append(_recorded(name, own, {key: values[key] for key in SHOWN} | rates))
        head = _summary(recorded, each) + "\n"
    metadata = base_rate_metadata(verdicts, facts) | graded.metadata | ({GRADERS: recorded} if recorded else {})
    values = classification_statistics(verdicts, facts)
    if threshold is not None:
        metadata |= threshold.metadata
        head += threshold.note(values)
    return Outcome(values, verdicts, head + report(verdicts), metadata)


def aggregate(each: Sequence[Sequence[Verdict]]) -> tuple[list[Label], list[float], list[float]]:
    """Make one label of several graders' for each context.

    A grader without a label for a context has no say in it. A context that no grader labelled has the commonest of
    their reasons; one for which the labels weigh the same is unscored as well.

    Args:
        each: By grader, a verdict for each context.

    Returns:
        The labels, their probabilities being those of the model; and by grader misses and false alarms, NaN where
        fewer than three graders gave labels.
    """
    labels = np.array([[np.nan if one.label is None else one.label for one in own] for own in each], dtype=float).T
    consensus = dawid_skene(labels.reshape(-1, len(each)))
    joined: list[Label] = []
    for row, label, probability in zip(zip(*each, strict=True), consensus.label, consensus.probability, strict=True):
        if not isnan(label):
            joined.append(Label(int(label), float(probability)))
            continue
        reasons = Counter(main_reason(one.reason) for one in row if one.reason)
        joined.append(Label(None, None, DISAGREE if not isnan(probability) else max(reasons, key=reasons.__getitem__)))
    return joined, consensus.misses.tolist(), consensus.false_alarms.tolist()


def _recorded(name: str, verdicts: Sequence[Verdict], values: Mapping[str, float]) -> dict[str, Any]:
    """Return what a score's metadata keeps of one grader; columns without any value are left out."""
    columns: dict[str, list[Any]] = {
        "label": [one.label for one in verdicts],
        "probability": [one.probability for one in verdicts],
        "reason": [one.reason for one in verdicts],
    }
    return {
        "name": name,
        "values": {key: None if isnan(value) else round(value, 4) for key, value in values.items()},
        "unscored_reasons": counted(one.reason for one in verdicts if one.reason),
        **{key: column for key, column in columns.items() if any(value is not None for value in column)},
    }


def _summary(recorded: Sequence[Mapping[str, Any]], each: Sequence[Sequence[Verdict]]) -> str:
    """Return the head of a report: each grader in a line, and how many graders the labels rest on."""
    widest = max(len(one["name"]) for one in recorded)
    lines = ["GRADERS: balanced accuracy, unscored; misses and false alarms against what the graders have in common"]
    for one in recorded:
        values = one["values"]
        lines.append(
            f"  {one['name']:<{widest}} {_number(values['balanced_accuracy'])}, {_number(values['unscored'])};"
            f" {_number(values['misses'])}, {_number(values['false_alarms'])}"
        )
    counts = Counter(sum(one.label is not None for one in row) for row in zip(*each, strict=True))
    by_count = ", ".join(f"{counts[n]} of {n}" for n in range(len(each), -1, -1) if counts[n])
    lines += [f"  contexts by how many graders labelled them: {by_count}", ""]
    return ansi_block(lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
