"""Explanations of several concepts: each is judged by itself on the same contexts, and any of them counts.

`-T concepts=true` asks the grader about every concept alone. A context counts as active if any concept says so, and its
probability is the largest of theirs. Beside the statistics of this union, the log has of each concept the share of
activating contexts that it explains, and the share that no other concept explains.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from math import nan
from typing import Any

import anyio
from anyio import to_thread
from inspect_ai.model import ChatMessage
from inspect_ai.util import span

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.explanation import Concept
from inspect_autointerp.inspect_support.log_detail import lean
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.latent import Context
from inspect_autointerp.models.text_vectors import TFIDF, prepare_embedder, text_vectors
from inspect_autointerp.scorers.shared.concept_statistics import (
    CONCEPT_LABELS,
    coverage,
    polysemanticity,
    rounded,
    share_of_one,
)
from inspect_autointerp.scorers.shared.judge import Label, labelled
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome
from inspect_autointerp.scorers.shared.several_graders import Judged, aggregate, judge_by_all
from inspect_autointerp.text.render import ansi_block, visible

KEY = "concepts"
"""Name, in a score's metadata, of what is known of each concept."""

Prompt = Callable[[str, Sequence[str]], list[ChatMessage]]
"""Makes the messages from an explanation and a batch of texts."""


def read_concepts_option(concepts: bool | str, judging: object = "answer") -> str | None:
    """Read `-T concepts=…`.

    Args:
        concepts: True, or the name of an embedder, to judge each concept by itself; False to judge the text.
        judging: The option `judging`; concepts are judged by written answers only.

    Returns:
        The embedder that polysemanticity is computed with; None to judge the text.

    Raises:
        UserError: It is an empty name, the embedder cannot be loaded, or judging is not by answers.
    """
    if concepts and judging != "answer":
        raise UserError(f"concepts={concepts} needs the grader's written answers; leave out judging={judging}")
    if isinstance(concepts, bool):
        return TFIDF if concepts else None
    return prepare_embedder(concepts, "concepts")


@dataclass
class ConceptJudge:
    """Asks the graders about the concepts of an explanation, and keeps what they say of each.

    An explanation without concepts, or with one, is one question: its text, or the concept.
    """

    explanation: str
    concepts: Sequence[Concept]
    prompt: Prompt
    confidence: bool
    each: list[list[list[Label]]] = field(init=False)
    """By concept and grader, the labels of the contexts, in the order in which they were asked for."""

    def __post_init__(self) -> None:
        """Keep the concepts that say something."""
        worded = [concept for concept in self.concepts if concept.text.strip()]
        self.concepts = worded or [Concept(self.explanation)]
        self.each = [[] for _ in self.concepts]

    async def ask(self, calls: Sequence[Sequence[str]], first: int) -> Judged:
        """Have texts labelled by every grader, for every concept; return the labels of the union.

        Args:
            calls: Texts, as they are shown together.
            first: Number of the first text, for the log.

        Raises:
            Exception: What ends a run, see `ask.ask`.
        """
        answers: dict[int, Judged] = {}

        async def one(number: int, concept: Concept) -> None:
            named = len(self.concepts) > 1 and not lean()
            async with span(f"concept {number + 1}") if named else nullcontext():
                answers[number] = await judge_by_all(
                    calls,
                    lambda texts: self.prompt(concept.text, texts),
                    confidence=self.confidence,
                    first=first,
                )

        try:
            async with anyio.create_task_group() as group:
                for number, concept in enumerate(self.concepts):
                    group.start_soon(one, number, concept)
        except ExceptionGroup as errors:  # what ends a run, which Inspect knows by its type
            raise errors.exceptions[0] from None
        by_concept = [answers[number].each for number in range(len(self.concepts))]
        for kept, own in zip(self.each, by_concept, strict=True):
            kept.extend([] for _ in range(len(own) - len(kept)))
            for labels, new in zip(kept, own, strict=True):
                labels.extend(new)
        joined = [list(map(union, zip(*labels, strict=True))) for labels in zip(*by_concept, strict=True)]
        return Judged(answers[0].names, joined)

    async def complete(self, test: LatentTest, contexts: Sequence[Context], outcome: Outcome, embedder: str) -> Outcome:
        """Add what is known of each concept to a latent's outcome.

        Args:
            test: The latent.
            contexts: The contexts that were graded, in the order in which they were asked about.
            outcome: What came of the union.
            embedder: What polysemanticity is computed with.

        Raises:
            UserError: The embedder cannot be loaded.
        """
        verdicts = [self._joined(test, contexts, own) for own in self.each]
        vectors = await text_vectors(test.store, embedder)
        texts = [concept.text for concept in self.concepts]
        apart = await to_thread.run_sync(polysemanticity, texts, vectors)  # a model may embed them
        rows = [about | _labels(own) for about, own in zip(coverage(self.concepts, verdicts), verdicts, strict=True)]
        unknown = outcome.values.get("unscored", 1.0) == 1
        numbers = (float(len(self.concepts)), apart, share_of_one(verdicts))
        values = dict.fromkeys(CONCEPT_LABELS, nan) if unknown else dict(zip(CONCEPT_LABELS, numbers, strict=True))
        recorded = {"each": rows, "polysemanticity": rounded(apart), "embedder": vectors.name}
        return replace(
            outcome,
            values={**outcome.values, **values},
            report=(_summary(rows, apart, vectors.name) + "\n" if len(rows) > 1 else "") + outcome.report,
            metadata={**outcome.metadata, KEY: recorded},
        )

    def _joined(self, test: LatentTest, contexts: Sequence[Context], graders: list[list[Label]]) -> list[Verdict]:
        """Return one concept's verdicts; of several graders their aggregate's."""
        each = [labelled(test.store, contexts, labels) for labels in graders]
        return each[0] if len(each) == 1 else labelled(test.store, contexts, aggregate(each)[0])


def union(labels: Sequence[Label]) -> Label:
    """Return the label of a context for an explanation of several concepts, from the label for each.

    It is 1 if any is 1, and unscored if none is and one is unscored. The probability is the largest, if all are known.
    """
    known = [label.probability for label in labels if label.probability is not None]
    probability = max(known) if len(known) == len(labels) else None
    if any(label.label == 1 for label in labels):
        return Label(1, probability)
    unscored = next((label for label in labels if label.label is None), None)
    return Label(0, probability) if unscored is None else Label(None, None, unscored.reason)


def _labels(verdicts: Sequence[Verdict]) -> dict[str, list[Any]]:
    """Return the columns of one concept, in the order of the score's verdicts; one without any value is left out."""
    columns: dict[str, list[Any]] = {
        "label": [one.label for one in verdicts],
        "probability": [one.probability for one in verdicts],
        "reason": [one.reason for one in verdicts],
    }
    return {key: column for key, column in columns.items() if any(value is not None for value in column)}


def _summary(rows: Sequence[dict[str, Any]], apart: float, embedder: str) -> str:
    """Return the head of a report: each concept in a line."""
    lines = ["CONCEPTS: of activating contexts, the share it explains, and explains alone; false alarms; weight"]
    for row in rows:
        numbers = " ".join(f"{_number(row[key]):>6}" for key in ("explains", "only", "false_alarms", "weight"))
        lines.append(f"  {numbers} │ {visible(row['text'])}")
    lines += [f"  polysemanticity {_number(rounded(apart))} (1 − mean cosine of the concepts; {embedder})", ""]
    return ansi_block(lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
