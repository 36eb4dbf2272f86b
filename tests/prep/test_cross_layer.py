"""A cross-layer transcoder from prep to steering: a latent writes to its own layer and to each after it."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.models.steering import Direction, Predict, Tune
from inspect_autointerp.prep.coders import Coder, load_coder
from inspect_autointerp.prep.engines.steering import SteeredSubject
from inspect_autointerp.prep.run import load_run, scan
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store

PROMPTS = [[5, 1, 2, 3, 4, 9, 11, 12, 13], [7, 8], [100, 200, 300, 400, 500]]
LAYERS, WIDTH, LATENTS = 4, 32, 64


@pytest.fixture(scope="module")
def clt_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random cross-layer transcoder of the random subject, as circuit-tracer writes it."""
    return make_clt(tmp_path_factory.mktemp("clt"), LAYERS)


def make_clt(folder: Path, n_layers: int) -> Path:
    folder.mkdir(exist_ok=True)
    config = {"model_kind": "cross_layer_transcoder", "feature_input_hook": "mlp.hook_in"}
    (folder / "config.yaml").write_text(yaml.safe_dump(config | {"feature_output_hook": "hook_mlp_out"}))
    generator = torch.Generator().manual_seed(0)
    for layer in range(n_layers):
        shapes = {"W_enc": (LATENTS, WIDTH), "b_enc": (LATENTS,), "b_dec": (WIDTH,), "threshold": (LATENTS,)}
        weights = {f"{name}_{layer}": torch.randn(shape, generator=generator) for name, shape in shapes.items()}
        decoder = torch.randn((LATENTS, n_layers - layer, WIDTH), generator=generator)
        save_file(weights, folder / f"W_enc_{layer}.safetensors")
        save_file({f"W_dec_{layer}": decoder}, folder / f"W_dec_{layer}.safetensors")
    return folder


@pytest.fixture(scope="module")
def store(
    clt_folder: Path, subject_folder: Path, prep: Callable[..., Manifest], tmp_path_factory: pytest.TempPathFactory
) -> Store:
    """A store of the random subject with weights so large that its layers do more than pass on what they read."""
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("stores")
    shutil.copytree(subject_folder, folder / "subject")
    model = AutoModelForCausalLM.from_pretrained(subject_folder)
    for parameter in model.model.layers.parameters():
        if parameter.ndim == 2:
            parameter.data *= 8
    model.save_pretrained(folder / "subject")
    prep(folder / "clt", subject=folder / "subject", coders=[f"{clt_folder}:1"], tokens=2000)
    return Store(folder / "clt")


@pytest.fixture(scope="module")
def engine(store: Store) -> SteeredSubject:
    return SteeredSubject(store, "layers.1.mlp:input", device="cpu")


@pytest.fixture(scope="module")
def decoders(clt_folder: Path) -> Tensor:
    """(latent, layer from 1 on, d)."""
    from safetensors.torch import load_file

    return load_file(clt_folder / "W_dec_1.safetensors")["W_dec_1"]


@contextmanager
def written(engine: SteeredSubject, rows: Tensor, since: int) -> Iterator[None]:
    """Within the block, a row is added to the MLP's output of each layer from 1 on, from a token on."""
    with ExitStack() as stack:
        for layer, row in enumerate(rows, start=1):

            def add(_: object, __: object, out: Tensor, row: Tensor = row) -> Tensor:
                out = out.clone()
                out[:, since:] += row
                return out

            handle = engine.subject.base.get_submodule(f"layers.{layer}.mlp").register_forward_hook(add)
            stack.callback(handle.remove)
        yield


@torch.no_grad()
def next_token(engine: SteeredSubject, ids: list[int]) -> np.ndarray:
    return engine.subject.model(torch.tensor([ids]), use_cache=False).logits[0, -1].log_softmax(-1).numpy()


def test_steering_writes_to_each_layer_with_its_own_decoder(engine: SteeredSubject, decoders: Tensor) -> None:
    [effect] = engine.predict([Predict(Direction(17), PROMPTS, 3.0)])
    for i, prompt in enumerate(PROMPTS):
        ids = [0, *prompt]
        with written(engine, 3.0 * decoders[17], len(ids) - 1):
            expected = next_token(engine, ids)
        np.testing.assert_allclose(effect.steered[i], expected, rtol=0, atol=2e-5)
        with written(engine, 3.0 * decoders[17].sum(dim=0)[None], len(ids) - 1):
            of_sum = next_token(engine, ids)  # what the sum, written to the first layer, would do
        assert np.abs(effect.steered[i] - of_sum).max() > 1e-3


def test_ablation_takes_what_fires_off_every_layer(engine: SteeredSubject, decoders: Tensor) -> None:
    seen: list[Tensor] = []
    module = engine.subject.base.get_submodule("layers.1.mlp")
    with torch.no_grad():
        handle = module.register_forward_pre_hook(lambda _, args: seen.append(args[0][0, -1:]))
        next_token(engine, [0, *PROMPTS[0]])
        handle.remove()
    triples = engine._coder.encode(seen[0])
    latent, value = int(triples.latent[0]), float(triples.value[0])
    [effect] = engine.predict([Predict(Direction(latent, ablated=True), PROMPTS[:1], 1.0)])
    ids = [0, *PROMPTS[0]]
    with written(engine, -value * decoders[latent], len(ids) - 1):
        np.testing.assert_allclose(effect.steered[0], next_token(engine, ids), rtol=0, atol=2e-5)


def test_a_random_direction_is_as_long_in_each_layer(engine: SteeredSubject, decoders: Tensor) -> None:
    own, drawn = engine.directions([Direction(17), Direction(17, random=1)])
    assert torch.equal(own, decoders[17].flatten())
    torch.testing.assert_close(drawn.view(3, WIDTH).norm(dim=1), decoders[17].norm(dim=1))
    assert not torch.allclose(own, drawn)


def test_a_strength_is_found(engine: SteeredSubject) -> None:
    [tuned] = engine.tune([Tune(Direction(17), PROMPTS, 0.005)])
    assert tuned.strength is not None
    [effect] = engine.predict([Predict(Direction(17), PROMPTS, tuned.strength)])
    assert effect.kl().mean() == pytest.approx(0.005, rel=0.1)


def test_neighbours_are_of_all_layers_and_tokens_of_the_sum(store: Store, decoders: Tensor) -> None:
    unit = torch.nn.functional.normalize(decoders.flatten(1), dim=1)
    cosine = (unit @ unit.T).fill_diagonal_(-2)
    at = store.at("layers.1.mlp:input")
    nearest = [int(at.neighbours("neighbours", latent)[0]) for latent in range(LATENTS)]
    assert nearest == cosine.argmax(dim=1).tolist()
    summed = torch.nn.functional.normalize(decoders.sum(dim=1), dim=1)
    assert (summed @ summed.T).fill_diagonal_(-2).argmax(dim=1).tolist() != cosine.argmax(dim=1).tolist()


def test_the_manifest_names_folder_and_layer(store: Store, clt_folder: Path) -> None:
    entry = store.at("layers.1.mlp:input").entry
    assert (entry.coder, entry.architecture) == (f"{clt_folder}:1", "jumprelu cross-layer transcoder")
    assert entry.warning is None
    assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)


def test_a_coders_warning_is_in_the_manifest_and_not_in_the_digest(store: Store, tmp_path: Path) -> None:
    manifest = store.manifest
    assert '"warning"' not in (store.folder / "manifest.json").read_text()  # as in stores older than this field
    [(name, entry)] = manifest.hookpoints.items()
    warned = replace(manifest, hookpoints={name: replace(entry, warning="The decoders are summed.")})
    assert warned.digest == manifest.digest
    warned.write(tmp_path)
    assert Manifest.read(tmp_path).hookpoints[name].warning == "The decoders are summed."


def test_prep_says_a_coders_warning(
    prep: Callable[..., Manifest], clt_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warned(source: str, *_: Any, **__: Any) -> Coder:
        coder: Any = load_coder(source)
        coder.warning = "The decoders are summed."
        return coder

    monkeypatch.setattr(load_run, "load_coder", warned)
    lines: list[str] = []
    monkeypatch.setattr(scan, "say", lambda what, **_: lines.append(what))
    manifest = prep(tmp_path / "store", coders=[f"{clt_folder}:1"], tokens=500)
    assert f"coder {clt_folder}:1: The decoders are summed." in lines
    assert manifest.hookpoints["layers.1.mlp:input"].warning == "The decoders are summed."


def test_a_transcoder_of_more_layers_than_the_subject_is_refused(prep: Callable[..., Manifest], tmp_path: Path) -> None:
    folder = make_clt(tmp_path / "clt", LAYERS + 1)
    with pytest.raises(UserError, match=r"^coder .*clt:1 writes to \S*4\S*, which .* does not have: they do not fit"):
        prep(tmp_path / "store", coders=[f"{folder}:1"], tokens=500)
    assert not (tmp_path / "store").exists()
