"""Crosscoders, on files that the libraries themselves wrote (library_files/make.py)."""

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
from inspect_autointerp.prep.coders import CrossCoder, load_coder, set_places

CROSSCODERS = sorted((FILES / "crosscoders").iterdir()) + sorted((FILES / "llamascopium").glob("crosscoder_*"))


def loaded(folder: Path) -> CrossCoder:
    coder = load_coder(str(folder))
    assert isinstance(coder, CrossCoder)
    return coder


@pytest.mark.parametrize("folder", CROSSCODERS, ids=lambda folder: folder.name)
def test_a_crosscoder_encodes_and_decodes_as_its_library(folder: Path) -> None:
    expected = load_file(folder / "expected.safetensors")
    coder, x = loaded(folder), expected["x"]
    assert (coder.n_places, coder.d_in) == (x.shape[1], x[0].numel())
    encoded = dense(coder.encode(x.flatten(1)), (len(x), coder.n_latents))
    assert torch.equal(encoded > 0, expected["encoded"] > 0)
    assert 0 < (encoded > 0).float().mean() < 0.8
    # The library's arithmetic is float32 as well; a sum of 24 products may be rounded in another order.
    torch.testing.assert_close(encoded, expected["encoded"], rtol=1e-5, atol=1e-5)
    written = torch.stack([encoded @ decoder for decoder in coder.decoders], dim=1)
    torch.testing.assert_close(written, expected["written"], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("folder", CROSSCODERS, ids=lambda folder: folder.name)
def test_the_norms_of_decoders_are_those_in_the_file(folder: Path) -> None:
    [file] = [
        path for path in folder.iterdir() if path.name in ("ae.pt", "model.safetensors", "sae_weights.safetensors")
    ]
    weights = torch.load(file, weights_only=True) if file.suffix == ".pt" else load_file(file)
    decoder = weights["W_D"] if "W_D" in weights else weights["decoder.weight"]
    torch.testing.assert_close(loaded(folder).decoder_norms, decoder.norm(dim=2).T)


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., Path]:
    """A library's folder with other tensors, or another configuration."""

    def make(name: str, weights: Any = None, **config: Any) -> Path:
        folder = tmp_path / name
        shutil.copytree(FILES / name, folder)
        content = json.loads((folder / "config.json").read_text())
        content.get("trainer", content).update(config)
        (folder / "config.json").write_text(json.dumps(content))
        path = next(
            path for path in folder.iterdir() if path.suffix in (".pt", ".safetensors") and "exp" not in path.name
        )
        whole = (torch.load(path, weights_only=True) if path.suffix == ".pt" else load_file(path)) | (weights or {})
        whole = {key: value for key, value in whole.items() if value is not None}
        if path.suffix == ".pt":
            torch.save(whole, path)
        else:
            save_file(whole, path)
        return folder

    return make


def test_weights_of_a_compiled_trainer_are_read(copy: Callable[..., Path]) -> None:
    plain = torch.load(FILES / "crosscoders" / "CrossCoder" / "ae.pt", weights_only=True)
    folder = copy(
        "crosscoders/CrossCoder", weights={f"_orig_mod.{name}": plain[name] for name in plain} | dict.fromkeys(plain)
    )
    assert loaded(folder).sha256 == loaded(FILES / "crosscoders" / "CrossCoder").sha256


def test_the_way_of_scaling_is_the_configurations_if_not_in_the_file(copy: Callable[..., Path]) -> None:
    name = "crosscoders/BatchTopKCrossCoder_SAE"
    expected = load_file(FILES / name / "expected.safetensors")
    coder = loaded(copy(name, weights={"code_normalization_id": None}))
    encoded = dense(coder.encode(expected["x"].flatten(1)), (12, 16))
    assert torch.equal(encoded > 0, expected["encoded"] > 0)


TOO_FEW = torch.tensor(-1.0)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        pytest.param(
            "crosscoders/BatchTopKCrossCoder", {"weights": {"threshold": TOO_FEW}}, "has no threshold", id="threshold"
        ),
        pytest.param(
            "crosscoders/BatchTopKCrossCoder_DECOUPLED",
            {"weights": {"threshold": torch.tensor(1.0)}},
            "threshold must be 3 numbers, but is 1",
            id="decoupled",
        ),
        pytest.param(
            "crosscoders/CrossCoder",
            {"weights": {"encoder.weight": torch.ones(8, 16)}},
            r"encoder.weight must be \(place, d, latent\), but is of shape \(8, 16\)",
            id="sae",
        ),
        pytest.param(
            "crosscoders/CrossCoder", {"weights": {"decoder.weight": None}}, "lacks decoder.weight", id="decoder"
        ),
        pytest.param(
            "crosscoders/CrossCoder",
            {"weights": {"decoder.weight": torch.ones(2, 16, 8)}},
            r"decoder.weight must be \(3, 16, 8\)",
            id="places",
        ),
        pytest.param(
            "crosscoders/BatchTopKCrossCoder",
            {"weights": {"activation_global_scale": None}},
            "does not say by what they are scaled",
            id="scale",
        ),
        pytest.param(
            "crosscoders/CrossCoder",
            {"weights": {"code_normalization_id": torch.tensor(9)}},
            "unknown code_normalization_id 9",
            id="code-normalization",
        ),
        pytest.param(
            "crosscoders/CrossCoder", {"dict_class": "DFCrossCoder"}, "it must be one of .*CrossCoder", id="class"
        ),
        pytest.param("crosscoders/hub", {"weights": {"encoder.weight": None}}, "lacks encoder.weight", id="hub"),
        pytest.param(
            "llamascopium/crosscoder_topk", {"norm_activation": "token-wise"}, "scales each token", id="token-wise"
        ),
        pytest.param("llamascopium/crosscoder_relu", {"hook_points": []}, "does not say hook_points", id="hooks"),
        pytest.param(
            "llamascopium/crosscoder_relu",
            {"hook_points": ["blocks.1.hook_resid_post"]},
            r"W_E must be \(1,",
            id="heads",
        ),
        pytest.param(
            "llamascopium/crosscoder_relu",
            {"act_fn": "batchtopk"},
            "depends on the other tokens of the batch",
            id="batch",
        ),
    ],
)
def test_a_crosscoder_that_cannot_be_read_is_refused(
    copy: Callable[..., Path], name: str, change: dict[str, Any], message: str
) -> None:
    folder = copy(name, **change)
    with pytest.raises(UserError, match=rf"^coder {re.escape(str(folder))}: .*{message}") as info:
        load_coder(str(folder))
    assert "\n" not in str(info.value)


def test_the_number_of_places_must_be_the_coders() -> None:
    coder = loaded(FILES / "llamascopium" / "crosscoder_relu")
    assert coder.hookpoint == "blocks.1.hook_resid_post+blocks.3.hook_resid_post"
    with pytest.raises(UserError, match=r"reads 2 places at once, and layers\.1 is 1; give --hookpoint with 2 places"):
        set_places(coder, ["layers.1"])
    with pytest.raises(UserError, match=r"has no place of the subject itself$"):
        set_places(coder, ["second:layers.1", "second:layers.3"])
    single = load_coder(str(FILES / "dictionary_learning" / "BatchTopKSAE"))
    with pytest.raises(UserError, match=r"reads one place, and layers\.1\+layers\.3 is 2; only crosscoders"):
        set_places(single, ["layers.1", "layers.3"])
    set_places(single, ["second:layers.1"])  # in one of two subjects, by itself: see test_pair_store


def test_a_latent_writes_to_the_places_of_the_subject_itself() -> None:
    coder = loaded(FILES / "crosscoders" / "hub")
    coder.read_at(["second:layers.1", "layers.1"])
    assert list(coder.writes or ()) == ["layers.1"]
    assert coder.decoder is coder.decoders[1]
