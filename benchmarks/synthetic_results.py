"""Results of a leaderboard that was never run, for its benchmark and for tests: plausible values from a seed."""

import json

import numpy as np
import pandas as pd

from inspect_autointerp.leaderboard.results import COST_COLUMNS, DECILE_COLUMNS, Results, band
from inspect_autointerp.statistics.intervals import bootstrap_interval

SCORES = {
    "detection": ("balanced_accuracy", 0.5, 1.0),
    "fuzzing": ("balanced_accuracy", 0.5, 1.0),
    "simulation": ("correlation", 0.0, 1.0),
    "embedding": ("auroc", 0.5, 1.0),
    "surprisal": ("auroc", 0.5, 1.0),
    "intruder": ("accuracy", 0.2, 1.0),
    "intervention": ("effect", 0.0, 3.0),
    "generation": ("accuracy", 0.2, 1.0),
}
"""Names, headline statistics, and the values of a worthless and of a perfect explanation."""
FLOORS = ("shuffled (provider/model-1)", "empty")


def synthetic(
    explainers: int = 5,
    latents: int = 200,
    scores: int = 3,
    hookpoints: int = 1,
    seed: int = 0,
    missing: float = 0.02,
) -> Results:
    """Results of so many explainers, the last two of them floors, on so many latents of each hookpoint.

    Explainer i is a little worse than i − 1; explainers 3 and 4 are equals. Latents are easy or hard for all explainers
    and scores alike. A share of values is missing.
    """
    rng = np.random.default_rng(seed)
    names = [*(f"provider/model-{i + 1}" for i in range(explainers - len(FLOORS))), *FLOORS]
    skill = np.array([*(0.9 - 0.06 * min(i, 2 + i // 4) for i in range(explainers - len(FLOORS))), 0.05, 0.0])
    share = np.sort(10 ** rng.uniform(-4.5, -0.5, hookpoints * latents)).astype(float)
    rng.shuffle(share)
    places = [f"layers.{h}" for h in range(hookpoints)]
    every = pd.DataFrame(
        {
            "store": pd.Categorical(["5e7d1c0ffee00000"] * (hookpoints * latents)),
            "id": [f"{place}/{i}" for place in places for i in range(latents)],
            "hookpoint": pd.Categorical(np.repeat(places, latents), categories=places),
            "index": np.tile(np.arange(latents), hookpoints),
            "firing_share": share,
            "max_activation": rng.gamma(4, 3, hookpoints * latents),
        }
    ).rename_axis("latent")
    every["band"] = band(every["firing_share"])
    entries, values, estimates = [], [], []
    table = 0
    for h, place in enumerate(places):
        ease = rng.beta(5, 2, latents).astype(np.float32)
        for score, (statistic, worst, best) in list(SCORES.items())[:scores]:
            table += 1
            for name, able in zip(names, skill, strict=True):
                noise = rng.standard_normal(latents, dtype=np.float32)
                quality = able * ease + 0.08 * noise
                value = (worst + (best - worst) * np.clip(quality, -0.3, 1)).astype(np.float32)
                value[rng.random(latents) < missing] = np.nan
                entry = len(entries)
                frame = {
                    "entry": np.full(latents, entry, dtype=np.int32),
                    "latent": np.arange(h * latents, (h + 1) * latents, dtype=np.int32),
                    "value": value,
                    "unscored": np.where(np.isnan(value), 1, 0.01).astype(np.float32),
                }
                for i, column in enumerate(DECILE_COLUMNS):
                    falls = (0.04 * (i - 4.5) * able + 0.1 * rng.standard_normal(latents, dtype=np.float32)).astype(
                        "f4"
                    )
                    frame[column] = np.clip(value + falls, 0, 1)
                values.append(pd.DataFrame(frame))
                estimates.append(_estimate(entry, statistic, value))
                entries.append(_entry(table, name, score, statistic, place, latents, able))
    return Results(
        entries=pd.DataFrame(entries).rename_axis("entry"),
        values=pd.concat(values, ignore_index=True),
        latents=every,
        estimates=pd.DataFrame(estimates),
        apart=pd.DataFrame(
            [["provider/other", "logs/other.eval", "another grader (provider/other)"]],
            columns=["explainer", "log", "reason"],
        ),
    )


def _entry(table: int, name: str, score: str, statistic: str, place: str, n: int, able: float) -> dict[str, object]:
    slug = name.replace("/", "-").split(" ")[0]
    return {
        "table": table,
        "series": list(SCORES).index(score) + 1,
        "explainer": name,
        "floor": name in FLOORS,
        "trained": False,
        "score": score,
        "statistic": statistic,
        "hookpoint": place,
        "store": "5e7d1c0ffee00000",
        "suite": "",
        "subject": "provider/subject",
        "coder": f"provider/coder/{place}",
        "grader": "provider/grader",
        "prompt": f"{score}/1",
        "options": json.dumps({"activating": 100, "negatives": "random", "seed": 0}),
        "n_latents": n,
        "tokens_per_latent": 20_000.0 + 1000 * able,
        "identical": 0.0,
        "words": 12.0,
        "characters": 70.0,
        "cost_per_latent": 0.0 if name == "empty" else 0.001 * 4 ** (10 * able - 8),
        **dict.fromkeys(COST_COLUMNS, float("nan")),
        "created": "2026-11-21T12:00:00+00:00",
        "log": f"logs/2026-11-21_{slug}_{place}.eval",
        "scorer": score,
    }


def _estimate(entry: int, statistic: str, value: np.ndarray) -> dict[str, object]:
    known = value[~np.isnan(value)].astype(float)
    low, high = bootstrap_interval(known.tolist())
    mean = float(known.mean()) if len(known) else float("nan")
    return {"entry": entry, "statistic": statistic, "mean": mean, "low": low, "high": high, "n": len(known)}
