"""Simulated raters of known reliability: they show whether the analysis recovers correlations that were planted.

They are no stand-in for people. Explanations have a quality, and scores a planted Spearman coefficient with it. A
rater's opinion of an explanation is the quality with an error, so that two raters' opinions correlate by the
reliability; each context adds an error of its own, and the sum falls on one of four points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import pi, sin, sqrt

import numpy as np

from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.ratings.answers import Answers, Place
from inspect_autointerp.ratings.key import Key, KeyItem
from inspect_autointerp.ratings.records import Explained

_CUTS = (-0.8, 0.0, 0.8)
_CONTEXT_ERROR = 0.5
"""Standard deviation of what a context adds, where qualities have one of 1."""


def simulated_key(n: int, correlations: Mapping[str, float], seed: int, contexts: int = 5) -> tuple[Key, np.ndarray]:
    """Make a key of explanations, one per latent, whose scores have planted correlations with their quality.

    Args:
        n: Explanations.
        correlations: By score, Spearman's coefficient with the quality in the population.
        seed: Of the draw.
        contexts: Questions per explanation.

    Returns:
        The key, with items of the task `scale`; and the qualities, float64 (explanation,), standard normal.
    """
    rng = rng_of(seed, "simulated", "scores")
    quality = rng.standard_normal(n)
    scores: dict[str, np.ndarray] = {}
    for name, spearman in correlations.items():
        pearson = 2 * sin(pi * spearman / 6)  # of two normal variables with that Spearman's coefficient
        scores[name] = pearson * quality + sqrt(1 - pearson**2) * rng.standard_normal(n)
    explained = [
        Explained(
            latent=f"simulated/{i}",
            text=f"explanation {i}",
            explainers=["simulated"],
            scores={name: float(values[i]) for name, values in scores.items()},
        )
        for i in range(n)
    ]
    items = {
        f"item-{i}": KeyItem(task="scale", which=[i], check=None, questions=contexts, truths=[None] * contexts)
        for i in range(n)
    }
    key = Key(
        place="simulated",
        sheet="simulated",
        content="",
        store="simulated",
        explained=explained,
        density=[0.01] * n,
        items=items,
    )
    return key, quality


def simulated_raters(key: Key, quality: np.ndarray, reliability: Sequence[float], seed: int) -> list[Answers]:
    """Rate every context of a simulated key.

    Args:
        key: With items of the task `scale`, which items of other tasks do not follow.
        quality: float (explanation,), standard normal.
        reliability: One per rater, in (0, 1]: the squared correlation of opinion with quality.
        seed: Of the errors.
    """
    raters: list[Answers] = []
    for number, own in enumerate(reliability):
        rng = rng_of(seed, "simulated", number)
        opinion = sqrt(own) * quality + sqrt(1 - own) * rng.standard_normal(len(quality))
        values: dict[Place, int] = {}
        for name, item in key.items.items():
            heard: np.ndarray = opinion[item.which[0]] + _CONTEXT_ERROR * rng.standard_normal(item.questions)
            points = 1 + np.searchsorted(_CUTS, heard)
            values |= {(name, part): int(point) for part, point in enumerate(points.tolist())}
        name = f"simulated-{number}"
        raters.append(Answers(file=name, rater=name, session=name, saved="", values=values))
    return raters


def without(answers: Answers, share: float, seed: int) -> Answers:
    """Return answers of which a share is missing at random.

    Args:
        answers: The rater's.
        share: In [0, 1].
        seed: Of the draw.
    """
    rng = rng_of(seed, "simulated", "missing", answers.rater)
    kept = {place: value for place, value in answers.values.items() if rng.random() >= share}
    return replace(answers, values=kept)
