"""Stores of small random coders, and copies of them, to compare."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from inspect_autointerp.store.manifest import Manifest

Prep = Callable[..., Manifest]
Save = Callable[..., Path]
ORDER = np.random.default_rng(7).permutation(64)
"""Latent i of the copy is latent ORDER[i] of the original."""


def unbiased(folder: Path) -> Path:
    """An SAE without biases: those of a random one would outweigh the small model's activations."""
    weights = load_file(folder / "sae_weights.safetensors")
    weights |= {name: torch.zeros_like(weights[name]) for name in ("b_enc", "b_dec")}
    save_file(weights, folder / "sae_weights.safetensors")
    return folder


def permuted(folder: Path, copy: Path) -> Path:
    """A copy of an SAE with its latents in another order."""
    shutil.copytree(folder, copy)
    weights = load_file(copy / "sae_weights.safetensors")
    order = torch.from_numpy(ORDER)
    weights |= {"W_enc": weights["W_enc"][:, order], "W_dec": weights["W_dec"][order], "b_enc": weights["b_enc"][order]}
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, copy / "sae_weights.safetensors")
    return copy


def make_stores(folder: Path, prep: Prep, save_coder: Save) -> None:
    """Make `one` with two layers, `copy` with the first's latents in another order, and what differs from them."""
    first = unbiased(save_coder(folder / "first", "topk", k=4, hook="model.layers.1"))
    second = unbiased(save_coder(folder / "second", "topk", k=4, hook="model.layers.2", seed=2))
    copy = permuted(first, folder / "permuted")
    prep(folder / "one", coders=[first, second])
    prep(folder / "copy", coders=[copy])
    prep(folder / "small-pool", coders=[copy], pool=20)
    prep(folder / "other-seed", coders=[copy], seed=1)
    prep(folder / "neurons", coders=["neurons:8"], hookpoints=("layers.1.mlp.down_proj:input",))
