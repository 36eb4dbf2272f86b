"""Every kind of answer against replies with a person's reading: nothing is read wrongly, and little is sent back."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from tests.scorers.replies import (
    candidate,
    choice,
    confidences,
    explanation,
    generated_texts,
    labels,
    simulation,
    unseen,
)

from inspect_autointerp.scorers.discrimination.parse import parse_candidate
from inspect_autointerp.scorers.generation.parse import parse_written
from inspect_autointerp.scorers.intruder.parse import parse_choice
from inspect_autointerp.scorers.shared.parse_labels import AnswerError, parse_confidences, parse_labels
from inspect_autointerp.scorers.simulation.parse import parse_aligned
from inspect_autointerp.solvers.parse_explanation import parse_explanation


def _labels(text: str, n: int) -> list[int]:
    return [item.value for item in parse_labels(text, n)]


def _simulation(text: str, n: int) -> list[list[int]]:
    return [[item.value if item else 0 for item in row] for row in parse_aligned(text, simulation.TEXTS)]


def _written(text: str, n: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    texts = parse_written(text, n)
    return texts.active, texts.silent


KINDS: dict[str, tuple[ModuleType, Callable[[str, int], Any]]] = {
    "labels": (labels, _labels),
    "confidences": (confidences, parse_confidences),
    "choice": (choice, parse_choice),
    "candidate": (candidate, parse_candidate),
    "simulation": (simulation, _simulation),
    "explanation": (explanation, lambda text, n: parse_explanation(text)),
    "written": (generated_texts, _written),
}


@pytest.mark.parametrize("kind", KINDS)
def test_replies_are_read_as_a_person_reads_them(kind: str) -> None:
    table, parse = KINDS[kind]
    wrong, missed, right = [], [], 0
    for reply in [*table.READ, *table.REFUSED]:
        try:
            value = parse(reply.text, reply.n)
        except AnswerError as error:
            value, why = None, str(error)
            assert len(why) < 250, why
        if value == reply.means:
            right += value is not None
        elif value is None:
            missed.append(reply.text)
        else:
            wrong.append((reply.text, value))
    n_read = right + len(wrong)
    print(f"{kind}: precision {right / n_read:.3f}, recall {right / len(table.READ):.3f}")  # noqa: T201
    assert not wrong
    assert right / len(table.READ) >= 0.97, missed


@pytest.mark.parametrize(("kind", "replies"), [("labels", unseen.LABELS), ("choice", unseen.CHOICE)])
def test_replies_written_later_are_never_read_wrongly(kind: str, replies: list[unseen.Reply]) -> None:
    missed = 0
    for reply in replies:
        try:
            value = KINDS[kind][1](reply.text, reply.n)
        except AnswerError:
            value = None
        assert value in (None, reply.means), reply.text
        missed += value is None and reply.means is not None
    assert missed <= 2


def test_the_replies_are_many() -> None:
    assert sum(len(table.READ) + len(table.REFUSED) for table, _ in KINDS.values()) >= 300
