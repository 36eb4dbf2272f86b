"""Every token of the corpus goes to the subject once, and every window is where it should be."""

from collections.abc import Iterable
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.chunks import Batch, Chunker
from inspect_autointerp.store.settings import Settings

BOS, SPECIAL = 0, 9


class Numbers:
    """A tokenizer for texts like "3 5 7", which are the tokens 3, 5 and 7."""

    def __init__(self, bos: int | None = BOS, vocabulary: int = 10) -> None:
        self.bos_token_id, self.all_special_ids, self._vocabulary = bos, [BOS, SPECIAL], vocabulary

    def __len__(self) -> int:
        return self._vocabulary

    def __call__(self, texts: list[str], **_: Any) -> dict[str, list[list[int]]]:
        return {"input_ids": [[int(word) for word in text.split()] for text in texts]}


class Row(NamedTuple):
    """One window, with the document it lies in."""

    start: int
    hash: int
    test: bool
    low: int | None
    high: int | None


def text_of(tokens: Iterable[int]) -> str:
    return " ".join(map(str, tokens))


def chunked(
    documents: Iterable[list[int]], settings: Settings, batch_size: int = 2, file: Path | None = None, **options: Any
) -> tuple[Chunker, list[Batch]]:
    chunker = Chunker(Numbers(**options), settings, batch_size, tokens_file=file)
    return chunker, [batch for _, batch in chunker.batches(map(text_of, documents))]


def rows_of(batches: list[Batch]) -> list[Row]:
    rows = []
    for windows in (batch.windows for batch in batches):
        columns = [getattr(windows, name) for name in Row._fields]
        lists = [repeat(None, len(windows.start)) if column is None else column.tolist() for column in columns]
        rows += map(Row._make, zip(*lists, strict=True))
    return rows


def kept_documents(documents: list[list[int]], limit: int) -> list[list[int]]:
    """The documents as stored: none empty, and the last one cut where the wanted number of tokens is reached."""
    kept = []
    for document in documents:
        cut = document[: limit - sum(map(len, kept))]
        if cut:
            kept.append(cut)
    return kept


class Window(NamedTuple):
    """A window that should be there."""

    start: int
    low: int | None
    high: int | None
    document: int
    number: int


def windows_by_hand(documents: list[list[int]], settings: Settings) -> list[Window]:
    """Those on the grid of their document that lie in one chunk.

    Where contexts are to be centred they have margins of half a window, inside of chunk and document.
    """
    windows, begin = [], 0
    margin = settings.window // 2
    for number, document in enumerate(documents):
        end = begin + len(document)
        origin = 0 if settings.pack else begin
        for start in range(begin, end - settings.window + 1, settings.window):
            chunk = (start - origin) // settings.context_length
            if (start + settings.window - 1 - origin) // settings.context_length == chunk:
                first = max(begin, origin + chunk * settings.context_length)
                last = min(end, origin + (chunk + 1) * settings.context_length)
                margins = (max(first, start - margin), min(last, start + settings.window + margin))
                low, high = margins if settings.center else (None, None)
                windows.append(Window(start, low, high, number, (start - begin) // settings.window))
        begin = end
    return windows


corpora = st.lists(st.lists(st.integers(0, SPECIAL), max_size=20), min_size=1, max_size=20).filter(any)
shapes = st.builds(
    lambda window, factor, **rest: Settings(window=window, context_length=window * factor, **rest),
    window=st.integers(1, 4),
    factor=st.integers(1, 3),
    tokens=st.integers(1, 80),
    pack=st.booleans(),
    center=st.booleans(),
    seed=st.integers(0, 3),
)


@given(documents=corpora, settings=shapes, batch_size=st.integers(1, 4))
def test_every_token_goes_to_the_subject_once(
    tmp_path_factory: pytest.TempPathFactory, documents: list[list[int]], settings: Settings, batch_size: int
) -> None:
    file = tmp_path_factory.mktemp("raw") / "tokens.raw"
    chunker, batches = chunked(documents, settings, batch_size, file)
    kept = kept_documents(documents, settings.tokens)
    corpus = [token for document in kept for token in document]
    assert np.fromfile(file, dtype=np.uint16).tolist() == corpus
    assert chunker.offset.tolist() == np.cumsum([0] + [len(document) for document in kept]).tolist()
    assert chunker.n_tokens == min(settings.tokens, sum(map(len, documents)))
    ids, pos = (np.concatenate([getattr(b, name).ravel() for b in batches]) for name in ("ids", "pos"))
    seen = pos[pos >= 0]
    assert sorted(seen) == [p for p, token in enumerate(corpus) if token not in (BOS, SPECIAL)]
    assert ids[pos >= 0].tolist() == [corpus[p] for p in seen]


@given(documents=corpora, settings=shapes, batch_size=st.integers(1, 4))
def test_chunks_begin_with_bos_and_hold_one_document(
    documents: list[list[int]], settings: Settings, batch_size: int
) -> None:
    chunker, batches = chunked(documents, settings, batch_size)
    for batch in batches:
        assert batch.ids.shape == batch.pos.shape == batch.window.shape == (batch_size, settings.context_length + 1)
        assert (batch.ids[:, 0] == BOS).all()
        assert (batch.pos[:, 0] == -1).all()
        for pos in batch.pos:
            column = (pos >= 0).nonzero()[0]
            assert (np.diff(pos[column]) == np.diff(column)).all()  # side by side in the chunk as in the corpus
            document = np.searchsorted(chunker.offset, pos[column], side="right")
            assert settings.pack or len(set(document)) <= 1


@given(documents=corpora, settings=shapes, batch_size=st.integers(1, 4))
def test_windows_are_complete_and_inside_one_chunk(
    documents: list[list[int]], settings: Settings, batch_size: int
) -> None:
    chunker, batches = chunked(documents, settings, batch_size)
    expected = windows_by_hand(kept_documents(documents, settings.tokens), settings)
    rows = rows_of(batches)
    assert [(row.start, row.low, row.high) for row in rows] == [window[:3] for window in expected]
    assert [row.test for row in rows] == [bool(chunker.test[window.document]) for window in expected]
    assert chunker.n_windows == len(expected)


@given(documents=corpora, settings=shapes, batch_size=st.integers(1, 4))
def test_a_token_knows_its_window(documents: list[list[int]], settings: Settings, batch_size: int) -> None:
    _, batches = chunked(documents, settings, batch_size)
    starts = {row.start for row in rows_of(batches)}
    for batch in batches:
        for pos, window in zip(batch.pos.ravel(), batch.window.ravel(), strict=True):
            if pos >= 0 and window >= 0:
                assert 0 <= pos - batch.windows.start[window] < settings.window
            elif pos >= 0:
                assert starts.isdisjoint(range(pos - settings.window + 1, pos + 1))


@given(documents=corpora, settings=shapes)
def test_hashes_and_splits_depend_on_the_tokens_of_the_document_alone(
    documents: list[list[int]], settings: Settings
) -> None:
    documents = kept_documents(documents + documents[::-1], settings.tokens)
    chunker, batches = chunked(documents, settings)
    side: dict[tuple[int, ...], bool] = {}
    for document, test in zip(documents, chunker.test, strict=True):
        assert side.setdefault(tuple(document), bool(test)) == test
    hashes: dict[tuple[tuple[int, ...], int], int] = {}
    for window, row in zip(windows_by_hand(documents, settings), rows_of(batches), strict=True):
        key = tuple(documents[window.document]), window.number
        assert hashes.setdefault(key, row.hash) == row.hash
    assert len(set(hashes.values())) == len(hashes)


@given(documents=corpora, settings=shapes, sizes=st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_windows_do_not_depend_on_the_batch_size(
    documents: list[list[int]], settings: Settings, sizes: tuple[int, int]
) -> None:
    (one, a), (other, b) = (chunked(documents, settings, size) for size in sizes)
    assert rows_of(a) == rows_of(b)
    assert (one.offset, one.test, one.n_windows) == (other.offset, other.test, other.n_windows)


def test_a_document_of_five_tokens_in_chunks_of_four_and_windows_of_two() -> None:
    # Chunks 1 2 3 4 and 5; windows 1 2 and 3 4; the fifth token is in none.
    _, [batch] = chunked([[1, 2, 3, 4, 5]], Settings(context_length=4, window=2, tokens=100))
    assert batch.ids.tolist() == [[BOS, 1, 2, 3, 4], [BOS, 5, BOS, BOS, BOS]]
    assert batch.pos.tolist() == [[-1, 0, 1, 2, 3], [-1, 4, -1, -1, -1]]
    assert batch.window.tolist() == [[-1, 0, 0, 1, 1], [-1, -1, -1, -1, -1]]
    assert batch.windows.start.tolist() == [0, 2]


def test_packing_fills_chunks_and_cuts_windows_per_document() -> None:
    # Chunks 1 2 3 4 | 5 6 7; the second document's grid is 4 5 | 6 7, and 4 5 would run over a chunk's end.
    _, [batch] = chunked([[1, 2, 3], [4, 5, 6, 7]], Settings(context_length=4, window=2, tokens=100, pack=True))
    assert batch.ids.tolist() == [[BOS, 1, 2, 3, 4], [BOS, 5, 6, 7, BOS]]
    assert batch.windows.start.tolist() == [0, 5]
    assert batch.window.tolist() == [[-1, 0, 0, -1, -1], [-1, -1, 1, 1, -1]]


def test_one_token_documents_are_chunks_of_their_own() -> None:
    settings = Settings(context_length=2, window=1, tokens=100)
    chunker, [batch] = chunked([[1], [2], [3]], settings, batch_size=3)
    assert batch.ids.tolist() == [[BOS, 1, BOS], [BOS, 2, BOS], [BOS, 3, BOS]]
    assert (chunker.n_tokens, chunker.n_windows, len(chunker.test)) == (3, 3, 3)


def test_special_tokens_in_the_text_are_stored_and_never_count() -> None:
    _, [batch] = chunked([[1, SPECIAL, 2, BOS]], Settings(context_length=4, window=4, tokens=100), batch_size=1)
    assert batch.ids.tolist() == [[BOS, 1, SPECIAL, 2, BOS]]
    assert batch.pos.tolist() == [[-1, 0, -1, 2, -1]]
    assert batch.windows.start.tolist() == [0]


def test_chunks_read_the_bos_name_in_a_text_as_the_token(subject_folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(subject_folder)
    chunker = Chunker(tokenizer, Settings(context_length=32, tokens=100), 1)
    [(_, batch)] = chunker.batches(["a<|bos|>b"])
    assert batch.ids[0, :4].tolist() == [0, *tokenizer.convert_tokens_to_ids(["a", "<|bos|>", "b"])]
    assert batch.pos[0, :4].tolist() == [-1, 0, -1, 2]


def test_a_tokenizer_without_bos_gets_none() -> None:
    _, [batch] = chunked([[1, 2, 3]], Settings(context_length=4, window=2, tokens=100), batch_size=1, bos=None)
    assert batch.pos.tolist() == [[0, 1, 2, -1]]
    assert batch.ids[0, :3].tolist() == [1, 2, 3]


def test_a_vocabulary_larger_than_two_bytes_hold_is_stored_in_four(tmp_path: Path) -> None:
    for vocabulary, dtype in ((1 << 16, np.uint16), ((1 << 16) + 1, np.uint32)):
        settings = Settings(context_length=2, window=2, tokens=9)
        chunked([[65535, 1]], settings, file=tmp_path / "tokens.raw", vocabulary=vocabulary)
        assert np.fromfile(tmp_path / "tokens.raw", dtype=dtype).tolist() == [65535, 1]


def test_reading_ends_with_the_last_token_wanted() -> None:
    chunker, _ = chunked(repeat([1, 2, 3]), Settings(context_length=2, window=1, tokens=100))
    assert chunker.n_tokens == 100
    assert len(chunker.test) == 34  # 33 documents of three tokens and the first token of another


def test_the_seed_decides_the_split_and_the_fraction_its_share() -> None:
    # 2000 documents, a quarter to test: 500, with a standard deviation of √(2000 · ¼ · ¾) ≈ 19.
    documents = [[1 + n % 8, 1 + n // 8 % 8, 1 + n // 64 % 8, 1 + n // 512] for n in range(2000)]
    sides = []
    for seed in (0, 1):
        settings = Settings(context_length=4, window=4, tokens=10**6, test_fraction=0.25, seed=seed)
        sides.append(np.array(chunked(documents, settings, 64)[0].test))
    assert all(abs(int(side.sum()) - 500) < 4 * 19 for side in sides)
    # Of both splits by chance: 2000 / 16 = 125, with a standard deviation of √(2000 · 1/16 · 15/16) ≈ 11.
    assert abs(int((sides[0] & sides[1]).sum()) - 125) < 4 * 11


@pytest.mark.parametrize("documents", [pytest.param([], id="none"), pytest.param([[], []], id="empty")])
def test_a_corpus_without_a_token_is_refused(documents: list[list[int]]) -> None:
    with pytest.raises(UserError, match=r"^the corpus is empty: none of its documents holds a token$"):
        chunked(documents, Settings())


def test_empty_documents_are_left_out() -> None:
    chunker, _ = chunked([[], [1, 2], [], [3]], Settings(context_length=2, window=2, tokens=10))
    assert chunker.offset.tolist() == [0, 2, 3]
