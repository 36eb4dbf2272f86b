"""llamascopium's coders, on files that the library itself wrote (library_files/make.py)."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.prep.library_files import FILES
from tests.triples import dense

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders import load_coder
from inspect_autointerp.prep.coders.linear import LinearCoder

FOLDERS = FILES / "llamascopium"
NORM = "dataset_average_activation_norm."


def loaded(source: Path | str) -> LinearCoder:
    """The coder of a source."""
    coder = load_coder(str(source))
    assert isinstance(coder, LinearCoder)
    return coder


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., Path]:
    """A library's folder with another configuration, or with other tensors."""

    def make(name: str = "relu", weights: Any = None, **config: Any) -> Path:
        folder = tmp_path / name
        shutil.copytree(FOLDERS / name, folder)
        whole = load_file(folder / "sae_weights.safetensors") | (weights or {})
        save_file({k: v for k, v in whole.items() if v is not None}, folder / "sae_weights.safetensors")
        content = json.loads((folder / "config.json").read_text()) | config
        (folder / "config.json").write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
        return folder

    return make


@pytest.mark.parametrize("name", ["relu", "topk", "jumprelu", "plain", "transcoder"])
def test_encode_and_decode_are_the_librarys(name: str) -> None:
    expected = load_file(FOLDERS / name / "expected.safetensors")
    coder, x = loaded(FOLDERS / name), expected["x"]
    encoded = dense(coder.encode(x), (12, 16))
    torch.testing.assert_close(encoded, expected["encoded"], rtol=1e-5, atol=1e-5)
    assert 0 < (encoded > 0).float().mean() < 1
    weights = load_file(FOLDERS / name / "sae_weights.safetensors")
    assert coder.decoder is not None
    decoded = encoded @ coder.decoder * coder.scale(x)[:, None]
    if "b_D" in weights:  # which is in the units of scaled activations
        norm = weights.get(NORM + ("blocks.1.hook_mlp_out" if name == "transcoder" else "blocks.1.hook_resid_post"))
        assert norm is not None
        stretch = coder.scale(x)[:, None] if name == "topk" else 1.0 if name == "plain" else norm / 8**0.5
        decoded = decoded + weights["b_D"] * stretch
    torch.testing.assert_close(decoded, expected["decoded"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["clt_jumprelu", "clt_topk"])
def test_a_cross_layer_transcoder_is_the_librarys(name: str) -> None:
    expected = load_file(FOLDERS / name / "expected.safetensors")
    weights = load_file(FOLDERS / name / "sae_weights.safetensors")
    decoded = torch.zeros_like(expected["decoded"])
    for layer in range(3):
        coder = loaded(f"{FOLDERS / name}:{layer}")
        encoded = dense(coder.encode(expected["x"][layer]), (12, 16))
        torch.testing.assert_close(encoded, expected["encoded"][layer], rtol=1e-5, atol=1e-5)
        assert 0 < (encoded > 0).float().mean() < 1
        assert coder.writes is not None
        assert list(coder.writes) == [f"blocks.{to}.hook_mlp_out" for to in range(layer, 3)]
        for to, decoder in enumerate(coder.writes.values(), start=layer):
            decoded[to] += encoded @ decoder
        scaled = weights[f"{NORM}blocks.{layer}.hook_mlp_out"] / 8**0.5 if name == "clt_topk" else 1.0
        decoded[layer] += weights[f"b_D.{layer}"] * scaled
    torch.testing.assert_close(decoded, expected["decoded"], rtol=1e-4, atol=1e-4)


def test_what_the_configuration_says_is_kept() -> None:
    sae, transcoder, clt = (loaded(FOLDERS / name) for name in ("relu", "transcoder", "../llamascopium/plain"))
    assert (sae.architecture, sae.n_latents, sae.d_in, sae.model_name) == ("relu", 16, 8, "small")
    assert (sae.hookpoint, sae.transcodes, sae.writes) == ("blocks.1.hook_resid_post", False, None)
    assert sae.trained.bos is True
    assert (transcoder.architecture, transcoder.transcodes) == ("jumprelu transcoder", True)
    assert transcoder.hookpoint is None  # ln2.hook_normalized has several meanings
    assert list(transcoder.writes or ()) == ["blocks.1.hook_mlp_out"]
    assert clt.architecture == "jumprelu"
    layer = loaded(f"{FOLDERS / 'clt_topk'}:2")
    assert (layer.architecture, layer.hookpoint) == ("topk cross-layer transcoder", "blocks.2.hook_resid_mid")


def test_folding_the_scale_changes_activations_by_it_alone(copy: Callable[..., Path]) -> None:
    whole = load_file(FOLDERS / "relu" / "sae_weights.safetensors")
    factor = 8**0.5 / float(whole[f"{NORM}blocks.1.hook_resid_post"])
    folded = {"b_E": whole["b_E"] / factor, "b_D": whole["b_D"] / factor}  # as the library folds it
    folder = copy(weights=folded, norm_activation="inference")
    x = load_file(FOLDERS / "relu" / "expected.safetensors")["x"]
    one, other = (loaded(each).encode(x) for each in (FOLDERS / "relu", folder))
    assert torch.equal(one.latent, other.latent)
    torch.testing.assert_close(one.value, other.value * factor)


def test_the_digest_follows_what_decides_the_encoding(copy: Callable[..., Path]) -> None:
    sources = [FOLDERS / "relu", copy(norm_activation="inference"), f"{FOLDERS / 'clt_topk'}:0"]
    sources += [f"{FOLDERS / 'clt_topk'}:1", FOLDERS / "topk", copy("topk", top_k=4)]
    assert len({loaded(source).sha256 for source in sources}) == 6


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        pytest.param("relu", {"sae_type": "lorsa"}, r"of the kind lorsa, .+ attention heads, which read", id="lorsa"),
        pytest.param("relu", {"sae_type": "molt"}, r"of the kind molt, .+ a function of the input", id="molt"),
        pytest.param("relu", {"sae_type": "other"}, r"is other; it must be sae, clt or crosscoder$", id="kind"),
        pytest.param("relu", {"sae_type": None}, r"sae_type is None; it must be sae, clt or crosscoder$", id="no-kind"),
        pytest.param("relu", {"act_fn": "batchtopk"}, r"is batchtopk, .+ other tokens of the batch;", id="batch"),
        pytest.param("relu", {"act_fn": "layertopk"}, r"is layertopk, .+ depends on the other layers;", id="layers"),
        pytest.param("relu", {"act_fn": "gelu"}, r"function, gelu, is none of relu, jumprelu", id="function"),
        pytest.param("relu", {"use_glu_encoder": True}, r"a second encoder gates its own \(use_glu", id="glu"),
        pytest.param("relu", {"norm_activation": "batch-wise"}, r"\(norm_activation: batch-wise\)", id="batch-wise"),
        pytest.param("transcoder", {"norm_activation": "token-wise"}, r"\(norm_activation: token-wise\)", id="tokens"),
        pytest.param("clt_topk", {"norm_activation": "token-wise"}, r"scales each token is not supp", id="clt-tokens"),
        pytest.param("relu", {"hook_point_in": None}, r"config\.json does not say hook_point_in,", id="no-hook"),
        pytest.param("clt_topk", {"hook_points_in": "a"}, r"does not say hook_points_in, the place", id="hooks"),
        pytest.param("clt_topk", {"hook_points_out": ["a"]}, r"has 3 hook_points_in and 1 hook_points", id="layers"),
        pytest.param("relu", {"d_model": None}, r"must say d_model and exp.+, got None and 2\.0$", id="size"),
        pytest.param("relu", {"d_model": 9}, r"W_E must be \(9, 18\) .+, but is \(8, 16\) of float32", id="width"),
        pytest.param("topk", {"top_k": "3"}, r"the top_k in its config\.json must be a whole number, got 3$", id="k"),
        pytest.param("topk", {"top_k": 17}, r"k must be between 1 and its 16 latents, got 17$", id="large-k"),
        pytest.param("relu", {"weights": {"b_E": None}}, r"its sae_weights\.safetensors lacks b_E; it", id="missing"),
        pytest.param("relu", {"weights": {"W_E_glu": torch.ones(3)}}, r"holds W_E_glu, which this kind", id="unknown"),
        pytest.param(
            "relu", {"weights": {f"{NORM}blocks.1.hook_resid_post": torch.tensor(0.0)}},
            r"does not say the average length of .+ at blocks\.1\.hook_resid_post .+=True$", id="norm",
        ),
        pytest.param(
            "clt_topk", {"weights": {"W_D.1": torch.ones(3, 16, 8)}}, r"W_D\.1 must be \(2, 16, 8\)", id="clt-shape",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_one_line(
    copy: Callable[..., Path], name: str, change: dict[str, Any], message: str
) -> None:
    folder = copy(name, **change)
    source = f"{folder}:1" if name.startswith("clt") else str(folder)
    with pytest.raises(UserError, match=rf"^coder {re.escape(source)}: .*{message}") as info:
        loaded(source)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("relu:1", r"this folder holds one coder; leave out the :1$"),
        ("clt_topk", r"it has 3 layers; give one from 0 to 2, as in .+clt_topk:0$"),
        ("clt_topk:3", r"there is no layer 3; it has layers 0 to 2$"),
    ],
)
def test_a_layer_is_named_where_there_are_several(source: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        loaded(f"{FOLDERS}/{source}")


def test_weights_that_are_not_exported_are_refused(copy: Callable[..., Path]) -> None:
    folder = copy()
    (folder / "sae_weights.safetensors").rename(folder / "sae_weights.pt")
    with pytest.raises(UserError, match=r"it has no sae_weights\.safetensors; save it with llamascopium's save_pretr"):
        loaded(folder)
