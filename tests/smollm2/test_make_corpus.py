"""The corpus of the SmolLM2 coders: pages to text, no paragraph twice, no document in two files."""

import importlib.util
import struct
import sys
from collections import Counter
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def corpus():
    path = Path(__file__).parents[2] / "smollm2" / "make_corpus.py"
    spec = importlib.util.spec_from_file_location("make_corpus", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_corpus"] = module
    spec.loader.exec_module(module)
    return module


def test_from_html_keeps_sentences_only(corpus):
    sentence = "A sentence that is long enough to be taken for one, with its full stop."
    page = (
        f"<head><title>{sentence}</title></head><nav><p>{sentence}</p></nav><h1>Menu</h1><p>{sentence}</p><pre>x</pre>"
    )
    assert corpus.from_html(page) == sentence


def test_from_html_joins_what_is_marked_up_inline(corpus):
    page = "<p>The <b>VACUUM</b> command\nrebuilds the <i>database file</i>, repacking it into less room.</p>"
    assert corpus.from_html(page) == "The VACUUM command rebuilds the database file, repacking it into less room."


def test_pieces_drop_repeated_paragraphs(corpus):
    seen: set[bytes] = set()
    first = "one " * 150
    assert list(corpus.pieces(f"{first}\n\n{first.upper()}", seen)) == [first.strip()]
    assert list(corpus.pieces(first, seen)) == []


def test_pieces_are_cut_at_paragraphs(corpus):
    paragraphs = [f"{n} " + "word " * 300 for n in range(12)]  # 1,500 characters each
    parts = list(corpus.pieces("\n\n".join(paragraphs), set()))
    assert [part.count("\n\n") + 1 for part in parts] == [3, 3, 3, 3]


def test_split_of_has_the_stated_shares(corpus):
    counts = Counter(corpus.split_of(f"document {n}") for n in range(20_000))
    # Binomial with n = 20,000: four standard deviations are at most 4 * sqrt(0.66 * 0.34 / 20,000) = 0.0134.
    for split, percent in corpus.SPLITS.items():
        assert abs(counts[split] / 20_000 - percent / 100) < 0.0134


def test_definition_has_all_words_of_a_synset(corpus):
    line = '00217777 04 n 02 laying_waste 0 ruin 1 001 @ 00217014 n 0000 | destruction by ruin; "in ruins"  '
    assert corpus.definition(line) == 'laying waste, ruin: destruction by ruin; "in ruins"'


def test_r_strings_of_serialised_characters(corpus):
    data = b"".join(b"\x00\x04\x00\x09" + struct.pack(">i", len(s)) + s for s in (b"CHAPTER 1", b"", b"It is a truth"))
    assert list(corpus.r_strings(data)) == ["CHAPTER 1", "", "It is a truth"]


def test_sources_all_have_a_licence_in_the_notice(corpus):
    notice = (Path(__file__).parents[2] / "smollm2" / "NOTICE").read_text()
    for source in corpus.SOURCES.values():
        assert f"\n  {source.package} " in notice
