"""Another processor's rounding, simulated: `pytest -p tests.rounding`, with another seed by ROUNDING_SEED.

Processors add up the terms of a dot product in different orders, so float32 results differ in their last bits. This
plugin changes the last two bits of what torch's products return. The change depends on the value and on the shape of
the result alone: like a processor, it answers the same question the same way every time, and may answer otherwise when
a row is computed in another batch. A test that fails under it would fail on somebody's machine.
"""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

_SEED = int(os.environ.get("ROUNDING_SEED", "0"))
_FUNCTIONS = (
    (torch, ("matmul", "mm", "bmm", "addmm", "baddbmm", "einsum")),
    (torch.nn.functional, ("linear", "conv1d", "scaled_dot_product_attention", "softmax", "layer_norm")),
    (Tensor, ("matmul", "mm", "bmm", "addmm", "__matmul__", "softmax", "log_softmax")),
)
_BITS = {torch.float32: torch.int32, torch.float64: torch.int64}


def _rounded(value: Tensor) -> Tensor:
    """Return a tensor like `value`, the last two bits of each of its numbers replaced by a hash of the number."""
    bits = value.detach().contiguous().view(_BITS[value.dtype]).clone()
    salt = hash((_SEED, *value.shape)) & 0x7FFFFFFF
    mixed = (bits ^ salt) * 1103515245 + 12345
    # Zero and what is not finite stay: no sum of products differs there.
    changes = (value.detach() != 0) & value.detach().isfinite()
    bits = torch.where(changes, (bits & ~3) | ((mixed >> 16) & 3), bits)
    new = bits.view(value.dtype)
    return value + (new - value).detach() if value.requires_grad else new


def _wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        result = function(*args, **options)
        if type(result) is Tensor and result.dtype in _BITS and result.device.type == "cpu" and "out" not in options:
            return _rounded(result)
        return result

    return call


for _owner, _names in _FUNCTIONS:
    for _name in _names:
        setattr(_owner, _name, _wrapped(getattr(_owner, _name)))
