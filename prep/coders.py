"""Latent coders: activations at a hookpoint in, sparse latent activations out."""

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError


class Triples(NamedTuple):
    """Sparse latent activations: one row per (token, latent) that fires."""

    token: Tensor
    """int64 (entry,): row of the input."""
    latent: Tensor
    """int64 (entry,)."""
    value: Tensor
    """(entry,): the activation, > 0."""


class Coder(Protocol):
    """What prep needs of a coder."""

    source: str
    """Where it came from."""
    architecture: str
    n_latents: int
    d_in: int
    hookpoint: str | None
    """Where it says it belongs: a Hugging Face module path or a TransformerLens name."""
    sha256: str
    decoder: Tensor | None
    """(latent, d_out): what each latent writes; None where latents have no direction of their own."""

    def encode(self, x: Tensor) -> Triples:
        """Encode activations of shape (token, d_in)."""
        ...


class SaeLensCoder:
    """A coder that `sae_lens` loads, from a folder (`cfg.json`, `sae_weights.safetensors`) or as `release:id`.

    Raises:
        UserError: It cannot be loaded, or asks for an activation scale that the folder does not hold.
    """

    def __init__(self, source: str, device: str | torch.device = "cpu", dtype: str = "float32") -> None:
        self.source = source
        self._sae = sae = _load(source, str(device), dtype)
        cfg = sae.cfg
        if cfg.normalize_activations in ("expected_average_only_in", "covariance_whitening"):
            raise UserError(
                f"coder {source}: it expects activations scaled by what does not come with it"
                f" (normalize_activations: {cfg.normalize_activations}); fold the scale into its weights first"
            )
        if cfg.architecture() == "temporal":
            raise UserError(f"coder {source}: its architecture, temporal, reads more than one token at a time")
        if getattr(sae, "hook_z_reshaping_mode", False):
            sae.turn_off_forward_pass_hook_z_reshaping()  # a Hugging Face out-projection's input is flat already
        self.architecture: str = cfg.architecture()
        self.n_latents, self.d_in = int(cfg.d_sae), int(cfg.d_in)
        metadata = cfg.metadata
        self.hookpoint: str | None = metadata.hf_hook_name or metadata.hook_name
        self.decoder: Tensor | None = sae.W_dec.detach()
        self.sha256 = weights_sha256(sae)

    @torch.no_grad()
    def encode(self, x: Tensor) -> Triples:
        """Encode activations of shape (token, d_in); of a top-k coder without ever holding the dense result."""
        sae = self._sae
        if self.architecture != "topk":
            dense = sae.encode(x)
            token, latent = (dense > 0).nonzero(as_tuple=True)
            return Triples(token, latent, dense[token, latent])
        hidden = torch.addmm(sae.b_enc, sae.process_sae_in(x), sae.W_enc)
        if sae.cfg.rescale_acts_by_decoder_norm:
            hidden = hidden * sae.W_dec.norm(dim=-1)
        value, latent = hidden.topk(sae.cfg.k, dim=-1, sorted=False)
        token, column = (value > 0).nonzero(as_tuple=True)
        return Triples(token, latent[token, column], value[token, column])


def _load(source: str, device: str, dtype: str):
    from sae_lens import SAE

    try:
        if Path(source).is_dir():
            return SAE.load_from_disk(source, device=device, dtype=dtype).eval()
        release, _, sae_id = source.partition(":")
        if not sae_id:
            raise UserError(f"coder {source}: neither a folder nor `release:id` of SAELens's registry")
        return SAE.from_pretrained(release, sae_id, device=device, dtype=dtype).eval()
    except UserError:
        raise
    except Exception as error:  # SAELens's loaders raise anything from KeyError to HTTP errors
        reason = (str(error).splitlines() or [""])[0][:200]
        raise UserError(f"coder {source}: SAELens cannot load it ({type(error).__name__}: {reason})") from error


def weights_sha256(module: torch.nn.Module) -> str:
    """sha256 over a module's parameters and buffers: names, shapes, types and bytes."""
    digest = sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
