"""Rows of a store's coder, for files and for programs that explain a latent from its vector."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.models.steering import Direction
from inspect_autointerp.prep.coders import Coder, writes_of
from inspect_autointerp.prep.engines.coder_directions import coder_direction
from inspect_autointerp.prep.engines.load_from_store import coder_of
from inspect_autointerp.store.store import Store
from inspect_autointerp.vectors.rows import Rows


def coder_rows(store: Store, hookpoint: str, latents: Sequence[int], purpose: str) -> Rows:
    """Return the rows of some latents of a store's coder; arguments and errors are those of `coder_of`."""
    try:
        coder = coder_of(store, hookpoint, purpose)
    except UserError as error:
        raise UserError(f"{error}; put the coder where the store names it, or run this where it is") from error
    index = torch.tensor(sorted(latents), dtype=torch.int64)
    decoder = _decoder(coder, hookpoint, index)
    scale, bias = getattr(coder, "encoder_scale", None), getattr(coder, "encoder_bias", None)
    encoder = decoder if _is_basis(coder) else None if coder.encoder is None else coder.encoder[index].float()
    if scale is not None:  # activations are pre-activations times the scale
        encoder = None if encoder is None else encoder * scale[index, None]
        bias = None if bias is None else bias * scale
    threshold = getattr(coder, "threshold", None)
    return Rows(
        hookpoint,
        index.numpy(),
        encoder=_array(encoder),
        decoder=_array(decoder),
        encoder_bias=_array(None if bias is None else bias[index]),
        threshold=_array(None if threshold is None else threshold[index]),
        facts=_facts(store, hookpoint, coder, decoder),
    )


def _facts(store: Store, hookpoint: str, coder: Coder, decoder: Tensor | None) -> dict[str, Any]:
    entry = store.at(hookpoint).entry
    return {
        "coder": entry.coder,
        "coder_sha256": entry.sha256,
        "architecture": entry.architecture,
        "n_latents": entry.width,
        "d_in": coder.d_in,
        "d_out": None if decoder is None else decoder.shape[-1],
        "reads": getattr(coder, "reads", None) or "the hookpoint as it is",
        "writes": _writes(coder),
    }


def _writes(coder: Coder) -> str:
    if (writes := writes_of(coder)) is not None:
        return ", ".join(writes)
    return "the output of the module that it replaces" if coder.transcodes else "the hookpoint"


def _decoder(coder: Coder, hookpoint: str, index: Tensor) -> Tensor | None:
    """Return the decoder's rows; of a coder that writes to several places end to end, in their order."""
    if (writes := writes_of(coder)) is not None:
        return torch.cat([decoder[index].float() for decoder in writes.values()], dim=1)
    if coder.decoder is not None:
        return coder.decoder[index].float()
    try:
        own = [coder_direction(coder, Direction(latent), hookpoint) for latent in index.tolist()]
        return torch.stack([torch.cat(parts) for parts in own])
    except UserError:  # its latents have no directions
        return None


def _is_basis(coder: Coder) -> bool:
    """Return whether latents are dimensions of a basis, as neurons are: what each reads is what it is."""
    return coder.encoder is None and coder.decoder is None


def _array(tensor: Tensor | None) -> np.ndarray | None:
    return None if tensor is None else tensor.detach().float().cpu().contiguous().numpy()
