"""dictionary_learning's coders, on files that the library itself wrote (library_files/make.py)."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.prep.library_files import FILES
from tests.triples import dense

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders import load_coder
from inspect_autointerp.prep.coders.dictionary_learning import load_dictionary_learning
from inspect_autointerp.store.manifest import Manifest

FOLDERS = FILES / "dictionary_learning"
CLASSES = sorted(folder.name for folder in FOLDERS.iterdir())
BIAS = {"AutoEncoder": "bias", "AutoEncoderNew": "decoder.bias", "GatedAutoEncoder": "decoder_bias"}


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., Path]:
    """A library's folder with other tensors, or another configuration of the trainer or the buffer."""

    def make(name: str = "BatchTopKSAE", weights: Any = None, buffer: Any = None, **trainer: Any) -> Path:
        folder = tmp_path / name
        shutil.copytree(FOLDERS / name, folder)
        if weights is not None:
            whole = torch.load(folder / "ae.pt", weights_only=True) | weights
            torch.save({key: value for key, value in whole.items() if value is not None}, folder / "ae.pt")
        config = json.loads((folder / "config.json").read_text())
        config["trainer"] |= trainer
        config["buffer"] |= buffer or {}
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return make


@pytest.mark.parametrize("name", CLASSES)
def test_encode_and_decode_are_the_librarys(name: str) -> None:
    expected = load_file(FOLDERS / name / "expected.safetensors")
    coder = load_coder(str(FOLDERS / name))
    assert not hasattr(coder, "of_width")
    triples = coder.encode(expected["x"])  # type: ignore[union-attr]
    encoded = dense(triples, (12, 16))
    torch.testing.assert_close(encoded, expected["encoded"], rtol=1e-5, atol=1e-5)
    assert torch.equal(encoded > 0, expected["encoded"] > 0)
    assert 0 < (encoded > 0).float().mean() < 1
    weights = torch.load(FOLDERS / name / "ae.pt", weights_only=True)
    decoded = encoded @ coder.decoder + weights[BIAS.get(name, "b_dec")]  # type: ignore[union-attr,operator]
    torch.testing.assert_close(decoded, expected["decoded"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CLASSES)
def test_what_the_configuration_says_is_kept(name: str) -> None:
    coder = load_dictionary_learning(str(FOLDERS / name))
    assert (coder.architecture, coder.n_latents, coder.d_in) == (name, 16, 8)
    assert (coder.hookpoint, coder.model_name) == ("blocks.1.hook_resid_post", "small")
    assert coder.trained.context_size == 128
    assert coder.transcodes is False
    assert coder.encoder is not None
    assert coder.encoder.shape == (16, 8)


def test_weights_in_float32_stay_in_the_file() -> None:
    coder = load_dictionary_learning(str(FOLDERS / "BatchTopKSAE"))
    weights = torch.load(FOLDERS / "BatchTopKSAE" / "ae.pt", weights_only=True, mmap=True)
    assert coder.decoder is not None
    assert coder.encoder is not None
    for ours, name in ((coder.decoder, "decoder.weight"), (coder.encoder, "encoder.weight")):
        # A mapped storage is as large as the file's part; a copy would be as large as the tensor alone.
        assert ours.untyped_storage().nbytes() == weights[name].untyped_storage().nbytes()
        assert ours.untyped_storage().filename == weights[name].untyped_storage().filename


@pytest.mark.parametrize(
    ("trainer", "buffer", "hookpoint"),
    [
        pytest.param({"submodule_name": "mlp_out_layer_3", "layer": 3}, {}, "blocks.3.hook_mlp_out", id="mlp"),
        pytest.param({"submodule_name": "attn_out_layer3", "layer": 3}, {}, "blocks.3.hook_attn_out", id="attention"),
        pytest.param({"submodule_name": "resid_out", "layer": 3}, {}, "blocks.3.hook_resid_post", id="no-layer"),
        pytest.param({"submodule_name": None}, {}, None, id="no-name"),
        pytest.param({"submodule_name": "gpt_neox.layers.3"}, {}, None, id="unknown-name"),
        pytest.param({"layer": 3}, {}, None, id="two-layers"),
        pytest.param({"layer": None}, {}, None, id="no-layer-number"),
        pytest.param({}, {"io": "in"}, None, id="input"),
        pytest.param({}, {"io": "in_and_out"}, None, id="transcoder"),
    ],
)
def test_the_hookpoint_is_taken_where_it_is_known(
    copy: Callable[..., Path], trainer: Any, buffer: Any, hookpoint: str | None
) -> None:
    coder = load_dictionary_learning(str(copy(buffer=buffer, **trainer)))
    assert coder.hookpoint == hookpoint
    assert coder.transcodes == (buffer.get("io") == "in_and_out")


def test_a_decoder_vector_of_zeros_is_a_silent_latent(copy: Callable[..., Path]) -> None:
    weights = torch.load(FOLDERS / "AutoEncoder" / "ae.pt", weights_only=True)
    weights["decoder.weight"][:, 5] = 0
    coder = load_dictionary_learning(str(copy("AutoEncoder", weights=weights)))
    x = load_file(FOLDERS / "AutoEncoder" / "expected.safetensors")["x"]
    assert 5 not in coder.encode(x).latent
    assert coder.decoder is not None
    assert torch.isfinite(coder.decoder).all()


def test_the_digest_follows_weights_and_k(copy: Callable[..., Path]) -> None:
    k = {"k": torch.tensor(4, dtype=torch.int32)}
    digests = {
        load_dictionary_learning(str(folder)).sha256
        for folder in (FOLDERS / "AutoEncoderTopK", FOLDERS / "BatchTopKSAE", copy("AutoEncoderTopK", weights=k, k=4))
    }
    assert len(digests) == 3


def test_bfloat16_weights_are_read(copy: Callable[..., Path]) -> None:
    weights = torch.load(FOLDERS / "JumpReluAutoEncoder" / "ae.pt", weights_only=True)
    folder = copy("JumpReluAutoEncoder", weights={name: value.bfloat16() for name, value in weights.items()})
    coder = load_dictionary_learning(str(folder))
    assert coder.decoder is not None
    assert torch.equal(coder.decoder, weights["W_dec"].bfloat16().float())


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        pytest.param(
            "BatchTopKSAE",
            {"dict_class": "IdentityDict"},
            r"says that its trainer\.dict_class is IdentityDict; it must be one of .+$",
            id="class",
        ),
        pytest.param("BatchTopKSAE", {"dict_class": "CrossCoder"}, r"of the class CrossCoder, lacks", id="cross"),
        pytest.param("BatchTopKSAE", {"dict_class": None}, r"trainer\.dict_class is None; it must be", id="no-class"),
        pytest.param(
            "BatchTopKSAE",
            {"weights": {"threshold": torch.tensor(-1.0)}},
            r"has no threshold \(-1: .+ of the batch$",
            id="no-threshold",
        ),
        pytest.param(
            "BatchTopKSAE",
            {"weights": {"threshold": torch.tensor(torch.nan)}},
            r"its threshold is NaN$",
            id="nan",
        ),
        pytest.param("AutoEncoderTopK", {"k": 4}, r"do not agree on k: 3 and 4$", id="two-k"),
        pytest.param(
            "AutoEncoderTopK",
            {"weights": {"k": None}, "k": 17},
            r"k must be between 1 and its 16 latents, got 17$",
            id="large-k",
        ),
        pytest.param(
            "AutoEncoderTopK",
            {"weights": {"k": None}, "k": None},
            r"does not say k, .+ and nor does config\.json$",
            id="no-k",
        ),
        pytest.param(
            "GatedAutoEncoder",
            {"weights": {"r_mag": None}},
            r"its ae\.pt, of the class GatedAutoEncoder, lacks r_mag;"
            r" it holds decoder\.weight, .+$",
            id="missing",
        ),
        pytest.param(
            "AutoEncoderNew",
            {"weights": {"activation_mean": torch.ones(8)}},
            r"holds activation_mean, which .+$",
            id="unknown",
        ),
        pytest.param(
            "AutoEncoder",
            {"weights": {"bias": torch.ones(9)}},
            r"bias must be \(8,\) of floating.+, but is \(9,\) of float32 \(encoder\.weight .+\)$",
            id="shape",
        ),
        pytest.param(
            "AutoEncoder",
            {"weights": {"encoder.weight": torch.ones(9)}},
            r"encoder\.weight must be a matrix, but is of shape \(9,\)$",
            id="no-matrix",
        ),
        pytest.param(
            "AutoEncoder",
            {"weights": {"bias": torch.ones(8, dtype=torch.int64)}},
            r"but is \(8,\) of int64",
            id="type",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(
    copy: Callable[..., Path], name: str, change: dict[str, Any], message: str
) -> None:
    folder = copy(name, **change)
    with pytest.raises(UserError, match=rf"^coder {re.escape(str(folder))}: .*{message}") as info:
        load_dictionary_learning(str(folder))
    assert "\n" not in str(info.value)


class _Code:
    """Something whose pickle runs code when it is read."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("ran"),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param({"a": _Code()}, r"is a pickle of more than tensors, which could run code", id="code"),
        pytest.param({"a": 3}, r"holds something else than tensors by name", id="number"),
        pytest.param([torch.ones(3)], r"holds something else than tensors by name", id="list"),
    ],
)
def test_a_pickle_that_is_no_state_dict_is_refused(
    copy: Callable[..., Path], content: Any, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = copy()
    torch.save(content, folder / "ae.pt")
    with pytest.raises(UserError, match=rf"^coder {re.escape(str(folder))}: its ae\.pt {message}.*$"):
        load_dictionary_learning(str(folder))
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("file", "content"),
    [("ae.pt", b"abc"), ("ae.pt", b""), ("config.json", b"{"), ("config.json", b"[]"), ("config.json", None)],
)
def test_a_broken_file_is_refused_in_one_line(copy: Callable[..., Path], file: str, content: bytes | None) -> None:
    folder = copy()
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    with pytest.raises(UserError, match=rf"^coder {re.escape(str(folder))}: its {re.escape(file)} .+$") as info:
        load_coder(str(folder))
    assert "\n" not in str(info.value)


def test_files_before_torch_1_6_are_read(copy: Callable[..., Path]) -> None:
    folder = copy()
    weights = torch.load(folder / "ae.pt", weights_only=True)
    torch.save(weights, folder / "ae.pt", _use_new_zipfile_serialization=False)
    assert load_dictionary_learning(str(folder)).sha256 == load_dictionary_learning(str(FOLDERS / folder.name)).sha256


def test_another_width_than_the_subjects_is_refused(prep: Callable[..., Manifest], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"BatchTopKSAE reads 8 dimensions and .+ has 32 at layers\.1: they do not fit"):
        prep(tmp_path / "store", coders=[FOLDERS / "BatchTopKSAE"], tokens=500)
