"""Logs of evaluations that were never run: what the page reads of a log, with reports as the scorers write them."""

from pathlib import Path
from typing import Any

import numpy as np
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalResults,
    EvalSample,
    EvalSampleReductions,
    EvalSampleScore,
    EvalSpec,
    write_eval_log,
)

from inspect_autointerp.inspect_support.verdicts import KEY, Verdict, to_columns
from inspect_autointerp.latent import Context
from inspect_autointerp.leaderboard.results import Results

WORDS = [
    " the",
    " return",
    " value",
    "(self",
    ")",
    " of",
    "\n",
    " in",
    " tower",
    " =",
    " sailor",
    ".",
    " <b>",
    " &amp;",
]


def write_logs(
    results: Results, folder: Path, explanation: str = "names of things", hostile: str = "", n: int = 20
) -> Results:
    """Write a log per log that the results name, and return the results with the logs where they are.

    Args:
        results: As `benchmarks.synthetic_results` makes them.
        folder: Where to.
        explanation: How explanations begin.
        hostile: A token that stands in every context.
        n: Activating contexts of each latent, and random ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tests = {int(str(i)): _contexts(int(str(i)), hostile, n) for i in results.latents.index}
    paths = {}
    for name, entries in results.entries.groupby("log", sort=False):
        path = folder / Path(str(name)).name
        reductions = []
        explainer = str(entries["explainer"].iloc[0])
        for entry, row in entries.iterrows():
            own = results.values[results.values["entry"] == entry]
            statistic = str(row["statistic"])
            scores = [
                EvalSampleScore(
                    sample_id=str(results.latents["id"][latent]),
                    value={statistic: float(value)},
                    answer=None if explainer == "empty" else f"{explanation} {latent}",
                    metadata={KEY: _verdicts(tests[latent], int(str(entry)))},
                )
                for latent, value in zip(own["latent"].tolist(), own["value"].tolist(), strict=True)
            ]
            reductions.append(EvalSampleReductions(scorer=str(row["scorer"]), samples=scores))
        write_eval_log(_log(explainer, reductions), str(path))
        paths[name] = str(path)
    entries = results.entries.assign(log=results.entries["log"].map(paths))
    return Results(entries, results.values, results.latents, results.estimates, results.apart)


def _contexts(seed: int, hostile: str, n: int) -> list[Context]:
    rng = np.random.default_rng(seed)
    contexts = []
    for i in range(2 * n):
        tokens = [*(WORDS[j] for j in rng.integers(0, len(WORDS), 31)), hostile]
        ends = np.cumsum([len(token) for token in tokens]).tolist()
        spans = tuple(zip([0, *ends[:-1]], ends, strict=True))
        activations = np.zeros(32, dtype=np.float32)
        if i < n:
            activations[rng.integers(0, 32, 4)] = rng.gamma(2, 2, 4)
        contexts.append(
            Context(
                "activating" if i < n else "random", i, "".join(tokens), spans, activations,
                10 * i // n + 1 if i < n else None,
            )
        )  # fmt: skip
    return contexts


def _verdicts(contexts: list[Context], seed: int) -> dict[str, list[Any]]:
    rng = np.random.default_rng(seed)
    return to_columns(
        Verdict(
            kind=context.kind,
            start=context.start,
            decile=context.decile,
            label=int((p > 0.3) == (context.kind == "activating")),
            probability=float(p),
            text=context.text,
        )
        for context, p in zip(contexts, rng.random(len(contexts)), strict=True)
    )


def _log(explainer: str, reductions: list[EvalSampleReductions]) -> EvalLog:
    spec = EvalSpec(
        created="2026-11-21T12:00:00+00:00", task="suite", dataset=EvalDataset(), model=explainer, config=EvalConfig()
    )
    ids = [str(score.sample_id) for score in reductions[0].samples[:2]]
    samples = [EvalSample(id=id, epoch=1, input="What?", target="", scores={}) for id in ids]
    log = EvalLog(status="success", eval=spec, results=EvalResults(), samples=samples)
    log.reductions = reductions
    return log
