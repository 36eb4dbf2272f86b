"""Which coder a source means."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.prep.library_files import FILES

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders import SaeLensCoder, load, load_coder
from inspect_autointerp.prep.coders.dimensions import Dimensions
from inspect_autointerp.prep.coders.neurons import Neurons
from inspect_autointerp.prep.coders.random_topk import RandomTopk


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("neurons", Neurons),
        ("neurons:4", Neurons),
        ("neurons:4:rotated", Neurons),
        ("dimensions", Dimensions),
        ("random:64x4", RandomTopk),
    ],
)
def test_a_word_goes_before_a_folder_of_its_name(
    source: str, kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / source).mkdir()
    coder = load_coder(source)
    assert type(coder) is kind
    assert (coder.source, coder.hookpoint) == (source, None)


def test_folders_are_told_apart_by_their_files(
    tmp_path: Path, save_coder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "SparsifyCoder", lambda source, *_: f"sparsify {source}")
    monkeypatch.setattr(load, "GemmaScopeCoder", lambda source, *_: f"gemma scope {source}")
    for name, file in (("a", "sae.safetensors"), ("b", "params.npz")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).touch()
    assert load_coder(str(tmp_path / "a")) == f"sparsify {tmp_path / 'a'}"
    assert load_coder(str(tmp_path / "b")) == f"gemma scope {tmp_path / 'b'}"
    assert isinstance(load_coder(str(save_coder(tmp_path / "c", "topk", k=4))), SaeLensCoder)


def test_a_release_goes_before_a_module_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "SaeLensCoder", lambda source, *_: "release")
    monkeypatch.setattr(load, "OwnCoder", lambda source, _: "own")
    expected = {
        "gpt2-small-res-jb:blocks.8.hook_resid_pre": "release",  # no identifiers
        "llama_scope_lxr_8x:l5r_8x": "release",  # identifiers, but in the registry
        "somebody/repository:id": "release",
        "mypackage.mycoder:make": "own",
        "mycoder:make": "own",
    }
    assert {source: load_coder(source, run_code=True) for source in expected} == expected


def test_the_precision_reaches_every_coder_with_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SparsifyCoder", "GemmaScopeCoder", "SaeLensCoder"):
        monkeypatch.setattr(load, name, lambda source, device, dtype: dtype)
    for name, file in (("a", "sae.safetensors"), ("b", "params.npz"), ("c", "cfg.json")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).touch()
        assert load_coder(str(tmp_path / name), dtype="bfloat16") == "bfloat16"
        assert load_coder(str(tmp_path / name)) == "float32"
    precisions: dict[Any, bool] = {"float32": False, "bfloat16": True}
    for dtype, expected in precisions.items():
        made: Any = load_coder("random:64x4", dtype=dtype)
        encoder = made.of_width(32).encoder
        assert torch.equal(encoder, encoder.bfloat16().float()) == expected
    assert load_coder("neurons", dtype="bfloat16").source == "neurons"


def test_another_precision_is_refused() -> None:
    wrong: Any = "float16"
    with pytest.raises(UserError, match=r"^coder neurons: its dtype must be float32 or bfloat16, got float16$"):
        load_coder("neurons", dtype=wrong)


def test_what_is_nothing_is_refused_with_what_there_is() -> None:
    message = (
        r"^coder no/such/folder: no such folder, and neither `release:id` of SAELens's registry nor `module:factory`"
        r" of your own; `autointerp coders` lists what a coder can be$"
    )
    with pytest.raises(UserError, match=message):
        load_coder("no/such/folder")


def test_a_folder_goes_before_a_module_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mycoder:make").mkdir()
    with pytest.raises(
        UserError, match=r"^coder mycoder:make: the folder holds no coder of a known kind, but nothing; "
    ):
        load_coder("mycoder:make")


@pytest.mark.parametrize(
    ("file", "folder"),
    [
        ("dictionary_learning/AutoEncoder/ae.pt", "dictionary_learning/AutoEncoder"),
        ("circuit_tracer/relu/layer_2.safetensors", "circuit_tracer/relu:2"),
    ],
)
def test_a_file_is_refused_with_its_folder(file: str, folder: str) -> None:
    with pytest.raises(UserError, match=rf": this is a file; give its folder, {FILES / folder}$"):
        load_coder(str(FILES / file))


@pytest.mark.parametrize("config", ["{}", '{"dict_class": "BatchTopKCrossCoder"}', '{"architectures": ["Llama"]}'])
def test_a_folder_of_no_kind_is_refused_with_its_files(tmp_path: Path, config: str) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(UserError, match=r"holds no coder of a known kind, but config\.json; `autointerp coders` lists"):
        load_coder(str(tmp_path))
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(
        UserError, match=r"known kind, but config\.json, model\.safetensors; .* `autointerp coders` lists"
    ):
        load_coder(str(tmp_path))


@pytest.mark.parametrize("suffix", ["x", "-1", "1.5", ""])
def test_a_suffix_that_is_no_layer_is_named(suffix: str) -> None:
    for folder in (FILES / "circuit_tracer" / "relu", FILES / "llamascopium" / "clt_topk"):
        with pytest.raises(UserError, match=rf"'{suffix}' is not a layer; give a number, as in .*:0$"):
            load_coder(f"{folder}:{suffix}")


def test_a_layer_of_a_folder_with_one_coder_is_refused() -> None:
    with pytest.raises(UserError, match="this folder holds one coder; leave out the :1"):
        load_coder(f"{FILES / 'dictionary_learning' / 'AutoEncoder'}:1")
