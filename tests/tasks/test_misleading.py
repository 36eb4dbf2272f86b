"""Why an agent: it finds a truth that the contexts alone leave open, and one call does not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from tests.misleading_subject import N_LATENTS, SHADOWS, TRIGGERS, Misleading, plant_misleading
from tests.planted_subject import Planted

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import multi_score


@pytest.fixture(scope="module")
def misleading(planted_cause: Planted, tmp_path_factory: pytest.TempPathFactory) -> Misleading:
    return plant_misleading(planted_cause.subject, tmp_path_factory.mktemp("misleading"))


def run(misleading: Misleading, folder: Path, explainer: dict[str, Any]) -> EvalLog:
    task = multi_score(
        store=str(misleading.store), latents="all", scores="detection,generation", explainer=explainer, min_contexts=10
    )
    [log] = inspect_eval(task, model="inspect_autointerp/lexical", log_dir=str(folder), display="none")
    assert log.status == "success", log.error
    return log


def values(log: EvalLog, score: str, statistic: str) -> list[float]:
    return [sample.scores[score].value[statistic] for sample in log.samples or []]  # pyright: ignore


def test_every_activating_context_shows_trigger_and_shadow_active(misleading: Misleading) -> None:
    store = Store(misleading.store)
    for j in range(N_LATENTS):
        contexts = LatentContexts(store, store.at("layers.0").latent(j)).activating("explain")
        assert len(contexts) >= 10
        for context in contexts:
            tokens = zip(context.tokens(), context.activations.tolist(), strict=True)
            assert {token.strip() for token, activation in tokens if activation} == {TRIGGERS[j], SHADOWS[j]}


def test_agent_finds_what_one_call_gets_wrong(misleading: Misleading, tmp_path: Path) -> None:
    once = run(misleading, tmp_path / "once", {"name": "explain"})
    more = run(misleading, tmp_path / "more", {"name": "explain", "examples": 60})
    agent = run(misleading, tmp_path / "agent", {"name": "agent"})
    for log in (once, more):
        for j, sample in enumerate(log.samples or []):
            text = sample.metadata["explanation"]["text"]
            assert f'"{TRIGGERS[j]}"' in text
            assert f'"{SHADOWS[j]}"' in text, "it has no way to know better"
    assert [sample.metadata["explanation"]["text"] for sample in agent.samples or []] == [
        f'texts with "{trigger}" (10)' for trigger in TRIGGERS
    ]
    assert min(values(agent, "detection", "balanced_accuracy")) > 0.99
    assert max(values(once, "detection", "balanced_accuracy")) < 0.9
    # Half of the texts that are written from "trigger or shadow" hold the shadow alone. (Near misses do not tell: this
    # subject reads ` embers` as ` ember` and an s, and fires.)
    assert values(agent, "generation", "tpr") == [1.0] * N_LATENTS
    assert max(values(once, "generation", "tpr")) <= 0.6
    assert np.mean(values(agent, "generation", "balanced_accuracy")) > 0.1 + np.mean(
        values(once, "generation", "balanced_accuracy")
    )
