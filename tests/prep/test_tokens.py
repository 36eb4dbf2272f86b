"""A long document has the tokens of the whole, and costs what the tokens asked for cost."""

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from inspect_autointerp.prep.corpus import tokens
from inspect_autointerp.prep.corpus.tokens import tokenized_documents

LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
ALPHABET = pre_tokenizers.ByteLevel.alphabet()


@pytest.fixture(scope="module")
def text() -> str:
    """Text, code and numbers, with many kinds of white space."""
    from inspect_autointerp.prep.corpus.documents import stdlib_documents

    whole = "\n\n".join(text for text, _ in zip(stdlib_documents(), range(30), strict=False))
    return whole[:120_000] + "Grüße  an\talle, 😀 don't\r\n 12345  \n\n" * 200


def tokenizer_of(kind: str, text: str) -> Any:
    """A tokenizer that cuts text as the model of that name does."""
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    trainer: Any = trainers.BpeTrainer(
        vocab_size=800, initial_alphabet=ALPHABET, special_tokens=["<unk>"], show_progress=False
    )
    if kind == "gpt2":
        bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        bpe.post_processor = processors.ByteLevel(trim_offsets=True)
    elif kind == "llama3":
        split = pre_tokenizers.Split(Regex(LLAMA_3), "isolated")
        bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        bpe.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_])
    elif kind == "llama2":
        bpe.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.BpeTrainer(vocab_size=800, special_tokens=["<unk>"], show_progress=False)
    elif kind == "unigram":
        bpe = Tokenizer(models.Unigram())
        bpe.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=400, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False
        )
    else:
        bpe = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        bpe.normalizer, bpe.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=800, special_tokens=["[UNK]"], show_progress=False)
    bpe.train_from_iterator([text[:20_000]], trainer)
    if kind == "llama2":  # as SentencePiece does: nothing is split, and a space is put before
        bpe.pre_tokenizer = None  # pyright: ignore[reportAttributeAccessIssue]
        bpe.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return PreTrainedTokenizerFast(tokenizer_object=bpe)


@pytest.mark.parametrize("kind", ["gpt2", "llama3", "llama2", "unigram", "wordpiece"])
def test_a_document_in_pieces_has_the_tokens_of_the_whole(
    text: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = tokenizer_of(kind, text)
    whole = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    for long in (2_000, 9_999):
        monkeypatch.setattr(tokens, "LONG", long)
        rng = random.Random(long)
        cuts = sorted(rng.sample(range(len(text)), 40))
        parts = (text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True))
        for document in (text, parts):
            [ids] = tokenized_documents(tokenizer, [document], lambda: 10**9)
            assert ids.tolist() == whole


@pytest.mark.parametrize("kind", ["no space", "Chinese", "spaces", "punctuation"])
def test_a_document_without_words_loses_nothing(text: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = {"no space": "".join(text.split()), "Chinese": "的一是不了，" * 4000, "spaces": " " * 20_000}
    odd["punctuation"] = ".\n" * 9000
    monkeypatch.setattr(tokens, "LONG", 3000)
    tokenizer = tokenizer_of("llama3", text)
    tokenizer.backend_tokenizer.decoder = decoders.ByteLevel()
    [ids] = tokenized_documents(tokenizer, [odd[kind]], lambda: 10**9)
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == odd[kind]


def test_a_token_of_either_side_of_a_cut_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pairs:
        """A tokenizer whose tokens are of up to five characters and mind no word."""

        def __call__(self, text: str, **_: Any) -> dict[str, list]:
            spans = [(at, min(at + 5, len(text))) for at in range(0, len(text), 5)]
            return {"input_ids": [int("1" + text[a:b].replace(" ", "0")) for a, b in spans], "offset_mapping": spans}

    monkeypatch.setattr(tokens, "LONG", 100)
    text = " ".join(str(n) for n in range(100, 400))
    [ids] = tokenized_documents(Pairs(), [text], lambda: 10**9)
    assert "".join(str(id)[1:] for id in ids) == text.replace(" ", "0")


def test_no_more_is_read_than_the_tokens_wanted(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "LONG", 2000)
    tokenizer, read = tokenizer_of("gpt2", text), []
    parts = (read.append(at) or text[at : at + 500] for at in range(0, len(text), 500))
    [ids] = tokenized_documents(tokenizer, [parts], lambda: 100)
    assert ids.tolist() == tokenizer(text, add_special_tokens=False)["input_ids"][:100]
    assert len(read) == 5


def test_short_and_long_documents_stay_in_order(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "LONG", 2000)
    tokenizer = tokenizer_of("gpt2", text)
    cut = ["one", text[:9000], "", "two", iter([]), iter(["th", "ree"]), "four", text[9000:18_000]]
    expected = ["one", text[:9000], "two", "three", "four", text[9000:18_000]]
    got = [ids.tolist() for ids in tokenized_documents(tokenizer, cut, lambda: 10**9)]
    assert got == [tokenizer(document, add_special_tokens=False)["input_ids"] for document in expected]


MEASURE = """
import resource, sys
from transformers import AutoTokenizer
from inspect_autointerp.prep.corpus.chunks import Chunker
from inspect_autointerp.prep.corpus.documents import corpus_documents
from inspect_autointerp.store.settings import Settings
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
settings = Settings(corpus=sys.argv[2], tokens=2000)
for _ in Chunker(tokenizer, settings).batches(corpus_documents(settings)):
    pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1 if sys.platform == "darwin" else 1024))
"""


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
def test_memory_follows_the_tokens_wanted_and_not_the_text(subject_folder: Path, tmp_path: Path, name: str) -> None:
    line = "The quick brown fox jumps over the lazy dog. "
    (tmp_path / name).write_text(line * 400_000 if name == "a.txt" else f'{{"text": "{line * 2000}"}}\n' * 200)
    command = [sys.executable, "-c", MEASURE, str(subject_folder), str(tmp_path)]
    peak = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert peak < 250e6  # 18 MB of text: 2.4 GB if it is tokenized whole


def test_arrays_of_tokens_are_of_64_bits(text: str) -> None:
    [ids] = tokenized_documents(tokenizer_of("gpt2", text), [text[:100]], lambda: 3)
    assert ids.dtype == np.int64
    assert len(ids) == 3
