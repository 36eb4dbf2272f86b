"""Quality of an explanation on contexts of the explain split, which `refine` and `best_of` go by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of, stratified
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Context, Latent
from inspect_autointerp.models.spending import on_behalf_of
from inspect_autointerp.models.text_vectors import TFIDF
from inspect_autointerp.scorers.detection.scorer import detection_messages
from inspect_autointerp.scorers.embedding.embedders import Asked
from inspect_autointerp.scorers.embedding.scorer import comparison
from inspect_autointerp.scorers.shared.ask import graders
from inspect_autointerp.scorers.shared.judge import judge
from inspect_autointerp.scorers.shared.ranking import auroc
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import visible

By = Literal["grader", "words"]
_SHOWN = 5
"""Texts per call to the grader."""


@dataclass(frozen=True)
class Checked:
    """Contexts that an explanation gets right and wrong."""

    score: float
    """Balanced accuracy by the grader, AUROC by words, in [0, 1]; NaN where undefined."""
    missed: Sequence[Context]
    """Activating contexts that it does not cover, the worst first."""
    false_alarms: Sequence[Context]
    """Silent contexts that it covers, the worst first."""


@dataclass(frozen=True)
class Check:
    """Explanations of one latent, all tested on the same contexts of the explain split.

    Args:
        store: The store.
        latent: One of its latents.
        contexts: The contexts, activating and silent ones.
        by: `grader`: the model role `grader` labels them, as for detection. `words`: they are ranked by TF-IDF, and no
            model is asked.
    """

    store: Store
    latent: Latent
    contexts: Sequence[Context]
    by: By

    async def __call__(self, explanation: str) -> Checked:
        """Test an explanation."""
        active = np.array([context.kind == "activating" for context in self.contexts], dtype=bool)
        if self.by == "grader":
            beliefs = await self._judged(explanation)
            called_active = beliefs >= 0.5
            sides = [called_active[active & ~np.isnan(beliefs)], ~called_active[~active & ~np.isnan(beliefs)]]
            score = float(np.mean([side.mean() for side in sides])) if all(map(len, sides)) else float("nan")
        else:
            beliefs = await self._compared(explanation)
            known = ~np.isnan(beliefs)
            called_active = beliefs > _cut(beliefs[known], active[known])
            score = auroc(beliefs[active & known].tolist(), beliefs[~active & known].tolist())
        known = ~np.isnan(beliefs)
        order: list[int] = np.argsort(beliefs, kind="stable").tolist()
        missed = [self.contexts[i] for i in order if known[i] and active[i] and not called_active[i]]
        alarms = [self.contexts[i] for i in order[::-1] if known[i] and not active[i] and called_active[i]]
        return Checked(score, missed, alarms)

    async def _judged(self, explanation: str) -> np.ndarray:
        """Return how sure the grader is of each context, float64 in [0, 1]; NaN of an unscored one."""
        texts = [visible(context.text) for context in self.contexts]
        batches = [texts[i : i + _SHOWN] for i in range(0, len(texts), _SHOWN)]
        model = graders()[0]  # of several, the first: an explainer checks one draft many times
        with on_behalf_of("grader"):
            verdicts = await judge(
                model, batches, lambda batch: detection_messages(explanation, batch), confidence=False
            )
        return np.array([float("nan") if v.label is None else _belief(v.label, v.probability) for v in verdicts])

    async def _compared(self, explanation: str) -> np.ndarray:
        """The cosine of each context and the explanation, float64; NaN where there is none."""
        compared, _ = await comparison(self.store, TFIDF)
        [similarities] = await compared([Asked(explanation, self.contexts)])
        return np.array([float("nan") if one.cosine is None else one.cosine for one in similarities])


def check_contexts(store: Store, latent: Latent, shown: Sequence[Context], n: int, seed: int) -> list[Context]:
    """Up to n activating contexts of the explain split and as many silent ones, of all kinds that the store holds.

    Args:
        store: The store.
        latent: One of its latents.
        shown: What the explainer has seen; these come in only where there are too few others.
        n: How many of either.
        seed: Of the draw and the order.
    """
    contexts, rng = LatentContexts(store, latent), rng_of(seed, latent.id, "check")
    seen = {context.start for context in shown}
    every = contexts.activating("explain")
    fresh = [context for context in every if context.start not in seen]
    drawn = [fresh[i] for i in stratified([context.decile or 0 for context in fresh], n, rng)]
    drawn += [context for context in every if context.start in seen][: n - len(drawn)]
    kinds = negative_kinds(store, latent.hookpoint, "all")
    silent = contexts.contrastive(-(-n // len(kinds)), seed, kinds)
    drawn += [context for context in silent if context.start not in seen][:n]
    return [drawn[i] for i in rng.permutation(len(drawn)).tolist()]


def by_known(by: str) -> By:
    """Read the option `by`.

    Raises:
        UserError: It is none of the two.
    """
    if by not in get_args(By):
        raise UserError(f"by={by}: give {' or '.join(get_args(By))}")
    return "grader" if by == "grader" else "words"


def _belief(label: int, probability: float | None) -> float:
    """On the side of the label, however sure."""
    if probability is None:
        return float(label)
    return max(probability, 0.5) if label else min(probability, 0.5 - 1e-9)


def _cut(values: np.ndarray, active: np.ndarray) -> float:
    """The value above which contexts are called active with the best balanced accuracy; −∞ of no values."""
    best, cut = 0.0, -np.inf
    for value in np.unique(values).tolist():
        above = values > value
        got = np.mean([above[active].mean(), (~above[~active]).mean()]) if active.any() and (~active).any() else 0.0
        if got > best:
            best, cut = float(got), value
    return cut
