"""Identity of a coder's or a subject's data: sha256 of weights, or of the description that they are made from."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, cast

import torch
from torch import Tensor


def weights_sha256(module: torch.nn.Module) -> str:
    """sha256 over a module's parameters and buffers: names, shapes, types and bytes."""
    return tensors_sha256(module.state_dict())


def tensors_sha256(tensors: Mapping[str, Tensor], description: str = "") -> str:
    """sha256 over tensors (names, shapes, types and bytes) and what else decides how they are used."""
    digest = sha256(description.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        array = cast(Any, tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
        digest.update(array)  # a buffer, which types say only from Python 3.12 on
    return digest.hexdigest()


def description_sha256(description: str) -> str:
    """sha256 of the words that a coder without stored weights is made from.

    Not of the weights themselves: a matrix product may round its last bit otherwise on another machine.
    """
    return sha256(description.encode()).hexdigest()
