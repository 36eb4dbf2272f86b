import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.latent import Context
from inspect_autointerp.text.render import ansi_block, coloured, delimiters, marked, visible


def context(tokens: list[str], activations: list[float]) -> Context:
    ends = np.cumsum([len(token) for token in tokens]).tolist()
    spans = tuple(zip([0, *ends[:-1]], ends, strict=True))
    return Context("activating", 0, "".join(tokens), spans, np.array(activations, dtype=np.float32), 1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\n\tb", "a⏎⇥b", id="line ends and tabs"),
        pytest.param("a\x1b[31mb", "a\\x1b[31mb", id="escape sequence"),
        pytest.param("a\u202eb", "a\\u202eb", id="right-to-left override"),
        pytest.param("a\u200bb", "a\\u200bb", id="zero width"),
        pytest.param("a\r\nb", "a\\r⏎b", id="carriage return"),
        pytest.param("naïve €", "naïve €", id="letters and signs stay"),
    ],
)
def test_nothing_acts_or_deceives(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_any_text_is_one_line_without_controls(text: str) -> None:
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E for c in shown)


def test_tokens_above_the_threshold_are_marked() -> None:
    # The maximum is 10, so the threshold lies at 3: of 10, 3, 2.9 and 5 all but 2.9 are marked.
    drawn = context(["a", " b", " c", " d"], [10, 3, 2.9, 5])
    assert marked(drawn, ("<<", ">>")) == "<<a b>> c<< d>>"


def test_a_silent_context_has_no_marks() -> None:
    assert marked(context(["a", "b"], [0, 0]), ("<<", ">>")) == "ab"


def test_marks_may_stand_elsewhere_and_in_colour_too() -> None:
    drawn = context(["a", "b", "", "c"], [1, 0, 0, 0])
    assert marked(drawn, ("«", "»"), [False, True, True, True]) == "a«bc»"
    assert coloured(drawn, 1.0, [False, True, True, True], ("«", "»")).endswith("«bc»")


TOKENS = st.lists(st.tuples(st.text(max_size=2), st.sampled_from([0.0, 1.0])), min_size=1, max_size=8)


@given(TOKENS)
def test_delimiters_stand_between_tokens_where_marks_begin_and_end(drawn: list[tuple[str, float]]) -> None:
    # Token by token: a pair around each marked one that has characters, and no `><` between neighbours.
    whole = context([token for token, _ in drawn], [activation for _, activation in drawn])
    pieces = [(visible(token), activation > 0) for token, activation in drawn if token]
    naive = "".join(f"\0{text}\1" if mark else text for text, mark in pieces).replace("\1\0", "")
    assert marked(whole, ("\0", "\1")) == naive
    plain = re.sub(
        "\x1b\\[[0-9;]*m", "", coloured(whole, 1.0, [activation > 0 for _, activation in drawn], ("\0", "\1"))
    )
    assert plain == naive


def test_delimiters_that_stand_in_a_text_are_not_used() -> None:
    assert delimiters([context(["a"], [1])]) == ("<<", ">>")
    assert delimiters([context(["a"], [1]), context(["1 << 2"], [1])]) == ("«", "»")


def test_a_hostile_context_cannot_colour_itself() -> None:
    line = coloured(context(["\x1b[41mred", " ok"], [0, 1]), 1.0)
    assert line.startswith("\\x1b[41mred")
    assert line.count("\x1b[") == 3  # black text, one background, one reset


def test_a_block_of_one_line_has_two() -> None:
    assert ansi_block(["a"]).count("\n") == 1
    assert ansi_block(["a", "b"]).count("\n") == 1
