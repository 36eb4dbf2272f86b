"""Which coder a `--coder` source means."""

from pathlib import Path

import torch

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.coder import Coder, Widthless
from inspect_autointerp.prep.coders.dimensions import Dimensions
from inspect_autointerp.prep.coders.gemma_scope import PARAMETERS, GemmaScopeCoder
from inspect_autointerp.prep.coders.neurons import Neurons
from inspect_autointerp.prep.coders.own import OwnCoder
from inspect_autointerp.prep.coders.random_topk import RandomTopk
from inspect_autointerp.prep.coders.saelens import SaeLensCoder
from inspect_autointerp.prep.coders.sparsify import WEIGHTS, SparsifyCoder


def load_coder(source: str, device: str | torch.device = "cpu", *, seed: int = 0) -> Coder | Widthless:
    """Load what a source stands for.

    Args:
        source: `neurons`, `neurons:k`, `neurons:k:rotated`, `random:LATENTSxK`, `dimensions` (these words go before a
            folder of such a name, which is `./neurons`); a folder of SAELens's, sparsify's or Gemma Scope's, told
            apart by the files in it; `release:id` of SAELens's registry; `module:factory`.
        device: Where it runs.
        seed: Of coders made at random.

    Raises:
        UserError: It is none of these, or cannot be loaded.
    """
    word = source.partition(":")[0]
    if word == "neurons":
        return Neurons(source, device, seed)
    if word == "random":
        return RandomTopk(source, device, seed)
    if source == "dimensions":
        return Dimensions(source, device)
    folder = Path(source)
    if (folder / WEIGHTS).is_file():
        return SparsifyCoder(source, device)
    if (folder / PARAMETERS).is_file():
        return GemmaScopeCoder(source, device)
    if not folder.exists() and ":" not in source:
        raise UserError(
            f"coder {source}: no such folder, and neither `release:id` of SAELens's registry nor `module:factory`"
            " of your own; `autointerp prep --help` lists what a coder can be"
        )
    return OwnCoder(source, device) if not folder.exists() and _is_own(source) else SaeLensCoder(source, device)


def _is_own(source: str) -> bool:
    """Whether this reads as a factory in a module, and is no release of SAELens's registry."""
    module, _, factory = source.partition(":")
    if not factory.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        return False
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    return module not in get_pretrained_saes_directory()
