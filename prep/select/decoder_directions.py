"""Effects of a latent's decoder direction: the tokens that it promotes and suppresses, and its nearest neighbours."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import Tensor

from inspect_autointerp.prep.write.tensor_file import save_tensors


@dataclass(frozen=True)
class Directions:
    """Facts about the decoder's directions; a field is None where they do not exist."""

    promoted: np.ndarray | None = None
    """uint32 (latent, 10): token ids whose logits the direction raises most, first the most."""
    suppressed: np.ndarray | None = None
    """uint32 (latent, 10): token ids whose logits it lowers most."""
    neighbours: np.ndarray | None = None
    """uint32 (latent, n): the latents of the largest cosine, first the nearest."""
    cosines: np.ndarray | None = None
    """float32 (latent, n)."""

    def save(self, path: Path) -> None:
        """Write what there is as safetensors."""
        save_tensors(path, {name: array for name, array in vars(self).items() if array is not None})

    @staticmethod
    def load(path: Path) -> "Directions":
        """The inverse of `save`."""
        return Directions(**load_file(path))


@torch.no_grad()
def directions(
    decoder: Tensor | None,
    unembedding: Tensor | None,
    *,
    near: Tensor | None,
    n_tokens: int = 10,
    n_neighbours: int = 10,
    block: int = 1 << 27,
) -> Directions:
    """Compute them in blocks of latents, so that no (latent × latent) matrix is ever held.

    Args:
        decoder: (latent, d): what each latent writes.
        unembedding: (vocabulary, d): see `Subject.unembedding`; of another width than the decoder it is left out.
        near: (latent, d): the directions whose cosines say which latents are neighbours; None to look for none.
        n_tokens: How many tokens of each kind.
        n_neighbours: How many neighbours.
        block: Numbers to hold at a time.
    """
    promoted = suppressed = neighbours = cosines = None
    if decoder is not None and unembedding is not None and unembedding.shape[1] == decoder.shape[1]:
        head = unembedding.to(decoder.device).T
        rows = decoder.split(max(1, block // head.shape[1]))
        logits = (row.float() @ head for row in rows)
        ends = [(row.topk(n_tokens).indices, row.topk(n_tokens, largest=False).indices) for row in logits]
        promoted, suppressed = (torch.cat(column) for column in zip(*ends, strict=True))
    if near is not None:
        unit = torch.nn.functional.normalize(near.float(), dim=1)
        rows = torch.arange(len(unit), device=unit.device).split(max(1, block // len(unit)))
        nearest = [_nearest(unit, row, min(n_neighbours, len(unit) - 1)) for row in rows]
        neighbours, cosines = (torch.cat(column) for column in zip(*nearest, strict=True))
    return Directions(*map(_array, (promoted, suppressed, neighbours, cosines)))


def _nearest(unit: Tensor, row: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The n nearest others of some rows, and their cosines."""
    cosine = unit[row] @ unit.T
    cosine[torch.arange(len(row), device=row.device), row] = -torch.inf
    nearest = cosine.topk(n)
    return nearest.indices, nearest.values


def _array(tensor: Tensor | None) -> np.ndarray | None:
    if tensor is None:
        return None
    return tensor.cpu().numpy().astype(np.float32 if tensor.is_floating_point() else np.uint32)
