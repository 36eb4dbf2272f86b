"""Tests of the rows of coders, and of `autointerp export-vectors`, which writes them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from tests.prep.test_gemma_scope import save_gemma_scope
from tests.prep.test_sparsify import save_sparsify
from torch import Tensor
from typer.testing import CliRunner

from inspect_autointerp import cli
from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders import Coder, load_coder
from inspect_autointerp.prep.engines import coder_rows
from inspect_autointerp.store.freeze import freeze
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store
from inspect_autointerp.vectors.file import FORMAT, read_vectors

Prep = Callable[..., Manifest]
SAELENS = {
    "topk": {"k": 8},
    "topk by norm": {"k": 8, "rescale_acts_by_decoder_norm": True},
    "jumprelu": {"apply_b_dec_to_input": True},
    "jumprelu without b_dec": {"apply_b_dec_to_input": False},
    "standard": {},
    "jumprelu_transcoder": {"d_out": 16, "apply_b_dec_to_input": False},
}


@pytest.fixture(scope="module")
def wide_store(tmp_path_factory: pytest.TempPathFactory, sae_folder: Path, prep: Prep) -> Path:
    """A store of four hookpoints, of 32 and of 64 dimensions."""
    folder = tmp_path_factory.mktemp("wide")
    mlp = "layers.1.mlp.down_proj:input"
    hookpoints = ["layers.1", mlp, "layers.2", "layers.2.mlp.down_proj:input"]
    coders = [sae_folder, "neurons:4", "random:100x4", "neurons:4:rotated"]
    prep(folder / "store", coders=coders, hookpoints=hookpoints, tokens=2000)
    return folder / "store"


def export(*arguments: object) -> Any:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(cli.app, ["export-vectors", *map(str, arguments)])
    if isinstance(result.exception, UserError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def rows_of(coder: Coder, monkeypatch: pytest.MonkeyPatch, store: Store, latents: list[int]) -> Any:
    """The rows of a coder that was loaded already, as if it were the store's."""
    monkeypatch.setattr(coder_rows, "coder_of", lambda *_: coder)
    return coder_rows.coder_rows(store, "layers.1", latents, "reading vectors")


def pre_activations(rows: Any, x: Tensor) -> np.ndarray:
    return x.numpy() @ rows.encoder.T + rows.encoder_bias


def check(coder: Coder, rows: Any, x: Tensor, latents: list[int]) -> None:
    """Check that a latent fires as its exported numbers have it: encoder · x + bias, above any threshold."""
    token, latent, value = coder.encode(x)
    mine = torch.isin(latent, torch.tensor(latents))
    assert mine.sum() > 20
    place = np.searchsorted(latents, latent[mine].numpy())
    said_by_rows = pre_activations(rows, x)[token[mine].numpy(), place]
    np.testing.assert_allclose(said_by_rows, value[mine].numpy(), rtol=1e-4, atol=1e-4)
    if rows.threshold is not None:
        fires = np.zeros((len(x), len(latents)), dtype=bool)
        fires[token[mine].numpy(), place] = True
        np.testing.assert_array_equal(pre_activations(rows, x) > rows.threshold, fires)


@pytest.mark.parametrize("name", SAELENS)
def test_exported_rows_give_the_activations_of_saelens_coders(
    name: str, tmp_path: Path, save_coder: Any, x: Tensor, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coder: Any = load_coder(str(save_coder(tmp_path, name.split()[0], **SAELENS[name])))
    latents = list(range(3, 60))
    rows = rows_of(coder, monkeypatch, Store(store_folder), latents)
    check(coder, rows, x, latents)
    assert (rows.threshold is not None) == name.startswith("jumprelu")
    np.testing.assert_array_equal(rows.decoder, coder.decoder[latents].numpy())
    assert (rows.facts["d_in"], rows.facts["d_out"]) == (32, 16 if "transcoder" in name else 32)


@pytest.mark.parametrize("transcode", [False, True])
def test_exported_rows_give_the_activations_of_folders(
    transcode: bool, tmp_path: Path, x: Tensor, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latents = list(range(64))
    coder: Any = load_coder(str(save_sparsify(tmp_path / "layers.1", k=8, transcode=transcode)))
    check(coder, rows_of(coder, monkeypatch, Store(store_folder), latents), x, latents)
    scope: Any = load_coder(str(save_gemma_scope(tmp_path / "scope")))
    latents = list(range(scope.n_latents))
    rows = rows_of(scope, monkeypatch, Store(store_folder), latents)
    assert rows.threshold is not None
    check(scope, rows, x, latents)


def test_a_file_has_all_hookpoints_at_their_own_widths(wide_store: Path, tmp_path: Path) -> None:
    file, store = tmp_path / "all.safetensors", Store(wide_store)
    result = export(wide_store, "--latents", "2,5,9", "-o", file)
    assert "layers.1.mlp.down_proj:input: encoder 3 × 64, decoder 3 × 64" in result.output
    with safe_open(file, framework="numpy") as opened:
        metadata, tensors = opened.metadata() or {}, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    assert metadata["format"] == FORMAT
    assert metadata["store"] == store.digest
    assert metadata["subject"] == store.manifest.subject
    about = json.loads(metadata["hookpoints"])
    assert list(about) == store.hookpoints
    for name, facts in about.items():
        assert facts["coder_sha256"] == store.at(name).entry.sha256
        assert facts["latents"] == [f"{name}/{index}" for index in (2, 5, 9)]
        rows = tensors[f"{name}/decoder"]
        np.testing.assert_allclose(tensors[f"{name}/decoder_norm"], np.linalg.norm(rows, axis=1), rtol=1e-5)
        assert rows.shape == (3, 64 if "down_proj" in name else 32)
    neurons, rotated = (tensors[f"layers.{n}.mlp.down_proj:input/encoder"] for n in (1, 2))
    np.testing.assert_array_equal(neurons, np.eye(64, dtype=np.float32)[[2, 5, 9]])
    assert abs(rotated[0]).max() < 0.9
    np.testing.assert_allclose(np.linalg.norm(rotated, axis=1), 1, rtol=1e-5)
    assert {name.rpartition("/")[2] for name in tensors if name.startswith("layers.2/")} == {
        *("index", "encoder", "encoder_norm", "decoder", "decoder_norm"),
    }


def test_a_frozen_store_gives_the_same_vectors(wide_store: Path, tmp_path: Path) -> None:
    whole = Store(wide_store)
    freeze(whole, {"layers.1": [3, 8]}, tmp_path / "frozen", selection="3,8")
    export(wide_store, "--latents", "3,8", "--hookpoint", "layers.1", "-o", tmp_path / "whole.safetensors")
    export(tmp_path / "frozen", "-o", tmp_path / "frozen.safetensors")
    ours, theirs = (read_vectors(tmp_path / f"{name}.safetensors", "layers.1") for name in ("whole", "frozen"))
    np.testing.assert_array_equal(theirs.decoder, ours.decoder)
    assert theirs.names == ["layers.1/3", "layers.1/8"]
    with pytest.raises(UserError, match=r"a frozen store, which holds 2 of the 256 latents of layers.1"):
        export(tmp_path / "frozen", "--latents", "4", "-o", tmp_path / "x.safetensors")
    assert not (tmp_path / "x.safetensors").exists()


def test_a_coder_that_is_not_at_hand_is_one_line(tmp_path: Path, sae_folder: Path, prep: Prep) -> None:
    shutil.copytree(sae_folder, tmp_path / "sae")
    prep(tmp_path / "store", coders=[tmp_path / "sae"], tokens=1000)
    export(tmp_path / "store", "--latents", "1", "-o", tmp_path / "x.safetensors")
    with pytest.raises(UserError, match="exists; give another --output, or --overwrite"):
        export(tmp_path / "store", "-o", tmp_path / "x.safetensors")
    shutil.rmtree(tmp_path / "sae")
    with pytest.raises(UserError, match=r"no such folder.*put the coder where the store names it"):
        export(tmp_path / "store", "-o", tmp_path / "y.safetensors")
    assert not (tmp_path / "y.safetensors").exists()
