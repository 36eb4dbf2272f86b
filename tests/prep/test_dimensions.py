"""Raw dimensions in both directions."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.triples import dense
from torch import Tensor

from inspect_autointerp.prep.coders.dimensions import Dimensions
from inspect_autointerp.store.manifest import Manifest


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dimensions_are_positive_first_then_negative(x: Tensor, dtype: torch.dtype) -> None:
    x = x.to(dtype)
    x[3, 5] = 0
    triples = Dimensions("dimensions").of_width(32).encode(x)
    assert torch.equal(dense(triples, (50, 64)), torch.cat([x.relu(), (-x).relu()], dim=1))
    assert (triples.value > 0).all()
    assert (triples.token.diff() >= 0).all()
    assert len(triples.value) == 50 * 32 - 1


def test_what_fires_writes_what_was_read(x: Tensor) -> None:
    coder = Dimensions("dimensions").of_width(32)
    assert coder.decoder is not None
    assert torch.equal(dense(coder.encode(x), (50, 64)) @ coder.decoder, x)
    assert coder.encoder is not None
    assert torch.equal(dense(coder.encode(x), (50, 64)), (x @ coder.encoder.T).relu())


def test_a_store_of_dimensions(prep: Callable[..., Manifest], tmp_path: Path) -> None:
    manifest = prep(tmp_path / "store", coders=["dimensions"], hookpoints=["layers.1"], tokens=300)
    entry = manifest.hookpoints["layers.1"]
    assert (entry.coder, entry.architecture, entry.width) == ("dimensions", "dimensions", 64)
    assert entry.sha256 == Dimensions("dimensions").of_width(32).sha256
    assert entry.sha256 != Dimensions("dimensions").of_width(16).sha256
