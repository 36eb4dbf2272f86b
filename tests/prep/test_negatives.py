"""Kinds of non-activating contexts added to a finished store, against searches that compare everything by hand."""

import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from inspect_autointerp import cli
from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.negatives.add_negatives import extend
from inspect_autointerp.prep.negatives.cooccurrence import cooccurring
from inspect_autointerp.prep.negatives.similar import similar
from inspect_autointerp.prep.negatives.window_embeddings import SentenceEmbedding, Tfidf
from inspect_autointerp.store.postings import POOL, SAMPLE
from inspect_autointerp.store.store import Store

HOOKPOINT = "layers.1"


@pytest.fixture(scope="module")
def store(store_folder: Path) -> Store:
    return Store(store_folder)


@pytest.fixture
def copy(store_folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(store_folder, tmp_path / "store")
    return tmp_path / "store"


def usual(store: Store) -> list[int]:
    """Latents that neither fire hardly anywhere nor almost everywhere."""
    return [i for i in range(256) if 50 < store.at(HOOKPOINT).latent(i).n_windows < 900]


def test_cooccurring_latents_are_those_of_the_largest_jaccard_index(store: Store) -> None:
    postings, n = store.at(HOOKPOINT).postings, 256
    pooled = [set(starts[(flags & POOL) > 0].tolist()) for starts, flags in map(postings.windows, range(n))]
    neighbours = cooccurring(store, HOOKPOINT, n=4, block=1000)
    for a in range(0, n, 5):
        union = {b: len(pooled[a] | pooled[b]) for b in range(n) if b != a}
        index = {b: len(pooled[a] & pooled[b]) / size for b, size in union.items() if size}
        nearest = sorted((b for b in index if index[b] > 0), key=lambda b: (-index[b], b))[:4]
        rest = [a] * (4 - len(nearest))
        assert neighbours["neighbours"][a].tolist() == nearest + rest
        np.testing.assert_allclose(neighbours["jaccard"][a], [index[b] for b in nearest] + [0] * len(rest), rtol=1e-6)


def test_similar_windows_are_the_silent_ones_of_the_largest_mean_cosine(store: Store) -> None:
    """TF-IDF by hand: (1 + ln count) · (1 + ln((1 + n) / (1 + windows that hold it))), each window of length 1."""
    latents = usual(store)[:3]
    windows = similar(store, HOOKPOINT, Tfidf(store), latents, n=7, queries=5, block=2)
    window = store.settings.window

    def counts(starts: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(store.tokens[start : start + window], minlength=600) for start in starts])

    idf = 1 + np.log((1 + len(store.pool)) / (1 + (counts(store.pool) > 0).sum(0)))

    def vectors(starts: np.ndarray) -> np.ndarray:
        n = counts(starts).astype(float)
        weighted = np.where(n > 0, 1 + np.log(np.maximum(n, 1)), 0) * idf
        return weighted / np.linalg.norm(weighted, axis=1, keepdims=True)

    for latent in latents:
        starts, flags = store.at(HOOKPOINT).postings.windows(latent)
        expected = []
        for split in ("explain", "test"):
            asked = starts[((flags & SAMPLE) > 0) & store.in_split(starts, split)]
            asked = asked[[i * (len(asked) - 1) // 4 for i in range(5)]] if len(asked) > 5 else asked
            pool = store.pool[store.in_split(store.pool, split)]
            pool = pool[~np.isin(pool, starts[(flags & POOL) > 0])]
            cosine = vectors(pool) @ vectors(asked).mean(0)
            expected.append(np.sort(cosine)[::-1][:7])
            listed = windows["window"][windows["indptr"][latent] : windows["indptr"][latent + 1]].astype(np.int64)
            listed = listed[store.in_split(listed, split)]
            assert set(listed) <= set(pool)
            np.testing.assert_allclose(vectors(listed) @ vectors(asked).mean(0), expected[-1], rtol=1e-5)
    assert windows["indptr"][-1] == sum(np.diff(windows["indptr"])[latents])


def test_a_sentence_embedding_is_the_librarys_own(store: Store, tmp_path: Path) -> None:
    library: Any = import_module("sentence_transformers")
    models: Any = import_module("sentence_transformers.models")
    transformers: Any = import_module("transformers")
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "self", "def", "(", ")"]))
    transformers.BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path / "bert")
    config = transformers.BertConfig(
        vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    transformers.BertModel(config).save_pretrained(tmp_path / "bert")
    parts = [models.Transformer(str(tmp_path / "bert")), models.Pooling(8)]
    library.SentenceTransformer(modules=parts, device="cpu").save(str(tmp_path / "model"))
    embed = SentenceEmbedding(store, str(tmp_path / "model"), "cpu")
    texts = [store.detokenizer(store.tokens[start : start + 32].tolist())[0] for start in store.pool[:5]]
    expected = library.SentenceTransformer(str(tmp_path / "model"), device="cpu").encode(texts)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(embed(store.pool[:5]), expected, atol=1e-6)
    windows = similar(store, HOOKPOINT, embed, usual(store)[:1], n=3)
    assert windows["indptr"][-1] == 6
    with pytest.raises(UserError, match=r"^--embedding .+/none: cannot be loaded \(.+\)$"):
        SentenceEmbedding(store, str(tmp_path / "none"))


def test_what_is_added_leaves_the_digest_and_is_verified_like_the_rest(copy: Path) -> None:
    before = Store(copy)
    extend(before, "similar", iter([(HOOKPOINT, {"a": np.arange(3)})]), "by hand")
    after = Store(copy)
    assert after.digest == before.digest
    assert after.manifest.negatives == {"similar": "by hand"}
    extend(after, "similar", iter([(HOOKPOINT, {"a": np.arange(4)})]), "again")
    extend(Store(copy), "cooccurring", iter([(HOOKPOINT, {"b": np.arange(2)})]), "too")
    both = Store(copy)
    assert both.manifest.negatives == {"similar": "again", "cooccurring": "too"}
    assert load_file(copy / "negatives" / "similar" / f"{HOOKPOINT}.safetensors")["a"].tolist() == [0, 1, 2, 3]
    assert both.digest == before.digest
    (copy / "negatives" / "similar" / f"{HOOKPOINT}.safetensors").write_bytes(b"x")
    with pytest.raises(UserError, match=r"negatives/similar/layers\.1\.safetensors changed since it was written"):
        Store(copy)


def test_an_interruption_leaves_the_store_as_it_was(copy: Path) -> None:
    def interrupted():
        yield HOOKPOINT, {"a": np.arange(3)}
        raise KeyboardInterrupt

    before = Store(copy).manifest
    with pytest.raises(KeyboardInterrupt):
        extend(Store(copy), "similar", interrupted(), "by hand")
    assert Store(copy).manifest == before


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["autointerp", "negatives", *map(str, arguments)])
    with pytest.raises(SystemExit) as info:
        cli.main()
    return int(info.value.code or 0)


def test_the_command_adds_both_kinds(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, copy, "--latents", "0:5", "-n", "3") == 0
    printed = capsys.readouterr().out
    assert "similar contexts added (TF-IDF of tokens, latents 0:5, 3 each)" in printed
    assert "cooccurring contexts added" in printed
    counts = np.diff(load_file(copy / "negatives" / "similar" / f"{HOOKPOINT}.safetensors")["indptr"])
    assert max(counts[:5]) == 6, "three of each split, where it is silent on as many"
    assert not counts[5:].any()
    assert set(Store(copy).manifest.negatives) == {"similar", "cooccurring"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--kind", "random"), "--kind random: unknown; give similar or cooccurring"),
        (("--latents", "0:9999"), "latents=0:9999: out of range"),
        (("--kind", "similar", "--embedding", "no/such-model"), "--embedding no/such-model: cannot be loaded"),
    ],
)
def test_mistakes_are_one_line(
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    before = Store(copy).manifest
    assert run(monkeypatch, copy, *arguments) == 2
    assert f"autointerp: {message}" in capsys.readouterr().err
    assert Store(copy).manifest == before


def neighbours(value: int) -> dict[str, np.ndarray]:
    return {"neighbours": np.full((256, 4), value, dtype=np.uint32)}


@pytest.mark.parametrize("fails_at", range(4))
def test_contexts_replaced_with_an_interruption_leave_a_whole_store(
    copy: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    extend(Store(copy), "cooccurring", iter([(HOOKPOINT, neighbours(1))]), "first")
    digest, left = Store(copy).digest, [None] * fails_at
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        try:
            extend(Store(copy), "cooccurring", iter([(HOOKPOINT, neighbours(2))]), "second")
        except KeyboardInterrupt:
            assert fails_at < 3
    store = Store(copy)
    assert store.digest == digest
    if "cooccurring" in store.manifest.negatives:
        expected = {"first": 1, "second": 2}[store.manifest.negatives["cooccurring"]]
        assert store.at(HOOKPOINT).neighbours("cooccurring", 0).tolist() == [expected] * 4


def test_contexts_replaced_under_an_open_store_are_refused(copy: Path) -> None:
    extend(Store(copy), "cooccurring", iter([(HOOKPOINT, neighbours(1))]), "first")
    before, late = Store(copy), Store(copy)
    before.at(HOOKPOINT).neighbours("cooccurring", 0)
    extend(Store(copy), "cooccurring", iter([(HOOKPOINT, neighbours(2))]), "second")
    assert before.at(HOOKPOINT).neighbours("cooccurring", 0).tolist() == [1] * 4
    with pytest.raises(UserError, match="the store was replaced while it was open"):
        late.at(HOOKPOINT).neighbours("cooccurring", 0)
    assert Store.open(str(copy), None, before.key).digest == Store(copy).digest
