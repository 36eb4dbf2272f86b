"""A subject's weights, onto the devices, in the precision and with the attention that are asked for."""

from copy import deepcopy
from typing import Any, Literal

import torch

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.subject.hf_errors import why

Quantization = Literal["8bit", "4bit"]


def load_weights(
    source: str,
    model_class: Any,
    config: Any,
    *,
    device: str | torch.device = "cpu",
    attention: str | None = None,
    device_map: str | None = None,
    quantization: Quantization | None = None,
    **known: Any,
) -> Any:
    """Load a causal language model.

    Args:
        source: Name or folder.
        model_class: Its class.
        config: Its configuration, which stays as it is.
        device: Where it runs.
        attention: Which implementation of attention; transformers chooses by default.
        device_map: How transformers spreads it over devices, in place of `device`.
        quantization: Weights in 8 or 4 bits, by bitsandbytes.
        known: What else transformers' `from_pretrained` takes.

    Raises:
        UserError: The weights cannot be loaded, or are not all there, or do not fit.
    """
    options = known | _options(attention, device_map, quantization, device)
    config, own = deepcopy(config), getattr(model_class, "config_class", None)
    if own is not None and not isinstance(config, own):  # of a model of text alone; AutoModelForCausalLM does the same
        quantized = getattr(config, "quantization_config", None)
        config = config.get_text_config()
        if quantized is not None:
            config.quantization_config = quantized
    try:
        model, info = model_class.from_pretrained(source, config=config, output_loading_info=True, **options)
        if "device_map" not in options:  # else it is where it is to be
            model.to(device)
    except Exception as error:  # of a missing package, of another's code, of a device
        raise UserError(f"subject {source}: its weights cannot be loaded ({why(error, source)})") from error
    if missing := sorted(info["missing_keys"]):  # transformers would leave them random, without a word
        raise UserError(
            f"subject {source}: its weights cannot be loaded ({len(missing)} are missing: {', '.join(missing[:3])})"
        )
    if any(parameter.is_meta for parameter in model.parameters()):  # in main memory or on the disk
        raise UserError(
            f"subject {source}: it is too large for the devices that --device-map {device_map} spreads it over;"
            " give --quantization, a smaller --dtype, or devices with more memory"
        )
    return model.eval()


def _options(
    attention: str | None, device_map: str | None, quantization: Quantization | None, device: str | torch.device
) -> dict[str, Any]:
    """Return what is asked for beyond the defaults, as transformers calls it."""
    options: dict[str, Any] = {}
    if attention:
        options["attn_implementation"] = attention
    if device_map:
        options["device_map"] = device_map
    if quantization:
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_8bit=quantization == "8bit", load_in_4bit=quantization == "4bit"
        )
        options.setdefault("device_map", str(device))  # weights are quantised on the way there
    return options
