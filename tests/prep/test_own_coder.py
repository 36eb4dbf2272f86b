"""A coder of the user's own: what is taken, and what each mistake is told."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders import own
from inspect_autointerp.prep.coders.own import OwnCoder
from inspect_autointerp.prep.coders.random_topk import RandomTopkCoder
from inspect_autointerp.store.manifest import Manifest

MODULE = """
import torch


class Relu:
    architecture = "relu"
    n_latents = d_in = 32
    hookpoint = "layers.1"
    sha256 = "0" * 64
    decoder = None

    def encode(self, x):
        token, latent = (x > 0).nonzero(as_tuple=True)
        return token, latent, x[token, latent]


def make(device):
    return Relu()


def broken(device):
    raise RuntimeError("no weights\\nhere")


def wrong(**changes):
    def factory(device):
        coder = Relu()
        for name, value in changes.items():
            setattr(coder, name, value)
        return coder

    return factory


def encodes(*triples):
    return wrong(encode=lambda x: triples)


def nothing(device):
    return object()


class Fails(Relu):
    def encode(self, x):
        raise ValueError("shapes")


def fails(device):
    return Fails()


some, ones = torch.arange(3), torch.ones(3)
width = wrong(n_latents="many")
narrow = wrong(d_in=0)
reads = wrong(encoder=[1.0])
unnamed = wrong(model_name=3)
point = wrong(hookpoint=3)
unpaired = encodes(some, some[:2], ones)
dense = encodes(ones[:, None], some, ones)
numbers = encodes(1, 2, 3)
floats = encodes(ones, some, ones)
unsorted = encodes(some.flip(0), some, ones)
beyond = encodes(some + 20, some, ones)
foreign = encodes(some, some + 30, ones)
negative = encodes(some, some, -ones)
two = encodes(some, some)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `mycoder.py`, where the command is run."""
    (tmp_path / "mycoder.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mycoder", raising=False)
    return tmp_path


def test_own_coder_is_imported_from_the_working_folder(x: Tensor) -> None:
    before = list(sys.path)
    coder = OwnCoder("mycoder:make")
    assert sys.path == before
    assert (coder.source, coder.architecture, coder.n_latents, coder.d_in) == ("mycoder:make", "relu", 32, 32)
    assert torch.equal(coder.encode(x).value, x[x > 0])


def test_what_it_reads_and_of_which_model_need_not_be_said(folder: Path) -> None:
    coder = OwnCoder("mycoder:make")
    assert (coder.encoder, coder.model_name) == (None, None)
    more = "\n\nsaid = wrong(encoder=torch.eye(32), model_name='gpt2')\n"
    (folder / "other.py").write_text(MODULE + more, encoding="utf-8")
    coder = OwnCoder("other:said")
    assert coder.encoder is not None
    assert torch.equal(coder.encoder, torch.eye(32))
    assert coder.model_name == "gpt2"


def test_nan_that_it_gives_later_is_refused(folder: Path, x: Tensor) -> None:
    more = "\n\nlogs = wrong(encode=lambda x: (some, some, (x[0, 0] - 100).log() * ones if len(x) > 16 else ones))\n"
    (folder / "later.py").write_text(MODULE + more, encoding="utf-8")
    coder = OwnCoder("later:logs")
    with pytest.raises(UserError, match=r"^coder later:logs gives NaN or infinite activations on finite input; check"):
        coder.encode(x)


def test_a_store_of_it(prep: Callable[..., Manifest], tmp_path: Path) -> None:
    manifest = prep(tmp_path / "store", coders=["mycoder:make"], tokens=300)
    entry = manifest.hookpoints["layers.1"]
    assert (entry.coder, entry.architecture, entry.width, entry.sha256) == ("mycoder:make", "relu", 32, "0" * 64)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("nothing", r"it lacks architecture \(see Coder in inspect_autointerp\.prep\.coders\.coder\)$"),
        ("width", r"its n_latents is of type str, not int$"),
        ("narrow", r"its d_in is 0$"),
        ("point", r"its hookpoint is of type int, not str \| None$"),
        ("reads", r"its encoder is of type list, not .*Tensor \| None$"),
        ("unnamed", r"its model_name is of type int, not str \| None$"),
        ("broken", r"neither in SAELens's registry, nor does .+ of a module mycoder .+ \(RuntimeError: no weights\)$"),
        ("missing", r"neither in SAELens's registry, .+ \(AttributeError: module 'mycoder' has no attribute 'missing'"),
        ("fails", r"its encode failed \(ValueError: shapes\)$"),
        ("two", r"its encode failed \(TypeError: .+\)$"),
        ("numbers", r"its encode must return three 1-d tensors .+, and it returned something else$"),
        ("dense", r"its encode must return three 1-d tensors .+, and it returned something else$"),
        ("unpaired", r"its encode must return .+, and they are of lengths 3, 2 and 3$"),
        ("floats", r"its encode must return .+, and they are of types torch\.float32, torch\.int64 and torch\.float"),
        ("unsorted", r"its encode must return .+, and the tokens are not rows of the input in increasing order$"),
        ("beyond", r"its encode must return .+, and the tokens are not rows of the input in increasing order$"),
        ("foreign", r"its encode must return .+, and the latents are not all from 0 to 31$"),
        ("negative", r"its encode must return .+, and the values are not all above 0$"),
    ],
)
def test_what_is_no_coder_is_refused_in_one_line(factory: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"^coder mycoder:{factory}: {message}") as info:
        OwnCoder(f"mycoder:{factory}")
    assert "\n" not in str(info.value)


def test_a_module_that_is_not_there_is_refused() -> None:
    message = r"^coder nocoder:make: neither in SAELens's registry, .+\(ModuleNotFoundError: No module named 'nocoder'"
    with pytest.raises(UserError, match=message):
        OwnCoder("nocoder:make")


def test_the_places_that_an_own_coder_writes_to_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(writes: Any) -> OwnCoder:
        coder = RandomTopkCoder("own", 8, 16, 4)
        coder.writes = writes  # type: ignore[attr-defined]
        monkeypatch.setattr(own, "_make", lambda *_: coder)
        return OwnCoder("own:make")

    places = {"layers.1": torch.ones(16, 8), "layers.2": torch.ones(16, 8)}
    assert made(places).writes == places
    for wrong, shape in ((torch.ones(8, 16), r"\(8, 16\)"), (3, "int")):
        with pytest.raises(UserError, match=rf"must have a tensor \(16, d\) for layers\.1, got {shape}$"):
            made({"layers.1": wrong})
    with pytest.raises(UserError, match=r"its writes is of type list, not "):
        made([torch.ones(16, 8)])
