"""sparsify's coders: its own arithmetic done by hand, on folders laid out as its `save_to_disk` writes them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.triples import dense
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.sparsify import SparsifyCoder
from inspect_autointerp.store.manifest import Manifest


def save_sparsify(folder: Path, *, d_in: int = 32, n_latents: int = 64, seed: int = 1, **cfg: Any) -> Path:
    """A random coder, in sparsify's own format; `num_latents` is 0 where an expansion factor was given."""
    content = {"activation": "topk", "expansion_factor": n_latents // d_in, "normalize_decoder": True}
    content |= {"num_latents": 0, "k": 4, "multi_topk": False, "skip_connection": False, "transcode": False}
    content |= cfg | {"d_in": d_in}
    generator = torch.Generator().manual_seed(seed)
    shapes = {"encoder.weight": (n_latents, d_in), "encoder.bias": (n_latents,), "W_dec": (n_latents, d_in)}
    shapes |= {"b_dec": (d_in,)} | ({"W_skip": (d_in, d_in)} if content["skip_connection"] else {})
    folder.mkdir(parents=True)
    weights = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    save_file(weights, folder / "sae.safetensors")
    (folder / "cfg.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def reference(folder: Path, x: Tensor) -> Tensor:
    """Densely, what sparsify's `encode` keeps."""
    weights, cfg = load_file(folder / "sae.safetensors"), json.loads((folder / "cfg.json").read_text())
    x = x if cfg["transcode"] else x - weights["b_dec"]
    pre = torch.relu(torch.nn.functional.linear(x, weights["encoder.weight"], weights["encoder.bias"]))
    if cfg["activation"] == "topk":
        value, latent = pre.topk(cfg["k"])
        return torch.zeros_like(pre).scatter(1, latent, value)
    result = torch.zeros_like(pre)
    size = pre.shape[1] // cfg["k"]
    for token in range(len(pre)):
        for begin in range(0, pre.shape[1], size):
            latent = begin + int(pre[token, begin : begin + size].argmax())
            result[token, latent] = pre[token, latent]
    return result


@pytest.mark.parametrize(
    "cfg",
    [
        pytest.param({}, id="topk"),
        pytest.param({"num_latents": 64}, id="topk-with-its-width"),
        pytest.param({"k": 60}, id="topk-some-of-them-negative"),
        pytest.param({"transcode": True}, id="transcoder"),
        pytest.param({"transcode": True, "skip_connection": True}, id="skip-transcoder"),
        pytest.param({"activation": "groupmax", "k": 16}, id="groupmax"),
    ],
)
def test_triples_are_what_sparsify_encodes(tmp_path: Path, x: Tensor, cfg: dict[str, Any]) -> None:
    coder = SparsifyCoder(str(save_sparsify(tmp_path / "layers.1", **cfg)))
    triples = coder.encode(x)
    assert torch.equal(dense(triples, (50, 64)), reference(tmp_path / "layers.1", x))
    assert (triples.value > 0).all()
    assert (triples.token.diff() >= 0).all()
    assert (coder.n_latents, coder.d_in, coder.architecture) == (64, 32, cfg.get("activation", "topk"))
    assert coder.decoder is not None
    weights = load_file(tmp_path / "layers.1" / "sae.safetensors")
    assert torch.equal(coder.decoder, weights["W_dec"])
    assert coder.encoder is not None
    assert torch.equal(coder.encoder, weights["encoder.weight"])
    assert coder.model_name is None


def test_triples_are_what_sae_lens_encodes_of_the_same_weights(tmp_path: Path, x: Tensor) -> None:
    from sae_lens.saes.topk_sae import TopKSAE, TopKSAEConfig

    folder = save_sparsify(tmp_path / "layers.1")
    weights = load_file(folder / "sae.safetensors")
    sae = TopKSAE(TopKSAEConfig(d_in=32, d_sae=64, k=4, dtype="float32", device="cpu", apply_b_dec_to_input=True))
    names = {"W_enc": "encoder.weight", "b_enc": "encoder.bias", "W_dec": "W_dec", "b_dec": "b_dec"}
    with torch.no_grad():
        for ours, theirs in names.items():
            getattr(sae, ours).copy_(weights[theirs].T if ours == "W_enc" else weights[theirs])
        torch.testing.assert_close(dense(SparsifyCoder(str(folder)).encode(x), (50, 64)), sae.encode(x))


def test_at_a_real_width_not_a_bit_differs(tmp_path: Path) -> None:
    folder = save_sparsify(tmp_path / "layers.1", d_in=700, n_latents=1400)  # where the last bit tells addmm from mm
    x = torch.randn((50, 700), generator=torch.Generator().manual_seed(0))
    assert torch.equal(dense(SparsifyCoder(str(folder)).encode(x), (50, 1400)), reference(folder, x))


@pytest.mark.parametrize("activation", ["topk", "groupmax"])
def test_in_bfloat16_it_is_right_within_rounding(tmp_path: Path, x: Tensor, activation: str) -> None:
    folder = save_sparsify(tmp_path / "layers.1", activation=activation)
    triples = SparsifyCoder(str(folder), dtype="bfloat16").encode(x.bfloat16())
    assert triples.value.dtype == torch.float32
    assert torch.bincount(triples.token).tolist() == [4] * 50
    # Each operand moves by 2⁻⁸ of itself at most, so each product by 2⁻⁷ and a little (see test_affine.py); x has been
    # rounded once before b_dec is taken off.
    weights = load_file(folder / "sae.safetensors")
    size = x.abs() * 2.0**-8 + (x - weights["b_dec"]).abs() * (2.0**-7 + 2.0**-16)
    bound = size @ weights["encoder.weight"].abs().T + 1e-2
    encoded, exact = dense(triples, (50, 64)), reference(folder, x)
    both = (encoded > 0) & (exact > 0)
    assert ((encoded - exact).abs() <= bound)[both].all()
    assert both.sum() >= 0.95 * 200


@pytest.mark.parametrize("activation", ["topk", "groupmax"])
def test_weights_that_are_nan_are_refused(tmp_path: Path, x: Tensor, activation: str) -> None:
    folder = save_sparsify(tmp_path / "layers.1", activation=activation)
    weights = load_file(folder / "sae.safetensors")
    weights["encoder.weight"][5, 3] = torch.nan
    save_file(weights, folder / "sae.safetensors")
    with pytest.raises(UserError, match=rf"^coder {folder} gives NaN or infinite activations on finite input; check"):
        SparsifyCoder(str(folder)).encode(x)


@pytest.mark.parametrize(
    ("name", "transcode", "hookpoint"),
    [
        ("layers.3", False, "layers.3"),
        ("layers.3.mlp", True, "layers.3.mlp:input"),
        ("h.11.attn", False, "h.11.attn"),
        ("layers.3.mlp/seed1", True, "layers.3.mlp:input"),
        ("my-sae", False, None),
        ("seed0", False, None),
    ],
)
def test_the_folder_is_named_after_the_hookpoint(
    tmp_path: Path, name: str, transcode: bool, hookpoint: str | None
) -> None:
    assert SparsifyCoder(str(save_sparsify(tmp_path / name, transcode=transcode))).hookpoint == hookpoint


def test_the_digest_follows_the_weights_and_what_encode_does_with_them(tmp_path: Path) -> None:
    a, b, c, d, e = (
        SparsifyCoder(str(save_sparsify(tmp_path / str(number), **cfg))).sha256
        for number, cfg in enumerate(({}, {}, {"seed": 2}, {"k": 5}, {"transcode": True}))
    )
    assert a == b
    assert len({b, c, d, e}) == 4


def test_a_store_of_a_folder_of_sparsify(prep: Callable[..., Manifest], tmp_path: Path) -> None:
    coders = [
        save_sparsify(tmp_path / "layers.1"),
        save_sparsify(tmp_path / "layers.2.mlp", transcode=True, activation="groupmax", k=8),
    ]
    manifest = prep(tmp_path / "store", coders=coders, tokens=500)
    entries = {name: (entry.architecture, entry.width) for name, entry in manifest.hookpoints.items()}
    assert entries == {"layers.1": ("topk", 64), "layers.2.mlp:input": ("groupmax", 64)}
    assert manifest.hookpoints["layers.1"].sha256 == SparsifyCoder(str(coders[0])).sha256
    again = prep(tmp_path / "again", coders=coders, tokens=500, batch_size=3)
    assert manifest.digest == again.digest


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        pytest.param({"activation": "relu"}, r"its activation, relu, is neither topk nor groupmax$", id="activation"),
        pytest.param({"k": 65}, r"k = 65 does not fit its 64 latents$", id="k-too-large"),
        pytest.param({"k": 0}, r"k = 0 does not fit its 64 latents$", id="k-zero"),
        pytest.param({"activation": "groupmax", "k": 7}, r"k = 7 does not fit its 64 latents$", id="groups"),
        pytest.param({"k": None}, r"its cfg\.json does not say k, the number of latents that fire$", id="no-k"),
        pytest.param({"num_latents": 32}, r"do not fit together \(W_dec \(64, 32\), .+ num_latents 32\)$", id="width"),
        pytest.param({"signed": True}, r"it fires below zero as well \(signed: true\), which is not", id="signed"),
        pytest.param({"gram_lookup": True}, r"it reads the tokens before, too \(gram_lookup: true\)", id="grams"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, cfg: dict[str, Any], message: str) -> None:
    folder = save_sparsify(tmp_path / "layers.1", **cfg)
    with pytest.raises(UserError, match=rf"^coder {folder}: .*{message}") as info:
        SparsifyCoder(str(folder))
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    ("file", "content"),
    [("cfg.json", b"{"), ("cfg.json", b"\xff"), ("sae.safetensors", b"abc"), ("cfg.json", None)],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, file: str, content: bytes | None) -> None:
    folder = save_sparsify(tmp_path / "layers.1")
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    with pytest.raises(UserError, match=rf"^coder {folder}: not a readable sparsify coder \(.+\)$"):
        SparsifyCoder(str(folder))


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    folder = save_sparsify(tmp_path / "layers.1")
    weights = load_file(folder / "sae.safetensors")
    del weights["W_dec"], weights["b_dec"]
    save_file(weights, folder / "sae.safetensors")
    with pytest.raises(UserError, match=rf"^coder {folder}: its sae\.safetensors lacks W_dec, b_dec$"):
        SparsifyCoder(str(folder))


@pytest.mark.parametrize("name", ["encoder.weight", "encoder.bias", "W_dec", "b_dec"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_weights_of_another_shape_are_refused_with_all_shapes(
    tmp_path: Path, name: str, shape: tuple[int, ...]
) -> None:
    folder = save_sparsify(tmp_path / "layers.1")
    save_file(load_file(folder / "sae.safetensors") | {name: torch.zeros(shape)}, folder / "sae.safetensors")
    message = rf"^coder {folder}: weights and cfg\.json do not fit together \(.*{re.escape(f'{name} {shape}')}.*\)$"
    with pytest.raises(UserError, match=message):
        SparsifyCoder(str(folder))


def test_a_transcoder_may_write_another_width_than_it_reads(tmp_path: Path, x: Tensor) -> None:
    folder = save_sparsify(tmp_path / "layers.1.mlp", transcode=True)
    weights = load_file(folder / "sae.safetensors")
    save_file(weights | {"W_dec": torch.ones(64, 16), "b_dec": torch.ones(16)}, folder / "sae.safetensors")
    coder = SparsifyCoder(str(folder))
    assert torch.equal(dense(coder.encode(x), (50, 64)), reference(folder, x))
    assert coder.decoder is not None
    assert coder.decoder.shape == (64, 16)
