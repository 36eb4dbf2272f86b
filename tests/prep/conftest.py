"""Coders and corpora to make stores of."""

import json
import shutil
from collections.abc import Callable
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from inspect_autointerp.manifest import Manifest
from inspect_autointerp.settings import Settings

if TYPE_CHECKING:
    import torch


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
    from inspect_autointerp.prep.corpus import stdlib_documents

    folder = tmp_path_factory.mktemp("corpus")
    for number, text in enumerate(islice(stdlib_documents(), 6)):
        (folder / f"{number}.txt").write_text(text[:3000], encoding="utf-8")
    (folder / "0-short.md").write_text("A short text.", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def prep(subject_folder: Path, sae_folder: Path, corpus_folder: Path) -> Callable[..., Manifest]:
    """Make a small store: `prep(folder, **what differs from the defaults)`, settings and arguments alike."""
    from inspect_autointerp.prep import run
    from inspect_autointerp.prep.job import Job

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
