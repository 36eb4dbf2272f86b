"""Newer families, small and random: TransformerLens's names, likelihood and steering, against plain transformers."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.prep.test_steering import PROMPTS, in_full
from tests.small_models import VOCABULARY, save_small, small_config
from tests.tiny import MERGES, byte_level
from torch import Tensor
from transformers import AutoModelForCausalLM

from inspect_autointerp.errors import UserError
from inspect_autointerp.models.likelihood.local import LocalLikelihood
from inspect_autointerp.models.steering import Direction, Generate, Predict
from inspect_autointerp.prep.engines.steering import SteeredSubject
from inspect_autointerp.prep.run.run import prep
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.subject.subject import Subject
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store import Store

FAMILIES = (
    "qwen3_moe gpt_oss qwen3_5_text qwen3_5_moe_text qwen3_next llama4_text olmo olmo2 olmo3 phi phi3 gemma3_text"
)
STREAM = ("hook_resid_pre", "hook_attn_out", "hook_resid_mid", "hook_mlp_out", "hook_resid_post")
IDS = torch.arange(1, 15).reshape(2, 7)


@pytest.fixture(scope="module")
def saved(subject_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folders: dict[str, Path] = {}

    def save(model_type: str) -> Path:
        if model_type not in folders:
            folders[model_type] = tmp_path_factory.mktemp(model_type)
            save_small(folders[model_type], model_type, subject_folder)
        return folders[model_type]

    return save


def activations(folder: Path, names: list[str]) -> dict[str, Tensor]:
    subject = Subject(str(folder), names)
    read: dict[str, Tensor] = {}
    subject.run(IDS, lambda hookpoint, value: read.__setitem__(hookpoint.name, value.clone()))
    return dict(zip(names, (read[hookpoint.name] for hookpoint in subject.hookpoints), strict=True))


@pytest.mark.parametrize("layer", [1, 3])
@pytest.mark.parametrize("model_type", FAMILIES.split())
def test_transformer_lens_names_add_up_to_the_stream(saved: Callable[[str], Path], model_type: str, layer: int) -> None:
    left_out = {
        "phi": "hook_resid_mid",  # attention and MLP side by side
        "llama4_text": "hook_mlp_out",  # its experts' output has no row per text
    }.get(model_type)
    places = [place for place in STREAM if place != left_out]
    read = activations(saved(model_type), [f"blocks.{layer}.{place}" for place in places])
    value = {place: read[f"blocks.{layer}.{place}"] for place in places}
    middle = value["hook_resid_pre"] + value["hook_attn_out"]
    if "hook_resid_mid" in value:
        torch.testing.assert_close(value["hook_resid_mid"], middle, rtol=1e-4, atol=1e-5)
    if "hook_mlp_out" in value:
        torch.testing.assert_close(middle + value["hook_mlp_out"], value["hook_resid_post"], rtol=1e-4, atol=1e-5)


def test_what_a_family_does_not_have_is_refused(saved: Callable[[str], Path]) -> None:
    for model_type, name, message in (
        ("gpt_oss", "blocks.1.mlp.hook_post", "the neurons are the experts'"),
        (
            "qwen3_5_text",
            "blocks.1.attn.hook_z",
            r"layer 1 of this model has linear attention \(layers",
        ),
        ("llama4_text", "blocks.1.hook_mlp_out", "it must be one vector per token"),
        ("phi", "blocks.1.hook_resid_mid", "run side by side, with nothing between them$"),
    ):
        with pytest.raises(UserError, match=message):
            Subject(str(saved(model_type)), [name])
    assert activations(saved("qwen3_5_text"), ["blocks.3.attn.hook_z", "blocks.1.mlp.hook_post"])


@pytest.mark.parametrize("model_type", [*FAMILIES.split(), "rwkv", "recurrent_gemma"])
def test_likelihood_is_that_of_the_model_token_by_token(model_type: str) -> None:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(small_config(model_type)).eval()
    engine = LocalLikelihood(model, byte_level(True, MERGES))
    head = "Description: the colon\nSentences:\n- I am not the cat.\n-"
    pairs = [(head, " the cat"), (head, " not"), (head + " a", "été"), ("x", "ab: the")]
    for answer, item in zip(asyncio.run(engine.logprobs(pairs)), engine._tokenize(pairs), strict=True):
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([item.ids]), use_cache=False).logits[0].log_softmax(-1)
        plain = [float(logits[i - 1, item.ids[i]]) for i in range(item.first, len(item.ids))]
        assert answer == pytest.approx(plain, rel=1e-4)


@pytest.mark.parametrize("model_type", ["qwen3_5_text", "gpt_oss", "llama4_text", "mamba2"])
def test_a_steered_subject_says_what_it_says_in_full(
    saved: Callable[[str], Path], model_type: str, corpus_folder: Path, tmp_path: Path
) -> None:
    folder = saved(model_type)
    settings = Settings(corpus=str(corpus_folder), tokens=600, context_length=32, window=16, sample=4, top=2, pool=8)
    job: dict[str, Any] = {"coders": ["random:64x4"], "hookpoints": ["layers.1"], "settings": settings}
    prep(Job(subject=str(folder), **job), tmp_path / "store", progress=False)
    engine = SteeredSubject(Store(tmp_path / "store"), "layers.1", device="cpu")
    [delta] = engine.directions([Direction(17)])
    [effect] = engine.predict([Predict(Direction(17), PROMPTS, 3.0)])
    for i, prompt in enumerate(PROMPTS):
        ids = [0, *prompt]
        for logprobs, strength in ((effect.clean[i], 0.0), (effect.steered[i], 3.0)):
            expected = in_full(engine, ids, strength * delta, len(ids) - 1)
            np.testing.assert_allclose(logprobs, expected.numpy(), rtol=1e-4)
    assert (effect.kl() > 1e-6).all()
    [generated] = engine.generate([Generate(Direction(17), PROMPTS, 3.0, seed=5, n_tokens=4, temperature=0.0)])
    for i, prompt in enumerate(PROMPTS):
        ids = [0, *prompt]
        for token in generated.steered[i]:
            logprobs = in_full(engine, ids, 3.0 * delta, len(prompt))
            assert float(logprobs.max() - logprobs[token]) < 1e-4, "the likeliest, or as good as it"
            ids.append(token)
    assert max(map(len, generated.steered)) <= 4
    [ablated] = engine.predict([Predict(Direction(17, ablated=True), PROMPTS, 1.0)])
    assert np.isfinite(ablated.steered).all()
    assert ablated.clean.shape == (len(PROMPTS), VOCABULARY)


@pytest.mark.parametrize(
    ("model_type", "place", "number"), [("recurrent_gemma", "layers.1", 2), ("rwkv", "blocks.1", 1)]
)
def test_a_subject_with_a_state_of_its_own_is_read_and_not_steered(
    saved: Callable[[str], Path], model_type: str, place: str, number: int, corpus_folder: Path, tmp_path: Path
) -> None:
    """`number` is that of the layer's output among transformers' hidden states, which begin differently."""
    folder = saved(model_type)
    settings = Settings(corpus=str(corpus_folder), tokens=600, context_length=32, window=16, sample=4, top=2, pool=8)
    job: dict[str, Any] = {"coders": ["dimensions"], "hookpoints": [place], "settings": settings, "bos": False}
    prep(Job(subject=str(folder), **job), tmp_path / "store", progress=False)
    store = Store(tmp_path / "store")
    first, end = next((a, b) for a, b in pairwise(store.documents()[0].tolist()) if b - a >= 320)
    end -= (end - first) % 32
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.from_numpy(store.tokens[first:end].astype(np.int64)).reshape(-1, 32)  # what the subject sees at once
    with torch.inference_mode():
        hidden = model(ids, output_hidden_states=True, use_cache=False).hidden_states[number].flatten(0, 1)
    both_signs = torch.cat([hidden, -hidden], dim=1).relu().numpy()
    n_compared = 0
    for latent in range(store.at(place).width):
        pos, act = store.at(place).postings.activations(latent)
        inside = (pos >= first) & (pos < end)
        np.testing.assert_allclose(act[inside], both_signs[pos[inside] - first, latent], rtol=2e-3, atol=1e-5)
        n_compared += int(inside.sum())
    assert n_compared > 1000
    engine = SteeredSubject(store, place, device="cpu")
    with pytest.raises(UserError) as info:
        engine.predict([Predict(Direction(3), PROMPTS, 3.0)])
    assert str(info.value) == (
        f"steering: {folder} carries more from token to token than its cache holds, so a text cannot be continued twice"
        " from one place"
    )
