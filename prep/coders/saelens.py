"""Coders that SAELens loads: from a folder in its own format, or from its registry."""

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.affine import Affine, Precision
from inspect_autointerp.prep.coders.digest import weights_sha256
from inspect_autointerp.prep.coders.training import Training
from inspect_autointerp.prep.coders.transformer_lens import centred, hookpoint
from inspect_autointerp.prep.coders.triples import Triples, above, checked_threshold, strongest

# Of these the library's own `encode` is x · W + b and one of the functions of triples.py, so it goes straight there.
_RELU = ("standard", "transcoder", "skip_transcoder")
_JUMPRELU = ("jumprelu", "jumprelu_transcoder", "jumprelu_skip_transcoder")

_SUMMED_LOADER = "mntss_clt_layer_transcoder"
_SUMMED_WARNING = (
    "SAELens adds up the decoders of this cross-layer transcoder over the layers that it writes to, so neighbours,"
    " promoted tokens and steering are of that sum, written to one layer; its folder in circuit-tracer's format"
    " (FOLDER:LAYER) has a decoder for each layer"
)

_CHECKPOINT = ("revision", "checkpoint_index", "checkpoint_value")
"""TransformerLens's arguments for another checkpoint than a model's last."""


class SaeLensCoder:
    """A coder that `sae_lens` loads, from a folder (`cfg.json`, `sae_weights.safetensors`) or as `release:id`.

    Its preprocessing is honoured, in float32, and so is `center_writing_weights`.

    Args:
        source: The folder, or `release:id`.
        device: Where it runs.
        dtype: Precision of the encoder's product; float32 whatever is asked for where the architecture is none of
            standard, top-k, JumpReLU and their transcoders, and SAELens itself encodes.

    Raises:
        UserError: It cannot be loaded, or reads activations that cannot be had from the model as it is.
    """

    def __init__(self, source: str, device: str | torch.device = "cpu", dtype: Precision = "float32") -> None:
        self.source = source
        self._sae = sae = _load(source, str(device))
        cfg = sae.cfg
        if cfg.normalize_activations in ("expected_average_only_in", "covariance_whitening"):
            raise UserError(
                f"coder {source}: it expects scaled activations, but comes without the scale"
                f" (normalize_activations: {cfg.normalize_activations}); fold the scale into its weights first"
            )
        self.architecture: str = cfg.architecture()
        if self.architecture == "temporal":
            raise UserError(f"coder {source}: its architecture, temporal, reads more than one token at a time")
        if getattr(sae, "hook_z_reshaping_mode", False):
            sae.turn_off_forward_pass_hook_z_reshaping()  # a Hugging Face out-projection's input is flat already
        self.n_latents, self.d_in = int(cfg.d_sae), int(cfg.d_in)
        metadata = cfg.metadata
        if metadata.hook_head_index is not None:
            raise UserError(
                f"coder {source}: it reads one head of several (hook_head_index: {metadata.hook_head_index}), which is"
                " not supported"
            )
        self.hookpoint = hookpoint(metadata.hf_hook_name, metadata.hook_name)
        self.model_name: str | None = metadata.model_name
        self.neuronpedia: str | None = metadata.neuronpedia_id
        options = metadata.model_from_pretrained_kwargs or {}
        self.trained = _trained(metadata, options)
        self._centred = centred(source, metadata.hook_name, self.model_name, options)
        self.sha256 = weights_sha256(sae)
        decoder: Tensor = sae.W_dec.detach()
        self.decoder: Tensor | None = decoder
        self.encoder: Tensor | None = sae.W_enc.detach().T if hasattr(sae, "W_enc") else None
        self.transcodes = "transcoder" in self.architecture
        out = hookpoint(getattr(metadata, "hf_hook_name_out", None), metadata.hook_name_out)
        self.writes = {out: decoder} if self.transcodes and out else None
        self.warning = _SUMMED_WARNING if _summed(source) else None
        self.reads = _reads(cfg.normalize_activations, self._centred)
        self.encoder_bias: Tensor | None = None
        self.encoder_scale: Tensor | None = None
        self.threshold: Tensor | None = None
        self._hidden = self._scale = None
        self._threshold: Tensor | float = 0.0
        if self.architecture in ("topk", *_RELU, *_JUMPRELU):
            self._hidden = Affine(sae.W_enc.detach(), sae.b_enc.detach(), dtype)
            self.encoder = self._hidden.weight.T
            self.encoder_bias = _bias(sae)
            del sae.W_enc  # of which there would be two in bfloat16
        if self.architecture in _JUMPRELU:
            self._threshold = self.threshold = checked_threshold(sae.threshold.detach(), source)
        if self.architecture == "topk" and cfg.rescale_acts_by_decoder_norm:
            self._scale = self.encoder_scale = decoder.norm(dim=-1)
            tiny = torch.finfo(torch.float32).tiny  # a row of zeros stays one
            self.decoder = decoder / self._scale.clamp(min=tiny)[:, None]  # as decoding has it

    @torch.no_grad()
    def encode(self, x: Tensor) -> Triples:
        """Encode activations of shape (token, d_in)."""
        x = self._read(x)
        if self._hidden is None:
            return above(self._sae.encode(x), 0.0, self.source)
        hidden = self._hidden(self._sae.process_sae_in(x))
        if self.architecture != "topk":
            return above(hidden, self._threshold, self.source)
        return strongest(hidden if self._scale is None else hidden * self._scale, self._sae.cfg.k, self.source)

    @torch.no_grad()
    def scale(self, x: Tensor) -> Tensor:
        """By how much what it decodes is stretched, (token,), to undo the scaling of what it read, (token, d_in)."""
        if self._sae.cfg.normalize_activations == "none":
            return torch.ones(len(x), device=x.device)
        self._sae.process_sae_in(self._read(x))  # which leaves behind what the next line takes up
        none, one = self._sae.run_time_activation_norm_fn_out(torch.tensor([0.0, 1.0], device=x.device)[:, None, None])
        return (one - none)[:, 0]

    def _read(self, x: Tensor) -> Tensor:
        """Activations as they were when it was trained."""
        if not self._centred:
            return x
        x = x.float()
        return x - x.mean(dim=-1, keepdim=True)


def _bias(sae: Any) -> Tensor:
    """Return what is added to encoder · x, (latent,), where the decoder's bias is first taken off x included."""
    bias = sae.b_enc.detach().float()
    return bias - sae.b_dec.detach().float() @ sae.W_enc.detach().float() if sae.cfg.apply_b_dec_to_input else bias


def _reads(normalisation: str, is_centred: bool) -> str | None:
    """Return what encoder rows are multiplied with, where that is not the hookpoint's activation as it is."""
    centre = "less its mean over the dimensions" if is_centred else ""
    scaled = f"scaled by SAELens's {normalisation}" if normalisation != "none" else ""
    changes = ", ".join(change for change in (centre, scaled) if change)
    return f"the hookpoint, {changes}" if changes else None


def _trained(metadata: Any, options: dict[str, Any]) -> Training:
    """Return what its metadata say of its training; special tokens are never encoded in any case."""
    positions = metadata.seqpos_slice
    return Training(
        bos=metadata.prepend_bos,
        context_size=metadata.context_size,
        positions=tuple(positions) if positions and any(bound is not None for bound in positions) else None,
        excluded_tokens=isinstance(metadata.exclude_special_tokens, list),
        checkpoint={name: options[name] for name in _CHECKPOINT if options.get(name) is not None},
    )


def _summed(source: str) -> bool:
    """Return whether a release of SAELens's registry is a cross-layer transcoder whose decoders it adds up."""
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    if Path(source).is_dir():
        return False
    release = get_pretrained_saes_directory().get(source.partition(":")[0])
    return release is not None and release.conversion_func == _SUMMED_LOADER


def _check_dropped(source: str) -> None:
    """Refuse what SAELens reads past in a folder's `cfg.json`, as it was before version 6, and would encode wrongly.

    Raises:
        UserError: Its activation function is neither relu nor topk.
    """
    try:
        content = json.loads((Path(source) / "cfg.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # SAELens says so in its own words
    name = next((content[key] for key in ("activation_fn", "activation_fn_str") if content.get(key)), "relu")
    if name not in ("relu", "topk"):
        raise UserError(f"coder {source}: its activation function, {name}, is neither relu nor topk")


def _load(source: str, device: str) -> Any:
    from sae_lens import SAE

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"\s*This SAE has non-empty model_from_pretrained_kwargs")
            warnings.filterwarnings("ignore", message=r"\s*This loads the CLT layer")  # `warning` says it
            if Path(source).is_dir():
                _check_dropped(source)
                return SAE.load_from_disk(source, device=device, dtype="float32").eval()
            release, _, sae_id = source.partition(":")
            if not sae_id:
                raise UserError(f"coder {source}: neither a folder nor `release:id` of SAELens's registry")
            return SAE.from_pretrained(release, sae_id, device=device, dtype="float32").eval()
    except UserError:
        raise
    except Exception as error:  # SAELens's loaders raise anything from KeyError to HTTP errors
        reason = (str(error).splitlines() or [""])[0][:200]
        raise UserError(f"coder {source}: SAELens cannot load it ({type(error).__name__}: {reason})") from error
