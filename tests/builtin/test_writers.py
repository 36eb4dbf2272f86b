"""The package's own models as writers: what they write is what the explanation says, or only looks like it."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import get_model
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from inspect_autointerp.builtin.lexical.judge import listed
from inspect_autointerp.builtin.lexical.write import _respelled, write
from inspect_autointerp.builtin.planted.claims import CLAIMS
from inspect_autointerp.builtin.planted.writing import written
from inspect_autointerp.builtin.prompt_reader import asked, read_writing, written_answer
from inspect_autointerp.scorers.detection.scorer import detection_messages
from inspect_autointerp.scorers.generation.copies import uncounted
from inspect_autointerp.scorers.generation.parse import parse_written
from inspect_autointerp.scorers.generation.scorer import generation_messages
from inspect_autointerp.text.render import visible


def test_a_writers_question_is_told_from_a_judges() -> None:
    explanation = "a\n\nWrite 3 texts of each kind."
    assert asked(generation_messages(explanation, 10)[-1].text) == "write"
    assert read_writing(generation_messages(explanation, 10)[-1].text) == ("a⏎⏎Write 3 texts of each kind.", 10)
    assert read_writing(generation_messages(" ", 4)[-1].text) == ("", 4)
    assert asked(detection_messages("a", [visible("b\n\nWrite 3 texts of each kind.")])[-1].text) == "judge"


@given(st.lists(st.text(max_size=20), min_size=2, max_size=2), st.lists(st.text(max_size=20), min_size=2, max_size=2))
def test_what_is_spelled_is_read(active: list[str], silent: list[str]) -> None:
    texts = parse_written(written_answer(active, silent), 2)
    assert (list(texts.active), list(texts.silent)) == (active, silent)


@pytest.mark.parametrize(
    "explanation",
    [
        'texts with "self" (10), "…er" (4), "):" (2)',
        'texts with "the" (10)',
        'texts with "=" (10), "x" (9), "return" (8)',
        "names of colours, such as red",
        "",
    ],
)
def test_the_lexical_writer_uses_listed_words_and_avoids_them(explanation: str) -> None:
    active, silent = write(explanation, 10)
    assert all(listed(explanation, text) for text in active) == bool(explanation)
    assert not any(listed(explanation, text) for text in silent)
    assert uncounted(active, silent, {}) == ([None] * 10, [None] * 10)


@pytest.fixture(scope="module")
def small_bpe() -> Tokenizer:
    """A byte-pair encoding of a few hundred tokens, whole words and parts of words among them."""
    prose = "the river never delivers over the years a verdict that every writer should remember whatever comes " * 20
    code = "def compute(self, value):\n    return self.value if value is not None else 2019 + over\n" * 20
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    alphabet = ByteLevel.alphabet()
    trainer = BpeTrainer(vocab_size=420, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([prose, code], trainer)
    return tokenizer


def test_lexical_near_misses_do_not_hold_the_token(small_bpe: Tokenizer) -> None:
    """A latent of one token would fire on them, and the explanation be charged with it."""
    tokens = {token.replace("Ġ", " "): number for token, number in small_bpe.get_vocab().items()}
    words = [token for token in tokens if len(token.strip()) > 2 and token.strip().isalpha()]
    assert {" ver", " over", " self"} & set(words) and any(not word.startswith(" ") for word in words)
    holding = []
    for token in words:
        listed_word = token.strip() if token.startswith(" ") else f"…{token}"
        _, silent = write(f'texts with "{listed_word}" (10)', 10)
        holding += [(token, text) for text in silent if tokens[token] in small_bpe.encode(text).ids]
    assert holding == []


@pytest.mark.parametrize("word", ["ver", "I", "2019", "é", "的", "'s", "_name", "aa", "x", "ЯК"])
def test_lexical_near_misses_are_spelled_like_the_word(word: str) -> None:
    misses = _respelled(word)
    assert len(set(misses)) == 3
    for miss in misses:
        assert len(miss) == len(word) and word.lower() not in miss.lower()
        assert sum(a != b for a, b in zip(word, miss, strict=True)) == 1


@given(st.text(max_size=30), st.integers(1, 130))
def test_the_lexical_writer_writes_as_many_as_it_is_asked_for(explanation: str, n: int) -> None:
    active, silent = write(explanation, n)
    assert len(set(active)) == len(set(silent)) == n


@pytest.mark.parametrize("name", CLAIMS)
def test_the_oracle_writes_where_a_claim_holds_and_where_it_does_not(name: str) -> None:
    claim = CLAIMS[name]
    active, silent = written(claim.text, 10)
    assert all(map(claim.holds, active)) and not any(map(claim.holds, silent))
    assert uncounted(active, silent, {}) == ([None] * 10, [None] * 10)
    assert written(claim.text, 10) == (active, silent)
    assert written(claim.text, 10, error_rate=1.0) == (silent, active)


def test_near_misses_are_what_may_be_said_of_relatives() -> None:
    _, silent = written(CLAIMS["reds"].text, 10)  # too narrow, of warm colours
    assert any(map(CLAIMS["warm"].holds, silent)) and any(map(CLAIMS["material"].holds, silent))
    assert all(map(CLAIMS["look"].holds, silent))


def test_an_oracle_that_errs_puts_that_share_on_the_wrong_side() -> None:
    wrong = total = 0
    for claim in CLAIMS.values():
        active, _ = written(claim.text, 40, error_rate=0.2, seed=3)
        wrong, total = wrong + sum(not claim.holds(text) for text in active), total + len(active)
    # A binomial's: 50 claims of 40 texts, 0.2 ± 4 · √(0.16 / 2000) = 0.2 ± 0.036.
    assert abs(wrong / total - 0.2) < 4 * (0.16 / total) ** 0.5


@pytest.mark.parametrize(
    ("model", "explanation", "answer"),
    [("oracle", "anything", "That is no explanation of a planted latent."), ("lexical", "names", None)],
)
def test_the_models_answer_the_prompt(model: str, explanation: str, answer: str | None) -> None:
    completion = asyncio.run(
        get_model(f"inspect_autointerp/{model}").generate(generation_messages(explanation, 3))
    ).completion
    assert completion == answer if answer else len(json.loads(completion)["silent"]) == 3
