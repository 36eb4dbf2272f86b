"""Worked examples of a prompt that asks for a label of each text: as many texts as are asked about."""

from collections.abc import Sequence
from typing import NamedTuple

from inspect_ai.model import ChatMessageSystem


class WorkedTexts(NamedTuple):
    """An explanation, and texts with their labels."""

    explanation: str
    labelled: tuple[tuple[str, int], ...]
    """Each text with its label, 1 or 0. The order is fixed and mixed: the first n have both labels, from four on."""

    def first(self, n: int) -> tuple[list[str], list[int]]:
        """Return the first n texts and their labels; all of them where there are fewer."""
        texts, labels = zip(*self.labelled[:n], strict=True)
        return list(texts), list(labels)


def worked_answer(labels: Sequence[int], confidence: bool) -> str:
    """Return what a worked example answers: a list without spaces, each of which would be a token."""
    shown = [95 if label else 5 for label in labels] if confidence else labels
    return f"[{','.join(map(str, shown))}]"


def system_message(instructions: str, item: str, n: int, confidence: bool) -> ChatMessageSystem:
    """Return the instructions with the format of the answer: it shows as many items as are asked for.

    Args:
        instructions: The text, with the places `item`, `n` and `example`.
        item: Meaning of an item of the list.
        n: Texts in the question.
        confidence: True if items are 0 to 100, False if they are 0 and 1.
    """
    example = worked_answer([(i + 1) % 3 % 2 for i in range(n)], confidence)
    return ChatMessageSystem(content=instructions.format(item=item, n=n, example=example))
