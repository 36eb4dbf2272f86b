from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.scorers.shared.parse_labels import AnswerError, parse_confidences, parse_labels


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("[1,0,1]", id="list"),
        pytest.param(" [1, 0,\n 1] ", id="over several lines"),
        pytest.param("[true, false, true]", id="JSON booleans"),
        pytest.param("[True, False, True]", id="Python booleans"),
        pytest.param('["1", "0", "1"]', id="strings"),
        pytest.param("['yes', 'no', 'yes']", id="words"),
        pytest.param("```json\n[1, 0, 1]\n```", id="fenced"),
        pytest.param("Step [a] first.\nSo the answer is [1, 0, 1].", id="after other brackets"),
        pytest.param("[1, 0, 1]\n\nAgain: [1,0,1]", id="twice the same"),
        pytest.param("1\n0\n1", id="one per line"),
        pytest.param("1: 1\n2: 0\n3: 1", id="numbered"),
        pytest.param("1. yes\n2. no\n3. yes", id="numbered words"),
        pytest.param("Text 1: 1\nText 2: 0\nText 3: 1\n", id="numbered with a word"),
        pytest.param("- 1\n- 0\n- 1", id="bullets"),
        pytest.param('{"1": 1, "2": 0, "3": 1}', id="object"),
        pytest.param('```json\n{"1": true, "2": false, "3": true}\n```', id="fenced object"),
    ],
)
def test_any_sane_form_is_read_and_located(answer: str) -> None:
    items = parse_labels(answer, 3)
    assert [item.value for item in items] == [1, 0, 1]
    words = {"1", "true", "True", "yes", '"1"', "'yes'"}, {"0", "false", "False", "no", '"0"', "'no'"}
    for item in items:
        place = answer[item.start : item.end]
        assert place in words[0 if item.value else 1], place


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param("", "no list of 3", id="nothing"),
        pytest.param("I cannot help with that.", "no list of 3", id="refusal"),
        pytest.param("[1, 0]", "a list of 2 labels, but there are 3 texts", id="too few"),
        pytest.param("[1, 0, 1, 1]", "a list of 4 labels, but there are 3 texts", id="too many"),
        pytest.param("[1, 0, 1] or [0, 0, 1]", "lists of 3 labels that differ", id="two that differ"),
        pytest.param("[1, 2, 0]", "no list of 3", id="two is not a label"),
        pytest.param("[1, 0.3, 0]", "no list of 3", id="a fraction is not a label"),
        pytest.param("[1, -1, 0]", "no list of 3", id="a negative is not a label"),
        pytest.param("[1, , 0]", "no list of 3", id="a hole"),
        pytest.param("[1, null, 0]", "no list of 3", id="null"),
        pytest.param("101", "no list of 3", id="run together"),
        pytest.param("1\n0", "a list of 2 labels", id="too few lines"),
        pytest.param("1: 1\n0\n3: 1", "a list of 1 labels", id="some lines numbered"),
        pytest.param('{"1": 1, "2": 0}', "a list of 2 labels", id="object too small"),
        pytest.param("0: 1\n1: 0\n2: 1", "does not number its labels from 1 to 3", id="from nought"),
        pytest.param("The answer is not [1, 0, 1].", "not clear that its list is the answer", id="denied"),
        pytest.param("[1, 0, 1]\n\nWait, no.", "what follows its list may correct it", id="taken back"),
        pytest.param("<think>\n[1, 0, 1]", "its reasoning does not end", id="reasoning without end"),
        pytest.param("1: 1\n" * 300, "far longer than the list asked for", id="lines without end"),
        pytest.param("1" * 9000, "9000 characters, more than 8600", id="too long"),
    ],
)
def test_what_could_be_read_otherwise_is_refused(answer: str, why: str) -> None:
    with pytest.raises(AnswerError, match=why):
        parse_labels(answer, 3)


def test_an_empty_list_is_a_list_of_none() -> None:
    with pytest.raises(AnswerError, match="a list of 0 labels, but there are 3 texts"):
        parse_labels("[]", 3)


def test_a_single_text_takes_a_bare_label() -> None:
    assert [item.value for item in parse_labels("Yes.", 1)] == [1]
    assert [item.value for item in parse_labels("0", 1)] == [0]


def test_confidences_are_whole_numbers_to_a_hundred() -> None:
    assert parse_confidences("[0, 55, 100%]", 3) == [0, 0.55, 1]
    for answer in ("[0, 101, 5]", "[0, 5.5, 5]", "[0, -5, 5]", "[yes, no, yes]"):
        with pytest.raises(AnswerError):
            parse_confidences(answer, 3)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param("[1, 0, 1]", "all its numbers are 0 or 1", id="labels instead"),
        pytest.param("[1.0, 0.0, 0.0]", "all its numbers are 0 or 1", id="labels as fractions"),
        pytest.param("[1, 2, 3]", "only counts the texts", id="an enumeration"),
        pytest.param("[90, 0.5, 3]", "must all be whole", id="percents and fractions"),
        pytest.param("1.90\n2.10\n3.5", "must all be whole", id="numbers run together"),
    ],
)
def test_confidences_of_two_meanings_are_sent_back(answer: str, why: str) -> None:
    with pytest.raises(AnswerError, match=why):
        parse_confidences(answer, 3)


def test_confidences_of_one_meaning_are_read() -> None:
    assert parse_confidences("[0.9, 0.1, 1]", 3) == [0.9, 0.1, 1]
    assert parse_confidences("[1%, 0%, 1%]", 3) == [0.01, 0, 0.01]
    assert parse_confidences("[0, 0, 0]", 3) == [0, 0, 0]


def test_labels_after_reasoning_are_located_in_the_whole_reply() -> None:
    reply = "<think>[0, 0, 1]?</think>\n\n[1,\u200b 0, 1]<|im_end|>"
    items = parse_labels(reply, 3)
    assert [reply[item.start : item.end] for item in items] == ["1", "0", "1"]
    assert items[0].start > reply.index("</think>")


@given(answer=st.text(alphabet=st.sampled_from('01, []{}":\ntruefalsyno.`-Text#'), max_size=60), n=st.integers(1, 4))
def test_no_answer_crashes_the_parser_or_makes_it_guess(answer: str, n: int) -> None:
    try:
        items = parse_labels(answer, n)
    except AnswerError:
        return
    assert len(items) == n
    for item in items:
        quoted = answer[item.start : item.end].strip("\"'`* ").lower()
        assert quoted in ({"0", "0.0", "false", "no"}, {"1", "1.0", "true", "yes"})[item.value], (
            "every label stands in the answer"
        )


@given(st.text(max_size=80), st.integers(1, 4))
def test_no_text_at_all_crashes_either_parser(answer: str, n: int) -> None:
    for parse in (parse_labels, parse_confidences):
        with suppress(AnswerError):
            assert len(parse(answer, n)) == n


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.sampled_from(["list", "lines", "numbered", "object"]))
def test_labels_round_trip_through_every_form(labels: list[bool], form: str) -> None:
    values = [int(label) for label in labels]
    answer = {
        "list": str(values),
        "lines": "\n".join(map(str, values)),
        "numbered": "\n".join(f"{i}: {value}" for i, value in enumerate(values, 1)),
        "object": "{" + ", ".join(f'"{i}": {value}' for i, value in enumerate(values, 1)) + "}",
    }[form]
    assert [item.value for item in parse_labels(answer, len(values))] == values
