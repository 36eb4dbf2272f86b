from math import log

import pytest
from inspect_ai.model import Logprob, TopLogprob

from inspect_autointerp.scorers.answers import parse_labels
from inspect_autointerp.scorers.probabilities import label_probabilities


def token(text: str, **alternatives: float) -> Logprob:
    top = [TopLogprob(token=key.replace("_", ""), logprob=log(p)) for key, p in alternatives.items()]
    return Logprob(token=text, logprob=0.0, top_logprobs=top)


def probabilities(tokens: list[Logprob], answer: str, n: int) -> list[float | None]:
    return label_probabilities(tokens, answer, parse_labels(answer, n))


def test_the_mass_of_both_labels_is_compared() -> None:
    # P(1) = 0.6 / (0.6 + 0.2) = 0.75, P(1) = 0.1 / (0.1 + 0.9) = 0.1; whatever else the model considered is left out.
    tokens = [token("["), token("1", _1=0.6, _0=0.2, x=0.2), token(", "), token("0", _1=0.1, _0=0.9), token("]")]
    assert probabilities(tokens, "[1, 0]", 2) == [pytest.approx(0.75), pytest.approx(0.1)]


def test_a_label_inside_a_longer_token_is_found_with_its_like() -> None:
    shares = {"[1": 0.5, "[0": 0.25, "1": 0.2}
    top = [TopLogprob(token=form, logprob=log(share)) for form, share in shares.items()]
    tokens = [Logprob(token="[1", logprob=0, top_logprobs=top), token("]")]
    # 0.5 / (0.5 + 0.25): the bare `1` is another form and does not count.
    assert probabilities(tokens, "[1]", 1) == [pytest.approx(2 / 3)]


def test_words_count_as_labels() -> None:
    tokens = [token("["), token("true", true=0.8, false=0.2), token("]")]
    assert probabilities(tokens, "[true]", 1) == [pytest.approx(0.8)]


def test_reasoning_before_the_answer_and_other_digits_do_not_shift_the_labels() -> None:
    tokens = [token("I see 10 texts. "), token("[", x=1.0), token("0", _1=0.3, _0=0.7), token("]")]
    assert probabilities(tokens, "[0]", 1) == [pytest.approx(0.3)]


def test_tokens_that_do_not_spell_the_answer_tell_nothing() -> None:
    tokens = [token("["), token("0", _1=0.3, _0=0.7), token("]")]
    assert probabilities(tokens, "[0, 1]", 2) == [None, None]
    assert label_probabilities(None, "[0]", parse_labels("[0]", 1)) == [None]


def test_a_label_without_alternatives_tells_nothing() -> None:
    assert probabilities([token("["), token("0"), token("]")], "[0]", 1) == [None]
