"""Tests of reading files of vectors, whoever wrote them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

from inspect_autointerp.errors import UserError
from inspect_autointerp.vectors.file import FORMAT, read_vectors

GOOD = {"layers.1/index": np.array([7, 3]), "layers.1/decoder": np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)}


def write(folder: Path, tensors: dict[str, Any], **metadata: str) -> Path:
    facts = {"format": FORMAT, "hookpoints": json.dumps({"layers.1": {"coder_sha256": "abc"}})} | metadata
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, folder / "x", metadata=facts)
    return folder / "x"


def test_rows_are_sorted_and_looked_up_by_latent(tmp_path: Path) -> None:
    rows = read_vectors(write(tmp_path, GOOD), "layers.1", "abc")
    assert rows.names == ["layers.1/3", "layers.1/7"]
    np.testing.assert_array_equal(rows.of(7, "decoder"), [1, 2])
    with pytest.raises(UserError, match=r"layers.1/4: no vector of this latent is in the file"):
        rows.of(4, "decoder")
    with pytest.raises(UserError, match=r"layers.1: its coder has no encoder rows; give vector=decoder"):
        rows.of(3, "encoder")


@pytest.mark.parametrize(
    ("change", "metadata", "message"),
    [
        ({}, {"format": "other"}, "its format is 'other', not"),
        ({}, {"hookpoints": "["}, "must be a JSON object"),
        ({}, {"hookpoints": '{"layers.1": 3}'}, "must be a JSON object of objects"),
        ({}, {"hookpoints": '{"layers.1": {"coder_sha256": "other"}}'}, "another coder than the store's at layers.1"),
        ({"layers.1/decoder": np.ones((3, 2))}, {}, "a row for each of its 2 latents"),
        ({"layers.1/decoder": np.array([[1.0, np.nan], [0, 0]])}, {}, "must be finite numbers"),
        ({"layers.1/index": np.array([0.5, 1])}, {}, "must be whole numbers"),
        ({"layers.1/index": np.array([3, 3])}, {}, "names a latent twice"),
        ({"layers.1/decoder": np.array([[1e39, 1], [0, 0]])}, {}, "must be finite numbers"),
        ({"layers.1/decoder": np.array([[1j, 1], [0, 0]], np.complex64)}, {}, "must be finite numbers"),
        ({}, {"hookpoints": "[" * 100_000}, "must be a JSON object"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    change: dict[str, Any], metadata: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        read_vectors(write(tmp_path, GOOD | change, **metadata), "layers.1", "abc")


def test_halves_are_read_as_float32_and_bfloat16_is_one_line(tmp_path: Path) -> None:
    halves = GOOD | {"layers.1/decoder": np.array([[300.0, 300.0], [3.0, 4.0]], np.float16)}
    row = read_vectors(write(tmp_path, halves), "layers.1").of(7, "decoder")
    assert np.linalg.norm(row) == pytest.approx(300 * 2**0.5), "a square of 300 is more than float16 holds"
    narrow = {name: torch.from_numpy(array) for name, array in GOOD.items()}
    narrow["layers.1/decoder"] = narrow["layers.1/decoder"].bfloat16()
    save_torch_file(narrow, tmp_path / "y", metadata={"format": FORMAT, "hookpoints": "{}"})
    with pytest.raises(UserError, match="a type that numpy lacks; give float32"):
        read_vectors(tmp_path / "y", "layers.1")


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no vectors of layers.9; the file has layers.1"):
        read_vectors(write(tmp_path, GOOD), "layers.9")
    with pytest.raises(UserError, match="cannot be read"):
        read_vectors(tmp_path / "none", "layers.1")
    (tmp_path / "text").write_text("no tensors")
    with pytest.raises(UserError, match="cannot be read"):
        read_vectors(tmp_path / "text", "layers.1")
