"""SAELens: triples, put back into a dense matrix, are what SAELens's own `encode` says."""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.prep.library_files import FILES
from tests.triples import dense
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders import SaeLensCoder, weights_sha256

Save = Callable[..., Path]


def reference(folder: Path, x: Tensor) -> Tensor:
    from sae_lens import SAE

    sae = SAE.load_from_disk(folder, dtype="float32")
    if sae.hook_z_reshaping_mode:
        x = x.unflatten(-1, (4, -1))  # (token, head, dimension of it), as TransformerLens has it
    with torch.no_grad():
        return sae.encode(x)


def needed(architecture: str) -> dict[str, Any]:
    """Return what SAELens needs to be told of it."""
    return {"k": 4} if "topk" in architecture else {"apply_b_dec_to_input": "transcoder" not in architecture}


def edit(folder: Path, **metadata: Any) -> Path:
    """The same coder, saying more of itself."""
    cfg = json.loads((folder / "cfg.json").read_text())
    cfg["metadata"] |= metadata
    (folder / "cfg.json").write_text(json.dumps(cfg))
    return folder


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
    pytest.param("skip_transcoder", {"d_out": 16, "apply_b_dec_to_input": False}, id="skip-transcoder"),
    pytest.param("jumprelu_skip_transcoder", {"d_out": 16, "apply_b_dec_to_input": False}, id="jumprelu-skip"),
    pytest.param("jumprelu", {"normalize_activations": "layer_norm"}, id="jumprelu-layer-norm"),
    pytest.param("jumprelu", {"normalize_activations": "constant_norm_rescale"}, id="jumprelu-constant-norm"),
    pytest.param("standard", {"normalize_activations": "layer_norm"}, id="standard-layer-norm"),
    pytest.param("jumprelu", {"reshape_activations": "hook_z"}, id="jumprelu-hook-z"),
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


@pytest.mark.parametrize(("architecture", "cfg"), [*CODERS, pytest.param("jumprelu", {}, id="default")])
def test_at_a_real_width_not_a_bit_differs(
    tmp_path: Path, save_coder: Save, architecture: str, cfg: dict[str, Any]
) -> None:
    """Check sums that are long, where the last bit depends on the order of operations: here, when the bias is added."""
    folder = save_coder(tmp_path, architecture, d_in=700, d_sae=264, **cfg)
    x = torch.randn((50, 700), generator=torch.Generator().manual_seed(0))
    assert torch.equal(dense(SaeLensCoder(str(folder)).encode(x), (50, 264)), reference(folder, x))


@pytest.mark.parametrize("architecture", ["topk", "jumprelu", "standard", "jumprelu_transcoder"])
def test_in_bfloat16_it_is_right_within_rounding(
    tmp_path: Path, save_coder: Save, x: Tensor, architecture: str
) -> None:
    folder = save_coder(tmp_path, architecture, **needed(architecture))
    triples = SaeLensCoder(str(folder), dtype="bfloat16").encode(x)
    assert triples.value.dtype == torch.float32
    sae_in, exact, encoded = x, reference(folder, x), dense(triples, (50, 64))
    weights = load_file(folder / "sae_weights.safetensors")
    if json.loads((folder / "cfg.json").read_text())["apply_b_dec_to_input"]:
        sae_in = x - weights["b_dec"]
    # Each operand moves by 2⁻⁸ of itself at most, so each product by 2⁻⁷ and a little; see test_affine.py.
    bound = sae_in.abs() @ weights["W_enc"].abs() * (2.0**-7 + 2.0**-16) + 1e-4
    both = (encoded > 0) & (exact > 0)
    assert ((encoded - exact).abs() <= bound)[both].all()
    assert ((encoded - exact)[both] != 0).any()
    assert both.sum() >= 0.95 * (exact > 0).sum()
    assert both.sum() >= 0.95 * (encoded > 0).sum()


def test_a_coder_says_what_it_is(tmp_path: Path, save_coder: Save) -> None:
    coder = SaeLensCoder(str(save_coder(tmp_path, "jumprelu", hook="model.layers.1.mlp")))
    assert (coder.architecture, coder.n_latents, coder.d_in) == ("jumprelu", 64, 32)
    assert coder.hookpoint == "model.layers.1.mlp"
    assert coder.decoder is not None
    assert coder.decoder.shape == (64, 32)


def test_a_coder_that_names_no_hookpoint_has_none(tmp_path: Path, save_coder: Save) -> None:
    assert SaeLensCoder(str(save_coder(tmp_path, "topk", k=4))).hookpoint is None


def test_a_transformer_lens_name_will_do_where_there_is_no_module_path(tmp_path: Path, save_coder: Save) -> None:
    folder = edit(save_coder(tmp_path, "topk", k=4), hook_name="blocks.1.hook_mlp_out")
    assert SaeLensCoder(str(folder)).hookpoint == "blocks.1.hook_mlp_out"


def test_transcoder_with_an_ambiguous_name_needs_a_hookpoint(
    tmp_path: Path, save_coder: Save, prep: Callable[..., Any]
) -> None:
    folder = edit(
        save_coder(tmp_path / "coder", "jumprelu_transcoder", **needed("transcoder")),
        hook_name="blocks.1.ln2.hook_normalized",
    )
    message = rf"^coder {folder}: it does not say which hookpoint it reads; give --hookpoint$"
    with pytest.raises(UserError, match=message):
        prep(tmp_path / "store", coders=[folder])
    named = edit(folder, hf_hook_name="model.layers.1.post_attention_layernorm.output")
    assert SaeLensCoder(str(named)).hookpoint == "model.layers.1.post_attention_layernorm"


def test_it_says_what_it_reads_and_of_which_model(tmp_path: Path, save_coder: Save) -> None:
    folder = edit(save_coder(tmp_path, "jumprelu"), model_name="gpt2-small")
    weights = load_file(folder / "sae_weights.safetensors")
    coder, rounded = SaeLensCoder(str(folder)), SaeLensCoder(str(folder), dtype="bfloat16")
    assert (coder.model_name, coder.sha256) == ("gpt2-small", rounded.sha256)
    assert coder.encoder is not None
    assert torch.equal(coder.encoder, weights["W_enc"].T)
    assert rounded.encoder is not None
    assert torch.equal(rounded.encoder.float(), weights["W_enc"].T.bfloat16().float())
    gated = SaeLensCoder(str(save_coder(tmp_path / "gated", "gated")))
    assert gated.model_name is None
    assert gated.encoder is not None
    assert gated.encoder.shape == (64, 32)


@pytest.mark.parametrize("architecture", ["topk", "jumprelu", "gated"])
def test_where_it_was_trained_on_centred_activations_the_mean_is_taken_off(
    tmp_path: Path, save_coder: Save, x: Tensor, architecture: str, recwarn: pytest.WarningsRecorder
) -> None:
    folder = save_coder(tmp_path, architecture, **needed(architecture))
    metadata: dict[str, Any] = {"model_from_pretrained_kwargs": {"center_writing_weights": True}}
    edit(folder, hook_name="blocks.1.hook_resid_pre", model_name="gpt2-small", **metadata)
    x = x + 3
    encoded = dense(SaeLensCoder(str(folder)).encode(x), (50, 64))
    assert not recwarn.list
    assert torch.equal(encoded, reference(folder, x - x.mean(-1, keepdim=True)))
    edit(folder, hook_name="blocks.1.mlp.hook_post")
    assert torch.equal(dense(SaeLensCoder(str(folder)).encode(x), (50, 64)), reference(folder, x))


@pytest.mark.parametrize("architecture", ["topk", "jumprelu", "standard", "gated", "abstopk", "skip_transcoder"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_give_nan_are_refused(
    tmp_path: Path, save_coder: Save, x: Tensor, architecture: str, dtype: Any, value: float
) -> None:
    folder = save_coder(tmp_path, architecture, **needed(architecture))
    weights = load_file(folder / "sae_weights.safetensors")
    weights["W_enc"][3, 5] = value
    save_file(weights, folder / "sae_weights.safetensors")
    coder = SaeLensCoder(str(folder), dtype=dtype)
    with pytest.raises(UserError, match=rf"^coder {folder} gives NaN or infinite activations on finite input; check"):
        coder.encode(x)


def test_what_is_too_large_for_the_precision_is_refused(tmp_path: Path, save_coder: Save, x: Tensor) -> None:
    coder = SaeLensCoder(str(save_coder(tmp_path, "jumprelu")), dtype="bfloat16")
    x[7, 7] = torch.finfo(torch.float32).max  # which bfloat16 rounds to infinity
    with pytest.raises(UserError, match=r"gives NaN or infinite activations on finite input; check its weights, and"):
        coder.encode(x)


def test_a_threshold_that_is_nan_is_refused(tmp_path: Path, save_coder: Save) -> None:
    folder = save_coder(tmp_path, "jumprelu")
    weights = load_file(folder / "sae_weights.safetensors")
    weights["threshold"][5] = torch.nan
    save_file(weights, folder / "sae_weights.safetensors")
    with pytest.raises(UserError, match=rf"^coder {folder}: its thresholds contain NaN; check its weights$"):
        SaeLensCoder(str(folder))


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
    message = (
        rf"^coder {tmp_path}: it expects scaled activations, .+normalize_activations: {normalization}\); fold .+ first$"
    )
    with pytest.raises(UserError, match=message):
        SaeLensCoder(str(folder))


def test_a_coder_that_reads_whole_texts_is_refused(tmp_path: Path, save_coder: Save) -> None:
    folder = save_coder(tmp_path, "temporal", n_heads=1)
    with pytest.raises(UserError, match=rf"^coder {tmp_path}: its architecture, temporal, reads more than one token"):
        SaeLensCoder(str(folder))


def test_a_cross_layer_transcoder_is_loaded_with_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from sae_lens.loading import pretrained_sae_loaders as loaders

    folder = tmp_path / "clt"
    shutil.copytree(FILES / "circuit_tracer" / "clt_relu", folder)
    monkeypatch.setattr(loaders, "hf_hub_download", lambda repo_id, filename, **_: str(folder / filename))
    shapes = {"b_enc_0": [16], "b_dec_0": [8]}
    monkeypatch.setattr(loaders, "get_safetensors_tensor_shapes", lambda *_, **__: shapes)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        coder = SaeLensCoder("mntss-gemma-2-2b-2.5m-clt-as-per-layer:layer_0")
    assert coder.warning is not None
    assert coder.warning.startswith("SAELens adds up the decoders of this cross-layer transcoder over the layers")
    decoder = load_file(folder / "W_dec_0.safetensors")["W_dec_0"]
    assert coder.decoder is not None
    torch.testing.assert_close(coder.decoder, decoder.sum(dim=1))
