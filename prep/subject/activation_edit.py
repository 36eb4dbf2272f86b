"""Changing a hookpoint's activations during a forward pass."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from inspect_autointerp.prep.subject.hookpoints import Side

Change = Callable[[Tensor], Tensor]
"""From activations (row, token, d) to activations of the same shape and type."""


@contextmanager
def changed(module: torch.nn.Module, side: Side, change: Change) -> Iterator[None]:
    """Within the block, what goes into a module, or comes out of it, is changed."""

    def before(_: torch.nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        if args:
            return (change(args[0]), *args[1:]), kwargs
        return args, kwargs | {"hidden_states": change(kwargs["hidden_states"])}

    def after(_: torch.nn.Module, args: tuple, out: Tensor | tuple) -> Tensor | tuple:
        return (change(out[0]), *out[1:]) if isinstance(out, tuple) else change(out)

    if side == "input":
        handle = module.register_forward_pre_hook(before, with_kwargs=True)
    else:
        handle = module.register_forward_hook(after)
    try:
        yield
    finally:
        handle.remove()
