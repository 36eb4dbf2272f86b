import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from inspect_autointerp.decoder import Decoder


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|bos|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["the cat sat on the mat, the end"] * 3, trainer)
    return tokenizer


def sentence_piece() -> Tokenizer:
    """As Llama 2: ▁ for a space, one put in front of the text, and unknown characters as bytes."""
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "▁the", "▁cat", *"thecats,"]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], byte_fallback=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return tokenizer


TOKENIZERS = {"byte level": byte_level(), "sentence piece": sentence_piece()}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_spaces_survive(name: str) -> None:
    tokenizer = TOKENIZERS[name]
    text, spans = Decoder(tokenizer)(tokenizer.encode("the cat").ids)
    assert text == "the cat"
    assert "".join(text[a:b] for a, b in spans) == "the cat"


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_character_of_several_tokens_is_whole_and_belongs_to_the_last(name: str) -> None:
    tokenizer = TOKENIZERS[name]
    ids = tokenizer.encode("a€").ids  # € is three bytes, and neither vocabulary has it
    text, spans = Decoder(tokenizer)(ids)
    assert text == "a€"
    assert [text[a:b] for a, b in spans][-3:] == ["", "", "€"]


@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=st.text(max_size=40), cut=st.tuples(st.integers(0, 10), st.integers(0, 10)))
@settings(max_examples=150)
def test_spans_part_the_text_of_any_window(name: str, text: str, cut: tuple[int, int]) -> None:
    tokenizer = TOKENIZERS[name]
    ids = tokenizer.encode(text).ids
    ids = ids[cut[0] : max(cut[0], len(ids) - cut[1])]
    decoded, spans = Decoder(tokenizer)(ids)
    assert decoded == tokenizer.decode(ids, skip_special_tokens=False)
    assert len(spans) == len(ids)
    ends = [0, *(end for _, end in spans)]
    assert [start for start, _ in spans] == ends[:-1], "each token begins where the one before it ended"
    assert ends == sorted(ends)
    assert not ids or ends[-1] == len(decoded)


def test_a_special_token_keeps_its_name() -> None:
    tokenizer = TOKENIZERS["byte level"]
    ids = tokenizer.encode("<|bos|>the").ids
    assert ids[0] == tokenizer.token_to_id("<|bos|>")
    text, spans = Decoder(tokenizer)(ids)
    assert text == "<|bos|>the"
    assert text[slice(*spans[0])] == "<|bos|>"
