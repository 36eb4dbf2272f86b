"""A subject without its weights: all its modules on torch's meta device, built from its configuration alone.

`autointerp hooks` lists hookpoints from it, and prep resolves their names by it before it loads any weights: so both
know the same modules by the same paths.
"""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor


def skeleton(config: Any, revision: str | None = None, *, trust_remote_code: bool = False, device: str = "meta") -> Any:
    """Build a causal language model on the meta device, or with random weights on another.

    Args:
        config: Its configuration, which stays as it is.
        revision: Revision of the repository, from which its own code is taken.
        trust_remote_code: Run the code that comes with the model, if any does.
        device: Where to build it.
    """
    from transformers import AutoModelForCausalLM

    with torch.device(device):
        return AutoModelForCausalLM.from_config(
            deepcopy(config),
            attn_implementation="eager",
            dtype=torch.bfloat16 if device == "meta" else torch.float32,
            trust_remote_code=trust_remote_code,
            **({"code_revision": revision} if trust_remote_code and revision else {}),
        ).eval()


def decoder(model: Any) -> Any:
    """Return the part of a causal language model that module paths start from: its text model, without the head."""
    from transformers import PreTrainedModel

    base = model.base_model
    base = getattr(base, "language_model", base)
    if base is model:  # its class does not say under which name it has one
        embeddings = model.get_input_embeddings()
        for child in model.children():
            if isinstance(child, PreTrainedModel) and child.get_input_embeddings() is embeddings:
                return child
    return base


def module_names(model: Any) -> dict[str, str]:
    """Return the module paths under the decoder that can be hooked, by every name that means one.

    These names are the path itself, and the path with what stands before it in the whole model (`model.layers.3`).
    A module list is left out: it never runs itself.
    """
    base = decoder(model)
    prefix = next(name for name, module in model.named_modules() if module is base)
    paths = [path for path, module in base.named_modules() if path and not isinstance(module, torch.nn.ModuleList)]
    return {f"{prefix}.{path}".lstrip("."): path for path in paths} | {path: path for path in paths}


def taken(args: tuple, kwargs: dict[str, Any]) -> object:
    """Return what a module reads: its first argument."""
    return args[0] if args else kwargs.get("hidden_states")


def vectors(value: object, shape: tuple[int, ...] | torch.Size) -> Tensor | None:
    """Return what a module reads or gives if it is one vector per token, else None.

    Args:
        value: A tensor, or a tuple that begins with it.
        shape: (chunk, token) of the model's input.
    """
    value = value[0] if isinstance(value, tuple) and value else value
    if isinstance(value, Tensor) and value.is_floating_point() and value.ndim == 3 and value.shape[:2] == shape:
        return value
    return None
