"""Identity of a coder's or a subject's data: sha256 of weights, or of the description that they are made from."""

from collections.abc import Mapping
from hashlib import sha256

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
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def description_sha256(description: str) -> str:
    """sha256 of the words that a coder without stored weights is made from.

    Not of the weights themselves: a matrix product may round its last bit otherwise on another machine.
    """
    return sha256(description.encode()).hexdigest()
