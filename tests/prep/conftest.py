"""Coders and corpora to make stores of."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.settings import Settings

if TYPE_CHECKING:
    import torch

    from inspect_autointerp.prep.run.run_spec import Job


@pytest.fixture(scope="session")
def save_coder() -> Callable[..., Path]:
    """Write a random SAE as SAELens itself does: `save_coder(folder, "topk", k=4)`."""
    import torch
    from sae_lens.registry import get_sae_class

    def save(folder: Path, architecture: str, *, d_in: int = 32, d_sae: int = 64, seed: int = 1, **cfg: Any) -> Path:
        hook = cfg.pop("hook", None)
        torch.manual_seed(seed)
        sae_class, config_class = get_sae_class(architecture)
        sae: Any = sae_class(config_class(d_in=d_in, d_sae=d_sae, dtype="float32", device="cpu", **cfg))
        if hook:
            sae.cfg.metadata.hf_hook_name = hook
        with torch.no_grad():
            for parameter in sae.parameters():
                parameter.normal_()
        sae.save_model(folder)
        return folder

    return save


@pytest.fixture
def x() -> "torch.Tensor":
    """Activations of 50 tokens at a hookpoint of width 32."""
    import torch

    return torch.randn((50, 32), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven small texts: six beginnings of the standard library's documents, and one shorter than a window."""
    from inspect_autointerp.prep.corpus.documents import stdlib_documents

    folder = tmp_path_factory.mktemp("corpus")
    for number, text in enumerate(islice(stdlib_documents(), 6)):
        (folder / f"{number}.txt").write_text(text[:3000], encoding="utf-8")
    (folder / "0-short.md").write_text("A short text.", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def prep(subject_folder: Path, sae_folder: Path, corpus_folder: Path) -> Callable[..., Manifest]:
    """Make a small store: `prep(folder, **what differs from the defaults)`, settings and arguments alike."""
    from inspect_autointerp.prep.run import run
    from inspect_autointerp.prep.run.run_spec import Job

    def make(output: Path, *, subject: Path = subject_folder, coders: Any = None, **options: Any) -> Manifest:
        chosen: dict[str, Any] = {"corpus": str(corpus_folder), "tokens": 5000, "context_length": 64}
        chosen |= {"window": 32, "sample": 6, "top": 3, "pool": 30}
        chosen |= {field.name: options.pop(field.name) for field in fields(Settings) if field.name in options}
        job = {field.name: options.pop(field.name) for field in fields(Job) if field.name in options}
        job |= {"subject": str(subject), "coders": [str(coder) for coder in coders or [sae_folder]]}
        return run.prep(Job(**job, settings=Settings(**chosen)), output, progress=False, **options)

    return make


@pytest.fixture
def own_code(subject_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The random subject as a checkpoint with code of its own, which it says when it runs."""
    folder = tmp_path / "own_code"
    shutil.copytree(subject_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    config["model_type"] = "mystery"
    config["auto_map"] = {"AutoConfig": "own.Config", "AutoModel": "own.Base", "AutoModelForCausalLM": "own.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(
        "import pathlib\n"
        "from transformers import LlamaConfig, LlamaForCausalLM, LlamaModel\n"
        f"pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
        "class Config(LlamaConfig):\n    model_type = 'mystery'\n"
        "class Base(LlamaModel):\n    config_class = Config\n"
        "class Model(LlamaForCausalLM):\n    config_class = Config\n"
    )
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    return folder


@pytest.fixture(scope="session")
def fast_job(
    tmp_path_factory: pytest.TempPathFactory, save_coder: Callable[..., Path], subject_folder: Path, corpus_folder: Path
) -> "Job":
    """Five batches at two hookpoints: a run to repeat some hundred times."""
    from inspect_autointerp.prep.run.run_spec import Job

    folder = tmp_path_factory.mktemp("coders")
    coders = [
        save_coder(folder / hook, "topk", k=4, d_sae=16, seed=seed, hook=f"model.{hook}")
        for seed, hook in enumerate(("layers.1", "layers.2.mlp"))
    ]
    settings = Settings(
        corpus=str(corpus_folder), tokens=450, context_length=64, window=16, sample=4, top=2, pool=8, min_active=0
    )
    return Job(subject=str(subject_folder), coders=[str(path) for path in coders], settings=settings, batch_size=2)


@pytest.fixture(scope="session")
def fast_store(fast_job: "Job", tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the store that `fast_job` makes, uninterrupted."""
    from inspect_autointerp.prep.run.run import prep

    folder = tmp_path_factory.mktemp("fast") / "store"
    prep(fast_job, folder, progress=False)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def fast_prep(fast_job: "Job", fast_store: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Run it: `fast_prep(folder, minutes between checkpoints, **options of prep)` makes `folder / "store"`.

    The subject is loaded once and runs once on each batch. What selection holds is sorted out several times.
    """
    from inspect_autointerp.prep.run import run, scan
    from inspect_autointerp.prep.select.selector import Selector

    def once(key: object, compute: Callable[[], Any]) -> Any:
        if key not in _computed:
            _computed[key] = compute()
        return _computed[key]

    load, encode = scan.load_sites, scan.Scan.encode
    monkeypatch.setattr(scan, "load_sites", lambda job: once("sites", lambda: load(job)))
    monkeypatch.setattr(scan, "version", cache(scan.version))
    monkeypatch.setattr(scan, "Selector", partial(Selector, buffer=300))
    monkeypatch.setattr(scan.Scan, "encode", lambda self, batch: once(batch.pos.tobytes(), lambda: encode(self, batch)))

    def make(folder: Path, minutes: float = 0, **options: Any) -> Path:
        run.prep(fast_job, folder / "store", checkpoint_minutes=minutes, progress=False, **options)
        return folder / "store"

    return make


_computed: dict[object, Any] = {}


@pytest.fixture
def memory() -> Iterator[str]:
    """A folder in memory, under a URL."""
    yield "memory://corpus"
    fsspec.filesystem("memory").rm("/", recursive=True)


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory, prep: Any, save_coder: Any) -> Path:
    """The folder of the stores of `compared_stores`."""
    from tests.prep.compared_stores import make_stores

    folder = tmp_path_factory.mktemp("compared")
    make_stores(folder, prep, save_coder)
    return folder
