"""Cost of judging by label probability against written answers, on the same latents, contexts and explanations.

`python -m benchmarks.label_probability FOLDER` runs detection twice with one local model as the grader (`hf/FOLDER`):
with `judging=probability`, and with answers that it writes (greedily, five texts a call). The lexical baseline explains
latents of the packaged store. The model is loaded, and asked once, before anything is measured. CPU seconds are of the
whole process with all its threads. On a machine that does other work too, set OMP_NUM_THREADS=1: several threads wait
for one another at full load. No contexts of the explain split are judged, so both ways judge the same texts.
"""

import argparse
import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import Model, get_model
from rich.console import Console
from rich.table import Table

from inspect_autointerp.tasks import detection

LEXICAL = "inspect_autointerp/lexical"
_WAYS: dict[str, Any] = {
    "label probability": {"judging": {"name": "probability", "tuning": 0}},
    "written answers": {"judging": "answer"},
}


@dataclass(frozen=True)
class Run:
    """Cost and result of one way of judging."""

    cpu: float
    """CPU seconds per latent."""
    wall: float
    """Seconds per latent."""
    calls: float
    """Answers that were written, per latent, repeated questions included."""
    unscored: float
    """Share of contexts without a verdict."""
    auroc: float
    """Mean over latents; NaN where undefined."""
    defined: int
    """Latents that have an AUROC."""
    reasons: dict[str, int]
    """Reasons of unscored contexts, with their counts."""


def measure(model: Model, latents: str | int, contexts: int, logs: str, **options: Any) -> Run:
    """Run detection, and return what it took.

    Args:
        model: The grader, loaded.
        latents: As `-T latents=`.
        contexts: Activating contexts, and as many random ones.
        logs: Folder for the log.
        **options: Further arguments of the task.
    """
    task = detection(latents=latents, test_activating=contexts, test_nonactivating=contexts, min_contexts=10, **options)
    wall, cpu = time.perf_counter(), time.process_time()
    [log] = inspect_eval(task, model=LEXICAL, model_roles={"grader": model}, log_dir=logs, display="none")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return _summary(log, wall, cpu)


def _summary(log: EvalLog, wall: float, cpu: float) -> Run:
    if log.status != "success":
        raise RuntimeError(log.error)
    scores = [sample.scores["detection"] for sample in log.samples or [] if sample.scores]
    values: list[Any] = [score.value for score in scores]
    reasons: Counter[str] = Counter()
    for score in scores:
        reasons.update((score.metadata or {}).get("unscored_reasons", {}))
    grader = [
        event for sample in log.samples or [] for event in sample.events
        if event.event == "model" and event.role == "grader"
    ]  # fmt: skip
    n, aurocs = len(scores), np.array([value["auroc"] for value in values], dtype=float)
    known = aurocs[~np.isnan(aurocs)]
    auroc = float(known.mean()) if len(known) else float("nan")
    unscored = float(np.mean([value["unscored"] for value in values]))
    return Run(cpu / n, wall / n, len(grader) / n, unscored, auroc, len(known), dict(reasons))


def main() -> None:
    """Measure, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="a model's folder, or its name on the Hub")
    parser.add_argument("--latents", default="sample:5")
    parser.add_argument("--contexts", type=int, default=20, help="activating, and as many random ones")
    parser.add_argument("--max-tokens", type=int, default=40, help="of a written answer")
    parser.add_argument("--json", help="write the figures to this file, too")
    given = parser.parse_args()
    model = get_model(f"hf/{given.folder}", do_sample=False, memoize=False)
    model.config.max_tokens = given.max_tokens
    runs: dict[str, Run] = {}
    with TemporaryDirectory() as logs:
        for options in _WAYS.values():  # once unmeasured: loads, and compiles what is compiled
            measure(model, "sample:1", 5, logs, **options)
        for name, options in _WAYS.items():
            runs[name] = measure(model, given.latents, given.contexts, logs, **options)
    one, other = runs.values()
    table = Table("", *runs, "ratio")
    ratios = (("CPU s per latent", one.cpu, other.cpu), ("wall s per latent", one.wall, other.wall))
    for title, own, others in ratios:
        table.add_row(title, f"{own:.1f}", f"{others:.1f}", f"{others / own:.2f} ×")
    table.add_row("answers written per latent", f"{one.calls:.0f}", f"{other.calls:.0f}", "")
    table.add_row("unscored", f"{one.unscored:.1%}", f"{other.unscored:.1%}", "")
    table.add_row("AUROC (latents)", *(f"{run.auroc:.3f} ({run.defined})" for run in runs.values()), "")
    Console().print(table)
    for name, run in runs.items():
        for reason, n in sorted(run.reasons.items(), key=lambda item: -item[1]):
            Console().print(f"{name}: {n} × {reason}", markup=False, highlight=False)
    if given.json:
        figures = json.dumps({name: asdict(run) for name, run in runs.items()}, indent=1)
        Path(given.json).write_text(figures, encoding="utf-8")


if __name__ == "__main__":
    main()
