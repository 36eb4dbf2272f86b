"""The results of a stability study, from the scores of its cells: what its JSON file holds."""

from collections.abc import Mapping
from itertools import combinations
from math import isnan
from typing import Any

import numpy as np
import pandas as pd

from inspect_autointerp.experiments.results import Found
from inspect_autointerp.experiments.stability.design import Cell, Design
from inspect_autointerp.statistics.rank_agreement import explainer_order, latent_ranks
from inspect_autointerp.statistics.reliability import reliability, smallest_difference
from inspect_autointerp.statistics.variance_components import FACTORS, components
from inspect_autointerp.statistics.variance_draws import component_draws, interval, not_below_zero
from inspect_autointerp.text.json_values import is_dict, is_list

VERSION = 1
LATENTS = (100, 200, 500)
CONTEXTS = (50, 100, 200)
"""Sizes at which the smallest differences are tabulated."""


def stability(design: Design, results: Mapping[str, Found]) -> dict[str, Any]:
    """Compute everything that the study says.

    Args:
        design: The design.
        results: The finished cells, by name; all of them.

    Returns:
        `scores`, a record per score, number of contexts and explainer; `differences`, one per score and number of
        contexts; and the design. Undefined numbers are None.
    """
    scores: list[dict[str, Any]] = []
    differences: list[dict[str, Any]] = []
    for score in design.scores:
        for contexts in design.contexts:
            arrays = {name: _array(design, results, score, contexts, name) for name in _explainers(design)}
            known = ~np.any([np.isnan(a).any(axis=(1, 2, 3, 4)) for a in arrays.values()], axis=0)
            of_known = {name: array[known] for name, array in arrays.items()}
            about: dict[str, Any] = {
                "score": score,
                "statistic": next(iter(results.values())).entries[score].statistic,
                "contexts": contexts,
                "latents": int(known.sum()),
                "undefined": int((~known).sum()),
            }
            if known.sum() < 2:
                continue
            scores += [about | {"explainer": name} | _of_score(values, design) for name, values in of_known.items()]
            if len(arrays) > 1:
                differences.append(about | _of_differences(np.stack(list(of_known.values())), contexts, design.seed))
    return _no_nan(
        {"study": "stability", "version": VERSION, **_told(design), "scores": scores, "differences": differences}
    )


def cell_values(design: Design, results: Mapping[str, Found]) -> pd.DataFrame:
    """Return all scores: a row per score, cell and latent, NaN where undefined."""
    frames: list[pd.DataFrame] = []
    for cell in design.cells:
        for score, values in results[cell.name].values.items():
            facts = {f: getattr(cell, f) for f in ("explainer", "sampling", "contexts", "half", "draw", "reseed")}
            frames.append(
                pd.DataFrame(
                    {"score": score, **facts, "grader": cell.grader, "latent": values.index, "value": values.to_numpy()}
                )
            )
    return pd.concat(frames, ignore_index=True)


def _explainers(design: Design) -> list[str]:
    return list(dict.fromkeys(cell.explains for cell in design.cells))


def _array(design: Design, results: Mapping[str, Found], score: str, contexts: int, explainer: str) -> np.ndarray:
    """The values of one explainer, float64 (latent, half, draw, reseed, grader)."""
    shape = (len(design.latents), len(design.halves), design.draws, design.reseeds, len(design.graders))
    array = np.full(shape, np.nan)
    ids = [f"{design.hookpoint}/{index}" for index in design.latents]
    for cell in design.cells:
        if cell.contexts == contexts and cell.explains == explainer:
            array[:, *_place(design, cell)] = results[cell.name].values[score].reindex(ids).to_numpy()
    return array


def _place(design: Design, cell: Cell) -> tuple[int, int, int, int]:
    return design.halves.index(cell.half), cell.draw - 1, cell.reseed - 1, design.graders.index(cell.grader)


def _of_score(values: np.ndarray, design: Design) -> dict[str, Any]:
    raw, draws = components(values), component_draws(values, seed=design.seed)
    parts, total = not_below_zero(raw), sum(not_below_zero(raw).values())
    levels = dict(zip(FACTORS, values.shape, strict=True))
    drawn = [dict(zip(draws, row, strict=True)) for row in zip(*draws.values(), strict=True)]
    once = [reliability(not_below_zero(row)) for row in drawn]
    of_mean = [reliability(not_below_zero(row), levels) for row in drawn]
    k = max(1, len(values) // 5)
    return {
        "mean": float(values.mean()),
        "sd_latents": float(np.sqrt(max(0.0, raw["latent"]))),
        "components": _components(raw, draws, total),
        "reliability": _with_interval(reliability(parts), once),
        "reliability_of_mean": _with_interval(reliability(parts, levels), of_mean),
        "top_k": k,
        "ranks": latent_ranks(values, k),
    }


def _of_differences(stacked: np.ndarray, contexts: int, seed: int) -> dict[str, Any]:
    """Analyse the paired differences between explainers.

    Args:
        stacked: float (explainer, latent, half, draw, reseed, grader).
        contexts: Contexts per latent.
        seed: Random seed of the bootstrap.
    """
    pairs = np.stack([stacked[i] - stacked[j] for i, j in combinations(range(len(stacked)), 2)])
    each = [components(pair) for pair in pairs]
    raw = {source: float(np.mean([part[source] for part in each])) for source in each[0]}
    draws = component_draws(pairs, seed=seed)
    parts = not_below_zero(raw)
    drawn = [not_below_zero(dict(zip(draws, row, strict=True))) for row in zip(*draws.values(), strict=True)]
    smallest: list[dict[str, Any]] = []
    for latents in LATENTS:
        for size in dict.fromkeys((*CONTEXTS, contexts)):
            more = size / contexts
            value = smallest_difference(parts, latents, more)
            low_high = _with_interval(value, [smallest_difference(row, latents, more) for row in drawn])
            alone = smallest_difference(parts, latents, more, shared=False)
            smallest.append(
                {"latents": latents, "contexts": size, "extrapolated": size != contexts}
                | low_high
                | {"over_latents_alone": alone}
            )
    return {
        "pairs": len(pairs),
        "components": _components(raw, draws, sum(parts.values())),
        "smallest_differences": smallest,
        "same_order": explainer_order(stacked.mean(axis=1)),
    }


def _components(raw: Mapping[str, float], draws: Mapping[str, np.ndarray], total: float) -> dict[str, Any]:
    """Estimates with intervals; the share is of the sum of those above 0."""
    rows: dict[str, dict[str, float]] = {}
    for source, value in raw.items():
        if not isnan(value):
            low, high = interval(draws[source])
            share = max(0.0, value) / total if total > 0 else float("nan")
            rows[source] = {"variance": value, "low": max(0.0, low), "high": max(0.0, high), "share": share}
    return rows


def _with_interval(value: float, drawn: list[float]) -> dict[str, float]:
    low, high = interval(np.array(drawn))
    return {"value": value, "low": low, "high": high}


def _told(design: Design) -> dict[str, Any]:
    return {
        "store": design.digest,
        "hookpoint": design.hookpoint,
        "explainers": _explainers(design),
        "graders": list(design.graders),
        "halves": len(design.halves),
        "draws": design.draws,
        "reseeds": design.reseeds,
        "seed": design.seed,
        "latents": list(design.latents),
        "left_out": dict(design.left_out),
    }


def _no_nan(value: Any) -> Any:
    if is_dict(value):
        return {key: _no_nan(item) for key, item in value.items()}
    if is_list(value):
        return [_no_nan(item) for item in value]
    return None if isinstance(value, float) and isnan(value) else value
