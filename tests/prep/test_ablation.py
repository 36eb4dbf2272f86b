"""A latent held at 0, the error term kept, against the coder's own decoding and the subject run in full."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from inspect_autointerp.models.steering import Direction, Generate, Predict, Tune
from inspect_autointerp.prep.engines.steering import SteeredSubject
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store

PROMPTS = [[5, 1, 2, 3, 4, 9, 11, 12, 13], [7], [8, 8], [3, 1, 4, 1, 5, 9], [100, 200, 300, 400, 500]]
HIDDEN = "layers.1.mlp.down_proj:input"
Save = Callable[..., Path]
Prep = Callable[..., Manifest]


@pytest.fixture(scope="module")
def engine(sharp_store_folder: Path) -> SteeredSubject:
    return SteeredSubject(Store(sharp_store_folder), "layers.1", device="cpu")


@torch.no_grad()
def last(engine: SteeredSubject, prompt: list[int]) -> Tensor:
    """(d,): what the coder reads at the end of a prompt."""
    seen: list[Tensor] = []
    engine.subject.run(torch.tensor([[0, *prompt]]), lambda _, value: seen.append(value[0, -1]))
    return seen[0]


def firing(engine: SteeredSubject, prompt: list[int]) -> list[int]:
    """Latents that fire at its end."""
    return engine._coder.encode(last(engine, prompt)[None]).latent.tolist()


@torch.no_grad()
def clamped(engine: SteeredSubject, sae: Any, latent: int, ids: list[int], since: int) -> Tensor:
    """(vocabulary,): what comes after the ids, a latent at 0 from one of them on, by the library, without a cache."""

    def hold(_: Any, __: Any, out: Any) -> Any:
        value = (out[0] if isinstance(out, tuple) else out).clone()
        x = value[0, since:]
        acts = sae.encode(x)
        error = x - sae.decode(acts)
        sae.encode(x)  # decoding forgets the scale of what was encoded
        acts[:, latent] = 0
        value[0, since:] = sae.decode(acts) + error
        return (value, *out[1:]) if isinstance(out, tuple) else value

    handle = engine.subject.base.get_submodule("layers.1").register_forward_hook(hold)
    try:
        return engine.subject.model(torch.tensor([ids]), use_cache=False).logits[0, -1].log_softmax(-1)
    finally:
        handle.remove()


@pytest.mark.parametrize(
    ("architecture", "cfg"),
    [
        pytest.param("topk", {"k": 4}, id="topk"),
        pytest.param("topk", {"k": 4, "rescale_acts_by_decoder_norm": True}, id="topk-rescaled"),
        pytest.param("topk", {"k": 4, "normalize_activations": "layer_norm"}, id="topk-layer-norm"),
        pytest.param("jumprelu", {"normalize_activations": "constant_norm_rescale"}, id="jumprelu-constant-norm"),
        pytest.param("standard", {}, id="standard"),
    ],
)
def test_it_decodes_as_held_at_0(architecture: str, cfg: Any, tmp_path: Path, save_coder: Save, prep: Prep) -> None:
    from sae_lens import SAE

    folder = save_coder(tmp_path / "coder", architecture, hook="model.layers.1", **cfg)
    prep(tmp_path / "store", coders=[folder], tokens=2000)
    engine, sae = SteeredSubject(Store(tmp_path / "store"), "layers.1", device="cpu"), SAE.load_from_disk(str(folder))
    chosen = [(prompt, firing(engine, prompt)[-1]) for prompt in PROMPTS]
    effects = engine.predict([Predict(Direction(latent, ablated=True), [prompt], 1.0) for prompt, latent in chosen])
    for (prompt, latent), predicted in zip(chosen, effects, strict=True):
        expected = clamped(engine, sae, latent, [0, *prompt], len(prompt))
        np.testing.assert_allclose(predicted.steered[0], expected.numpy(), rtol=0, atol=1e-4)
        assert np.abs(predicted.steered - predicted.clean).max() > 1e-3


def test_adding_a_rescaled_latents_direction_is_adding_to_its_activation(
    tmp_path: Path, save_coder: Save, prep: Prep
) -> None:
    from sae_lens import SAE

    folder = save_coder(tmp_path / "coder", "topk", k=4, rescale_acts_by_decoder_norm=True, hook="model.layers.1")
    prep(tmp_path / "store", coders=[folder], tokens=2000)
    engine, sae = SteeredSubject(Store(tmp_path / "store"), "layers.1", device="cpu"), SAE.load_from_disk(str(folder))
    one = torch.zeros((2, sae.cfg.d_sae))
    one[1, 7] = 1
    none, raised = sae.decode(one)
    torch.testing.assert_close(engine.directions([Direction(7)])[0], raised - none, rtol=0, atol=1e-5)


def test_nothing_moves_but_the_latent_where_it_fires(engine: SteeredSubject) -> None:
    """By hand: x − a · W_dec[i], a being its activation, and x where it is silent; a top-k coder's others stay."""
    sae = engine._coder
    assert sae.decoder is not None
    latent = next(i for i in firing(engine, PROMPTS[0]) if not all(i in firing(engine, p) for p in PROMPTS))
    seen: list[Tensor] = []
    norm = engine.subject.base.get_submodule("layers.2.input_layernorm")  # the first to read what layer 1 wrote
    handle = norm.register_forward_hook(lambda _, args, out: seen.append(args[0][:, -1].clone()))
    engine.predict([Predict(Direction(latent, ablated=True), PROMPTS, 1.0)])
    handle.remove()
    _, clean, steered = seen  # the prompts without their last tokens come first
    silent = 0
    for before, after in zip(clean, steered, strict=True):
        _, fires, value = sae.encode(before[None])
        activation = sum(value[fires == latent].tolist())
        torch.testing.assert_close(after, before - activation * sae.decoder[latent], rtol=0, atol=1e-5)
        silent += activation == 0
        if not activation:
            assert torch.equal(after, before)
    assert 0 < silent < len(PROMPTS)


def test_what_is_generated_is_what_the_subject_says_in_full(engine: SteeredSubject, sharp_store_folder: Path) -> None:
    from sae_lens import SAE

    sae = SAE.load_from_disk(Store(sharp_store_folder).manifest.hookpoints["layers.1"].coder)
    moved = 0
    for prompt in PROMPTS:
        latent = firing(engine, prompt)[0]
        question = Generate(Direction(latent, ablated=True), [prompt], 1.0, seed=0, n_tokens=5, temperature=0.0)
        [generated] = engine.generate([question])
        ids = [0, *prompt]
        while len(ids) < len(prompt) + 6:
            ids.append(int(clamped(engine, sae, latent, ids, len(prompt)).argmax()))
        assert generated.steered[0] == ids[len(prompt) + 1 :]
        [predicted] = engine.predict([Predict(question.direction, [prompt], 1.0)])
        assert generated.kl == pytest.approx(predicted.kl(), rel=1e-3)
        moved += generated.clean != generated.steered
    assert moved


def test_answers_do_not_depend_on_who_else_asks(engine: SteeredSubject, sharp_store_folder: Path) -> None:
    narrow = SteeredSubject(Store(sharp_store_folder), "layers.1", device="cpu", rows=2)
    rng = np.random.default_rng(0)
    prompts = [[rng.integers(1, 600, rng.integers(1, 30)).tolist() for _ in range(3)] for _ in range(9)]
    random = (None, None, 4)
    directions = [  # some add, some ablate, some ablate a random direction
        Direction(firing(engine, p[0])[0], random=random[i % 3], ablated=i % 3 > 0) for i, p in enumerate(prompts)
    ]
    asked = [Predict(d, p, 1.0) for d, p in zip(directions, prompts, strict=True)]
    for a, b in zip(engine.predict(asked), narrow.predict(asked), strict=True):
        np.testing.assert_allclose(a.clean, b.clean, rtol=0, atol=1e-5)
        np.testing.assert_allclose(a.steered, b.steered, rtol=0, atol=1e-5)
        assert np.abs(a.steered - a.clean).max() > 1e-3
    made = [Generate(d, p, 1.0, seed=1, n_tokens=4) for d, p in zip(directions, prompts, strict=True)]
    for order in (made, made[::-1]):
        for a, b in zip(engine.generate(order), narrow.generate(order), strict=True):
            assert (a.clean, a.steered) == (b.clean, b.steered)
            assert a.kl == pytest.approx(b.kl, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("source", ["neurons", "neurons:8:rotated"])
def test_a_neuron_above_0_is_0(tmp_path: Path, prep: Prep, source: str) -> None:
    prep(tmp_path / "store", coders=[source], hookpoints=[HIDDEN], tokens=2000)
    engine = SteeredSubject(Store(tmp_path / "store"), HIDDEN, device="cpu")
    seen: list[Tensor] = []
    module = engine.subject.base.get_submodule("layers.1.mlp.down_proj")
    handle = module.register_forward_hook(lambda _, args, out: seen.append(args[0][:, -1]))
    latent = firing(engine, PROMPTS[0])[0]
    engine.predict([Predict(Direction(latent, ablated=True), PROMPTS, 1.0)])
    handle.remove()
    _, clean, steered = seen
    basis = getattr(engine._coder, "basis", None)
    if basis is not None:
        clean, steered = clean @ basis, steered @ basis
    expected = clean.clone()
    for row, prompt in enumerate(PROMPTS):
        if latent in firing(engine, prompt):
            assert clean[row, latent] > 0
            expected[row, latent] = 0
    torch.testing.assert_close(steered, expected, rtol=0, atol=1e-6)
    assert not torch.equal(expected[0], clean[0])


def test_ablation_of_a_transcoder_acts_on_the_output(tmp_path: Path, save_coder: Save, prep: Prep) -> None:
    folder = save_coder(
        tmp_path / "coder", "transcoder", d_out=32, hook="model.layers.1.mlp.input", apply_b_dec_to_input=False
    )
    prep(tmp_path / "store", coders=[folder])
    engine = SteeredSubject(Store(tmp_path / "store"), "layers.1.mlp:input", device="cpu")
    assert engine._coder.decoder is not None
    seen: list[tuple[Tensor, Tensor]] = []
    mlp = engine.subject.base.get_submodule("layers.1.mlp")
    latent = firing(engine, PROMPTS[0])[0]
    question = Predict(Direction(latent, ablated=True), PROMPTS[:1], 1.0)
    [effect] = engine.predict([question])
    x = last(engine, PROMPTS[0])
    _, fires, value = engine._coder.encode(x[None])
    taken = float(value[fires == latent]) * engine._coder.decoder[latent]

    def hold(_: Any, args: tuple[Tensor], out: Tensor) -> Tensor:
        seen.append((args[0], out))
        out = out.clone()
        out[:, -1] -= taken
        return out

    handle = mlp.register_forward_hook(hold)
    with torch.no_grad():
        logits = engine.subject.model(torch.tensor([[0, *PROMPTS[0]]]), use_cache=False).logits[0, -1]
    handle.remove()
    torch.testing.assert_close(seen[0][0][0, -1], x)
    np.testing.assert_allclose(effect.steered[0], logits.log_softmax(-1).numpy(), rtol=0, atol=1e-4)
    assert np.abs(effect.steered - effect.clean).max() > 1e-3


def test_no_strength_is_looked_for(engine: SteeredSubject) -> None:
    with pytest.raises(ValueError, match="an ablation has the strength 1"):
        engine.tune([Tune(Direction(1), PROMPTS, 0.3), Tune(Direction(2, ablated=True), PROMPTS, 0.3)])
