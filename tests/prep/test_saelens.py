"""SAELens: triples, put back into a dense matrix, are what SAELens's own `encode` says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.triples import dense
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders import SaeLensCoder, weights_sha256

Save = Callable[..., Path]


def reference(folder: Path, x: Tensor, dtype: str = "float32") -> Tensor:
    from sae_lens import SAE

    with torch.no_grad():
        return SAE.load_from_disk(folder, dtype=dtype).encode(x)


CODERS = [
    pytest.param("topk", {"k": 4, "apply_b_dec_to_input": True}, id="topk"),
    pytest.param("topk", {"k": 4, "apply_b_dec_to_input": False}, id="topk-without-b_dec"),
    pytest.param("topk", {"k": 4, "rescale_acts_by_decoder_norm": True}, id="topk-rescaled"),
    pytest.param("topk", {"k": 60}, id="topk-some-of-them-negative"),
    pytest.param("topk", {"k": 4, "normalize_activations": "layer_norm"}, id="topk-layer-norm"),
    pytest.param("topk", {"k": 4, "normalize_activations": "constant_norm_rescale"}, id="topk-constant-norm"),
    pytest.param("jumprelu", {"apply_b_dec_to_input": True}, id="jumprelu"),
    pytest.param("jumprelu", {"apply_b_dec_to_input": False}, id="jumprelu-without-b_dec"),
    pytest.param("standard", {"apply_b_dec_to_input": True}, id="standard"),
    pytest.param("standard", {"apply_b_dec_to_input": False}, id="standard-without-b_dec"),
    pytest.param("gated", {}, id="gated"),
    pytest.param("transcoder", {"d_out": 16, "apply_b_dec_to_input": False}, id="transcoder"),
    pytest.param("jumprelu_transcoder", {"d_out": 16, "apply_b_dec_to_input": False}, id="jumprelu-transcoder"),
]


@pytest.mark.parametrize(("architecture", "cfg"), CODERS)
def test_triples_are_what_sae_lens_encodes(
    tmp_path: Path, save_coder: Save, x: Tensor, architecture: str, cfg: dict[str, Any]
) -> None:
    folder = save_coder(tmp_path, architecture, **cfg)
    triples = SaeLensCoder(str(folder)).encode(x)
    assert torch.equal(dense(triples, (50, 64)), reference(folder, x))
    assert (triples.value > 0).all()
    assert (triples.token.diff() >= 0).all()  # in the order of the text


def test_activations_below_zero_are_none(tmp_path: Path, save_coder: Save, x: Tensor) -> None:
    folder = save_coder(tmp_path, "abstopk", k=8)
    triples = SaeLensCoder(str(folder)).encode(x)
    assert torch.equal(dense(triples, (50, 64)), reference(folder, x).clamp(min=0))
    assert (triples.value > 0).all()


def test_top_k_in_bfloat16_is_right_within_rounding(tmp_path: Path, save_coder: Save, x: Tensor) -> None:
    folder = save_coder(tmp_path, "topk", k=4)
    triples = SaeLensCoder(str(folder), dtype="bfloat16").encode(x.bfloat16())
    assert triples.value.dtype == torch.bfloat16
    assert torch.bincount(triples.token).tolist() == [4] * 50
    # bfloat16 has 8 bits of precision. A sum of 32 products of about 1 is of size √32 ≈ 6, and what was rounded at
    # 2⁻⁸ of each of them adds up to about 2⁻⁸ · 6 · √3 ≈ 0.04; five times that is allowed.
    exact = reference(save_coder(tmp_path / "all", "topk", k=64), x)  # the same weights, as the seed is the same
    found = dense(triples, (50, 64)).float()
    torch.testing.assert_close(found[found > 0], exact[found > 0], rtol=0, atol=0.2)
    fourth = exact.sort(descending=True).values[:, 3:4]
    assert (exact[found > 0] >= fourth.repeat(1, 4).flatten() - 0.4).all()
    theirs = reference(folder, x.bfloat16(), "bfloat16").float()
    torch.testing.assert_close(found.sort().values, theirs.sort().values, rtol=2.0**-7, atol=0)


def test_a_coder_says_what_it_is(tmp_path: Path, save_coder: Save) -> None:
    coder = SaeLensCoder(str(save_coder(tmp_path, "jumprelu", hook="model.layers.1.mlp")))
    assert (coder.architecture, coder.n_latents, coder.d_in) == ("jumprelu", 64, 32)
    assert coder.hookpoint == "model.layers.1.mlp"
    assert coder.decoder is not None
    assert coder.decoder.shape == (64, 32)


def test_a_coder_that_names_no_hookpoint_has_none(tmp_path: Path, save_coder: Save) -> None:
    assert SaeLensCoder(str(save_coder(tmp_path, "topk", k=4))).hookpoint is None


def test_a_transformer_lens_name_will_do_where_there_is_no_module_path(tmp_path: Path, save_coder: Save) -> None:
    folder = save_coder(tmp_path, "topk", k=4)
    cfg = json.loads((folder / "cfg.json").read_text())
    cfg["metadata"]["hook_name"] = "blocks.1.hook_mlp_out"
    (folder / "cfg.json").write_text(json.dumps(cfg))
    assert SaeLensCoder(str(folder)).hookpoint == "blocks.1.hook_mlp_out"


def test_the_digest_follows_the_weights_and_not_the_folder(tmp_path: Path, save_coder: Save) -> None:
    folders = [save_coder(tmp_path / name, "topk", k=4, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    a, b, c = (SaeLensCoder(str(folder)).sha256 for folder in folders)
    assert a == b != c


def test_the_digest_sees_every_bit_and_the_shape() -> None:
    one, other, flat = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2), torch.nn.Linear(4, 1)
    for module in (one, other, flat):
        torch.nn.init.ones_(module.weight)
        torch.nn.init.zeros_(module.bias)
    assert weights_sha256(one) == weights_sha256(other)
    with torch.no_grad():
        other.bias[0] = -0.0  # another bit, though 0 == −0
    assert len({weights_sha256(module) for module in (one, other, flat)}) == 3


@pytest.mark.parametrize("source", ["nowhere", "no/such/folder"])
def test_what_is_neither_a_folder_nor_a_release_is_refused(source: str) -> None:
    message = rf"^coder {source}: neither a folder nor `release:id` of SAELens's registry$"
    with pytest.raises(UserError, match=message):
        SaeLensCoder(source)


def test_an_unknown_release_is_refused_in_one_line() -> None:
    with pytest.raises(UserError, match=r"^coder no-such-release:id: SAELens cannot load it \(\w+: .+\)$"):
        SaeLensCoder("no-such-release:id")


def test_a_folder_without_a_coder_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"^coder {tmp_path}: SAELens cannot load it \(.+cfg\.json'\)$"):
        SaeLensCoder(str(tmp_path))


@pytest.mark.parametrize("normalization", ["expected_average_only_in", "covariance_whitening"])
def test_a_scale_that_the_folder_does_not_hold_is_refused(tmp_path: Path, save_coder: Save, normalization: str) -> None:
    folder = save_coder(tmp_path, "topk", k=4, normalize_activations=normalization)
    message = rf"^coder {tmp_path}: it expects activations .+normalize_activations: {normalization}\); fold .+ first$"
    with pytest.raises(UserError, match=message):
        SaeLensCoder(str(folder))


def test_a_coder_that_reads_whole_texts_is_refused(tmp_path: Path, save_coder: Save) -> None:
    folder = save_coder(tmp_path, "temporal", n_heads=1)
    with pytest.raises(UserError, match=rf"^coder {tmp_path}: its architecture, temporal, reads more than one token"):
        SaeLensCoder(str(folder))
