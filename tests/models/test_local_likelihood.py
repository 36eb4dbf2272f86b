"""Likelihood by a model in memory, against the computation that anyone would write first."""

import asyncio
from collections.abc import Callable
from math import isnan
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tiny import MERGES, byte_level, engine, gemma2, gpt2, llama, mamba, mistral, recurrent_gemma
from tokenizers import Tokenizer, decoders, models, normalizers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from inspect_autointerp.errors import UserError
from inspect_autointerp.models.likelihood.interface import LikelihoodError, Pair
from inspect_autointerp.models.likelihood.local import LocalLikelihood, load
from inspect_autointerp.models.likelihood.tokenization import Tokenized, Tokenizing

HEAD = "Each block has a description and sentences that it describes.\n\nDescription: names\nSentences:\n- I am Ann.\n"


def logprobs(engine: LocalLikelihood, pairs: list[Pair]) -> list[list[float]]:
    return asyncio.run(engine.logprobs(pairs))


@torch.no_grad()
def naive(engine: LocalLikelihood, item: Tokenized) -> list[float]:
    """Token by token: all before it through the model, and what the model says of the next."""
    logprobs = []
    for i in range(item.first, len(item.ids)):
        if i == 0:
            logprobs.append(float("nan"))
            continue
        logits = engine._model(input_ids=torch.tensor([item.ids[:i]]), use_cache=False).logits[0, -1]
        logprobs.append(float(logits.log_softmax(-1)[item.ids[i]]))
    return logprobs


def check(engine: LocalLikelihood, pairs: list[Pair], tolerance: float = 2e-5) -> None:
    """Compare with `naive`. The answers are float32 and no larger than about 100: an eps of 1.2e-7 makes 1.2e-5."""
    answers = logprobs(engine, pairs)
    for answer, item in zip(answers, engine._tokenize(pairs), strict=True):
        assert answer == pytest.approx(naive(engine, item), abs=tolerance, nan_ok=True)


PAIRS: list[Pair] = [
    *((f"{HEAD}Description: {topic}\n-", f" {text}") for topic in ("cats", "the colon: é") for text in
      ("a", "not the cat", "the abab:\n  if x:", "été", "")),
    ("", "not"),
    ("", ""),
    ("x", "y"),
    (HEAD, "the"),
    (HEAD, "the"),
]  # fmt: skip


@pytest.mark.parametrize("bos", [True, False], ids=["BOS", "no BOS"])
@pytest.mark.parametrize("make", [gpt2, llama, mistral, gemma2, mamba, recurrent_gemma])
def test_it_is_what_running_token_by_token_gives(make: Callable[[], Any], bos: bool) -> None:
    model = engine(make, bos)
    check(model, PAIRS)
    assert isnan(logprobs(model, [("", "not")])[0][0]) != bos
    assert logprobs(model, [("x", "")]) == [[]]


_TEXT = st.text("ab thenot:\né", max_size=12)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(["", HEAD, HEAD[:70], HEAD + "ab"]), _TEXT, _TEXT), max_size=9))
def test_who_shares_a_batch_changes_nothing(parts: list[tuple[str, str, str]]) -> None:
    check(LLAMA, [(head + more, text) for head, more, text in parts])


LLAMA = engine(llama)


def test_what_is_shared_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = engine(llama)
    sizes: list[tuple[int, int]] = []
    forward = model._model.forward

    def counted(**options: Any) -> Any:
        sizes.append(tuple(options["input_ids"].shape))
        return forward(**options)

    monkeypatch.setattr(model._model, "forward", counted)
    pairs = [
        (f"{HEAD}Description: {'x' * 70}{letter * 20}\n-", f" the {last}at") for letter in "ac" for last in "cdefghijkl"
    ]
    one = model._tokenize(pairs[:1])[0]
    logprobs(model, pairs)
    # Twenty letters and the line's end are the explanation's own; "-" is run with each " the cat".
    own, each = 21, len(one.ids) - one.first
    assert sorted(sizes) == [(1, own), (1, own), (1, one.first - 1 - own), (10, each), (10, each)]
    sizes.clear()
    logprobs(model, pairs[:1])
    assert sizes == [(1, len(one.ids) - 1)], "alone, nothing is run apart"


@pytest.mark.parametrize(
    ("prefix", "continuation", "tokens"),
    [
        pytest.param("xa", "bx", ["ab", "x"], id="a token astride counts with the continuation"),
        pytest.param("x", "abx", ["ab", "x"], id="none astride"),
        pytest.param("x:", "\ny", [":Ċ", "y"], id="a colon and the line's end are one token"),
        pytest.param("x ", "the", ["Ġthe"], id="a space that goes with the word"),
        pytest.param("aé", "éa", ["Ã", "©", "a"], id="characters of two tokens each"),
        pytest.param("no", "t", ["not"], id="all in one token"),
        pytest.param("x", "", [], id="nothing"),
    ],
)
def test_where_a_continuation_begins(prefix: str, continuation: str, tokens: list[str]) -> None:
    tokenizer = byte_level(True, MERGES)
    [item] = Tokenizing(tokenizer)([(prefix, continuation)])
    assert tokenizer.convert_ids_to_tokens(item.ids[item.first :]) == tokens
    assert item.ids[0] == tokenizer.bos_token_id


def test_a_sentence_piece_tokenizer_begins_where_its_word_does() -> None:
    pieces = ["<unk>", "▁", "a", "b", "▁a", "ab", *(f"<0x{byte:02X}>" for byte in range(256))]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    backend = Tokenizer(models.BPE(vocabulary, [("▁", "a"), ("a", "b")], byte_fallback=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])  # type: ignore[arg-type]
    backend.decoder = decoders.Sequence(  # type: ignore[arg-type]
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend)

    def behind(prefix: str, continuation: str) -> list[str]:
        [item] = Tokenizing(tokenizer)([(prefix, continuation)])
        return list(tokenizer.convert_ids_to_tokens(item.ids[item.first :]))

    assert behind("b", " a") == ["▁a"]
    assert behind("b ", "a") == ["▁a"]
    assert behind("bé", "éb") == ["<0xC3>", "<0xA9>", "b"]
    assert behind("", "b") == ["▁", "b"]


def test_a_tokenizer_that_changes_the_text_is_taken_at_its_word() -> None:
    tokenizer = byte_level(False, MERGES)
    tokenizer.backend_tokenizer.normalizer = normalizers.Lowercase()  # type: ignore[assignment]
    [item] = Tokenizing(tokenizer)([("XA", "BX")])
    assert tokenizer.convert_ids_to_tokens(item.ids[item.first :]) == ["ab", "x"]


def test_what_is_too_long_is_an_error_of_its_own() -> None:
    model = engine(gpt2)

    async def both() -> list[Any]:
        asked = [model.logprobs([("x", "y" * n)]) for n in (300, 3)]
        return list(await asyncio.gather(*asked, return_exceptions=True))

    long, short = asyncio.run(both())
    assert isinstance(long, LikelihoodError)
    assert long.reason == "too_long"
    assert "302 tokens, and the model takes 256" in str(long)
    assert len(short[0]) == 3


def test_a_model_is_loaded_from_its_folder_and_its_absence_is_one_line(subject_folder: Path, tmp_path: Path) -> None:
    model = load(str(subject_folder))
    check(model, [("The first", " line:\n"), ("def", " f(x)")], tolerance=1e-3)  # in float32, through four layers
    with pytest.raises(UserError, match=r"likelihood model .*none: it cannot be loaded \(.+\)") as raised:
        load(str(tmp_path / "none"))
    assert "\n" not in str(raised.value)


def test_the_model_may_be_half_as_wide(subject_folder: Path) -> None:
    whole = LocalLikelihood(
        AutoModelForCausalLM.from_pretrained(subject_folder), AutoTokenizer.from_pretrained(subject_folder)
    )
    half = load(str(subject_folder), dtype="bfloat16")
    pairs = [(HEAD, " the line"), (HEAD, " import")]
    for one, other in zip(logprobs(whole, pairs), logprobs(half, pairs), strict=True):
        assert one == pytest.approx(other, abs=0.2)


def test_what_is_loaded_is_said_in_one_line_and_without_a_bar(
    subject_folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers.utils import logging

    logging.enable_progress_bar()
    load(str(subject_folder), device="cpu")
    [line] = [record for record in caplog.records if record.name == load.__module__]
    assert line.getMessage() == f"likelihood: loading {subject_folder}, float32 on cpu"
    assert line.levelname == "WARNING", "Inspect shows no less by default"
    assert "Loading weights" not in "".join(capfd.readouterr())
