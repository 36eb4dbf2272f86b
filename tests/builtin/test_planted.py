"""The planted store: what is said of its latents is so, on every text that a grader can get."""

from hashlib import sha256
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from inspect_autointerp.builtin.planted import HOOKPOINT, TOKENS
from inspect_autointerp.builtin.planted.claims import BY_TEXT, CLAIMS
from inspect_autointerp.builtin.planted.corpus import LINE, documents
from inspect_autointerp.builtin.planted.latents import FAMILY, LATENTS, Planted
from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.latent import Context
from inspect_autointerp.solvers.prompt import parse_explanation
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import active_tokens, visible


def contexts_of(store: Store, index: int) -> LatentContexts:
    return LatentContexts(store, store.at(HOOKPOINT).latent(index))


def texts(store: Store) -> list[str]:
    """All windows of the corpus; none runs over the end of a document."""
    ids = store.tokens.reshape(-1, store.window).astype(np.int64)
    return [visible(text) for text, _ in store.detokenizer.windows(ids)]


@pytest.mark.parametrize(("window", "most"), [(None, 10_000), (LINE, 300)], ids=["whole", "cut"])
def test_true_explanation_holds_iff_the_latent_fires(window: int | None, most: int, planted_store: Path) -> None:
    store = Store(planted_store, window=window)
    rng = np.random.default_rng(0)
    for index, planted in enumerate(LATENTS):
        contexts = contexts_of(store, index)
        for split in ("explain", "test"):
            contexts_of_split = contexts.activating(split)
            assert len(contexts_of_split) >= 90
            for kind in ("importance", *negative_kinds(store, HOOKPOINT, "all")):
                silent = contexts.silent(kind, split, most, rng)
                assert len(silent) >= 50, f"{planted.true.text}: {kind}"
                contexts_of_split += silent
            for context in contexts_of_split:
                assert planted.true.holds(visible(context.text)) == (context.kind == "activating"), context.text


@pytest.mark.parametrize("window", [None, LINE])
def test_the_active_tokens_are_those_that_the_true_explanation_speaks_of(
    window: int | None, planted_store: Path
) -> None:
    def speaks(planted: Planted, context: Context) -> list[bool]:
        spans = planted.true.spans(visible(context.text))
        return [any(start < b and a < end for a, b in spans) for start, end in context.spans]

    store = Store(planted_store, window=window)
    for index, planted in enumerate(LATENTS):
        for context in contexts_of(store, index).activating("test"):
            assert active_tokens(context) == speaks(planted, context), context.text


def test_firing_share_is_that_of_the_true_explanation(planted_store: Path) -> None:
    store = Store(planted_store)
    windows = texts(store)
    assert len(windows) == store.manifest.n_windows == TOKENS // 32
    for index, planted in enumerate(LATENTS):
        share = np.mean([planted.true.holds(text) for text in windows])
        assert store.at(HOOKPOINT).latent(index).firing_share == pytest.approx(share, abs=1e-12)
        assert 0.008 < share < 0.3


def test_too_broad_is_more_too_narrow_is_less_and_wrong_is_something_else(planted_store: Path) -> None:
    windows = texts(Store(planted_store))
    holds = {name: np.array([claim.holds(text) for text in windows]) for name, claim in CLAIMS.items()}
    holds_by_text = {claim.text: holds[name] for name, claim in CLAIMS.items()}
    for planted in LATENTS:
        true, broad, narrow, wrong = (
            holds_by_text[claim.text] for claim in (planted.true, planted.too_broad, planted.too_narrow, planted.wrong)
        )
        assert not (true & ~broad).any()
        assert broad.sum() > 1.15 * true.sum()
        assert not (narrow & ~true).any()
        assert 0 < narrow.sum() < 0.75 * true.sum()
        # Independent of it but for the room in a line: on a random window as likely as on one of the latent's.
        assert abs(wrong[true].mean() - wrong.mean()) < 0.08


def test_explanations_are_told_apart_by_their_words() -> None:
    assert len(BY_TEXT) == len(CLAIMS)
    for planted in LATENTS:
        assert len({planted.true, planted.too_broad, planted.too_narrow, planted.wrong}) == 4
    assert len({planted.true for planted in LATENTS}) == len(LATENTS)
    assert all(visible(text) == text == parse_explanation(f"EXPLANATION: {text}") for text in BY_TEXT)


def test_a_latents_neighbours_are_its_family(planted_store: Path) -> None:
    store = Store(planted_store)
    for index in range(len(LATENTS)):
        neighbours = store.at(HOOKPOINT).neighbours("neighbours", index)
        first = index // FAMILY * FAMILY
        assert set(neighbours.tolist()) == set(range(first, first + FAMILY)) - {index}


def test_the_corpus_is_the_same_everywhere() -> None:
    tokens = list(chain.from_iterable(documents(32_000, seed=0)))
    assert len(tokens) == 32_000
    assert sha256("|".join(tokens).encode()).hexdigest()[:16] == "2b56f2d15093193e"
    assert tokens != list(chain.from_iterable(documents(32_000, seed=1)))


def test_a_line_is_sixteen_tokens_as_the_tokenizer_reads_it(planted_store: Path) -> None:
    tokenizer = Tokenizer.from_file(str(planted_store / "tokenizer.json"))
    for document in documents(64_000, seed=0):
        assert all((token == "\n") == (i % LINE == LINE - 1) for i, token in enumerate(document))
        encoded = tokenizer.encode("".join(document))
        assert [tokenizer.decode([id]) for id in encoded.ids] == document


@pytest.mark.parametrize(
    ("name", "text", "spoken"),
    [
        ("negation", "is not ready, never late", ["ready", "late"]),
        ("negation", "a knot ready, not", []),
        ("colour", "a coloured, blue and reddish red⏎", ["blue", "red"]),
        ("digit", "in 7 of 1987", ["7"]),
        ("quantity", "in seven of 1987", ["seven", "1987"]),
        ("name", "Alice at NASA in Oslo", ["Alice", "Oslo"]),
        ("page", "(page) and (note)", [")"]),
        ("opening", "# maps the narrow⏎* carry the", ["# maps the", "* carry the"]),
    ],
)
def test_claims_speak_of_what_they_say(name: str, text: str, spoken: list[str]) -> None:
    assert [text[start:end] for start, end in CLAIMS[name].spans(text)] == spoken
    assert CLAIMS[name].holds(text) == bool(spoken)
