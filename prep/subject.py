"""The subject model: loaded no deeper than needed, run once for all hookpoints."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders import tensors_sha256
from inspect_autointerp.prep.hookpoints import Side, label, layer_of, resolve
from inspect_autointerp.prep.loading import why
from inspect_autointerp.trust import kernel_refusal


class _Deep(Exception):
    """Ends the forward pass after the deepest hookpoint."""


@dataclass(frozen=True)
class Hookpoint:
    """A place in the subject."""

    path: str
    """Module path under the base model."""
    side: Side

    @property
    def name(self) -> str:
        """Its name in the store."""
        return label(self.path, self.side)


class Subject:
    """A Hugging Face causal language model, truncated after the deepest hookpoint unless all of it is asked for.

    Args:
        source: Name or folder.
        hookpoints: Module paths or TransformerLens names.
        revision: Of a model on the Hub.
        device: Where it runs.
        dtype: In which type: `auto` for the checkpoint's own, `float32`, `bfloat16`, `float16`.
        attention: Which implementation of attention: `eager`, `sdpa`, `flash_attention_2`, … By default transformers
            chooses.
        device_map: How transformers spreads it over devices, in place of `device`: `auto`, `balanced`, or one device.
        quantization: Weights in 8 or 4 bits, by bitsandbytes.
        trust_remote_code: Run the code that comes with the checkpoint, if any does.
        whole: Load all layers, for what comes out at the end.

    Attributes:
        device: Where its input goes, and where its activations come.
        model: The causal language model.
        base: It without its head: what module paths start from.
        sha256: Of the base model's weights up to the deepest hookpoint, the same whether the rest is loaded or not.

    Raises:
        UserError: The model or its tokenizer cannot be loaded, or has no such hookpoint.
    """

    def __init__(
        self,
        source: str,
        hookpoints: Sequence[str],
        *,
        revision: str | None = None,
        device: str | torch.device = "cpu",
        dtype: str = "float32",
        attention: str | None = None,
        device_map: str | None = None,
        quantization: Literal["8bit", "4bit"] | None = None,
        trust_remote_code: bool = False,
        whole: bool = False,
    ) -> None:
        from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()  # a truncated model leaves weights of the checkpoint unused, by intention
        logging.disable_progress_bar()
        self.source = source
        known: dict[str, Any] = {"revision": revision, "trust_remote_code": trust_remote_code}
        try:
            config = AutoConfig.from_pretrained(source, **known)
            self.tokenizer = AutoTokenizer.from_pretrained(source, **known)
        except Exception as error:  # `tokenizers` raises Exception itself
            raise UserError(
                f"subject {source}: its configuration or tokenizer cannot be loaded ({why(error, source)})"
            ) from error
        if not self.tokenizer.is_fast:
            raise UserError(f"subject {source}: it has no fast tokenizer (tokenizer.json), which the store needs")
        text = config.get_text_config()  # of a model that also sees; of any other, the configuration itself
        for part in () if trust_remote_code else (config, text):
            if refusal := kernel_refusal(getattr(part, "_attn_implementation", None)):
                raise UserError(f"subject {source}: {refusal}")
        self.hookpoints = [Hookpoint(*resolve(name, text.model_type)) for name in hookpoints]
        depth: int | None = getattr(text, "num_hidden_layers", None)
        deepest = _deepest(self.hookpoints)
        if depth is not None and deepest is not None and not whole:
            _truncate(text, min(depth, deepest + 1))
        self.max_length: int | None = getattr(text, "max_position_embeddings", None)
        try:
            self.model, info = AutoModelForCausalLM.from_pretrained(
                source,
                config=config,
                dtype=dtype,
                output_loading_info=True,
                **known,
                **_options(attention, device_map, quantization, device),
            )
            if not device_map and not quantization:  # else it is where it is to be
                self.model.to(device)
        except Exception as error:  # of a missing package, of another's code, of a device
            raise UserError(f"subject {source}: its weights cannot be loaded ({why(error, source)})") from error
        if missing := sorted(info["missing_keys"]):  # transformers would leave them random, without a word
            raise UserError(
                f"subject {source}: its weights cannot be loaded ({len(missing)} are missing: {', '.join(missing[:3])})"
            )
        if any(parameter.is_meta for parameter in self.model.parameters()):  # in main memory or on the disk
            raise UserError(
                f"subject {source}: it is too large for the devices that --device-map {device_map} spreads it over;"
                " give --quantization, a smaller --dtype, or devices with more memory"
            )
        self.model.eval()
        self.device = self.model.get_input_embeddings().weight.device
        self.base = getattr(self.model.base_model, "language_model", self.model.base_model)
        self.dtype = str(next(self.model.parameters()).dtype).removeprefix("torch.")
        read = self.base.state_dict().items()
        if deepest is not None:
            read = [(name, tensor) for name, tensor in read if (layer_of(name) or 0) <= deepest]
        self.sha256 = tensors_sha256(dict(read))
        modules = {
            name: module
            for name, module in self.base.named_modules()
            if name and not isinstance(module, torch.nn.ModuleList)  # these are never run themselves
        }
        for path in (hookpoint.path for hookpoint in self.hookpoints):
            if path not in modules:
                first = ", ".join(name for name in modules if layer_of(name) in (None, 0))
                layers = f", and the same for layers 0 to {depth - 1}" if depth else ""
                raise UserError(f"no hookpoint {path!r} in {source}; there are {first}{layers}")
        self._modules = [modules[hookpoint.path] for hookpoint in self.hookpoints]

    def module(self, path: str) -> torch.nn.Module:
        """The module of one of the hookpoints, by its path."""
        return next(m for h, m in zip(self.hookpoints, self._modules, strict=True) if h.path == path)

    def run(self, ids: Tensor, receive: Callable[[Hookpoint, Tensor], None], only: str | None = None) -> None:
        """One forward pass, no deeper than the deepest hookpoint that is asked for.

        Args:
            ids: int64 (chunk, token). Padding stands at the end, where no real token can see it.
            receive: Called for each hookpoint in the order of the model with its activations, (chunk, token, d).
            only: The name of the one hookpoint that is asked for; all by default.
        """
        asked = [
            (hookpoint, module)
            for hookpoint, module in zip(self.hookpoints, self._modules, strict=True)
            if only in (None, hookpoint.name)
        ]
        left = {hookpoint.name for hookpoint, _ in asked}

        def deliver(hookpoint: Hookpoint, value: Tensor | tuple) -> None:
            receive(hookpoint, (value[0] if isinstance(value, tuple) else value).to(self.device))
            left.discard(hookpoint.name)
            if not left:
                raise _Deep

        handles = []
        for hookpoint, module in asked:
            if hookpoint.side == "input":
                handles.append(
                    module.register_forward_pre_hook(
                        lambda _, args, kwargs, h=hookpoint: deliver(h, args[0] if args else kwargs["hidden_states"]),
                        with_kwargs=True,
                    )
                )
            else:
                handles.append(module.register_forward_hook(lambda _, args, out, h=hookpoint: deliver(h, out)))
        try:
            with torch.inference_mode():
                self.base(input_ids=ids, use_cache=False)
        except _Deep:
            pass
        finally:
            for handle in handles:
                handle.remove()

    def unembedding(self) -> Tensor | None:
        """float32 (vocabulary, d): what a direction of the residual stream does to the logits; None without a head.

        The final norm's own weight is folded in (its division by the length is not: it scales all logits alike).
        """
        head = self.model.get_output_embeddings()
        if head is None:
            return None
        weight = head.weight.detach().float()
        norms = (getattr(self.base, name, None) for name in ("norm", "ln_f", "final_layer_norm"))
        norm = next((norm for norm in norms if norm is not None), None)
        if getattr(norm, "weight", None) is not None:
            scale = norm.weight.detach().float().to(weight.device)
            weight = weight * (1 + scale if "Gemma" in type(norm).__name__ else scale)
        return weight


def _options(
    attention: str | None,
    device_map: str | None,
    quantization: Literal["8bit", "4bit"] | None,
    device: str | torch.device,
) -> dict[str, Any]:
    """What is asked for beyond the defaults, as transformers calls it."""
    options: dict[str, Any] = {}
    if attention:
        options["attn_implementation"] = attention
    if device_map:
        options["device_map"] = device_map
    if quantization:
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(**{f"load_in_{quantization}": True})
        options.setdefault("device_map", str(device))  # weights are quantised on the way there
    return options


def _deepest(hookpoints: Sequence[Hookpoint]) -> int | None:
    """The number of the deepest layer that hookpoints lie in; None if there are none, or one is outside the layers."""
    layers = [layer_of(hookpoint.path) for hookpoint in hookpoints]
    known = [layer for layer in layers if layer is not None]
    return max(known) if known and len(known) == len(layers) else None


def _truncate(config, n_layers: int) -> None:
    """Cut the configuration after so many layers."""
    config.num_hidden_layers = n_layers
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:n_layers]
