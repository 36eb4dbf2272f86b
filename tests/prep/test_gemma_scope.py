"""Gemma Scope's coders: relu(pre) · (pre > threshold) by hand, on a `params.npz` as the releases hold it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.triples import dense
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders import SaeLensCoder
from inspect_autointerp.prep.coders.gemma_scope import GemmaScopeCoder
from inspect_autointerp.store.manifest import Manifest

RELEASE = "gemma-scope-2b-pt-res/layer_1/width_64/average_l0_9"


def arrays(seed: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shapes = {"W_enc": (32, 64), "W_dec": (64, 32), "b_enc": (64,), "b_dec": (32,), "threshold": (64,)}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def save_gemma_scope(folder: Path, seed: int = 1) -> Path:
    folder.mkdir(parents=True)
    np.savez(folder / "params.npz", **arrays(seed))
    return folder


def test_triples_are_what_the_releases_define(tmp_path: Path, x: Tensor) -> None:
    coder = GemmaScopeCoder(str(save_gemma_scope(tmp_path / RELEASE)))
    p = {name: torch.from_numpy(array) for name, array in arrays().items()}
    pre = torch.addmm(p["b_enc"], x, p["W_enc"])
    expected = torch.relu(pre) * (pre > p["threshold"])  # half of the thresholds are below zero: a relu there
    assert ((p["threshold"] < 0) & (pre < 0) & (pre > p["threshold"])).any()
    triples = coder.encode(x)
    assert torch.equal(dense(triples, (50, 64)), expected)
    assert (triples.value > 0).all()
    assert (triples.token.diff() >= 0).all()
    assert (coder.n_latents, coder.d_in, coder.architecture) == (64, 32, "jumprelu")
    assert coder.decoder is not None
    assert torch.equal(coder.decoder, p["W_dec"])
    assert coder.encoder is not None
    assert torch.equal(coder.encoder, p["W_enc"].T)
    assert coder.model_name is None


def test_triples_are_what_sae_lens_encodes_of_the_same_weights(tmp_path: Path, x: Tensor) -> None:
    folder = save_gemma_scope(tmp_path / RELEASE)
    theirs = tmp_path / "sae_lens"
    theirs.mkdir()
    save_file({name: torch.from_numpy(array) for name, array in arrays().items()}, theirs / "sae_weights.safetensors")
    cfg = {"architecture": "jumprelu", "d_in": 32, "d_sae": 64, "dtype": "float32", "device": "cpu"}
    cfg |= {"apply_b_dec_to_input": False, "normalize_activations": "none", "metadata": {}}
    (theirs / "cfg.json").write_text(json.dumps(cfg), encoding="utf-8")
    ours = dense(GemmaScopeCoder(str(folder)).encode(x), (50, 64))
    assert torch.equal(ours, dense(SaeLensCoder(str(theirs)).encode(x), (50, 64)))


def test_in_bfloat16_it_is_right_within_rounding(tmp_path: Path, x: Tensor) -> None:
    folder = save_gemma_scope(tmp_path / RELEASE)
    exact, rounded = GemmaScopeCoder(str(folder)), GemmaScopeCoder(str(folder), dtype="bfloat16")
    assert exact.sha256 == rounded.sha256
    triples = rounded.encode(x.bfloat16())
    assert triples.value.dtype == torch.float32
    encoded, expected = dense(triples, (50, 64)), dense(exact.encode(x), (50, 64))
    both = (encoded > 0) & (expected > 0)
    # Each operand moves by 2⁻⁸ of itself at most, so each product by 2⁻⁷ and a little; see test_affine.py.
    bound = x.abs() @ torch.from_numpy(arrays()["W_enc"]).abs() * (2.0**-7 + 2.0**-16) + 1e-4
    assert ((encoded - expected).abs() <= bound)[both].all()
    assert both.sum() >= 0.95 * max((encoded > 0).sum(), (expected > 0).sum())


@pytest.mark.parametrize("name", ["W_enc", "b_enc", "threshold"])
def test_weights_that_are_nan_are_refused(tmp_path: Path, x: Tensor, name: str) -> None:
    content = arrays()
    content[name][..., 5] = np.nan
    np.savez(tmp_path / "params.npz", **content)
    message = rf"^coder {tmp_path}( gives NaN or infinite activations|: its thresholds contain NaN)"
    with pytest.raises(UserError, match=message):
        GemmaScopeCoder(str(tmp_path)).encode(x)


def test_names_in_small_letters_are_the_same_names(tmp_path: Path, x: Tensor) -> None:
    folder = save_gemma_scope(tmp_path / "a" / RELEASE)
    other = tmp_path / "b"
    other.mkdir()
    np.savez(other / "params.npz", **{name.replace("W_", "w_"): array for name, array in arrays().items()})
    a, b = GemmaScopeCoder(str(folder)), GemmaScopeCoder(str(other))
    assert a.sha256 == b.sha256
    assert torch.equal(a.encode(x).value, b.encode(x).value)


@pytest.mark.parametrize(
    ("path", "hookpoint"),
    [
        (RELEASE, "layers.1"),
        ("layer_20", "layers.20"),
        ("gemma-scope-2b-pt-mlp/layer_1/width_64/average_l0_9", None),
        ("gemma-scope-2b-pt-att/layer_1/width_64/average_l0_9", None),
        ("gemma-scope-2b-pt-transcoders/layer_1/width_64/average_l0_9", None),
        ("gemma-scope-2b-pt-res/embedding/width_64/average_l0_9", None),
        ("some/folder", None),
    ],
)
def test_the_path_says_the_hookpoint_if_it_is_the_residual_stream(
    tmp_path: Path, path: str, hookpoint: str | None
) -> None:
    assert GemmaScopeCoder(str(save_gemma_scope(tmp_path / path))).hookpoint == hookpoint


def test_of_another_place_the_hookpoint_is_asked_for(prep: Callable[..., Manifest], tmp_path: Path) -> None:
    folder = save_gemma_scope(tmp_path / "gemma-scope-2b-pt-mlp" / "layer_1")
    with pytest.raises(UserError, match=rf"^coder {folder}: it does not say which hookpoint .+; give --hookpoint$"):
        prep(tmp_path / "store", coders=[folder])
    manifest = prep(tmp_path / "store", coders=[folder], hookpoints=["blocks.1.hook_mlp_out"], tokens=300)
    entry = manifest.hookpoints["layers.1.mlp"]
    assert (entry.architecture, entry.width) == ("jumprelu", 64)
    assert entry.sha256 == GemmaScopeCoder(str(folder)).sha256
    assert entry.sha256 != GemmaScopeCoder(str(save_gemma_scope(tmp_path / "other", seed=2))).sha256


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "went-off",)

    pickled: Any = np.array([Bomb()], dtype=object)
    np.savez(tmp_path / "params.npz", **(arrays() | {"threshold": pickled}))
    with pytest.raises(UserError, match=rf"^coder {tmp_path}: its params\.npz cannot be read \(Object arrays cannot"):
        GemmaScopeCoder(str(tmp_path))
    (tmp_path / "params.npz").write_bytes(pickled.dumps())
    with pytest.raises(UserError, match=rf"^coder {tmp_path}: its params\.npz cannot be read \(.*pickled? "):
        GemmaScopeCoder(str(tmp_path))
    assert not (tmp_path / "went-off").exists()


@pytest.mark.parametrize("content", [b"", b"abc", b"PK\x03\x04abc", b"\x93NUMPY"])
def test_what_is_no_archive_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "params.npz").write_bytes(content)
    with pytest.raises(UserError, match=rf"^coder {tmp_path}: its params\.npz cannot be read \(.+\)$"):
        GemmaScopeCoder(str(tmp_path))


def test_arrays_that_are_not_there_or_do_not_fit_are_named(tmp_path: Path) -> None:
    content = arrays()
    del content["threshold"], content["b_dec"]
    np.savez(tmp_path / "params.npz", **content)
    with pytest.raises(UserError, match=rf"^coder {tmp_path}: its params\.npz lacks b_dec, threshold$"):
        GemmaScopeCoder(str(tmp_path))
    turned: Any = np.zeros((64, 32), np.float32)
    np.savez(tmp_path / "params.npz", **(arrays() | {"W_enc": turned}))
    message = rf"^coder {tmp_path}: the shapes in its params\.npz do not fit together \(W_dec float32 \(64, 32\), .+\)$"
    with pytest.raises(UserError, match=message):
        GemmaScopeCoder(str(tmp_path))
