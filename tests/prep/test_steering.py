"""The steering engine on small random models, against the subject run in full on one prompt at a time."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from inspect_autointerp.builtin import demo
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import UserError
from inspect_autointerp.models.steering import Direction, Generate, Predict, Tune
from inspect_autointerp.prep.engines.steering import SteeredSubject
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store

PROMPTS = [[5, 1, 2, 3, 4, 9, 11, 12, 13], [7], [8, 8], [3, 1, 4, 1, 5, 9], [100, 200, 300, 400, 500]]
Save = Callable[..., Path]
Prep = Callable[..., Manifest]


@pytest.fixture(scope="module")
def store(sharp_store_folder: Path) -> Store:
    return Store(sharp_store_folder)


@pytest.fixture(scope="module")
def engine(store: Store) -> SteeredSubject:
    return SteeredSubject(store, "layers.1", device="cpu")


@contextmanager
def hooked(module: torch.nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """The outputs of a module changed, by a hook of this test's own."""

    def hook(_: Any, __: Any, out: Any) -> Any:
        return (change(out[0]), *out[1:]) if isinstance(out, tuple) else change(out)

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@torch.no_grad()
def in_full(engine: SteeredSubject, ids: list[int], delta: Tensor, since: int) -> Tensor:
    """(vocabulary,): what comes after the ids, `delta` added at layer 1 from one of them on, without any cache."""

    def add(value: Tensor) -> Tensor:
        value = value.clone()
        value[:, since:] += delta
        return value

    with hooked(engine.subject.base.get_submodule("layers.1"), add):
        return engine.subject.model(torch.tensor([ids]), use_cache=False).logits[0, -1].log_softmax(-1)


def test_what_comes_next_is_what_the_subject_says_in_full(store: Store, engine: SteeredSubject) -> None:
    from sae_lens import SAE

    row = SAE.load_from_disk(store.at("layers.1").entry.coder).W_dec.detach()[17]
    [effect] = engine.predict([Predict(Direction(17), PROMPTS, 3.0)])
    for i, prompt in enumerate(PROMPTS):
        ids = [0, *prompt]  # BOS goes before it, as it did in prep
        for logprobs, strength in ((effect.clean[i], 0.0), (effect.steered[i], 3.0)):
            expected = in_full(engine, ids, strength * row, len(ids) - 1)
            np.testing.assert_allclose(logprobs, expected.numpy(), rtol=0, atol=2e-5)
    assert (effect.kl() > 0.01).all()


def test_steering_adds_the_decoder_row_and_keeps_the_error(store: Store, engine: SteeredSubject) -> None:
    from sae_lens import SAE

    sae = SAE.load_from_disk(store.at("layers.1").entry.coder)
    latent, strength = 17, 3.0

    def raised(value: Tensor) -> Tensor:
        value = value.clone()
        x = value[:, -1]
        acts = sae.encode(x)
        error = x - sae.decode(acts)
        acts[:, latent] += strength
        value[:, -1] = sae.decode(acts) + error
        return value

    [effect] = engine.predict([Predict(Direction(latent), PROMPTS, strength)])
    for i, prompt in enumerate(PROMPTS):
        with torch.no_grad(), hooked(engine.subject.base.get_submodule("layers.1"), raised):
            logits = engine.subject.model(torch.tensor([[0, *prompt]]), use_cache=False).logits[0, -1]
        np.testing.assert_allclose(effect.steered[i], logits.log_softmax(-1).numpy(), rtol=0, atol=1e-4)


def test_what_is_generated_is_what_the_subject_says_in_full_and_the_noise(engine: SteeredSubject) -> None:
    question = Generate(Direction(17), PROMPTS, 3.0, seed=5, n_tokens=4, temperature=0.7)
    [generated] = engine.generate([question])
    [predicted] = engine.predict([Predict(Direction(17), PROMPTS, 3.0)])
    np.testing.assert_allclose(generated.kl, predicted.kl(), rtol=1e-3)
    direction = engine.directions([question.direction])[0]
    for i, prompt in enumerate(PROMPTS):
        for new, strength in ((generated.clean[i], 0.0), (generated.steered[i], 3.0)):
            rng = rng_of(5, "layers.1", 17, "tokens", *prompt)
            ids = [0, *prompt]
            while len(ids) < len(prompt) + 5:
                logprobs = in_full(engine, ids, strength * direction, len(prompt))
                gumbel = -np.log(rng.standard_exponential(600, dtype=np.float32))
                ids.append(int((logprobs.numpy() / np.float32(0.7) + gumbel).argmax()))
            assert ids[len(prompt) + 1 :] == new


def test_answers_do_not_depend_on_who_else_asks(store: Store, engine: SteeredSubject) -> None:
    narrow = SteeredSubject(store, "layers.1", device="cpu", rows=2)  # every question goes into the model alone
    rng = np.random.default_rng(0)
    prompts = [[rng.integers(1, 600, rng.integers(1, 30)).tolist() for _ in range(3)] for _ in range(8)]
    tune = [Tune(Direction(i), p, 0.3) for i, p in enumerate(prompts)]
    together, alone = engine.tune(tune), narrow.tune(tune)
    assert [t.n_passes for t in together] == [t.n_passes for t in alone]
    strengths = [t.strength for t in together]
    assert strengths == pytest.approx([t.strength for t in alone], rel=1e-4)
    made = [
        Generate(Direction(i), p, s or 0.0, seed=1, n_tokens=4 + i % 2, temperature=1.0)
        for i, (p, s) in enumerate(zip(prompts, strengths, strict=True))
    ]
    for order in (made, made[::-1]):
        for a, b in zip(engine.generate(order), narrow.generate(order), strict=True):
            assert (a.clean, a.steered) == (b.clean, b.steered)
            assert a.kl == pytest.approx(b.kl, rel=1e-3, abs=1e-5)
    asked = [Predict(m.direction, m.prompts, m.strength) for m in made]
    for a, b in zip(engine.predict(asked), narrow.predict(asked), strict=True):
        np.testing.assert_allclose(a.clean, b.clean, rtol=0, atol=1e-5)
        np.testing.assert_allclose(a.steered, b.steered, rtol=0, atol=1e-5)


@pytest.mark.parametrize("target", [0.1, 0.33, 1.0])
def test_the_strength_found_has_the_kl_asked_for(engine: SteeredSubject, target: float) -> None:
    directions = [*map(Direction, range(6)), *(Direction(i, random=3) for i in range(3))]
    tuned = engine.tune([Tune(direction, PROMPTS, target) for direction in directions])
    assert all(t.strength and t.reason is None for t in tuned)
    effects = engine.predict([Predict(d, PROMPTS, t.strength or 0) for d, t in zip(directions, tuned, strict=True)])
    for t, predicted in zip(tuned, effects, strict=True):
        assert predicted.kl().mean() == pytest.approx(target, rel=0.1)
        assert predicted.kl().mean() == pytest.approx(t.kl, rel=1e-3)
        assert t.n_passes <= 7


def test_what_cannot_be_reached_has_no_strength_and_a_reason(
    engine: SteeredSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = engine.directions
    monkeypatch.setattr(  # latent 1 writes nothing
        engine, "directions", lambda ds: rows(ds) * torch.tensor([[float(d.latent != 1)] for d in ds])
    )
    questions = [Tune(Direction(0), PROMPTS, 500.0), Tune(Direction(1), PROMPTS, 0.3), Tune(Direction(2), PROMPTS, 0.3)]
    far, nothing, near = engine.tune(questions)
    assert far.strength is None
    assert far.reason is not None
    assert far.reason.startswith("no strength was found for a KL of 500; the nearest was ")
    assert (nothing.strength, nothing.reason, nothing.n_passes) == (None, "its direction is zero", 0)
    assert near.strength is not None


def test_steering_at_strength_zero_is_clean(engine: SteeredSubject) -> None:
    def generate(**changed: Any) -> list[list[int]]:
        [generated] = engine.generate([replace(Generate(Direction(3), PROMPTS, 0.0, seed=1), **changed)])
        assert generated.clean == generated.steered
        return generated.clean

    assert generate() == generate()
    assert generate() != generate(seed=2)
    assert generate() != generate(direction=Direction(4))
    coldly = generate(temperature=0.0)
    assert coldly == generate(temperature=0.0, seed=2)
    [first] = engine.predict([Predict(Direction(3), PROMPTS, 0.0)])
    assert [row[0] for row in coldly] == first.clean.argmax(1).tolist()


def test_tokens_after_the_end_of_the_text_do_not_count(engine: SteeredSubject, monkeypatch: pytest.MonkeyPatch) -> None:
    question = Generate(Direction(3), PROMPTS, 0.0, seed=1)
    [whole] = engine.generate([question])
    assert [len(row) for row in whole.clean] == [8] * len(PROMPTS)
    monkeypatch.setattr(engine, "_ends", frozenset([whole.clean[0][5]]))
    [cut] = engine.generate([question])
    assert cut.clean[0] == whole.clean[0][: whole.clean[0].index(whole.clean[0][5])]


def test_random_direction_is_as_long_as_the_latents(engine: SteeredSubject) -> None:
    own = engine.directions([Direction(1), Direction(2)])
    drawn = engine.directions([Direction(1, random=0), Direction(2, random=0), Direction(1, random=0)])
    torch.testing.assert_close(drawn[:2].norm(dim=1), own.norm(dim=1))
    assert torch.equal(drawn[0], drawn[2])
    cosines = torch.nn.functional.cosine_similarity(drawn[:2], torch.stack([own[0], drawn[0]]))
    assert (cosines.abs() < 0.7).all()
    assert not torch.equal(drawn[0], engine.directions([Direction(1, random=1)])[0])


def test_a_transcoder_writes_to_the_output_of_the_module_it_reads(tmp_path: Path, save_coder: Save, prep: Prep) -> None:
    from sae_lens import SAE

    folder = save_coder(
        tmp_path / "coder", "transcoder", d_out=32, hook="model.layers.1.mlp.input", apply_b_dec_to_input=False
    )
    prep(tmp_path / "store", coders=[folder])
    engine = SteeredSubject(Store(tmp_path / "store"), "layers.1.mlp:input", device="cpu")
    coder = SAE.load_from_disk(str(folder))
    mlp = engine.subject.base.get_submodule("layers.1.mlp")

    def raised(_: Any, args: tuple[Tensor], out: Tensor) -> Tensor:
        out = out.clone()
        acts = coder.encode(args[0][:, -1])
        error = out[:, -1] - coder.decode(acts)
        acts[:, 9] += 0.5
        out[:, -1] = coder.decode(acts) + error
        return out

    [effect] = engine.predict([Predict(Direction(9), PROMPTS[:1], 0.5)])
    handle = mlp.register_forward_hook(raised)
    with torch.no_grad():
        logits = engine.subject.model(torch.tensor([[0, *PROMPTS[0]]]), use_cache=False).logits[0, -1]
    handle.remove()
    np.testing.assert_allclose(effect.steered[0], logits.log_softmax(-1).numpy(), rtol=0, atol=1e-4)
    assert effect.kl()[0] > 1e-4


@pytest.mark.parametrize(
    ("names", "read", "written"),
    [
        pytest.param(
            {"hook_name": "blocks.1.hook_resid_mid", "hook_name_out": "blocks.2.hook_mlp_out"},
            *("layers.1.post_attention_layernorm:input", "layers.2.mlp"),
            id="transformer-lens",
        ),
        pytest.param(
            {"hf_hook_name": "model.layers.1.mlp.input", "hf_hook_name_out": "model.layers.1.mlp.output"},
            *("layers.1.mlp:input", "layers.1.mlp"),
            id="module-paths",
        ),
    ],
)
def test_a_transcoder_of_sae_lens_writes_where_its_config_says(
    names: dict[str, str], read: str, written: str, tmp_path: Path, prep: Prep
) -> None:
    from sae_lens.saes.sae import SAEMetadata
    from sae_lens.saes.transcoder import Transcoder, TranscoderConfig

    metadata = SAEMetadata(**names)
    config = TranscoderConfig(
        d_in=32, d_out=32, d_sae=64, dtype="float32", device="cpu", apply_b_dec_to_input=False, metadata=metadata
    )
    torch.manual_seed(1)
    coder = Transcoder(config)
    with torch.no_grad():
        for parameter in coder.parameters():
            parameter.normal_()
    coder.save_model(tmp_path / "coder")
    prep(tmp_path / "store", coders=[tmp_path / "coder"], tokens=2000)
    store = Store(tmp_path / "store")
    assert store.hookpoints == [read]
    engine = SteeredSubject(store, read, device="cpu")
    [effect] = engine.predict([Predict(Direction(9), PROMPTS[:1], 3.0)])

    def add(_: Any, __: Any, out: Tensor) -> Tensor:
        return torch.cat([out[:, :-1], out[:, -1:] + 3.0 * coder.W_dec[9]], dim=1)

    handle = engine.subject.base.get_submodule(written).register_forward_hook(add)
    with torch.no_grad():
        logits = engine.subject.model(torch.tensor([[0, *PROMPTS[0]]]), use_cache=False).logits[0, -1]
    handle.remove()
    np.testing.assert_allclose(effect.steered[0], logits.log_softmax(-1).numpy(), rtol=0, atol=1e-4)
    assert effect.kl()[0] > 1e-4


def test_a_transcoder_that_reads_an_output_is_refused(tmp_path: Path, save_coder: Save, prep: Prep) -> None:
    folder = save_coder(tmp_path / "coder", "transcoder", d_out=32, hook="model.layers.1", apply_b_dec_to_input=False)
    prep(tmp_path / "store", coders=[folder], tokens=2000)
    message = "^steering: layers.1 is the output of a module, so the place that a transcoder writes to is unknown; "
    with pytest.raises(UserError, match=message):
        SteeredSubject(Store(tmp_path / "store"), "layers.1", device="cpu")


@pytest.mark.parametrize("source", ["neurons", "neurons:8:rotated"])
def test_a_neuron_is_raised_by_itself(tmp_path: Path, prep: Prep, source: str) -> None:
    prep(tmp_path / "store", coders=[source], hookpoints=["layers.1.mlp.down_proj:input"], tokens=2000)
    engine = SteeredSubject(Store(tmp_path / "store"), "layers.1.mlp.down_proj:input", device="cpu")
    seen: list[Tensor] = []
    module = engine.subject.base.get_submodule("layers.1.mlp.down_proj")
    handle = module.register_forward_hook(lambda _, args, out: seen.append(args[0][:, -1]))
    engine.predict([Predict(Direction(5), PROMPTS, 2.5)])
    handle.remove()
    _, clean, steered = seen  # the prompts without their last tokens come first
    basis = getattr(engine._coder, "basis", None)
    change = (steered - clean) if basis is None else (steered - clean) @ basis
    expected = torch.zeros_like(change)
    expected[:, 5] = 2.5
    torch.testing.assert_close(change, expected, rtol=0, atol=1e-5)


@pytest.fixture
def copied(tmp_path: Path, subject_folder: Path, sae_folder: Path, prep: Prep) -> Path:
    """A store in `store`, and what it was made of beside it."""
    shutil.copytree(subject_folder, tmp_path / "subject")
    shutil.copytree(sae_folder, tmp_path / "coder")
    prep(tmp_path / "store", subject=tmp_path / "subject", coders=[tmp_path / "coder"], tokens=2000)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "name"), [("subject/model.safetensors", "subject"), ("coder/sae_weights.safetensors", "coder")]
)
def test_other_weights_are_refused(copied: Path, file: str, name: str) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(copied / file)
    for tensor in weights.values():
        tensor[..., 0] += 1
    save_file(weights, copied / file, metadata={"format": "pt"})
    message = (
        rf"^steering: the weights of {name} {copied / name} differ from those that {copied / 'store'} was made with; "
    )
    with pytest.raises(UserError, match=message):
        SteeredSubject(Store(copied / "store"), "layers.1", device="cpu")


@pytest.mark.parametrize("gone", ["subject", "coder"])
def test_missing_weights_are_said_in_one_line(copied: Path, gone: str) -> None:
    shutil.rmtree(copied / gone)
    with pytest.raises(UserError, match=rf"^steering needs what {copied / 'store'} was made of: {gone} ") as caught:
        SteeredSubject(Store(copied / "store"), "layers.1", device="cpu")
    assert "\n" not in str(caught.value)


def test_prompts_that_cannot_be_run_are_refused(engine: SteeredSubject) -> None:
    message = r"^steering: 136 tokens, new ones included, are more than the subject's limit of 128"
    with pytest.raises(UserError, match=message):
        engine.generate([Generate(Direction(0), [[1] * 128], 1.0, seed=0)])


def test_the_demo_is_steered_towards_what_its_latents_promote(tmp_path: Path, prep: Prep) -> None:
    prep(tmp_path / "store", subject=demo.SUBJECT, coders=[demo.coders()[1]], tokens=3000)
    store = Store(tmp_path / "store")
    engine = SteeredSubject(store, "layers.2", device="cpu")
    head = engine.subject.unembedding()
    assert head is not None
    prompts = [store.tokens[start : start + 12].tolist() for start in range(0, 600, 60)]
    directions = [Direction(i) for i in range(8)]
    tuned = engine.tune([Tune(direction, prompts, 1.0) for direction in directions])
    effects = engine.predict([Predict(d, prompts, t.strength or 0) for d, t in zip(directions, tuned, strict=True)])
    for direction, predicted in zip(engine.directions(directions), effects, strict=True):
        promoted = (head @ direction).topk(10).indices.numpy()
        raised = (predicted.steered - predicted.clean).mean(0)
        assert raised[promoted].mean() > np.quantile(raised, 0.9)
