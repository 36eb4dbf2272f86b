"""A latent as its coder has it: the direction that steering adds, and the activation that ablation takes away."""

import torch
from torch import Tensor

from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import UserError
from inspect_autointerp.models.steering import Direction
from inspect_autointerp.prep.coders import Coder, writes_of


def coder_direction(coder: Coder, direction: Direction, hookpoint: str) -> list[Tensor]:
    """Return what is added at strength 1 at each place that the coder writes to, float32 (d,).

    Args:
        coder: The latent's. There is one if it does not name them (`writes`).
        direction: The latent's own, or a random one of its length.
        hookpoint: The latent's, for the draw of a random one.

    Raises:
        UserError: The coder has no directions.
    """
    latent = direction.latent
    if (writes := writes_of(coder)) is not None:
        own = [decoder[latent].float() for decoder in writes.values()]
    elif coder.decoder is not None:
        own = [coder.decoder[latent].float()]
    elif (basis := getattr(coder, "basis", None)) is not None:
        own = [basis[:, latent].float()]  # of rotated neurons, which are x · basis
    elif coder.n_latents == coder.d_in:
        own = [torch.nn.functional.one_hot(torch.tensor(latent), coder.d_in).float()]
    else:
        raise UserError(f"steering: the latents of coder {coder.source} have no directions (it has no decoder)")
    if direction.random is None:
        return own
    rng = rng_of(direction.random, hookpoint, latent, "direction")
    drawn = [torch.from_numpy(rng.standard_normal(len(part))).to(part) for part in own]
    return [random * (part.norm() / random.norm()) for random, part in zip(drawn, own, strict=True)]


def coder_activations(coder: Coder, x: Tensor, latent: Tensor) -> Tensor:
    """Return the activation of each row's latent, float32 (row,), in units of what its decoder's row says.

    Args:
        coder: The latents'.
        x: What the coder reads, (row, d).
        latent: int64 (row,).
    """
    token, fires, value = coder.encode(x)
    own = fires == latent[token]
    activations = torch.zeros(len(x), device=x.device).index_add_(0, token[own], value[own].float())
    scale = getattr(coder, "scale", None)  # of a coder that scales what it reads
    return activations if scale is None else activations * scale(x)
