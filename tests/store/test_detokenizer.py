import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from inspect_autointerp.store.detokenizer import Detokenizer


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
    text, spans = Detokenizer(tokenizer)(tokenizer.encode("the cat").ids)
    assert text == "the cat"
    assert "".join(text[a:b] for a, b in spans) == "the cat"


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_character_of_several_tokens_is_whole_and_belongs_to_the_last(name: str) -> None:
    tokenizer = TOKENIZERS[name]
    ids = tokenizer.encode("a€").ids  # € is three bytes, and neither vocabulary has it
    text, spans = Detokenizer(tokenizer)(ids)
    assert text == "a€"
    assert [text[a:b] for a, b in spans][-3:] == ["", "", "€"]


@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=st.text(max_size=40), cut=st.tuples(st.integers(0, 10), st.integers(0, 10)))
@settings(max_examples=150)
def test_spans_part_the_text_of_any_window(name: str, text: str, cut: tuple[int, int]) -> None:
    tokenizer = TOKENIZERS[name]
    ids = tokenizer.encode(text).ids
    ids = ids[cut[0] : max(cut[0], len(ids) - cut[1])]
    decoded, spans = Detokenizer(tokenizer)(ids)
    assert decoded == tokenizer.decode(ids, skip_special_tokens=False)
    assert len(spans) == len(ids)
    ends = [0, *(end for _, end in spans)]
    assert [start for start, _ in spans] == ends[:-1], "each token begins where the one before it ended"
    assert ends == sorted(ends)
    assert not ids or ends[-1] == len(decoded)


def gemma() -> Tokenizer:
    """As sentence_piece(), without the space in front, and with line ends of its own."""
    tokenizer = sentence_piece()
    tokenizer.add_tokens(["\n\n"])
    tokenizer.add_special_tokens(["<bos>", "<｜begin▁of▁text｜>"])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def neo_x() -> Tokenizer:
    """As byte_level(), with runs of spaces and a special token that no byte of the vocabulary spells."""
    tokenizer = byte_level()
    tokenizer.add_tokens(["    ", "  ", "Ġ Ġ"])
    tokenizer.add_special_tokens(["<｜begin▁of▁sentence｜>"])
    return tokenizer


def strange() -> Tokenizer:
    """Decodes in a way of its own: only the tokenizer can tell."""
    tokenizer = byte_level()
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Replace("t", "T")])
    return tokenizer


def llama() -> Tokenizer:
    """As sentence_piece(), with added tokens, one of them a space away from what it is called."""
    tokenizer = sentence_piece()
    tokenizer.add_tokens(["new"])
    tokenizer.add_special_tokens(["<s>"])
    return tokenizer


MORE = TOKENIZERS | {"llama": llama(), "gemma": gemma(), "neo-x": neo_x(), "strange": strange()}


@pytest.mark.parametrize("name", MORE)
@given(data=st.data())
@settings(max_examples=200)
def test_many_windows_of_any_ids_decode_as_each_does_by_its_prefixes(name: str, data: st.DataObject) -> None:
    tokenizer = MORE[name]
    length, n = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 5))
    # Single bytes are drawn as often as whole words: characters then break at the windows' ends.
    size = tokenizer.get_vocab_size()
    few = sorted({*tokenizer.encode("the cat€ é\n").ids, *range(size - 4, size)})
    id = st.sampled_from(few) | st.integers(0, size - 1)
    ids = np.array(data.draw(st.lists(st.lists(id, min_size=length, max_size=length), min_size=n, max_size=n)))
    decoded = Detokenizer(tokenizer).windows(ids)
    for row, (text, spans) in zip(ids.tolist(), decoded, strict=True):
        assert text == tokenizer.decode(row, skip_special_tokens=False)
        assert (text, spans) == Detokenizer(tokenizer)._one(row)
        assert [end for _, end in spans] == sorted(end for _, end in spans)
        prefixes = [tokenizer.decode(row[:i], skip_special_tokens=False) for i in range(1, length + 1)]
        for (_, end), prefix in zip(spans, prefixes, strict=True):  # they tell where whole characters end
            assert "\ufffd" in text + prefix or text[:end] == prefix


def test_a_character_that_two_windows_share_is_whole_in_neither() -> None:
    tokenizer = TOKENIZERS["byte level"]
    ids = np.array(tokenizer.encode("aéé").ids)  # a and four bytes: windows of a, 1 | 2, 1 | 2, a
    decoded = Detokenizer(tokenizer).windows(np.array([ids[:2], ids[2:4], [ids[4], ids[0]]]))
    assert decoded == [
        ("a\ufffd", ((0, 1), (1, 2))),
        ("\ufffd\ufffd", ((0, 1), (1, 2))),
        ("\ufffda", ((0, 1), (1, 2))),
    ]


@given(data=st.data())
@settings(max_examples=60)
def test_long_tokens_and_long_texts_are_placed_like_short_ones(data: st.DataObject) -> None:
    tokenizer = byte_level()
    tokenizer.add_tokens(["=" * 31, "-" * 32, "~" * 70])
    decoder, size = Detokenizer(tokenizer), tokenizer.get_vocab_size()
    id = st.integers(size - 6, size - 1)
    length = data.draw(st.sampled_from([3, 40]))  # up to 2,800 characters
    ids = data.draw(st.lists(st.lists(id, min_size=length, max_size=length), min_size=1, max_size=4))
    assert decoder.windows(np.array(ids)) == [decoder._one(row) for row in ids]


def test_no_windows_and_empty_windows_decode_to_nothing() -> None:
    decoder = Detokenizer(TOKENIZERS["byte level"])
    assert decoder.windows(np.zeros((0, 4), dtype=np.uint16)) == []
    assert decoder([]) == ("", ())


def test_a_special_token_keeps_its_name() -> None:
    tokenizer = TOKENIZERS["byte level"]
    ids = tokenizer.encode("<|bos|>the").ids
    assert ids[0] == tokenizer.token_to_id("<|bos|>")
    text, spans = Detokenizer(tokenizer)(ids)
    assert text == "<|bos|>the"
    assert text[slice(*spans[0])] == "<|bos|>"


@pytest.mark.parametrize("name", TOKENIZERS)
def test_text_after_a_prompt_keeps_its_space_and_characters(name: str) -> None:
    tokenizer = TOKENIZERS[name]
    ids = tokenizer.encode("the cat the €").ids
    detokenizer = Detokenizer(tokenizer)
    cut = next(n for n in range(1, len(ids)) if detokenizer(ids[:n])[0] == "the cat")
    assert detokenizer.after(ids[:cut], ids[cut:]) == " the €"
    assert detokenizer.after(ids[:-1], ids[-1:]) == "€", "it begins in the prompt"
    assert detokenizer.after(ids, []) == ""
    assert detokenizer.after([], ids) == "the cat the €"
