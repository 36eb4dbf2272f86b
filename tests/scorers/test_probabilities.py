import re
from math import log

import pytest
from inspect_ai.model import Logprob, TopLogprob

from inspect_autointerp.scorers.shared.label_probabilities import label_probabilities
from inspect_autointerp.scorers.shared.parse_labels import Item, parse_labels


def token(text: str, **alternatives: float) -> Logprob:
    top = [TopLogprob(token=key.replace("_", ""), logprob=log(p)) for key, p in alternatives.items()]
    return Logprob(token=text, logprob=0.0, top_logprobs=top)


def probabilities(tokens: list[Logprob], answer: str, n: int) -> list[float | None]:
    """The probabilities of the labels in an answer, wherever they stand: whether it is read is not the point here."""
    places = re.finditer("[01]|true|yes|no", answer, re.IGNORECASE)
    items = [Item(int(match[0].lower() in ("1", "true", "yes")), match.start(), match.end()) for match in places]
    assert len(items) == n
    return label_probabilities(tokens, answer, items)


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


def test_probabilities_ignore_reasoning_and_other_digits() -> None:
    tokens = [token("I see 10 texts. "), token("[", x=1.0), token("0", _1=0.3, _0=0.7), token("]")]
    assert probabilities(tokens, "[0]", 1) == [pytest.approx(0.3)]


def test_tokens_that_do_not_spell_the_answer_tell_nothing() -> None:
    tokens = [token("["), token("0", _1=0.3, _0=0.7), token("]")]
    assert probabilities(tokens, "[0, 1]", 2) == [None, None]
    assert label_probabilities(None, "[0]", parse_labels("[0]", 1)) == [None]


def tops(reported: str, own: float | None = None, **shares: float) -> Logprob:
    """A token as `token`, with a log-probability of its own."""
    top = [TopLogprob(token=key.removeprefix("_"), logprob=log(p)) for key, p in shares.items()]
    return Logprob(token=reported, logprob=log(own) if own else 0.0, top_logprobs=top)


@pytest.mark.parametrize(("label", "expected"), [("1", 0.1 / 0.7), ("0", 0.6 / 0.7)])
def test_probability_chosen_token_unlisted_uses_its_own(label: str, expected: float) -> None:
    # The likeliest hold the other label alone; the chosen one had 0.1, and the other 0.6.
    other = "0" if label == "1" else "1"
    tokens = [token("["), tops(label, 0.1, **{f"_{other}": 0.6, "x": 0.2}), token("]")]
    assert probabilities(tokens, f"[{label}]", 1) == [pytest.approx(expected)]


def test_probability_neither_label_listed_is_unknown() -> None:
    assert probabilities([token("["), tops("1", 0.1, x=0.6, y=0.2), token("]")], "[1]", 1) == [None]


@pytest.mark.parametrize("both", ["1, 0", "1,0", "1\n0"])
def test_probability_two_labels_in_one_token_is_unknown(both: str) -> None:
    tokens = [token("["), Logprob(token=both, logprob=-0.1, top_logprobs=[TopLogprob(token=both, logprob=-0.1)])]
    answer = f"[{both}]" if "," in both else both
    tokens = [*tokens, token("]")] if "," in both else tokens[1:]
    assert probabilities(tokens, answer, 2) == [None, None]


def spelled(pieces: list[tuple[str, str]]) -> list[Logprob]:
    """Tokens, each with P = 0.75 for the reported label and 0.25 for the other, in the spelling of both."""
    tokens = []
    for text, other in pieces:
        top = [TopLogprob(token=text, logprob=log(0.75))]
        top += [TopLogprob(token=other, logprob=log(0.25))] if other else []
        tokens.append(Logprob(token=text, logprob=log(0.75), top_logprobs=top))
    return tokens


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        pytest.param([("[", ""), ("1", "0"), (",", ""), ("Ġ0", "Ġ1"), ("]", "")], "[1, 0]", id="space of GPT-2"),
        pytest.param([("1", "0"), ("Ċ", ""), ("0", "1")], "1\n0", id="line end of GPT-2"),
        pytest.param([("▁[", ""), ("1", "0"), (",", ""), ("▁0", "▁1"), ("]", "")], "[1, 0]", id="SentencePiece"),
        pytest.param([("▁1", "▁0"), ("<0x0A>", ""), ("0", "1")], "1\n0", id="bytes of SentencePiece"),
        pytest.param(
            [("âĢľ", ""), ("é", ""), ("[1", "[0"), (",", ""), ("0", "1"), ("]", "")],
            "“�[1,0]",
            id="half of a character",
        ),
        pytest.param(
            [("Ã©tÃ©", ""), (":Ġ[", ""), ("1", "0"), (",", ""), ("0", "1"), ("]", ""), ("<|im_end|>", ""), ("x", "")],
            "été: [1,0]",
            id="letters of GPT-2 and a stop token",
        ),
        pytest.param([("été ", ""), ("[1", "[0"), (",", ""), ("0", "1"), ("]", "")], "été [1,0]", id="text"),
    ],
)
def test_probability_token_spellings_are_undone(pieces: list[tuple[str, str]], answer: str) -> None:
    assert probabilities(spelled(pieces), answer, 2) == [pytest.approx(0.75), pytest.approx(0.25)]


def test_probability_split_character_is_placed_by_its_bytes() -> None:
    halves = [Logprob(token="\\xc3", logprob=0, bytes=[0xC3]), Logprob(token="\\xa9", logprob=0, bytes=[0xA9])]
    rest = [token("["), token("1", _1=0.75, _0=0.25), token("]")]
    for one in rest:
        one.bytes = list(one.token.encode())
        for other in one.top_logprobs or []:
            other.bytes = list(other.token.encode())
    assert probabilities([*halves, *rest], "é[1]", 1) == [pytest.approx(0.75)]


def argmax(generated: list[str], shares: list[dict[str, float]]) -> list[Logprob]:
    """Tokens as `hf/` reports them: the likeliest in place of the one that was generated."""
    tokens = []
    for text, probabilities in zip(generated, shares, strict=True):
        top = sorted(({text: 0.9} | probabilities).items(), key=lambda one: -one[1])
        top = [TopLogprob(token=one, logprob=log(p)) for one, p in top]
        tokens.append(Logprob(token=top[0].token, logprob=top[0].logprob, top_logprobs=top))
    return tokens


def test_probability_sampled_token_is_read_among_the_alternatives() -> None:
    # `0` was sampled at 0.3 where `1` had 0.6: P(1) = 2/3, and the label is 0. The comma was reported as `,Ġ`.
    tokens = argmax(
        ["[", "0", ",", "1", "]", "<|im_end|>", "x"],
        [{}, {"0": 0.3, "1": 0.6}, {",": 0.2, ",Ġ": 0.7}, {"0": 0.1}, {}, {}, {}],
    )
    assert [one.token for one in tokens[:3]] == ["[", "1", ",Ġ"]
    assert probabilities(tokens, "[0,1]", 2) == [pytest.approx(2 / 3), pytest.approx(0.9)]


def test_probability_unreported_token_costs_its_context_alone() -> None:
    # The second label is none of those reported there.
    tokens = argmax(["[", "0", ",", "x", ",", "1", "]"], [{}, {"1": 0.1}, {}, {"y": 0.05}, {}, {"0": 0.1}, {}])
    assert probabilities(tokens, "[0,1,1]", 3) == [pytest.approx(0.1), None, pytest.approx(0.9)]


def test_probability_repeated_answer_is_read_before_the_stop_token() -> None:
    wrong = token("1", _1=0.9, _0=0.1)
    tokens = [token("["), token("1", _1=0.6, _0=0.4), token("]"), token("</s>"), token("["), wrong, token("]")]
    assert probabilities(tokens, "[1]", 1) == [pytest.approx(0.6)]
    assert probabilities([*tokens[:3], *tokens[4:]], "[1]", 1) == [None], "which of the two is not known"


def test_probability_dropped_tokens_never_shift_labels() -> None:
    a, b = token("1", _1=0.6, _0=0.4), token("0", _1=0.3, _0=0.7)
    for tokens in ([token("["), a, token(","), b, token("]")], [token("["), b, token("]")], [a, token(","), b]):
        for place, p in enumerate(probabilities(tokens, "[1,1,0]", 3)):
            assert p is None or (p, place) in (
                (pytest.approx(0.6), 0),
                (pytest.approx(0.6), 1),
                (pytest.approx(0.3), 2),
            )


def test_a_label_without_alternatives_tells_nothing() -> None:
    assert probabilities([token("["), token("0"), token("]")], "[0]", 1) == [None]
