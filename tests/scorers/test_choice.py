import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.scorers.intruder.parse import parse_choice
from inspect_autointerp.scorers.shared.parse_labels import AnswerError


@pytest.mark.parametrize(
    "answer",
    [
        "3", " 3.\n", "(3)", "**3**", "[3]", '"3"', "#3", "- 3", "3:", "Text 3", "text 3.", "Text #3", "Text: 3",
        "No. 3", "**Text 3**", "Answer: 3", "**Answer:** Text 3", "The answer is 3.", "The intruder is text 3",
        "Intruder: 3", "Text 3 does not belong.", "Text 3 doesn't belong", "3 doesn’t belong.",
        "Text 3 is the intruder.", "Text 3 is the odd one out", '{"intruder": 3}', '{"answer": "3"}', '{"text": 3}',
        "{'intruder': 'Text 3'}", '{\n  "odd_one_out": 3\n}', "```json\n3\n```", '```\n{"intruder": 3}\n```',
        "3\n\nAnswer: 3", "Texts 1, 2, 4 and 5 are alike.\nText 3", r"\boxed{3}", "Text 3: it is about cooking",
        "It marks verbs, the others mark colons.\n\nText 3",
    ],
)  # fmt: skip
def test_any_sane_form_is_read(answer: str) -> None:
    assert parse_choice(answer, 5) == 3


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param("", "does not give the number of one of the 5", id="nothing"),
        pytest.param("I cannot help with that.", "does not give the number", id="refusal"),
        pytest.param("three", "does not give the number", id="a word"),
        pytest.param("It is not text 3", "does not give the number", id="a denial"),
        pytest.param("Text 3 does belong.", "does not give the number", id="another denial"),
        pytest.param("maybe 3?", "does not give the number", id="a question"),
        pytest.param("-3", "does not give the number", id="a negative"),
        pytest.param("+3", "does not give the number", id="a sign"),
        pytest.param("3%", "does not give the number", id="a share"),
        pytest.param("3²", "does not give the number", id="a power"),
        pytest.param("٣", "does not give the number", id="another script's digit"),
        pytest.param("3.5", "does not give the number", id="a fraction"),
        pytest.param("3 or 4", "does not give the number", id="one or the other"),
        pytest.param("[3, 4]", "does not give the number", id="two in a list"),
        pytest.param("3\n4", "names more than one text", id="two on lines of their own"),
        pytest.param("Text 3\nText 4 fits less, though", "may take it back", id="second thoughts"),
        pytest.param(
            "Text 3\nbelongs with the others. None is.", "does not give the number", id="a sentence over two lines"
        ),
        pytest.param("Answer: 3\n\nWait, it is 4.", "may take it back", id="taken back"),
        pytest.param("6", "names text 6, but the texts are numbered 1 to 5", id="too high"),
        pytest.param("0", "names text 0", id="from nought"),
        pytest.param("03", "names text 03", id="a nought in front"),
        pytest.param('{"intruder": null}', "does not give the number", id="null"),
        pytest.param('{"intruder": true}', "does not give the number", id="true"),
    ],
)
def test_what_could_be_read_otherwise_is_refused(answer: str, why: str) -> None:
    with pytest.raises(AnswerError, match=why):
        parse_choice(answer, 5)


@given(st.text(alphabet=st.sampled_from('0123456789 -+.,:"{}[]()\n`*#Textanswri'), max_size=40))
def test_no_answer_crashes_the_parser_or_makes_it_guess(answer: str) -> None:
    try:
        chosen = parse_choice(answer, 5)
    except AnswerError:
        return
    assert str(chosen) in re.findall("[0-9]+", answer), "the number stands in the answer by itself"


@given(st.text(max_size=80))
def test_no_text_at_all_crashes_the_parser(answer: str) -> None:
    with suppress(AnswerError):
        assert parse_choice(answer, 5) in range(1, 6)


def test_a_long_answer_takes_no_longer_than_reading_it() -> None:
    for character in (" ", "*", "3", "- ", "the ", "Text 3 "):
        with pytest.raises(AnswerError):
            parse_choice(character * 200_000 + "?", 5)


@given(st.integers(1, 9), st.integers(1, 9))
def test_a_number_is_read_if_there_is_such_a_text(number: int, n: int) -> None:
    if number <= n:
        assert parse_choice(f"Text {number}", n) == number
    else:
        with pytest.raises(AnswerError, match=f"numbered 1 to {n}"):
            parse_choice(f"Text {number}", n)
