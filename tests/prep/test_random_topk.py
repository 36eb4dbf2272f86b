"""A random top-k coder, against its definition in a few lines."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.triples import dense
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.manifest import Manifest
from inspect_autointerp.prep.coders.random_topk import RandomTopk, RandomTopkCoder


def weights(coder: RandomTopkCoder) -> Tensor:
    assert coder.decoder is not None
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


def test_top_k_in_bfloat16_is_right_within_rounding(x: Tensor) -> None:
    exact = RandomTopk("random:64x64").of_width(32)
    triples = RandomTopkCoder("random:64x4", 32, 64, 4, dtype="bfloat16").encode(x)
    found, full = dense(triples, (50, 64)).float(), dense(exact.encode(x), (50, 64))
    # A product of x with a unit row is of size 1, the largest of 64 about 2.5: a rounding of 2⁻⁸ three times over.
    torch.testing.assert_close(found[found > 0], full[found > 0], rtol=0, atol=0.05)
    fourth = full.sort(descending=True).values[:, 3:4]
    assert (full[found > 0] >= fourth.repeat(1, 4).flatten() - 0.1).all()


@pytest.mark.parametrize("source", ["random", "random:", "random:64", "random:64x0", "random:4x64", "random:ax4"])
def test_another_form_is_refused(source: str) -> None:
    with pytest.raises(UserError, match=rf"^coder {source}: after `random:` come the number of latents .+4096x32`$"):
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
