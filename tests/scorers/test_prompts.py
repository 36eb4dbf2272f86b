"""Which beginnings of texts the subject is steered on."""

from pathlib import Path

import numpy as np
import pytest

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.latent import Split
from inspect_autointerp.scorers.intervention.steering_prompts import Prompt, prompts
from inspect_autointerp.store.store import Store


@pytest.fixture(scope="module")
def store(store_folder: Path) -> Store:
    return Store(store_folder)


@pytest.mark.parametrize("index", range(6))
def test_steering_prompts_end_at_the_first_activation(store: Store, index: int) -> None:
    contexts = LatentContexts(store, store.at("layers.1").latent(index))
    tuned, scored = prompts(store, contexts, 10, 30, seed=0)
    parts: list[tuple[Split, list[Prompt], int]] = [("explain", tuned, 10), ("test", scored, 30)]
    for split, begun, most in parts:
        cut = set()
        for context in contexts.activating(split):
            first = int(np.flatnonzero(context.activations)[0])
            cut |= {tuple(store.tokens[context.start : context.start + first + 1].tolist())} if first else set()
        assert set(begun) <= cut
        assert len(set(begun)) == len(begun) <= most
        if split == "explain":
            assert len(begun) == min(most, len(cut))
            assert not cut & set(scored), "whatever an explainer could be shown is not scored on"
    assert all(len(prompt) > 1 for prompt in (*tuned, *scored))
    assert prompts(store, contexts, 10, 30, seed=0) == (tuned, scored)
    if len(contexts.activating("test")) > 60:
        assert prompts(store, contexts, 10, 30, seed=1) != (tuned, scored)
