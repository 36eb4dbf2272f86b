"""Tests of a planned evaluation's cost: sums by hand, prices, tokens; nothing is downloaded."""

import json
from math import isnan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ModelCost

from inspect_autointerp.cost.estimate import Estimate, estimate
from inspect_autointerp.cost.footnotes import notes
from inspect_autointerp.cost.prices import price_of, read_prices
from inspect_autointerp.cost.recorded_calls import Call
from inspect_autointerp.cost.table import as_json, dollars, tokens
from inspect_autointerp.cost.tokens import counting, pieces
from inspect_autointerp.errors import UserError

PRICE = ModelCost(input=2.0, output=10.0, input_cache_read=0.5, input_cache_write=0.0)
SYSTEM = ("system", "a b c")


def call(latent: str, question: str, answer: str, purpose: str = "detection", role: str = "grader") -> Call:
    return Call(latent, purpose, role, False, (SYSTEM, ("user", question)), answer)


def found(calls: list[Call], drawn: list[str], latents: int, price: ModelCost | None = PRICE) -> Estimate:
    words = {"m": lambda text: len(text.split())}
    return estimate(calls, drawn, latents, lambda call: "m", words, {"m": price})


def test_the_sums_by_hand() -> None:
    calls = [call("a", "p q", "1"), call("a", "p", "1 0"), call("b", "p q r", "0")]
    [row] = found(calls, ["a", "b"], 10).rows
    # Each call: 3 to open the answer, 4 around each of two messages, 3 words of the system's; then 2, 1 and 3 words.
    assert (row.calls, row.input, row.output) == (3, 3 * (3 + 8 + 3) + 6, 4)
    assert row.constant == 3 * (4 + 3)
    # 48 · $2 and 4 · $10 a million; 21 tokens at $0.5 rather than $2.
    assert row.money == pytest.approx((96 + 40) / 1e6)
    assert row.saved == pytest.approx(21 * 1.5 / 1e6)


def test_json_has_the_sums_of_all_latents() -> None:
    content = json.loads(as_json(found([call("a", "p q", "1"), call("b", "p", "1")], ["a", "b"], 10), {"seed": 3}))
    # 2 · (3 + 8 + 3) + 3 = 31 tokens of two latents, so 155 of ten; money 5 · (31 · 2 + 2 · 10) / 10⁶
    assert content["total"] == {
        "calls": 10,
        "input_tokens": 155,
        "output_tokens": 10,
        "dollars": pytest.approx(0.00041),
    }
    assert content["rows"][0]["for"] == "detection"
    assert (content["latents"], content["latents_drawn"], content["seed"]) == (10, 2, 3)


def test_the_spread_is_students_interval_of_a_draw_without_replacement() -> None:
    # Sums 15 + n of words of question and answer: 17 and 19; mean 18, standard error √2 / √2 = 1, t₁ = 12.706,
    # and √(1 − 2/8) of it since 2 of 8 are known.
    calls = [call("a", "p", "1"), call("b", "p q r", "1")]
    assert found(calls, ["a", "b"], 8).spread == pytest.approx(12.7062 * 0.75**0.5 / 17, rel=1e-4)
    assert found(calls, ["a", "b"], 2).spread == 0
    assert isnan(found(calls[:1], ["a"], 8).spread)
    assert isnan(found([], ["a", "b"], 8).spread)


def test_a_likelihood_model_is_sent_bare_texts() -> None:
    [row] = found([call("a", "p q", ".", "surprisal", "likelihood")], ["a"], 1).rows
    assert row.input == 3 + 2


def test_without_a_price_there_is_no_money_and_a_line_says_how_to_give_one() -> None:
    none = found([call("a", "p", "1")], ["a"], 1, None)
    assert isnan(none.rows[0].money)
    content = json.loads(as_json(none, {}))
    assert content["total"]["dollars"] is None
    lines = notes(none, {"m": "words"}, {"m": None}, {}, cached=True)
    assert any("m: its price is unknown" in line and "--model-cost-config FILE" in line for line in lines)


def test_what_the_cache_saves_is_what_the_explainer_was_asked() -> None:
    calls = [call("a", "p", "1"), call("a", "p", "1", "explanation", "explainer")]
    # 3 + 8 + 3 + 1 = 15 tokens in and 1 out, of each of 1,000 latents: 1000 · (30 + 10) / 10⁶
    both = found(calls, ["a"], 1000)
    [line] = [line for line in notes(both, {}, {}, {}, cached=True) if "saves" in line]
    assert line.endswith("saves its 1,000 calls and $0.04.")
    assert not any("saves" in line for line in notes(both, {}, {}, {}, cached=False))
    assert both.rows[0].purpose == "explanation"


def test_figures_are_short() -> None:
    assert [tokens(n) for n in (0, 999, 999.6, 1000, 12_345, 999_499, 999_700, 3_910_000, 2.5e9)] == [
        "0", "999", "1k", "1k", "12.3k", "999k", "1M", "3.91M", "2.5G",
    ]  # fmt: skip
    assert [dollars(x) for x in (0, 0.000347, 0.0347, 1, 1234.567, float("nan"))] == [
        "0", "0.000347", "0.0347", "1.00", "1,234.57", "–",
    ]  # fmt: skip


def write(folder: Path, text: str) -> Path:
    file = folder / "prices.yaml"
    file.write_text(text)
    return file


def test_prices_are_of_the_file_that_inspect_takes(tmp_path: Path) -> None:
    prices = read_prices(
        write(tmp_path, "openai/gpt-4o: {input: 1, output: 2, input_cache_read: 0.1, input_cache_write: 0}")
    )
    assert price_of("openai/gpt-4o", prices) == ModelCost(input=1, output=2, input_cache_read=0.1, input_cache_write=0)
    assert price_of("openai/no-such-model", prices) is None
    own = price_of("inspect_autointerp/lexical", prices)
    assert own
    assert own.input == own.output == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "no prices; give a line per model"),
        ("a: {input: 1", "cannot be read"),
        ("a/b: 3", "a/b: it: "),
        ("a/b: {input: 1, output: 2, input_cache_read: 0}", "a/b: input_cache_write: Field required"),
        ("a/b: {input: x, output: 2, input_cache_read: 0, input_cache_write: 0}", "a/b: input: "),
        ("a/b: {input: -1, output: 2, input_cache_read: 0, input_cache_write: 0}", "a/b: a price is a number"),
        ("a/b: {input: .nan, output: 2, input_cache_read: 0, input_cache_write: 0}", "a/b: a price is a number"),
    ],
)
def test_a_broken_price_list_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message) as info:
        read_prices(write(tmp_path, text))
    assert "\n" not in str(info.value)


def test_a_price_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml: cannot be read"):
        read_prices(tmp_path / "none.yaml")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty cache of vocabularies, and no way to fill it."""
    import requests

    def refuse(*args: Any, **kwargs: Any) -> None:
        pytest.fail("something was downloaded")

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(requests, "get", refuse)
    monkeypatch.setattr("tiktoken.registry.ENCODINGS", {})


@pytest.mark.parametrize("model", ["openai/gpt-4o", "openai/azure/gpt-4", "openai/unheard-of", "anthropic/claude"])
def test_without_a_vocabulary_it_is_an_estimate(model: str, no_network: None) -> None:
    way = counting(model)
    assert "ESTIMATED" in way.how
    assert way.count("the quick fox") == 3


def test_with_a_vocabulary_it_is_that(monkeypatch: pytest.MonkeyPatch) -> None:
    import tiktoken

    ours = tiktoken.Encoding(
        "o200k_base",
        pat_str=r"\S+|\s+",
        mergeable_ranks={bytes([i]): i for i in range(256)},
        special_tokens={"<|endoftext|>": 256},
    )
    monkeypatch.setattr("tiktoken.registry.ENCODINGS", {"o200k_base": ours})
    assert counting("openai/gpt-4o").count("a" * 100 + "<|endoftext|>") == 113  # no text is a special token
    assert counting("anthropic/claude").count("a" * 100) == 110
    assert "Inspect's own estimate" in counting("anthropic/claude").how


def test_pieces_by_hand() -> None:
    assert pieces("[1, 0, 1]") == 9  # a space is a digit's neighbour and no part of it
    assert pieces(" a, b") == 3
    assert pieces("unbelievable") == 2
    assert pieces("") == 0


@given(st.text(), st.text())
def test_pieces_grow_with_the_text_and_stay_below_its_bytes(one: str, other: str) -> None:
    both = one + other
    assert pieces(one) <= len(one.encode())
    assert max(pieces(one), pieces(other)) <= pieces(both) <= pieces(one) + pieces(other)
