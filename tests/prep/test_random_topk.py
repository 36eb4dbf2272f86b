"""A random top-k coder, against its definition in a few lines."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.triples import dense
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.random_topk import RandomTopk, RandomTopkCoder
from inspect_autointerp.store.manifest import Manifest


def weights(coder: RandomTopkCoder) -> Tensor:
    assert coder.decoder is not None
    assert coder.encoder is not None
    assert torch.equal(coder.decoder, coder.encoder)
    return coder.decoder


@pytest.mark.parametrize("k", [4, 60])
def test_triples_are_the_positive_ones_of_the_k_largest(x: Tensor, k: int) -> None:
    coder = RandomTopk(f"random:64x{k}").of_width(32)
    hidden = x @ weights(coder).T
    value, latent = hidden.topk(k)
    triples = coder.encode(x)
    assert torch.equal(dense(triples, (50, 64)), torch.zeros(50, 64).scatter(1, latent, value.relu()))
    assert (triples.value > 0).all()
    assert (coder.n_latents, coder.d_in, coder.architecture) == (64, 32, "random topk")


def test_rows_are_on_the_unit_sphere_and_depend_on_nothing_but_the_seed() -> None:
    coder = RandomTopk("random:64x4", seed=3).of_width(32)
    torch.testing.assert_close(weights(coder).norm(dim=1), torch.ones(64))
    torch.manual_seed(5)
    same, other = (RandomTopk("random:64x4", seed=seed).of_width(32) for seed in (3, 4))
    assert torch.equal(weights(coder), weights(same))
    assert coder.sha256 == same.sha256
    assert not torch.allclose(weights(coder), weights(other))
    assert len({coder.sha256, other.sha256, RandomTopk("random:64x5", seed=3).of_width(32).sha256}) == 3


def test_in_bfloat16_almost_the_same_latents_fire() -> None:
    x = torch.randn((200, 768), generator=torch.Generator().manual_seed(0))
    shape = (200, 4096)
    exact, rounded = (
        dense(RandomTopkCoder("it", 768, 4096, 32, dtype=dtype).encode(x), shape) for dtype in ("float32", "bfloat16")
    )
    assert rounded.dtype == torch.float32
    both = (exact > 0) & (rounded > 0)
    # It is what lies at the edge that flips. bfloat16 has 8 significant bits, so an operand moves by up to 2⁻⁸ of
    # itself, 2⁻⁸ / √3 · 0.7 ≈ 0.0016 in the root mean square, and the product of x with a unit row by √2 times as much.
    assert both.sum() >= 0.99 * 200 * 32
    assert both.sum() < 200 * 32  # so it was rounded
    assert (exact - rounded)[both].abs().max() < 7 * 0.0016 * 2**0.5


@pytest.mark.parametrize("source", ["random", "random:", "random:64", "random:64x0", "random:4x64", "random:ax4"])
def test_another_form_is_refused(source: str) -> None:
    with pytest.raises(UserError, match=rf"^coder {source}: give the number of latents, .+4096x32`$"):
        RandomTopk(source)


def test_a_store_of_a_random_coder(prep: Callable[..., Manifest], tmp_path: Path) -> None:
    options = {"coders": ["random:128x4"], "hookpoints": ["layers.1"], "tokens": 500}
    made, again, other = (
        prep(tmp_path / name, seed=seed, **options) for name, seed in (("made", 0), ("again", 0), ("other", 1))
    )
    entry = made.hookpoints["layers.1"]
    assert (entry.coder, entry.architecture, entry.width) == ("random:128x4", "random topk", 128)
    assert made.digest == again.digest
    assert other.hookpoints["layers.1"].sha256 != entry.sha256
