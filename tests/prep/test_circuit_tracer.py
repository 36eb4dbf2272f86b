"""circuit-tracer's transcoders, on files that the library itself wrote (library_files/make.py)."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from tests.prep.library_files import FILES
from tests.triples import dense

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders import load_coder
from inspect_autointerp.prep.coders.linear import LinearCoder

FOLDERS = FILES / "circuit_tracer"


def loaded(folder: Path, layer: int | None) -> LinearCoder:
    """The coder of a layer, as `--coder` names it."""
    coder = load_coder(str(folder) if layer is None else f"{folder}:{layer}")
    assert isinstance(coder, LinearCoder)
    return coder


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., Path]:
    """A library's folder with another configuration, or with other tensors in one of its files."""

    def make(name: str, file: str = "", weights: Any = None, **config: Any) -> Path:
        folder = tmp_path / name
        shutil.copytree(FOLDERS / name, folder)
        if file:
            whole = load_file(folder / file) | weights
            save_file({key: value for key, value in whole.items() if value is not None}, folder / file)
        content = yaml.safe_load((folder / "config.yaml").read_text()) | config
        (folder / "config.yaml").write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}))
        return folder

    return make


@pytest.mark.parametrize("name", ["relu", "jumprelu", "clt_relu", "clt_jumprelu"])
def test_encode_and_decode_are_the_librarys(name: str) -> None:
    expected = load_file(FOLDERS / name / "expected.safetensors")
    decoded = torch.zeros_like(expected["decoded"])
    for layer in range(3):
        coder = loaded(FOLDERS / name, layer)
        encoded = dense(coder.encode(expected["x"][layer]), (12, 16))
        torch.testing.assert_close(encoded, expected["encoded"][layer], rtol=1e-5, atol=1e-5)
        assert 0 < (encoded > 0).float().mean() < 1
        assert coder.writes is not None
        for place, decoder in coder.writes.items():
            written = re.fullmatch(r"blocks\.(\d)\.hook_mlp_out", place)
            assert written is not None
            decoded[int(written[1])] += encoded @ decoder
        clt = name.startswith("clt")
        weights = load_file(FOLDERS / name / (f"W_enc_{layer}.safetensors" if clt else f"layer_{layer}.safetensors"))
        decoded[layer] += weights[f"b_dec_{layer}" if clt else "b_dec"]
        if "W_skip" in weights:
            decoded[layer] += expected["x"][layer] @ weights["W_skip"].T
    torch.testing.assert_close(decoded, expected["decoded"], rtol=1e-4, atol=1e-4)


def test_a_set_of_transcoders_says_where_it_reads_and_writes() -> None:
    coder = loaded(FOLDERS / "relu", 1)
    assert (coder.architecture, coder.n_latents, coder.d_in) == ("relu transcoder", 16, 8)
    assert (coder.hookpoint, coder.model_name, coder.transcodes) == ("blocks.1.mlp.hook_in", "small", True)
    assert list(coder.writes or ()) == ["blocks.1.hook_mlp_out"]


def test_a_cross_layer_transcoder_writes_to_its_layer_and_all_after_it() -> None:
    coder = loaded(FOLDERS / "clt_jumprelu", 1)
    assert coder.architecture == "jumprelu cross-layer transcoder"
    assert coder.writes is not None
    assert list(coder.writes) == ["blocks.1.hook_mlp_out", "blocks.2.hook_mlp_out"]
    assert coder.decoder is not None
    torch.testing.assert_close(coder.decoder, torch.stack(list(coder.writes.values())).sum(dim=0))
    assert list(loaded(FOLDERS / "clt_jumprelu", 2).writes or ()) == ["blocks.2.hook_mlp_out"]


def test_decoders_in_float32_are_not_copied() -> None:
    coder = loaded(FOLDERS / "clt_relu", 0)
    assert coder.writes is not None
    first, second, third = (decoder.untyped_storage().data_ptr() for decoder in coder.writes.values())
    assert first == second == third
    transcoder = loaded(FOLDERS / "relu", 0)
    assert transcoder.writes is not None
    assert transcoder.decoder is not None
    assert transcoder.writes["blocks.0.hook_mlp_out"].data_ptr() == transcoder.decoder.data_ptr()


def test_each_layer_has_its_own_digest_which_follows_the_decoders(copy: Callable[..., Path]) -> None:
    digests = {loaded(FOLDERS / name, layer).sha256 for name in ("relu", "clt_relu") for layer in range(3)}
    other = {"W_dec_1": torch.ones(16, 2, 8)}
    digests.add(loaded(copy("clt_relu", "W_dec_1.safetensors", other), 1).sha256)
    digests.add(loaded(copy("relu", feature_output_hook="mlp.hook_out"), 0).sha256)
    assert len(digests) == 8


def test_a_hook_of_several_meanings_needs_a_hookpoint(copy: Callable[..., Path]) -> None:
    assert loaded(copy("relu", feature_input_hook="ln2.hook_normalized"), 0).hookpoint is None


def test_files_that_the_configuration_lists_are_read(copy: Callable[..., Path]) -> None:
    folder = copy("relu", transcoders=["layer_2.safetensors", str(FOLDERS / "relu" / "layer_0.safetensors")])
    for layer, file in enumerate((2, 0)):
        mine, wanted = loaded(folder, layer), load_file(FOLDERS / "relu" / f"layer_{file}.safetensors")
        assert mine.decoder is not None
        assert torch.equal(mine.decoder, wanted["W_dec"])
        assert mine.hookpoint == f"blocks.{layer}.mlp.hook_in"


@pytest.mark.parametrize(
    ("name", "change", "layer", "message"),
    [
        pytest.param("relu", {}, None, r"it has 3 layers; give one from 0 to 2, as in .+relu:0$", id="no-layer"),
        pytest.param("relu", {}, 3, r"there is no layer 3; it has layers 0 to 2$", id="other-layer"),
        pytest.param("clt_relu", {}, 3, r"there is no layer 3; it has layers 0 to 2$", id="other-layer-clt"),
        pytest.param("relu", {"model_kind": "lorsa"}, 0, r"model_kind is lorsa; it must be transcoder_set", id="kind"),
        pytest.param("relu", {"model_kind": None}, 0, r"model_kind is None; it must be transcoder_set", id="no-kind"),
        pytest.param("relu", {"feature_output_hook": None}, 0, r"does not say feature_output_hook, a Tr", id="no-hook"),
        pytest.param("relu", {"model_kind": "cross_layer_transcoder"}, 0, r"W_enc_\*\.safetensors .+ none$", id="set"),
        pytest.param("clt_relu", {"model_kind": "transcoder_set"}, 0, r"layer_\*\.safetensors for .+ none$", id="clt"),
        pytest.param("relu", {"transcoders": ["hf://a/b/layer_0.safetensors"]}, 0, r"only points to files", id="hub"),
        pytest.param("relu", {"transcoders": "all"}, 0, r"are not a list of files$", id="list"),
        pytest.param("relu", {"transcoders": ["no"]}, 0, r"its no cannot be read \(.+$", id="no-file"),
        pytest.param(
            "relu", {"file": "layer_0.safetensors", "weights": {"b_enc": None}}, 0,
            r"its layer_0\.safetensors lacks b_enc; it holds W_dec, W_enc, W_skip, b_dec$", id="missing",
        ),
        pytest.param(
            "relu", {"file": "layer_0.safetensors", "weights": {"log_thresholds": torch.ones(16)}}, 0,
            r"holds log_thresholds, which this kind of coder does not have$", id="unknown",
        ),
        pytest.param(
            "relu", {"file": "layer_0.safetensors", "weights": {"W_dec": torch.ones(8, 16)}}, 0,
            r"W_dec must be \(16, 16\) .+, but is \(8, 16\)", id="shape",
        ),
        pytest.param(
            "clt_relu", {"file": "W_dec_1.safetensors", "weights": {"W_dec_1": torch.ones(16, 3, 8)}}, 1,
            r"W_dec_1 must be \(16, 2, 8\) of floating-point numbers, but is \(16, 3, 8\)", id="clt-shape",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_one_line(
    copy: Callable[..., Path], name: str, change: dict[str, Any], layer: int | None, message: str
) -> None:
    folder = copy(name, **change)
    with pytest.raises(UserError, match=rf"^coder {re.escape(str(folder))}(:\d)?: .*{message}") as info:
        loaded(folder, layer)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    ("name", "file", "content"),
    [
        ("relu", "config.yaml", "a: [1"),
        ("relu", "config.yaml", "- 1"),
        ("relu", "layer_1.safetensors", "abc"),
        ("clt_relu", "W_dec_1.safetensors", "abc"),
        ("clt_relu", "W_dec_1.safetensors", None),
    ],
)
def test_a_broken_file_is_refused_in_one_line(
    copy: Callable[..., Path], name: str, file: str, content: str | None
) -> None:
    folder = copy(name)
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content)
    with pytest.raises(UserError, match=rf"^coder {re.escape(str(folder))}:1: its {re.escape(file)} .+$") as info:
        loaded(folder, 1)
    assert "\n" not in str(info.value)


def test_a_layer_that_is_missing_between_others_is_named(copy: Callable[..., Path]) -> None:
    folder = copy("clt_relu")
    (folder / "W_enc_1.safetensors").unlink()
    with pytest.raises(UserError, match=r"a file W_enc_\*\.safetensors for each layer from 0 on; there are 0, 2$"):
        loaded(folder, 0)
