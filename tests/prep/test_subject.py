"""Tests of loading a subject: attention, devices, bits, remote code; and what is refused."""

from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.subject.hf_errors import why
from inspect_autointerp.prep.subject.list_hookpoints import places
from inspect_autointerp.prep.subject.subject import Subject

IDS = torch.arange(1, 41).reshape(2, 20)


def activations(subject: Subject) -> dict[str, Tensor]:
    by_place: dict[str, Tensor] = {}
    subject.run(IDS, lambda hookpoint, value: by_place.__setitem__(hookpoint.name, value.clone()))
    return by_place


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what transformers is asked for when it is to load weights; it loads them plainly."""
    from transformers import PreTrainedModel

    plain: Any = PreTrainedModel.__dict__["from_pretrained"].__func__
    seen: dict[str, Any] = {}

    def load(cls: type, source: str, **options: Any) -> Any:
        seen.update(options)
        beyond = ("quantization_config", "device_map")
        return plain(cls, source, **{name: value for name, value in options.items() if name not in beyond})

    monkeypatch.setattr(PreTrainedModel, "from_pretrained", classmethod(load))
    return seen


def missing(monkeypatch: pytest.MonkeyPatch, package: str, *modules: str) -> None:
    """Have transformers find that a package is not installed."""
    for module in modules:
        monkeypatch.setattr(f"transformers.{module}.is_{package}_available", lambda *_: False)


def test_attention_is_of_the_kind_asked_for_and_all_kinds_agree(subject_folder: Path) -> None:
    by_kind = {}
    for attention in ("eager", "sdpa"):
        subject = Subject(str(subject_folder), ["layers.2"], attention=attention)
        assert subject.model.config._attn_implementation == attention
        by_kind[attention] = activations(subject)["layers.2"]
    torch.testing.assert_close(by_kind["eager"], by_kind["sdpa"], rtol=0, atol=1e-5)


def test_unknown_attention_is_refused_with_the_known_ones(subject_folder: Path) -> None:
    message = rf"^subject {subject_folder}: its weights cannot be loaded \(.*implementation=\"none\".*sdpa.*\)$"
    with pytest.raises(UserError, match=message):
        Subject(str(subject_folder), ["layers.2"], attention="none")


@pytest.mark.parametrize("device_map", ["cpu", "auto"])
def test_a_device_map_changes_nothing_but_the_place(subject_folder: Path, device_map: str) -> None:
    plain, mapped = (Subject(str(subject_folder), ["layers.2"], device_map=how) for how in (None, device_map))
    assert mapped.sha256 == plain.sha256
    assert mapped.device == mapped.base.get_input_embeddings().weight.device
    mapped_activations = activations(mapped)["layers.2"]
    assert mapped_activations.device == mapped.device
    if mapped.device.type == "cpu":
        assert torch.equal(mapped_activations, activations(plain)["layers.2"])


def test_the_model_stays_where_the_device_map_put_it(asked: dict[str, Any], subject_folder: Path) -> None:
    # `meta` is a device that no weight can be moved to and stay known: with a map, `device` must not be used.
    subject = Subject(str(subject_folder), ["layers.2"], device="meta", device_map="cpu")
    assert asked["device_map"] == "cpu"
    assert subject.device == torch.device("cpu")


def test_a_model_too_large_for_its_devices_is_refused(subject_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import PreTrainedModel

    plain: Any = PreTrainedModel.__dict__["from_pretrained"].__func__

    def load(cls: type, source: str, **options: Any) -> Any:
        model, info = plain(cls, source, **options)
        model.base_model.layers[0].to("meta")  # as accelerate leaves what it keeps elsewhere
        return model, info

    monkeypatch.setattr(PreTrainedModel, "from_pretrained", classmethod(load))
    with pytest.raises(UserError, match=r"it is too large for the devices that --device-map auto .*give --quantizat"):
        Subject(str(subject_folder), ["layers.2"], device_map="auto")


def test_a_device_map_wants_accelerate(subject_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing(monkeypatch, "accelerate", "integrations.accelerate")
    message = rf"^subject {subject_folder}: its weights cannot be loaded \(.*`pip install accelerate`\)$"
    with pytest.raises(UserError, match=message):
        Subject(str(subject_folder), ["layers.2"], device_map="auto")
    Subject(str(subject_folder), ["layers.2"])


@pytest.mark.parametrize("options", [{"device": "nowhere"}, {"device_map": "nowhere"}])
def test_an_unknown_device_is_refused(subject_folder: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=rf"^subject {subject_folder}: its weights cannot be loaded \(.*nowhere.*\)$"):
        Subject(str(subject_folder), ["layers.2"], **options)


@pytest.mark.parametrize("bits", [8, 4])
def test_weights_are_quantised_on_the_way_to_their_device(
    asked: dict[str, Any], subject_folder: Path, bits: int
) -> None:
    quantization: Any = f"{bits}bit"
    Subject(str(subject_folder), ["layers.2"], quantization=quantization)
    config = asked["quantization_config"]
    assert (config.load_in_8bit, config.load_in_4bit) == (bits == 8, bits == 4)
    assert asked["device_map"] == "cpu"  # `device`; bitsandbytes would choose for itself
    Subject(str(subject_folder), ["layers.2"], quantization=quantization, device_map="balanced")
    assert asked["device_map"] == "balanced"


@pytest.mark.parametrize("quantization", ["8bit", "4bit"])
def test_quantisation_wants_bitsandbytes(
    subject_folder: Path, monkeypatch: pytest.MonkeyPatch, quantization: Any
) -> None:
    missing(monkeypatch, "bitsandbytes", f"quantizers.quantizer_bnb_{quantization}")
    message = rf"^subject {subject_folder}: its weights cannot be loaded \(.*`pip install -U bitsandbytes[^`]*`\)$"
    with pytest.raises(UserError, match=message):
        Subject(str(subject_folder), ["layers.2"], quantization=quantization)


def test_code_that_comes_with_a_checkpoint_runs_only_if_asked_to(own_code: Path, subject_folder: Path) -> None:
    message = rf"subject {own_code}: .* \(it needs code that comes with it, which --trust-remote-code lets run on this"
    for load in (lambda: Subject(str(own_code), ["layers.2"]), lambda: places(str(own_code))):
        with pytest.raises(UserError, match=f"^{message} machine\\)$"):
            load()
    assert not (own_code.parent / "ran").exists()
    trusted = Subject(str(own_code), ["layers.2"], trust_remote_code=True)
    assert (own_code.parent / "ran").exists()
    assert torch.equal(
        activations(trusted)["layers.2"], activations(Subject(str(subject_folder), ["layers.2"]))["layers.2"]
    )
    listed, _ = places(str(own_code), trust_remote_code=True)
    assert [place.name for place in listed] == [place.name for place in places(str(subject_folder))[0]]


def test_a_gated_model_is_refused_with_how_to_get_access(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.errors import GatedRepoError

    def refuse(*_: Any, **__: Any) -> None:
        raise GatedRepoError("403 Client Error. (Request ID: 1)\n\nCannot access gated repo", response=MagicMock())

    monkeypatch.setattr("transformers.utils.hub.hf_hub_download", refuse)
    message = (
        r"^subject a/b: its configuration (or tokenizer )?cannot be loaded \(access is gated: ask for it at"
        r" https://huggingface\.co/a/b, then `hf auth login` or set HF_TOKEN\)$"
    )
    for load in (lambda: Subject("a/b", ["layers.2"]), lambda: places("a/b")):
        with pytest.raises(UserError, match=message):
            load()


def test_a_model_that_there_is_not_is_refused_in_one_line() -> None:
    with pytest.raises(UserError, match=r"^subject a/b: its configuration or tokenizer cannot be loaded \(.+\)$"):
        Subject("a/b", ["layers.2"])


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError("\n first \nsecond"), "first"),
        (RuntimeError(), "RuntimeError"),
        (ValueError("x" * 1000), "x" * 400),
    ],
)
def test_an_error_is_told_in_one_line(error: Exception, line: str) -> None:
    assert why(error, "a/b") == line


def test_a_pass_leaves_alone_what_others_hooked(subject_folder: Path) -> None:
    subject = Subject(str(subject_folder), ["layers.1:input", "layers.1"])
    calls: list[int] = []
    handle = subject.base.layers[1].register_forward_hook(lambda *_: calls.append(1))
    first = activations(subject)
    second = activations(subject)
    assert len(calls) == 2
    assert all(torch.equal(first[name], second[name]) for name in ("layers.1:input", "layers.1"))
    handle.remove()
