"""Small honest logs, written by Inspect's own writer, of evaluations that were never run."""

from pathlib import Path
from typing import Any

import numpy as np
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalSample,
    EvalSampleReductions,
    EvalSampleScore,
    EvalScore,
    EvalSpec,
    write_eval_log,
)
from inspect_ai.scorer import Score

from inspect_autointerp.statistics.intervals import bootstrap_interval

NAN = float("nan")
Value = dict[str, float]


def value(accuracy: float, unscored: float = 0.0, **more: float) -> Value:
    """A score's value of few statistics."""
    return {"balanced_accuracy": accuracy, "unscored": unscored, **more}


def sample(index: int, of_score: Value | float | None, epoch: int = 1) -> EvalSample:
    """A sample of a latent of layers.1; None for one that has no score."""
    metadata = {"grader": "g", "prompt": "detection/1", "options": {}}
    text = f"words, {index}"
    score = Score(value=of_score or NAN, answer=text, explanation=f"Report of {index}.", metadata=metadata)  # pyright: ignore[reportArgumentType]
    facts = {"index": index, "firing_share": 0.01 * (index + 1), "max_activation": 2.0}
    explanation = {"text": text, "source": "explain/1", "latent": f"layers.1/{index}", "store": "d1"}
    return EvalSample(
        id=f"layers.1/{index}",
        epoch=epoch,
        input="?",
        target="",
        metadata=facts | {"explanation": explanation},
        scores={} if of_score is None else {"detection": score},
    )


def log_of(samples: list[EvalSample], model: str = "m", project: bool = True, **args: Any) -> EvalLog:
    """A finished log of these samples, with its results and reduced scores as Inspect would compute them."""
    ids = list(dict.fromkeys(str(sample.id) for sample in samples))
    epochs = max(sample.epoch for sample in samples)
    log = EvalLog(
        status="success",
        eval=EvalSpec(
            created="2026-11-21T12:00:00+00:00",
            task="detection",
            dataset=EvalDataset(samples=len(ids), sample_ids=list(ids)),
            model=model,
            config=EvalConfig(epochs=epochs),
            task_args=args,
            metadata={"store": "d1", "hookpoint": "layers.1", "subject": "s", "coder": "c"}
            | ({"inspect_autointerp": "0"} if project else {}),
        ),
        samples=samples,
        results=EvalResults(
            total_samples=len(ids) * epochs, completed_samples=sum(not sample.error for sample in samples)
        ),
    )
    summarize(log)
    return log


def summarize(log: EvalLog) -> None:
    """Compute a log's means, intervals and reduced scores from its samples."""
    scores: dict[str, Score] = {}
    values: dict[str, list[dict[str, float]]] = {}
    for sample in log.samples or []:
        for score in (sample.scores or {}).values():
            scores[str(sample.id)] = score
            if isinstance(score.value, dict):
                values.setdefault(str(sample.id), []).append(score.value)  # pyright: ignore[reportArgumentType]
    names = list(next(iter(values.values()))[0]) if values else []
    means = {id: {name: _mean([one.get(name) for one in rows]) for name in names} for id, rows in values.items()}
    assert log.results
    log.results.scores = [_score(name, [mean[name] for mean in means.values()]) for name in names]
    reduced = [
        EvalSampleScore(sample_id=id, value=means.get(id, NAN), answer=score.answer, explanation=score.explanation)  # pyright: ignore[reportArgumentType]
        for id, score in scores.items()
    ]
    log.reductions = [EvalSampleReductions(scorer="detection", samples=reduced)]


def _mean(values: list[Any]) -> float:
    known = [float(one) for one in values if isinstance(one, int | float) and not np.isnan(one) and abs(one) < 1e38]
    return float(np.mean(known)) if known else NAN


def _score(name: str, values: list[float]) -> EvalScore:
    known = [one for one in values if not np.isnan(one)]
    numbers = dict(zip(("low", "high"), bootstrap_interval(known), strict=True)) | {"mean": _mean(known)}
    return EvalScore(
        name=name,
        scorer="detection",
        scored_samples=len(known),
        unscored_samples=len(values) - len(known),
        metrics={f"estimate_{part}": EvalMetric(name=part, value=number) for part, number in numbers.items()},
    )


def write(path: Path, samples: list[EvalSample], model: str = "m", project: bool = True, **args: Any) -> str:
    """Write `log_of`, and return the path."""
    write_eval_log(log_of(samples, model, project, **args), str(path))
    return str(path)
