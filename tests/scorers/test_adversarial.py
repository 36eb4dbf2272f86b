"""Whatever a model says is read, or sent back with a reason, in no time and without any other exception."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scorers.adversarial import PIECES, replies

from inspect_autointerp.scorers.generation.parse import parse_written
from inspect_autointerp.scorers.intruder.parse import parse_choice
from inspect_autointerp.scorers.shared.parse_labels import AnswerError, parse_confidences, parse_labels
from inspect_autointerp.scorers.shared.parsing.final_answer import final_answer
from inspect_autointerp.scorers.simulation.parse import parse_aligned
from inspect_autointerp.solvers.parse_explanation import parse_explanation

PARSERS: dict[str, Callable[[str], Any]] = {
    "one label": lambda text: parse_labels(text, 1),
    "labels": lambda text: parse_labels(text, 5),
    "confidences": lambda text: parse_confidences(text, 5),
    "choice": lambda text: parse_choice(text, 5),
    "simulation": lambda text: parse_aligned(text, [["a", "b"] * 32] * 5),
    "explanation": parse_explanation,
    "written": lambda text: parse_written(text, 10),
}
TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=30).map("".join)


@pytest.mark.parametrize("length", [8_000, 1_000_000])
def test_no_reply_takes_longer_than_reading_it(length: int) -> None:
    """A generous limit: on a quiet machine all are below 50 ms; the square of a length would take minutes."""
    for name, text in replies(length):
        for kind, parse in PARSERS.items():
            began = time.process_time()
            with suppress(AnswerError):
                parse(text)
            assert time.process_time() - began < 1, f"{kind}: {name}"


@pytest.mark.parametrize("piece", PIECES)
def test_a_reply_up_to_the_bound_takes_no_longer_than_reading_it(piece: str) -> None:
    for length, parse in ((99_000, parse_explanation), (129_000, PARSERS["written"]), (499_000, final_answer)):
        body = (piece * (length // len(piece) + 1))[:length]
        for text in (body, f"<think>{body}</think>1"):
            began = time.process_time()
            with suppress(AnswerError):
                parse(text)
            assert time.process_time() - began < 1


@given(TEXT)
@settings(max_examples=300)
def test_no_parser_raises_anything_but_its_own_error(text: str) -> None:
    for parse in PARSERS.values():
        with suppress(AnswerError):
            parse(text)


@pytest.mark.parametrize("text", ["1" * 5000 + ": 1", "[" + "9" * 5000 + "]", '{"active": ' + "1" * 5000 + "}"])
def test_a_number_of_5000_digits_is_sent_back(text: str) -> None:
    for kind, parse in PARSERS.items():
        if kind != "explanation":
            with pytest.raises(AnswerError):
                parse(text)
