"""One small case of each score of numbers, end to end, and every number of it once more by the definition alone.

No engine is asked for the second time: the subject runs in full on one text after the other, without cache or batch,
tokens are counted one by one, and AUROCs are counts of pairs.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from math import log, sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.model import get_model
from inspect_ai.scorer import Score
from tests.doubles import model as double
from tests.planted_subject import Planted

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.intervention.scorer import after, before
from inspect_autointerp.scorers.intervention.steering_prompts import prompts
from inspect_autointerp.scorers.surprisal.scorer import PSEUDO, surprisal_continuation, surprisal_prefix
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import embedding, intervention, surprisal

HOOKPOINT, LATENT = "layers.0", 0
SAID = "kindle ash, coral and coin"
"""Partly right: no statistic is at an end of its range."""


class Naive:
    """The planted subject, run in full for every token."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder)

    def next(self, ids: Sequence[int], strength: float = 0.0, since: int = 0) -> np.ndarray:
        """log p of what comes next, the latent's dimension raised at the layer's output from one of the ids on."""
        import torch

        def add(_: Any, __: Any, out: Any) -> None:
            (out[0] if isinstance(out, tuple) else out)[:, since:, 1 + LATENT] += strength

        handle = self.model.model.layers[0].register_forward_hook(add)
        with torch.no_grad():
            logprobs = self.model(torch.tensor([ids]), use_cache=False).logits[0, -1].double().log_softmax(-1)
        handle.remove()
        return logprobs.numpy()

    def logprobs(self, prefix: str, continuation: str) -> list[float]:
        """Return the log-probability of every token of the continuation."""
        whole, begun = ([0, *self.tokenizer(text)["input_ids"]] for text in (prefix + continuation, prefix))
        assert whole[: len(begun)] == begun, "no token lies astride"
        return [float(self.next(whole[:i])[whole[i]]) for i in range(len(begun), len(whole))]


@pytest.fixture(scope="module")
def naive(planted_cause: Planted) -> Naive:
    return Naive(planted_cause.subject)


def run(task: Callable[..., Task], planted: Planted, logs: Path, reads: bool, **options: Any) -> Score:
    role = {"likelihood": get_model(f"hf/{planted.subject}", memoize=False, device="cpu")} if reads else None
    [log] = inspect_eval(
        task(store=str(planted.store), latents=[LATENT], min_contexts=3, **options),
        model=double(lambda _: f"EXPLANATION: {SAID}"), model_roles=role, log_dir=str(logs), display="none",
    )  # fmt: skip
    assert log.status == "success", log.error
    [sample] = log.samples or []
    return (sample.scores or {})[task.__name__]


def drawn(store: Store, activating: int, nonactivating: int) -> list[Context]:
    return LatentContexts(store, store.at(HOOKPOINT).latent(LATENT)).test(activating, nonactivating, 0, ("random",))


def check_ranked(value: Any, contexts: Sequence[Context], values: Sequence[float]) -> None:
    """By the definition: how often an activating context is above a random one, equal ones half."""

    def above(decile: int | None) -> float:
        high = [
            v for c, v in zip(contexts, values, strict=True) if c.kind == "activating" and decile in (None, c.decile)
        ]
        low = [v for c, v in zip(contexts, values, strict=True) if c.kind == "random"]
        pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in high for b in low]
        return mean(pairs) if pairs else float("nan")

    assert value["unscored"] == 0
    assert value["auroc"] == pytest.approx(above(None), abs=1e-4)
    assert 0.5 < value["auroc"] < 1
    for decile in range(1, 11):
        assert value[f"auroc_decile_{decile}"] == pytest.approx(above(decile), abs=1e-4, nan_ok=True)


def test_surprisal(planted_cause: Planted, naive: Naive, tmp_path: Path) -> None:
    score = run(surprisal, planted_cause, tmp_path, True, test_activating=7, test_nonactivating=6)
    contexts = drawn(Store(planted_cause.store), 7, 6)
    values = []
    for context in contexts:
        text = surprisal_continuation(context.text)
        told, untold = (sum(naive.logprobs(surprisal_prefix(explanation), text)) for explanation in (SAID, PSEUDO))
        values.append(round(told - untold, 4))
    check_ranked(score.value, contexts, values)


def test_embedding(planted_cause: Planted, tmp_path: Path) -> None:
    score = run(embedding, planted_cause, tmp_path, False, test_activating=12, test_nonactivating=12)
    store = Store(planted_cause.store)
    contexts = drawn(store, 12, 12)
    pool = [set(words(text)) for text, _ in store.detokenizer.windows(store.ids(store.pool))]
    holds = Counter(word for text_words in pool for word in text_words)

    def vector(text: str) -> dict[str, float]:
        # Each word: (1 + ln of its count) times (1 + ln((1 + windows of the pool) / (1 + those that hold it))).
        weights = {
            w: (1 + log(n)) * (1 + log((1 + len(pool)) / (1 + holds[w]))) for w, n in Counter(words(text)).items()
        }
        length = sqrt(sum(x * x for x in weights.values()))
        return {word: x / length for word, x in weights.items()}

    query = vector(SAID)
    texts = [vector(context.text) for context in contexts]
    values = [round(sum(x * query.get(word, 0.0) for word, x in text.items()), 6) for text in texts]
    check_ranked(score.value, contexts, values)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def test_intervention(planted_cause: Planted, naive: Naive, tmp_path: Path) -> None:
    score = run(
        intervention, planted_cause, tmp_path, True, target_kl=0.7, scored_prompts=4, tuned_prompts=3, new_tokens=3,
        temperature=0.8,
    )  # fmt: skip
    value: Any = score.value
    strength = (score.metadata or {})["strength"]
    store = Store(planted_cause.store)
    tuned, scored = prompts(store, LatentContexts(store, store.at(HOOKPOINT).latent(LATENT)), 3, 4, 0)
    assert mean(kl(naive, prompt, strength) for prompt in tuned) == pytest.approx(0.7, rel=0.1)
    effects = []
    for prompt in scored:
        clean, steered = (
            sum(naive.logprobs(before(store.detokenizer([*prompt, *generated(naive, prompt, s)])[0]), after(SAID)))
            for s in (0.0, strength)
        )
        effects.append(steered - clean)
    assert len({round(effect, 3) for effect in effects}) > 1
    n_tokens = len(naive.tokenizer(after(SAID))["input_ids"])
    assert value["effect"] == pytest.approx(mean(effects), abs=1e-3)
    assert value["effect_per_token"] == pytest.approx(mean(effects) / n_tokens, abs=1e-3)
    assert value["effect_se"] == pytest.approx(stdev(effects) / sqrt(len(effects)), abs=1e-3)
    assert value["kl"] == pytest.approx(mean(kl(naive, prompt, strength) for prompt in scored), abs=1e-3)
    assert value["unscored"] == 0


def kl(naive: Naive, prompt: Sequence[int], strength: float) -> float:
    """KL(clean ‖ steered) of what comes right after a prompt."""
    clean, steered = (naive.next([0, *prompt], s, len(prompt)) for s in (0.0, strength))
    return float((np.exp(clean) * (clean - steered)).sum())


def generated(naive: Naive, prompt: Sequence[int], strength: float) -> list[int]:
    """Three tokens at temperature 0.8: the likeliest with Gumbel noise, which is the same clean and steered."""
    rng = rng_of(0, HOOKPOINT, LATENT, "tokens", *prompt)
    ids = [0, *prompt]
    for _ in range(3):
        logprobs = naive.next(ids, strength, len(prompt))
        noise = -np.log(rng.standard_exponential(len(logprobs), dtype=np.float32))
        ids.append(int((logprobs / 0.8 + noise).argmax()))
    return ids[1 + len(prompt) :]
