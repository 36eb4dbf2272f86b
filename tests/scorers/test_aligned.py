"""Each token's line in the answer is that token's and no other's, or the answer is sent back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.scorers.shared.parse_labels import AnswerError
from inspect_autointerp.scorers.simulation.parse import Answered, parse_aligned
from inspect_autointerp.text.token_lines import as_shown, numbered, read_numbered, spelled

TEXTS = [as_shown(["the", " ferry", " on", " Tuesday", ",", " the", "\n", "", "é"]), as_shown([" two", '"', " eggs"])]


def values(parsed: Answered) -> list[list[int | None]]:
    return [[item and item.value for item in row] for row in parsed]


def test_tokens_are_shown_with_their_spaces_and_never_empty() -> None:
    assert TEXTS[0] == ["the", "␣ferry", "␣on", "␣Tuesday", ",", "␣the", "⏎", "◌", "é"]
    assert numbered(TEXTS[1:]) == 'Text 1:\n1\t␣two\n2\t"\n3\t␣eggs'


def test_what_is_shown_can_be_read_back() -> None:
    question = f"Explanation: e\n\n{numbered(TEXTS)}"
    assert read_numbered(question) == [
        ["the", " ferry", " on", " Tuesday", ",", " the", "⏎", "", "é"],
        [" two", '"', " eggs"],
    ]


TAUGHT = "Text 1:\n2\t␣ferry\t1\n4\t␣Tuesday\t10\nText 2: none\nEnd"


def test_the_form_that_is_taught() -> None:
    answers = [[0, 1, 0, 10, 0, 0, 0, 0, 0], [0, 0, 0]]
    assert spelled(TEXTS, answers, every=False) == TAUGHT
    parsed = parse_aligned(TAUGHT, TEXTS)
    assert values(parsed) == [[None, 1, None, 10, None, None, None, None, None], [None] * 3]
    ten = parsed[0][3]
    assert ten
    assert TAUGHT[ten.start : ten.end] == "10"
    assert values(parse_aligned(spelled(TEXTS, answers, every=True), TEXTS, every=True)) == answers


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("Text 1:\n4\t␣Tuesday\t7\nText 2:\nEnd", id="nothing below a head"),
        pytest.param("Text 1:\n4\t␣Tuesday\t7\nText 2:\nnone\nEnd", id="none below a head"),
        pytest.param("Text 1:\n4\t Tuesday\t7\nText 2: none\nEnd", id="a space as it is"),
        pytest.param("Text 1:\n4\tTuesday\t7\nText 2: none\nEnd", id="no space"),
        pytest.param('Text 1:\n4\t" Tuesday"\t7\nText 2: none\nEnd', id="in quotes"),
        pytest.param("Text 1:\n4\t`␣Tuesday`\t7\nText 2: none\nEnd", id="as code"),
        pytest.param("**Text 1:**\n- 4\t**Tuesday**\t**7**\n**Text 2:** none\n**End**", id="bold"),
        pytest.param("### Text 1\n4. Tuesday: 7\n### Text 2\n(none)\nEnd.", id="headings, no tabs"),
        pytest.param("Text 1:\n| 4 | ␣Tuesday | 7 |\n\nText 2:\n\nEnd", id="a table's row"),
        pytest.param("text 1\r\n  4\t␣Tuesday\t7\r\ntext 2\r\nend\r\n", id="other line ends"),
        pytest.param("```\nText 1:\n4\t␣Tuesday\t7\nText 2: none\nEnd\n```", id="fenced"),
        pytest.param("Sure. Here it is:\n\nText 1:\n4\t␣Tuesday\t7\nText 2: none\nEnd\nI hope it helps!", id="prose"),
    ],
)
def test_any_sane_form_is_read_and_located(answer: str) -> None:
    parsed = parse_aligned(answer, TEXTS)
    assert values(parsed) == [[None, None, None, 7, *[None] * 5], [None] * 3]
    item = parsed[0][3]
    assert item
    assert answer[item.start : item.end] == "7"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param("", "the line `Text 1:` is missing", id="nothing"),
        pytest.param("I cannot help with that.", "the line `Text 1:` is missing", id="refusal"),
        pytest.param("Text 1: none\nText 2: none", "its last line is not End", id="cut off"),
        pytest.param("Text 1: none\nEnd", "the line `Text 2:` is missing", id="a text missing"),
        pytest.param("Text 2: none\nText 1: none\nEnd", "“Text 2: none” is out of place", id="order"),
        pytest.param("Text 1:\nText 1:\nText 2:\nEnd", "“Text 1:” is out of place", id="a text twice"),
        pytest.param("Text 1:\nText 2:\nText 3:\nEnd", "there are 2 texts", id="too many texts"),
        pytest.param("Text 1:\n5\t␣Tuesday\t7\nText 2:\nEnd", "token 5 is “,”", id="off by one"),
        pytest.param("Text 1:\n4\t␣Monday\t7\nText 2:\nEnd", "token 4 is “␣Tuesday”", id="another token"),
        pytest.param("Text 1:\n4\t␣tuesday\t7\nText 2:\nEnd", "token 4 is “␣Tuesday”", id="another case"),
        pytest.param("Text 1:\n4\t7\nText 2:\nEnd", "token 4 is “␣Tuesday”", id="no token"),
        pytest.param("Text 1:\n8\t\t7\nText 2:\nEnd", "token 8 is “◌”", id="part of a character without its sign"),
        pytest.param("Text 1:\n4\t␣Tuesday\nText 2:\nEnd", "does not end, after a tab, in a whole", id="no value"),
        pytest.param("Text 1:\n4\t␣Tuesday\t11\nText 2:\nEnd", "whole number from 0 to 10", id="above 10"),
        pytest.param("Text 1:\n4\t␣Tuesday\t7.5\nText 2:\nEnd", "whole number from 0 to 10", id="a fraction"),
        pytest.param("Text 1:\n4\t␣Tuesday\t-3\nText 2:\nEnd", "whole number from 0 to 10", id="below 0"),
        pytest.param("Text 1:\n4\t␣Tuesday\t7/12\nText 2:\nEnd", "whole number from 0 to 10", id="out of 12"),
        pytest.param("Text 1:\n4\t␣Tuesday\t07\nText 2:\nEnd", "whole number from 0 to 10", id="odd figures"),
        pytest.param("Text 1:\n4\t␣Tuesday\t٧\nText 2:\nEnd", "whole number from 0 to 10", id="other figures"),
        pytest.param("Text 1:\n40\tx\t7\nText 2:\nEnd", "Text 1 has no token 40", id="beyond the text"),
        pytest.param("Text 1:\n0\tx\t7\nText 2:\nEnd", "Text 1 has no token 0", id="before the text"),
        pytest.param(f"Text 1:\n{'9' * 5000}\tx\t7\nText 2:\nEnd", "Text 1 has no token 999", id="a vast number"),
        pytest.param("Text 1:\n1\tthe\t3\n1\tthe\t3\nText 2:\nEnd", "token 1 is named twice", id="a token twice"),
        pytest.param(
            "Text 1: none\n1\tthe\t3\nText 2:\nEnd", "marked `none`, but an active token follows", id="none and one"
        ),
        pytest.param("Text 1:\n1\tthe\t3\nnone\nText 2:\nEnd", "“none” neither", id="one and none"),
        pytest.param("Text 1:\nthe ferry leaves\nText 2:\nEnd", "“the ferry leaves” neither", id="prose inside"),
        pytest.param("1\tthe\t3\nText 1:\nText 2:\nEnd", "neither names a text nor", id="a token before the head"),
        pytest.param("Text 1:\nText 2:\nEnd\n1\t␣two\t3", "something follows the line End", id="a token after the end"),
        pytest.param(
            "Text 1:\nText 2:\nEnd\nText 1: none", "something follows the line End", id="a head after the end"
        ),
    ],
)
def test_what_does_not_line_up_is_sent_back_with_what_is_wrong(answer: str, why: str) -> None:
    with pytest.raises(AnswerError, match=re.escape(why)):
        parse_aligned(answer, TEXTS)


def test_with_every_token_asked_for_none_may_be_missing() -> None:
    answer = spelled(TEXTS, [[1] * 9, [0] * 3], every=True)
    assert len(answer.splitlines()) == 2 + 12 + 1
    with pytest.raises(AnswerError, match="Text 2: token 2 is missing"):
        parse_aligned(answer.replace('2\t"\t0\n', ""), TEXTS, every=True)
    with pytest.raises(AnswerError, match="Text 1: token 1 is missing"):
        parse_aligned("Text 1: none\nText 2: none\nEnd", TEXTS, every=True)


def test_quotes_are_not_taken_off_where_they_make_another_token() -> None:
    texts = [as_shown(["'", "'''", "x"])]
    assert values(parse_aligned("Text 1:\n2\t'''\t3\nEnd", texts)) == [[None, 3, None]]
    assert values(parse_aligned("Text 1:\n1\t'\t3\nEnd", texts)) == [[3, None, None]]
    assert values(parse_aligned("Text 1:\n3\t'x'\t3\nEnd", texts)) == [[None, None, 3]]
    with pytest.raises(AnswerError, match="token 1 is “'”"):
        parse_aligned("Text 1:\n1\t'''\t3\nEnd", texts)


@pytest.mark.parametrize(
    "token", ["5", ".", ":", "|", "*", "**", "`", ")", "=", "→", "-", "none", "End", "#", ">", "1."]
)
@pytest.mark.parametrize("space", ["", " "])
def test_tokens_that_look_like_the_form_itself_are_read_as_tokens(token: str, space: str) -> None:
    texts = [as_shown([space + token] * 4), as_shown(["10", " ", "    "])]
    answer = spelled(texts, [[0, 3, 10, 0], [1, 2, 3]], every=False)
    assert values(parse_aligned(answer, texts)) == [[None, 3, 10, None], [1, 2, 3]]


TOKENS = st.lists(st.text(st.sampled_from(" \n\tab:|.5*`'\"é…-"), max_size=3), min_size=1, max_size=6)


@given(st.lists(TOKENS, min_size=1, max_size=3), st.data(), st.booleans())
def test_whatever_was_answered_comes_back(tokens: list[list[str]], data: st.DataObject, every: bool) -> None:
    texts = [as_shown(row) for row in tokens]
    answers = [data.draw(st.lists(st.integers(0, 10), min_size=len(row), max_size=len(row))) for row in texts]
    read = values(parse_aligned(spelled(texts, answers, every), texts, every))
    assert [[value or 0 for value in row] for row in read] == answers


@given(st.lists(TOKENS, min_size=1, max_size=3), st.data())
def test_a_changed_answer_is_sent_back_or_read_where_it_names_a_token(
    tokens: list[list[str]], data: st.DataObject
) -> None:
    texts = [as_shown(row) for row in tokens]
    answers = [data.draw(st.lists(st.integers(0, 10), min_size=len(row), max_size=len(row))) for row in texts]
    lines = spelled(texts, answers, every=data.draw(st.booleans())).split("\n")
    for _ in range(data.draw(st.integers(1, 2))):
        i = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "double", "swap", "renumber", "noise"]))
        j = data.draw(st.integers(0, len(lines) - 1))
        match change:
            case "drop" if len(lines) > 1:
                del lines[i]
            case "double":
                lines.insert(j, lines[i])
            case "swap":
                lines[i], lines[j] = lines[j], lines[i]
            case "renumber":
                lines[i] = re.sub(r"^\d+", str(data.draw(st.integers(0, 9))), lines[i])
            case _:
                at = data.draw(st.integers(0, len(lines[i])))
                noise = data.draw(st.text(st.sampled_from("1 \t.a:|*\"'-e"), max_size=3))
                lines[i] = lines[i][:at] + noise + lines[i][at:]
    answer = "\n".join(lines)
    try:
        parsed = parse_aligned(answer, texts)
    except AnswerError:
        return
    heads = 0
    named: set[tuple[int, int]] = set()
    for line in answer.splitlines():
        if re.match(r"\W*text", line, re.IGNORECASE):
            heads += 1
        elif heads and (match := re.match(r"[^\w\d]*(\d+)(.*?)(\d+)\W*$", line)):
            row, i = heads - 1, int(match[1]) - 1
            item = parsed[row][i]
            assert item, line
            assert item.value == int(match[3]), line
            assert answer[item.start : item.end] == match[3], line
            named.add((row, i))
            letters = [c for c in texts[row][i] if c.isalnum()]
            assert letters == [c for c in match[2] if c.isalnum()], "the line has the token's letters and no others"
    assert named == {(row, i) for row, items in enumerate(parsed) for i, item in enumerate(items) if item}
    assert heads == len(texts)


@given(st.text() | st.text(st.sampled_from("Text 12:\t\n␣aEndnone|*`\"'.#"), max_size=60))
def test_any_text_is_read_or_sent_back(answer: str) -> None:
    try:
        parsed = parse_aligned(answer, [["a", "␣a"], ["1"]])
    except AnswerError:
        return
    assert all(item is None or answer[item.start : item.end] == str(item.value) for row in parsed for item in row)


@pytest.mark.parametrize("piece", [" ", "\t", "9", "*", "1\t", "Text 1:", "|", "-", "\n1\ta"])
def test_a_vast_answer_takes_no_vast_time(piece: str) -> None:
    with pytest.raises(AnswerError):
        parse_aligned("Text 1:\n1" + piece * 50_000, [["a"]])
