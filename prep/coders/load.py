"""Which coder a `--coder` source means."""

import re
from pathlib import Path
from typing import get_args

import torch

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.affine import Precision
from inspect_autointerp.prep.coders.circuit_tracer import CONFIG as CIRCUIT_TRACER
from inspect_autointerp.prep.coders.circuit_tracer import load_circuit_tracer
from inspect_autointerp.prep.coders.coder import Coder, Widthless
from inspect_autointerp.prep.coders.dictionary_learning import WEIGHTS as DICTIONARY
from inspect_autointerp.prep.coders.dictionary_learning import (
    is_hub_crosscoder,
    load_dictionary_learning,
    load_hub_crosscoder,
)
from inspect_autointerp.prep.coders.dimensions import Dimensions
from inspect_autointerp.prep.coders.gemma_scope import PARAMETERS, GemmaScopeCoder
from inspect_autointerp.prep.coders.layer_of_folder import no_layer, parted
from inspect_autointerp.prep.coders.llamascopium import is_llamascopium, load_llamascopium
from inspect_autointerp.prep.coders.neurons import Neurons
from inspect_autointerp.prep.coders.own import OwnCoder
from inspect_autointerp.prep.coders.random_topk import RandomTopk
from inspect_autointerp.prep.coders.saelens import SaeLensCoder
from inspect_autointerp.prep.coders.sparsify import WEIGHTS, SparsifyCoder
from inspect_autointerp.store.trust import factory, factory_refusal

_SAELENS = "cfg.json"


def load_coder(
    source: str,
    device: str | torch.device = "cpu",
    *,
    seed: int = 0,
    dtype: Precision = "float32",
    run_code: bool = False,
) -> Coder | Widthless:
    """Load what a source stands for.

    Args:
        source: `neurons`, `neurons:k`, `neurons:3rms`, `neurons:k:rotated`, `random:LATENTSxK`, `dimensions` (these
            words go before a folder of such a name, which is `./neurons`); a folder of SAELens's, sparsify's, Gemma
            Scope's, dictionary_learning's, circuit-tracer's or llamascopium's, told apart by the files in it, and
            `folder:layer` if it holds several layers; `release:id` of SAELens's registry; `module:factory`.
        device: Where it runs.
        seed: Of coders made at random.
        dtype: Precision of the product of activations and encoder weights; sums and results are float32 in either.
            Coders that have no weights, or are one's own, ignore it.
        run_code: Import the module of a `module:factory` and call its factory. The user has to have typed the name, or
            to have allowed code that data name (`trust`).

    Raises:
        UserError: It is none of these, or cannot be loaded, or is code that may not run; `dtype` is neither float32 nor
            bfloat16.
    """
    if dtype not in get_args(Precision):
        raise UserError(f"coder {source}: its dtype must be float32 or bfloat16, got {dtype}")
    word = source.partition(":")[0]
    if word == "neurons":
        return Neurons(source, device, seed)
    if word == "random":
        return RandomTopk(source, device, seed, dtype)
    if source == "dimensions":
        return Dimensions(source, device)
    folder = Path(source)
    if (folder / WEIGHTS).is_file():
        return SparsifyCoder(source, device, dtype)
    if (folder / PARAMETERS).is_file():
        return GemmaScopeCoder(source, device, dtype)
    if (folder / DICTIONARY).is_file():
        return load_dictionary_learning(source, device, dtype)
    _check_suffix(source)
    parent, layer = parted(source)
    if (parent / CIRCUIT_TRACER).is_file():
        return load_circuit_tracer(parent, layer, source, device, dtype)
    if is_llamascopium(parent):
        return load_llamascopium(parent, layer, source, device, dtype)
    if is_hub_crosscoder(folder):
        return load_hub_crosscoder(source, device, dtype)
    if folder.is_file():
        raise UserError(f"coder {source}: this is a file; give its folder, {_folder_of(folder)}")
    if not folder.exists() and ":" not in source:
        raise UserError(
            f"coder {source}: no such folder, and neither `release:id` of SAELens's registry nor `module:factory`"
            " of your own; `autointerp coders` lists what a coder can be"
        )
    if parent.is_dir() and not (folder / _SAELENS).is_file():
        raise UserError(_unknown_folder(parent, source))
    if is_code(source):
        if not run_code:
            raise UserError(factory_refusal(source))
        return OwnCoder(source, device)
    return SaeLensCoder(source, device, dtype)


def _check_suffix(source: str) -> None:
    """Refuse what stands after a folder of coders if it is no layer, or if the folder holds one coder.

    Raises:
        UserError: It is so.
    """
    stem, _, suffix = source.rpartition(":")
    folder = Path(stem)
    if not stem or Path(source).exists() or not folder.is_dir():
        return
    if any((folder / name).is_file() for name in (WEIGHTS, PARAMETERS, DICTIONARY, _SAELENS)):
        no_layer(suffix, source)
    if ((folder / CIRCUIT_TRACER).is_file() or is_llamascopium(folder)) and parted(source)[1] is None:
        raise UserError(f"coder {source}: {suffix!r} is not a layer; give a number, as in {stem}:0")


def _folder_of(file: Path) -> str:
    """`clt/W_enc_3.safetensors` → `clt:3`; a file that is not of one layer among several → its folder."""
    layer = re.fullmatch(r"(?:layer|W_enc|W_dec)_(\d+)", file.stem)
    several = layer is not None and (file.parent / CIRCUIT_TRACER).is_file()
    return f"{file.parent}:{layer[1]}" if several and layer else str(file.parent)


def _unknown_folder(folder: Path, source: str) -> str:
    """Return why a folder without the files of any kind cannot be loaded."""
    names = sorted(path.name for path in folder.iterdir())
    return (
        f"coder {source}: the folder holds no coder of a known kind, but {', '.join(names[:8]) or 'nothing'}"
        f"{', …' if len(names) > 8 else ''}; `autointerp coders` lists the kinds by their files"
    )


def is_code(source: str) -> bool:
    """Return whether a source is a factory in a module: neither a folder nor a release of SAELens's registry."""
    named = factory(source)
    if named is None or Path(source).exists():
        return False
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    return named[0] not in get_pretrained_saes_directory()
