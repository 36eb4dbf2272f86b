"""Large logs for `benchmarks.leaderboard`: a sample by Inspect's writer, repeated for each latent with other values.

All members of a log are there as Inspect lays them out: samples, the journal's summaries, summaries, and a header whose
means and intervals are those of the samples. Every latent has values of its own, which keep the rules that
`value_rules` checks. The logs of one run differ by the model that their header names, and in nothing else.
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd

from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.statistics.estimates import Estimate, estimates_of

STATISTICS = 20
"""Least number of statistics of each score: those that it has by default, and invented ones up to that number."""
NAMES = ("detection", "fuzzing", "simulation", "embedding", "intruder", "surprisal", "intervention", "generation")
"""Scores that can be in a log."""
HEADER, SUMMARIES = "header.json", "summaries.json"
HOOKPOINT, STORE = "layers.1", "d1"
SHARE = 0.01
"""Share of windows on which each latent fires."""
_METHOD = 93
"""Zstandard, which Inspect's logs are compressed with."""
_REPORT = 1000
"""Characters of a score's report, as many as stay in a sample's summary."""
_ID, _INDEX = f"{HOOKPOINT}/987654", 987654
"""The latent of the sample that is repeated."""
_VALUE = re.compile(rb"0\.5\d{7}1")
"""A statistic in the sample that is repeated; they are numbered."""
_DECILES = range(1, 11)


def invented_values(score: str, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return values of a score: (latent, statistic), of four digits, such as an evaluation could give."""

    def share() -> np.ndarray:
        return rng.random(n)

    columns: dict[str, np.ndarray] = {}
    if score in ("detection", "fuzzing", "generation"):
        shares = {f"tpr_decile_{i}": share().round(4) for i in _DECILES}
        columns |= {"tpr": np.mean(list(shares.values()), axis=0).round(4), "tnr": share().round(4)}
        columns["balanced_accuracy"] = (columns["tpr"] + columns["tnr"]) / 2
        hit = SHARE * columns["tpr"]
        columns["f1"] = 2 * hit / (hit + (1 - SHARE) * (1 - columns["tnr"]) + SHARE)
        columns |= {"auroc": share(), "auprc": share(), "effective_n": 100 * share(), **shares}
    elif score == "intervention":
        columns |= {"effect": 3 * share(), "effect_per_token": share(), "effect_se": share(), "kl": share()}
    else:
        headline = SCORES[score].headline
        deciles = {f"{headline}_decile_{i}": share() for i in _DECILES}
        columns |= {headline: np.mean(list(deciles.values()), axis=0), **deciles}
    columns["unscored"] = 0.1 * share()
    columns |= {f"statistic_{i}": share() for i in range(len(columns), STATISTICS)}
    return pd.DataFrame(columns).round(4)


def write_logs(folder: Path, logs: int, latents: int, scores: int) -> list[Path]:
    """Write logs of invented evaluations.

    Args:
        folder: Where to write.
        logs: How many logs.
        latents: How many latents in each.
        scores: How many scores of each latent, at most 8.

    Returns:
        The logs, with names as Inspect gives them.
    """
    rng = np.random.default_rng(0)
    values = {name: invented_values(name, latents, rng) for name in NAMES[:scores]}
    estimates = {name: estimates_of(frame) for name, frame in values.items()}
    body, small = folder / "body", folder / "small.eval"
    write_small(small, values, estimates)
    written = np.concatenate([frame.to_numpy() for frame in values.values()], axis=1)
    numbers = np.rint(written * 10_000).astype(int)
    known = [repr(i / 10_000).encode() for i in range(numbers.max() + 1)]

    def digits(latent: int) -> list[bytes]:
        return [known[i] for i in numbers[latent].tolist()]

    with ZipFile(small) as source, ZipFile(body, "w", compression=_METHOD) as target:
        header = json.loads(source.read(HEADER))
        sample = _template(source.read(f"samples/{_ID}_epoch_1.json"))
        summary = _template(source.read(SUMMARIES)[1:-1])
        for latent in range(latents):
            raw = sample(latent, digits(latent))
            target.writestr(f"samples/{HOOKPOINT}/{latent}_epoch_1.json", raw)
        for member in ("_journal/summaries/1.json", SUMMARIES):
            with target.open(member, "w", force_zip64=True) as file:
                for latent in range(latents):
                    file.write((b"," if latent else b"[") + summary(latent, digits(latent)))
                file.write(b"]")
    ids = [f"{HOOKPOINT}/{i}" for i in range(latents)]
    header["eval"]["dataset"] |= {"samples": latents, "sample_ids": ids}
    header["results"] |= {"total_samples": latents, "completed_samples": latents}
    paths: list[Path] = []
    for number in range(logs):
        header["eval"]["model"] = f"provider/model-{number}"
        paths.append(folder / f"2026-11-21T12-00-{number:02}+00-00_multi-score_{number:022}.eval")
        shutil.copy(body, paths[-1])
        with ZipFile(paths[-1], "a", compression=_METHOD) as log:
            log.writestr(HEADER, json.dumps(header))
    body.unlink()
    small.unlink()
    return paths


def _template(raw: bytes) -> Callable[[int, list[bytes]], bytes]:
    """Return a function that writes a sample, or a summary, for another latent and with other values."""
    numbered = [int(match[0][3:-1]) for match in _VALUE.finditer(raw)]
    pieces = _VALUE.split(raw)

    def written(latent: int, digits: list[bytes]) -> bytes:
        between = [part for at, piece in zip(numbered, pieces, strict=False) for part in (piece, digits[at])]
        filled = b"".join([*between, pieces[-1]]).replace(_ID.encode(), b"%s/%d" % (HOOKPOINT.encode(), latent))
        return filled.replace(b"%d" % _INDEX, b"%d" % latent).replace(b"words of", b"words %d of" % latent)

    return written


def write_small(path: Path, values: dict[str, pd.DataFrame], estimates: dict[str, dict[str, Estimate]]) -> None:
    """Write a log of a single sample, whose statistics are numbered, by Inspect's own writer."""
    from inspect_ai.log import (
        EvalConfig,
        EvalDataset,
        EvalLog,
        EvalMetric,
        EvalResults,
        EvalSample,
        EvalScore,
        EvalSpec,
        write_eval_log,
    )
    from inspect_ai.scorer import Score

    text = f"words of {'x' * 70}"
    scores: dict[str, Score] = {}
    number = 0
    for name, frame in values.items():
        value = {key: float(f"0.5{number + i:07}1") for i, key in enumerate(map(str, frame))}
        number += len(value)
        metadata = {"grader": "g", "prompt": f"{name}/1", "options": {"seed": 0}, "unscored_reasons": {}}
        report = "a word " * (_REPORT // 7)
        scores[name] = Score(value=value, answer=text, explanation=report, metadata=metadata)  # pyright: ignore
    explanation = {"text": text, "source": "explain/1", "latent": _ID, "store": STORE}
    about = {"index": _INDEX, "firing_share": SHARE, "max_activation": 3.0, "explanation": explanation}
    sample = EvalSample(
        id=_ID, epoch=1, input=f"What does latent {_ID} respond to?", target="", metadata=about, scores=scores
    )
    means = [
        EvalScore(
            name=key,
            scorer=name,
            scored_samples=estimate.n,
            metrics={
                f"estimate_{part}": EvalMetric(name=f"estimate_{part}", value=getattr(estimate, part))
                for part in ("mean", "low", "high")
            },
        )
        for name, of_score in estimates.items()
        for key, estimate in of_score.items()
    ]
    spec = EvalSpec(
        created="2026-11-21T12:00:00+00:00",
        task="multi_score",
        dataset=EvalDataset(samples=1, sample_ids=[_ID]),
        model="provider/model",
        config=EvalConfig(),
        metadata={"store": STORE, "hookpoint": HOOKPOINT, "inspect_autointerp": "0"},
    )
    results = EvalResults(total_samples=1, completed_samples=1, scores=means)
    write_eval_log(EvalLog(status="success", eval=spec, results=results, samples=[sample]), str(path))
