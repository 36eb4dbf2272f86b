"""Effects of a latent's decoder direction: the tokens that it promotes and suppresses, and its nearest neighbours."""

from collections.abc import Callable, Sequence
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
    norms: np.ndarray | None = None
    """float32 (latent, place): lengths of a crosscoder's decoder vectors, in the units in which it was trained."""

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
    near: Tensor | Sequence[Tensor] | None,
    norms: Tensor | None = None,
    n_tokens: int = 10,
    n_neighbours: int = 10,
    block: int = 1 << 27,
) -> Directions:
    """Compute them in blocks of latents, so that no (latent × latent) matrix is ever held.

    Args:
        decoder: (latent, d): what each latent writes.
        unembedding: (vocabulary, d): see `Subject.unembedding`; of another width than the decoder it is left out.
        near: (latent, d): the directions whose cosines say which latents are neighbours; None to look for none. Of
            latents that write to several places, one such tensor per place: the direction is all of them, end to end.
        norms: (latent, place): lengths of a crosscoder's decoder vectors, if it is one.
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
        cosine, n, device = _cosines(near) if isinstance(near, Tensor) else _cosines_of_parts(near, decoder)
        rows = torch.arange(n, device=device).split(max(1, block // n))
        nearest = [_nearest(cosine(row), row, min(n_neighbours, n - 1)) for row in rows]
        neighbours, cosines = (torch.cat(column) for column in zip(*nearest, strict=True))
    return Directions(*map(_array, (promoted, suppressed, neighbours, cosines, norms)))


_Cosine = Callable[[Tensor], Tensor]
"""From the numbers of some latents to their cosines with all latents, (row, latent)."""


def _cosines(near: Tensor) -> tuple[_Cosine, int, torch.device]:
    """Return how cosines of directions are computed, how many latents there are, and on which device they are."""
    unit = torch.nn.functional.normalize(near.float(), dim=1)
    return lambda row: unit[row] @ unit.T, len(unit), unit.device


def _cosines_of_parts(near: Sequence[Tensor], decoder: Tensor | None) -> tuple[_Cosine, int, torch.device]:
    """The same of directions in parts. Only one part at a time is in float32, on the decoder's device."""
    device = near[0].device if decoder is None else decoder.device
    squares = torch.stack([part.to(device, torch.float32).square().sum(dim=1) for part in near]).sum(dim=0)
    inverse = squares.sqrt().clamp(min=1e-12).reciprocal()

    def cosine(row: Tensor) -> Tensor:
        dot = torch.zeros((len(row), len(inverse)), device=inverse.device)
        for part in near:
            whole = part.to(device, torch.float32)
            dot.addmm_(whole[row], whole.T)
        return dot.mul_(inverse[row, None]).mul_(inverse)

    return cosine, len(inverse), inverse.device


def _nearest(cosine: Tensor, row: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The n nearest others of some latents, and their cosines."""
    cosine[torch.arange(len(row), device=row.device), row] = -torch.inf
    nearest = cosine.topk(n)
    return nearest.indices, nearest.values


def _array(tensor: Tensor | None) -> np.ndarray | None:
    if tensor is None:
        return None
    return tensor.cpu().numpy().astype(np.float32 if tensor.is_floating_point() else np.uint32)
