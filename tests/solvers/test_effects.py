"""Which tokens steering raises: by hand on given probabilities, and against the subject run in full."""

import asyncio
from collections.abc import Iterator, Sequence
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.inspect_support.dataset import latent_dataset
from inspect_autointerp.latent import Latent
from inspect_autointerp.models.shared_engines import release
from inspect_autointerp.models.steering import Direction, Predict, Predicted, Steering, Tune, Tuned
from inspect_autointerp.scorers.intervention.steering_prompts import prompts
from inspect_autointerp.solvers.steering_effects import Effect, effects
from inspect_autointerp.store.store import Store


@pytest.fixture(scope="module")
def store(sharp_store_folder: Path) -> Store:
    return Store(sharp_store_folder)


@pytest.fixture(scope="module")
def latent(store: Store, sharp_store_folder: Path) -> Latent:
    """One that fires often enough; many of a random SAE's never do."""
    data = latent_dataset(sharp_store_folder, hookpoint=None, latents="sample:1", min_contexts=40, seed=0)
    return store.at("layers.1").latent(int(str(data.samples[0].id).rpartition("/")[2]))


@pytest.fixture(autouse=True)
def let_go() -> Iterator[None]:
    yield
    release()


class Engine:
    """Says next tokens' probabilities that are given, (vocabulary,), after every prompt."""

    def __init__(self, clean: np.ndarray, steered: np.ndarray, tuned: Tuned) -> None:
        self._clean, self._steered, self._tuned = np.log(clean), np.log(steered), tuned
        self.asked: list[Any] = []

    def tune(self, questions: Sequence[Tune]) -> list[Tuned]:
        self.asked += questions
        return [self._tuned for _ in questions]

    def predict(self, questions: Sequence[Predict]) -> list[Predicted]:
        self.asked += questions
        return [Predicted(*(np.stack([p] * len(q.prompts)) for p in (self._clean, self._steered))) for q in questions]

    def generate(self, questions: Any) -> Any:
        raise AssertionError


def use(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    monkeypatch.setattr("inspect_autointerp.models.from_store.load_steering", lambda *_: Steering(engine))


def test_by_hand(store: Store, latent: Latent, monkeypatch: pytest.MonkeyPatch) -> None:
    # 610 rows of which the last ten stand for nothing. By difference: 7 by 0.25, then 3 and 5 by 0.125 each, in the
    # order of their ids; 609 by 0.25, which is no token; 9 falls, though the ratio of 11 (twice) is the largest of all.
    clean, steered = (np.full(610, 1e-6, dtype=np.float32) for _ in range(2))
    clean[[3, 5, 7, 9, 11, 609]] = [0.125, 0.0625, 0.25, 0.5, 0.001, 0.01]
    steered[[3, 5, 7, 9, 11, 609]] = [0.25, 0.1875, 0.5, 0.125, 0.002, 0.26]
    engine = Engine(clean, steered, Tuned(2.5, 0.97, 4))
    use(monkeypatch, engine)
    seen = asyncio.run(effects(store, latent, prompts=4, tokens=3, target_kl=0.5, seed=0))
    assert (seen.strength, seen.kl, seen.reason) == (2.5, 0.97, None)
    tune, predict = engine.asked
    assert tune == Tune(Direction(latent.index), tune.prompts, 0.5)
    assert predict == Predict(Direction(latent.index), tune.prompts, 2.5)
    expected = [(7, 0.25, 0.5), (3, 0.125, 0.25), (5, 0.0625, 0.1875)]
    for prompt, effect in zip(tune.prompts, seen.effects, strict=True):
        text = store.detokenizer(prompt)[0]
        assert effect.prompt == text
        assert [pytest.approx((one.clean, one.steered)) for one in effect.raised] == [row[1:] for row in expected]
        assert [text + one.token for one in effect.raised] == [
            store.detokenizer([*prompt, row[0]])[0] for row in expected
        ]
    more = asyncio.run(effects(store, latent, prompts=4, tokens=50, seed=0))
    assert len(more.effects[0].raised) == 4, "what is not raised is not named"
    assert more.effects[0].raised[3].steered == pytest.approx(0.002)


def test_prompts_are_those_that_the_score_tunes_on(
    store: Store, latent: Latent, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = np.full(600, 1 / 600, dtype=np.float32)
    for seed in (0, 1):
        engine = Engine(flat, flat, Tuned(1.0, 1.0, 1))
        use(monkeypatch, engine)
        effect = asyncio.run(effects(store, latent, seed=seed))
        tuned, _ = prompts(store, LatentContexts(store, latent), 10, 30, seed)
        assert engine.asked[0].prompts == tuned
        assert effect.effects == tuple(Effect(store.detokenizer(prompt)[0], ()) for prompt in tuned)
        release()


def test_what_is_named_is_what_the_subject_says_in_full(store: Store, latent: Latent) -> None:
    import torch
    from sae_lens import SAE
    from transformers import AutoModelForCausalLM

    seen = asyncio.run(effects(store, latent, prompts=3, target_kl=0.3, seed=0))
    assert seen.strength is not None
    assert seen.kl == pytest.approx(0.3, rel=0.1)
    row = SAE.load_from_disk(store.at("layers.1").entry.coder).W_dec.detach()[latent.index]
    model: Any = AutoModelForCausalLM.from_pretrained(store.manifest.subject)
    drawn, _ = prompts(store, LatentContexts(store, latent), 3, 0, 0)
    kl = []
    for prompt, effect in zip(drawn, seen.effects, strict=True):
        says = []
        for strength in (0.0, seen.strength):

            def add(_: Any, __: Any, out: Any, strength: float = strength) -> Any:
                value = out[0] if isinstance(out, tuple) else out
                value[:, -1] += strength * row
                return out

            handle = model.model.layers[1].register_forward_hook(add)
            with torch.no_grad():
                says.append(model(torch.tensor([[0, *prompt]])).logits[0, -1].softmax(-1).numpy())
            handle.remove()
        clean, steered = says
        kl.append(float((clean * np.log(clean / steered)).sum()))
        most = np.argsort(clean - steered)[:5]
        text = store.detokenizer(prompt)[0]
        assert [text + one.token for one in effect.raised] == [store.detokenizer([*prompt, id])[0] for id in most]
        values = [value for one in effect.raised for value in (one.clean, one.steered)]
        assert values == pytest.approx([p[id] for id in most for p in (clean, steered)], abs=1e-5)
    assert np.mean(kl) == pytest.approx(seen.kl, rel=1e-3)


def test_without_effects_the_reason_is_said(store: Store, latent: Latent, monkeypatch: pytest.MonkeyPatch) -> None:
    far = asyncio.run(effects(store, latent, target_kl=500.0, seed=0))
    assert (far.effects, far.strength, far.reason) == ((), None, "kl_not_reached")
    assert far.why
    assert far.why.startswith("no strength was found for a KL of 500; the nearest was ")
    assert far.kl > 0
    monkeypatch.setattr("inspect_autointerp.solvers.steering_effects.prompts", lambda *_, **__: ([], []))
    none = asyncio.run(effects(store, latent, seed=0))
    assert (none.effects, none.reason) == ((), "too_few_contexts")
    assert isnan(none.kl)
