from math import log

import pytest
from inspect_ai.model import Logprob, TopLogprob

from inspect_autointerp.scorers.shared.parse_labels import Item
from inspect_autointerp.scorers.simulation.expected_value import expected_values

PAIR = Logprob(token="12", logprob=0.0)
"""Shows that this tokenizer has tokens of two digits."""


def token(text: str, **alternatives: float) -> Logprob:
    """A token; an alternative's first `_` is not part of it."""
    top = [TopLogprob(token=key.removeprefix("_"), logprob=log(p)) for key, p in alternatives.items()]
    return Logprob(token=text, logprob=0.0, top_logprobs=top)


def expected(tokens: list[Logprob], answer: str, *values: str) -> list[float | None]:
    """Return the expected values of an answer that holds these values, each after a tab."""
    items, at = [], 0
    for value in values:
        at = answer.index(f"\t{value}\n", at) + 1
        items.append(Item(int(value), at, at + len(value)))
    return expected_values(tokens, answer, items)


def test_the_values_considered_are_weighed() -> None:
    # 0.5 · 7 + 0.3 · 8 + 0.1 · 0 over 0.9: 5.9 / 0.9. What is no value is left out.
    tokens = [PAIR, token("\ta\t"), token("7", _7=0.5, _8=0.3, _0=0.1, x=0.1), token("\n")]
    assert expected(tokens, "12\ta\t7\n", "7") == [pytest.approx(5.9 / 0.9)]


def test_each_value_is_found_by_its_place() -> None:
    tokens = [
        token("7"), token("\ta"), token("\t7", **{"\t7": 0.5, "\t9": 0.5, "9": 0.5, " 2": 0.9}), token("\n12\tb\t"),
        token("3\n", **{"3\n": 0.75, "1\n": 0.25, "5": 0.9, "9 ": 0.9}),
    ]  # fmt: skip
    # Alternatives of another form do not count: 0.5 · 7 + 0.5 · 9 = 8, 0.75 · 3 + 0.25 · 1 = 2.5.
    assert expected(tokens, "7\ta\t7\n12\tb\t3\n", "7", "3") == [pytest.approx(8), pytest.approx(2.5)]


def test_ten_as_one_token() -> None:
    # 0.6 · 10 + 0.4 · 1: where 10 is a token, 1 is 1.
    tokens = [token("1\ta\t"), token("10", _10=0.6, _1=0.4), token("\n")]
    assert expected(tokens, "1\ta\t10\n", "10") == [pytest.approx(6.4)]
    tokens = [token("1\ta\t"), token("9", _9=0.8, _10=0.2), token("\n")]
    assert expected(tokens, "1\ta\t9\n", "9") == [pytest.approx(9.2)]


def test_ten_as_two_tokens_is_shared_out_by_what_could_follow_the_one() -> None:
    # After the 1 a 0 has 0.75: 1 means 10 in ¾ of its 0.8. So 0.6 · 10 + 0.2 · 1 + 0.2 · 9 = 8.
    one = token("1", _1=0.8, _9=0.2)
    tokens = [token("4\ta\t"), one, token("0", **{"0": 0.75, "\n": 0.25}), token("\n")]
    assert expected(tokens, "4\ta\t10\n", "10") == [pytest.approx(8)]
    # The same alternatives where the 1 stands alone.
    tokens = [token("4\ta\t"), one, token("\n", **{"0": 0.75, "\n": 0.25})]
    assert expected(tokens, "4\ta\t1\n", "1") == [pytest.approx(8)]
    # Where 10 would be a token, and was written as two all the same.
    tokens = [PAIR, token("\ta\t"), one, token("0", **{"0": 0.75, "\n": 0.25}), token("\n")]
    assert expected(tokens, "12\ta\t10\n", "10") == [pytest.approx(8)]
    # 12 is no value: a 2 that could follow does not count.
    tokens = [token("4\ta\t"), one, token("\n", **{"0": 0.3, "2": 0.6, "\n": 0.1})]
    assert expected(tokens, "4\ta\t1\n", "1") == [pytest.approx(8)]


def test_where_a_one_could_be_ten_and_nothing_tells_nothing_is_told() -> None:
    assert expected([token("4\ta\t"), token("1", _1=0.8, _9=0.2), token("0"), token("\n")], "4\ta\t10\n", "10") == [
        None
    ]
    assert expected([token("4\ta\t"), token("7", _7=0.8, _1=0.2), token("\n")], "4\ta\t7\n", "7") == [None]
    assert expected([PAIR, token("\ta\t"), token("7", _7=0.8, _1=0.2), token("\n")], "12\ta\t7\n", "7") == [
        pytest.approx(5.8)
    ]


def test_tokens_that_do_not_spell_the_answer_tell_nothing() -> None:
    assert expected([token("7", _7=1.0)], "4\ta\t7\n", "7") == [None]
    assert expected_values(None, "7", [Item(7, 0, 1)]) == [None]
    assert expected([token("4\ta\t"), token("7"), token("\n")], "4\ta\t7\n", "7") == [None], "no alternatives"


def test_reasoning_before_the_answer_does_not_shift_the_places() -> None:
    tokens = [token("Token 7 is a 3. "), PAIR, token("\ta\t"), token("7", _7=0.5, _8=0.5), token("\n")]
    assert expected(tokens, "12\ta\t7\n", "7") == [pytest.approx(7.5)]


def test_expected_token_spellings_are_undone() -> None:
    # In GPT-2's alphabet a tab is `ĉ` and a line end `Ċ`. 0.75 · 7 + 0.25 · 8.
    seven = [TopLogprob(token="ĉ7", logprob=log(0.75)), TopLogprob(token="ĉ8", logprob=log(0.25))]
    tokens = [PAIR, token("ĉa"), Logprob(token="ĉ7", logprob=log(0.75), top_logprobs=seven), token("Ċ")]
    assert expected(tokens, "12\ta\t7\n", "7") == [pytest.approx(7.25)]


def test_expected_chosen_value_unlisted_weighs_by_its_own() -> None:
    # The likeliest are 8 at 0.6 and x; 7 was chosen at 0.2: (0.6 · 8 + 0.2 · 7) / 0.8.
    top = [TopLogprob(token="8", logprob=log(0.6)), TopLogprob(token="x", logprob=log(0.1))]
    tokens = [PAIR, token("\ta\t"), Logprob(token="7", logprob=log(0.2), top_logprobs=top), token("\n")]
    assert expected(tokens, "12\ta\t7\n", "7") == [pytest.approx(6.2 / 0.8)]
    tokens[2] = Logprob(token="7", logprob=log(0.2), top_logprobs=top[1:])
    assert expected(tokens, "12\ta\t7\n", "7") == [None]


def test_expected_two_numbers_in_one_token_tell_nothing() -> None:
    tokens = [PAIR, token("\ta\t"), token("7\n2", **{"7\n2": 0.5, "8\n2": 0.1}), token("\tb\t3\n")]
    assert expected(tokens, "12\ta\t7\n2\tb\t3\n", "7") == [None]
