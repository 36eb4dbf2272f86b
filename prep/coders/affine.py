"""x · W + b as coders take it: operands in a chosen precision, sums and result in float32."""

from typing import Literal

import torch
from torch import Tensor

Precision = Literal["float32", "bfloat16"]


class Affine:
    """x · W + b in float32; in bfloat16, of x and W rounded to it, whose products are summed in float32 as well.

    A GPU multiplies bfloat16 several times as fast. Where torch has no such product with a float32 result (on a CPU,
    and in older versions), the rounded operands are multiplied in float32, which means the same.

    Args:
        weight: (d_in, latent).
        bias: (latent,), added in float32; none if None.
        dtype: What the operands are rounded to.
        fused: Start the sums at the bias, as `torch.nn.functional.linear` does, rather than adding it afterwards: the
            last bit may differ, and a library's is to be met.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None = None, dtype: Precision = "float32", *, fused: bool = False
    ) -> None:
        self._operand = getattr(torch, dtype)
        rounded = weight.to(self._operand)
        self._mixed = dtype != "float32" and rounded.is_cuda and "dtype" in torch.ops.aten.mm.overloads()
        self.weight = rounded if self._mixed else rounded.float()
        self._bias, self._fused = None if bias is None else bias.float(), fused

    def __call__(self, x: Tensor) -> Tensor:
        """float32 (token, latent) of x (token, d_in)."""
        x = x.to(self._operand)
        if self._mixed:
            hidden = torch.mm(x, self.weight, out_dtype=torch.float32)
        elif self._fused and self._bias is not None:
            return torch.addmm(self._bias, x.float(), self.weight)
        else:
            hidden = x.float() @ self.weight
        return hidden if self._bias is None else hidden.add_(self._bias)
