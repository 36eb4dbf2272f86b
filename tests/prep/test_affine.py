"""The product of a coder's encoder, in float32 and of operands in bfloat16."""

import pytest
import torch
from torch import Tensor

from inspect_autointerp.prep.coders.affine import Affine


def operands(n: int, d_in: int, n_latents: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn((d_in, n_latents), generator=generator)
    return torch.randn((n, d_in), generator=generator), weight, torch.randn(n_latents, generator=generator)


@pytest.mark.parametrize("d_in", [32, 700])  # of 700 the last bit depends on when the bias is added
def test_in_float32_it_is_what_libraries_compute(d_in: int) -> None:
    x, weight, bias = operands(50, d_in, 264)
    assert torch.equal(Affine(weight, bias)(x), x @ weight + bias)
    assert torch.equal(Affine(weight)(x), x @ weight)
    turned = weight.T.contiguous()
    expected = torch.nn.functional.linear(x, turned, bias)
    assert torch.equal(Affine(turned.T, bias, fused=True)(x), expected)


def test_activations_in_another_type_are_multiplied_in_float32() -> None:
    x, weight, bias = operands(50, 32, 64)
    assert torch.equal(Affine(weight, bias)(x.bfloat16()), x.bfloat16().float() @ weight + bias)


@pytest.mark.parametrize("fused", [False, True])
def test_in_bfloat16_the_operands_are_rounded_and_nothing_else(fused: bool) -> None:
    x, weight, bias = operands(50, 300, 264)
    product = Affine(weight, bias, "bfloat16", fused=fused)(x)
    assert product.dtype == torch.float32
    exact = x.bfloat16().double() @ weight.bfloat16().double() + bias.double()
    # Sums of 300 terms of about 1 in float32: 2⁻²⁴ of √300 ≈ 17 at each of them at most.
    torch.testing.assert_close(product.double(), exact, rtol=0, atol=300 * 17 * 2.0**-24)
    # bfloat16 has 8 significant bits: each operand moves by 2⁻⁸ of itself at most, and each product by 2⁻⁷ + 2⁻¹⁶.
    bound = x.double().abs() @ weight.double().abs() * (2.0**-7 + 2.0**-16)
    error = (product.double() - (x.double() @ weight.double() + bias.double())).abs()
    assert (error <= bound + 1e-3).all()
    assert error.max() > 0.01  # so it was rounded


def test_what_is_read_is_the_weight_that_is_used() -> None:
    _, weight, bias = operands(1, 32, 64)
    assert torch.equal(Affine(weight, bias).weight, weight)
    assert torch.equal(Affine(weight, bias, "bfloat16").weight.float(), weight.bfloat16().float())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_bfloat16_means_the_same() -> None:
    x, weight, bias = operands(50, 300, 264)
    host = Affine(weight, bias, "bfloat16")(x)
    device = Affine(weight.cuda(), bias.cuda(), "bfloat16")(x.cuda())
    assert device.dtype == torch.float32
    torch.testing.assert_close(device.cpu(), host, rtol=0, atol=300 * 17 * 2.0**-24)
