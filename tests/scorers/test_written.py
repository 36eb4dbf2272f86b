"""Reading a writer's answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.scorers.generation.parse import MAX_CHARACTERS, Written, parse_written
from inspect_autointerp.scorers.shared.parse_labels import AnswerError

GOOD = '{"active": ["a", "b"], "silent": ["c", "d"]}'
READ = Written(("a", "b"), ("c", "d"))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(GOOD, id="bare"),
        pytest.param(f"```json\n{GOOD}\n```", id="fence"),
        pytest.param(f"Let {{x}} be one: {{}}.\n{GOOD}\nThat is {{all}}.", id="text around"),
        pytest.param(f"{GOOD}\n\n{GOOD}", id="the same twice"),
        pytest.param('{\n "silent": ["c", "d"],\n "active": ["a", "b"]\n}', id="the other order"),
    ],
)
def test_sane_forms_are_read(answer: str) -> None:
    assert parse_written(answer, 2) == READ


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("", "holds no JSON object"),
        ("I can't help with that.", "holds no JSON object"),
        ('["a", "b"]', "holds no JSON object"),
        ('{"active": ["a"], "silent": ["c", "d"]}', "active holds 1 texts, not 2"),
        ('{"active": ["a", "b"], "silent": ["c", "d", "e"]}', "silent holds 3 texts, not 2"),
        ('{"active": ["a", "b"]}', "has the names 'active', not 'active' and 'silent'"),
        ('{"active": ["a", "b"], "silent": ["c", "d"], "more": []}', "has the names 'active', 'silent', 'more'"),
        ('{"active": ["a", 2], "silent": ["c", "d"]}', "item 2 of active is not a text"),
        ('{"active": "ab", "silent": ["c", "d"]}', "active is not a list"),
        ('{"active": ["a", "b"], "active": ["x", "y"], "silent": ["c", "d"]}', "a name stands in it twice"),
        ('{"active": ["a", "b"], "silent": ["c", ', "its JSON cannot be read"),
        (GOOD.replace('"d"', '"D"') + GOOD, "two JSON objects that differ"),
        ('{"active": ' + "[" * 9_000, "too deep|cannot be read"),
        ('{"active": ' * 6_000, "too deep|cannot be read"),
        ('{"active": ["' + "x" * (MAX_CHARACTERS + 1) + '", "b"], "silent": ["c", "d"]}', "text 1 of active has 4001"),
        ("x" * 500_001, "longer than 500000 characters"),
        ("x" * 100_000, "100000 characters, more than 66000"),
        (f"<think>{GOOD}", "its reasoning does not end"),
    ],
)
def test_others_are_refused_with_what_is_wrong(answer: str, message: str) -> None:
    with pytest.raises(AnswerError, match=message):
        parse_written(answer, 2)


def test_line_ends_control_characters_and_halves_of_pairs() -> None:
    answer = '{"active": ["a\nb", "\\u001b[31m\\u0000"], "silent": ["\\ud83d", "\\ud83d\\ude00"]}'
    assert parse_written(answer, 2) == Written(("a\nb", "\x1b[31m\x00"), ("\ufffd", "😀"))


@given(st.text(max_size=50) | st.recursive(st.none() | st.text(max_size=3), st.lists).map(json.dumps))
def test_whatever_is_answered_is_read_or_refused(answer: str) -> None:
    for reply in (answer, f'{{"active": {answer}, "silent": []}}'):
        try:
            parse_written(reply, 0)
        except AnswerError:
            continue
