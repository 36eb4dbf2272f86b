"""The judge protocol: texts in batches to the grader, and a label for every text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput

from inspect_autointerp.inspect_support.verdicts import Verdict, locate_contexts
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.shared.ask import Question, ask
from inspect_autointerp.scorers.shared.label_probabilities import label_probabilities
from inspect_autointerp.scorers.shared.parse_labels import parse_confidences, parse_labels
from inspect_autointerp.store.store import Store


@dataclass(frozen=True, slots=True)
class Label:
    """The grader's answer on one text."""

    label: int | None
    """1: the explanation applies. 0: it does not. None: unscored."""
    probability: float | None = None
    """Probability of the label 1, in [0, 1]; None if unknown."""
    reason: str | None = None
    """Why it is unscored, see `ask.Reply`."""


async def judge(
    model: Model,
    batches: Sequence[Sequence[str]],
    prompt: Callable[[Sequence[str]], list[ChatMessage]],
    *,
    confidence: bool,
    first: int = 1,
) -> list[Label]:
    """Put every batch of texts to the grader, and return the labels in the order of the texts.

    A batch without an answer that can be used leaves its texts unscored with the reason, see `ask`.

    Args:
        model: The grader.
        batches: The texts, as they are to be shown together.
        prompt: Makes the messages for a batch.
        confidence: Whether the answer is a list of 0 to 100 rather than of 0 and 1.
        first: Number of the first text, for the log.
    """
    questions: list[Question[list[Label]]] = []
    for number, texts in enumerate(batches):
        begin = first + sum(map(len, batches[:number]))
        questions.append(
            Question(
                f"texts {begin}–{begin + len(texts) - 1}",
                prompt(texts),
                read_confidences(len(texts)) if confidence else read_labels(len(texts)),
                f"a list of {len(texts)} numbers, one for each text in order,",
                GenerateConfig() if confidence else GenerateConfig(logprobs=True, top_logprobs=5),
            )
        )
    replies = await ask(model, questions)
    return [
        label
        for reply, texts in zip(replies, batches, strict=True)
        for label in reply.value or [Label(None, None, reply.reason)] * len(texts)
    ]


def labelled(
    store: Store, contexts: Sequence[Context], labels: Sequence[Label], partners: Mapping[int, int] | None = None
) -> list[Verdict]:
    """Return the verdicts on contexts that a grader labelled.

    Args:
        store: Where the contexts are from.
        contexts: As they were shown.
        labels: One for each.
        partners: By the number of a negative, that of the activating context whose marks it wears.
    """
    return [
        Verdict(
            **where,
            label=label.label,
            probability=label.probability,
            partner=(partners or {}).get(i),
            reason=label.reason,
        )
        for i, (where, label) in enumerate(zip(locate_contexts(store, contexts), labels, strict=True))
    ]


def read_labels(n: int) -> Callable[[ModelOutput], list[Label]]:
    """Reads an answer of n labels, with their probabilities where the answer's tokens tell them."""

    def read(output: ModelOutput) -> list[Label]:
        answer, logprobs = output.completion, output.choices[0].logprobs if output.choices else None
        items = parse_labels(answer, n)
        probabilities = label_probabilities(logprobs.content if logprobs else None, answer, items)
        return [Label(item.value, p) for item, p in zip(items, probabilities, strict=True)]

    return read


def read_confidences(n: int) -> Callable[[ModelOutput], list[Label]]:
    """Reads an answer of n numbers from 0 to 100."""

    def read(output: ModelOutput) -> list[Label]:
        return [Label(int(share >= 0.5), share) for share in parse_confidences(output.completion, n)]

    return read
