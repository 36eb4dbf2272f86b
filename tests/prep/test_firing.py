"""The firing engine on a small random model, against the store that prep made of it and SAELens's own encoding."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspect_autointerp.errors import UserError
from inspect_autointerp.models.activations import Fired, Texts
from inspect_autointerp.prep.corpus.documents import stdlib_documents
from inspect_autointerp.prep.engines.activations import ReadingSubject
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store

Prep = Callable[..., Manifest]
TEXTS = ["def f(x):\n    return x", "A short text.", "", "for i in range(10):\n    print(i)\n" * 3, "é ü 漢字", "a"]


@pytest.fixture(scope="module")
def store(store_folder: Path) -> Store:
    return Store(store_folder)


@pytest.fixture(scope="module")
def engine(store: Store) -> ReadingSubject:
    return ReadingSubject(store, "layers.1", device="cpu")


def read(engine: ReadingSubject, latent: int, *texts: str) -> list[Fired]:
    [answer] = engine([Texts(latent, texts)])
    return answer


def test_whole_documents_of_a_store_have_the_activations_that_it_keeps(tmp_path: Path, prep: Prep) -> None:
    (tmp_path / "corpus").mkdir()
    for number, text in enumerate(islice(stdlib_documents(), 40)):
        short = text.encode()[:56].decode(errors="ignore")  # a byte is a token at most: it fits one chunk on any Python
        (tmp_path / "corpus" / f"{number:02}.txt").write_text(short, encoding="utf-8")
    prep(tmp_path / "store", corpus=str(tmp_path / "corpus"), window=8, sample=1000, pool=8)
    store = Store(tmp_path / "store")
    engine = ReadingSubject(store, "layers.1", device="cpu", tokens=300)
    starts = np.unique(store.document_bounds(np.arange(store.manifest.n_tokens))[0])
    ends = np.append(starts[1:], store.manifest.n_tokens)
    assert (ends - starts <= 64).all(), "whole documents in one chunk"
    texts = [store.detokenizer(store.tokens[a:b].tolist())[0] for a, b in zip(starts, ends, strict=True)]
    postings, compared = store.at("layers.1").postings, 0
    questions = [Texts(latent, texts) for latent in range(256)]
    for latent, fired in enumerate(engine(questions)):
        assert [len(one.activations) for one in fired] == (ends - starts).tolist()
        activations = np.concatenate([one.activations for one in fired])
        windows, _ = postings.windows(latent)
        inside = np.unique((windows[:, None] + np.arange(8)).ravel())
        kept = np.zeros(len(activations), dtype=np.float32)
        pos, act = postings.activations(latent)
        kept[pos] = act
        np.testing.assert_allclose(activations[inside].astype(np.float16), kept[inside], rtol=1e-3, atol=1e-4)
        compared += int((kept[inside] > 0).sum())
    assert compared > 1000


def test_it_is_what_the_whole_model_and_the_sae_say(store: Store, engine: ReadingSubject) -> None:
    from sae_lens import SAE
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(store.manifest.subject)
    sae = SAE.load_from_disk(store.at("layers.1").entry.coder)
    ids = engine.subject.tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        out = model(torch.tensor([[0, *ids]]), output_hidden_states=True).hidden_states[2]
        dense = sae.encode(out)[0, 1:].numpy()
    for latent in np.flatnonzero(dense.any(axis=0)).tolist():
        [answer] = read(engine, latent, TEXTS[0])
        np.testing.assert_allclose(answer.activations, dense[:, latent], rtol=0, atol=1e-5)
    loaded = [bool(list(layer.parameters())) for layer in engine.subject.base.layers]
    assert loaded == [True, True, False, False], "no deeper than the hookpoint"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.lists(st.tuples(st.integers(0, 255), st.lists(st.sampled_from(TEXTS), max_size=4)), max_size=4),
    tokens=st.integers(1, 400),
)
def test_what_shares_a_batch_does_not_matter(
    asked: list[tuple[int, list[str]]], tokens: int, engine: ReadingSubject
) -> None:
    whole = engine._size.most
    engine._size.most = tokens
    together = engine([Texts(latent, texts) for latent, texts in asked])
    engine._size.most = whole
    assert len(together) == len(asked)
    for (latent, texts), answer in zip(asked, together, strict=True):
        assert len(answer) == len(texts)
        for text, one in zip(texts, answer, strict=True):
            [alone] = read(engine, latent, text)
            assert (one.text, one.spans, one.n_cut) == (alone.text, alone.spans, alone.n_cut) == (text, one.spans, 0)
            np.testing.assert_allclose(one.activations, alone.activations, rtol=0, atol=1e-5)


def test_every_token_has_its_characters_and_no_text_no_tokens(engine: ReadingSubject) -> None:
    for text, answer in zip(TEXTS, read(engine, 3, *TEXTS), strict=True):
        assert "".join(answer.tokens()) == answer.text == text
        assert len(answer.activations) == len(answer.spans)
    assert engine([]) == [] and engine([Texts(0, [])]) == [[]]


def test_special_tokens_never_fire(engine: ReadingSubject) -> None:
    counts = np.zeros(2)
    for latent in range(256):
        [answer] = read(engine, latent, "a <|bos|> b")
        at = answer.tokens().index("<|bos|>")
        counts += answer.activations[at] > 0, (answer.activations > 0).any()
    assert counts[0] == 0 < counts[1]
    [only] = read(engine, 0, "<|bos|>")
    assert only.activations.tolist() == [0.0]


def test_a_text_longer_than_a_chunk_is_cut_and_says_so(store: Store, engine: ReadingSubject) -> None:
    text = "for i in range(10):\n    print(i)\n" * 40
    n = len(engine.subject.tokenizer(text, add_special_tokens=False)["input_ids"])
    [answer] = read(engine, 3, text)
    assert len(answer.activations) == 64 == n - answer.n_cut
    assert text.startswith(answer.text)
    [beginning] = read(engine, 3, answer.text)
    np.testing.assert_allclose(answer.activations, beginning.activations, rtol=0, atol=1e-5)


def test_without_the_subject_one_line_says_so(store: Store, engine: ReadingSubject) -> None:
    folder = Path(store.manifest.subject)
    folder.rename(folder.with_name("away"))
    try:
        with pytest.raises(UserError, match=f"^reading new texts needs what {store.folder} was made of: subject ") as e:
            ReadingSubject(store, "layers.1", device="cpu")
    finally:
        folder.with_name("away").rename(folder)
    assert "\n" not in str(e.value)
