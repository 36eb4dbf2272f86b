"""Coders that SAELens loads: from a folder of its own format, or from its registry."""

from pathlib import Path

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.digest import weights_sha256
from inspect_autointerp.prep.coders.triples import Triples, positive, strongest


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
            return positive(sae.encode(x))
        hidden = torch.addmm(sae.b_enc, sae.process_sae_in(x), sae.W_enc)
        if sae.cfg.rescale_acts_by_decoder_norm:
            hidden = hidden * sae.W_dec.norm(dim=-1)
        return strongest(hidden, sae.cfg.k)


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
