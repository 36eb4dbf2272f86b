"""What a latent writes: the tokens its decoder direction promotes and suppresses, and its nearest neighbours."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


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


@torch.no_grad()
def directions(
    decoder: Tensor | None, unembedding: Tensor | None, *, n_tokens: int = 10, n_neighbours: int = 10, block: int = 1024
) -> Directions:
    """Compute them in blocks of latents, so that no (latent × latent) matrix is ever held.

    Args:
        decoder: (latent, d): what each latent writes.
        unembedding: (vocabulary, d): see `Subject.unembedding`; of another width than the decoder it is left out.
        n_tokens: How many tokens of each kind.
        n_neighbours: How many neighbours.
        block: Latents at a time.
    """
    if decoder is None:
        return Directions()
    decoder = decoder.float()
    unit = torch.nn.functional.normalize(decoder, dim=1)
    n_neighbours = min(n_neighbours, len(decoder) - 1)
    speaks = unembedding is not None and unembedding.shape[1] == decoder.shape[1]
    found: dict[str, list[Tensor]] = {"promoted": [], "suppressed": [], "neighbours": [], "cosines": []}
    for begin in range(0, len(decoder), block):
        rows = slice(begin, begin + block)
        if speaks:
            logits = decoder[rows] @ unembedding.to(decoder.device).T  # type: ignore[union-attr]
            found["promoted"].append(logits.topk(n_tokens).indices)
            found["suppressed"].append((-logits).topk(n_tokens).indices)
        cosine = unit[rows] @ unit.T
        own = torch.arange(len(cosine), device=cosine.device)
        cosine[own, own + begin] = -torch.inf
        nearest = cosine.topk(n_neighbours)
        found["neighbours"].append(nearest.indices)
        found["cosines"].append(nearest.values)

    def stack(name: str, dtype: type) -> np.ndarray | None:
        return torch.cat(found[name]).cpu().numpy().astype(dtype) if found[name] else None

    return Directions(
        stack("promoted", np.uint32),
        stack("suppressed", np.uint32),
        stack("neighbours", np.uint32),
        stack("cosines", np.float32),
    )
