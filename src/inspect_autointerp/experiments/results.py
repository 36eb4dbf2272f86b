"""The results of a study: each level's scores over latents, and its differences from the default's.

Two levels over the same subject, coder and hookpoint are paired over their common latents, whatever else differs; of
other latents the difference is that of two independent samples (Welch's). Verdicts are by Holm's correction over all
differences of a score, so that the chance that even one of a column is wrong stays at 5 %.
"""

import re
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log
from rich.console import Console

from inspect_autointerp.errors import UserError
from inspect_autointerp.experiments.definition import Level
from inspect_autointerp.leaderboard.analyse.differences import ALPHA, holm, paired
from inspect_autointerp.leaderboard.analyse.random_coder import welch
from inspect_autointerp.leaderboard.analyse.statistics import quartiles
from inspect_autointerp.leaderboard.load.log_entry import Entry, checked_entries
from inspect_autointerp.leaderboard.load.log_values import log_values
from inspect_autointerp.leaderboard.load.sample_rows import COSTS
from inspect_autointerp.models.spending import FIELDS
from inspect_autointerp.statistics.intervals import bootstrap_interval
from inspect_autointerp.text.render import visible


@dataclass(frozen=True)
class Found:
    """One level's finished evaluation."""

    log: EvalLog
    """Its header."""
    entries: dict[str, Entry]
    """By score."""
    values: dict[str, pd.Series]
    """By score the headline statistic of each latent, by its id; NaN where undefined."""
    unscored: dict[str, float]
    """By score the mean share of contexts without a verdict."""
    costs: dict[str, float] = field(default_factory=dict[str, float])
    """Costs of an explanation, as means over latents, by the names of `models.spending`; NaN where unknown."""

    @property
    def latents_of(self) -> tuple[str, str, str]:
        """Return what latents are of: those of two levels are the same where this is."""
        facts = self.log.eval.metadata or {}
        return str(facts["subject"]), str(facts["coder"]), str(facts["hookpoint"])


def read_found(folder: Path) -> dict[str, Found]:
    """Read the finished levels of a study, by name; of one that was run twice the newest.

    A log that is damaged or contradicts itself is named on standard error, and left out.
    """
    results: dict[str, Found] = {}
    for info in sorted(list_eval_logs(str(folder)), key=lambda info: info.mtime or 0):
        try:
            log = read_eval_log(info, header_only=True)
            level = (log.eval.metadata or {}).get("level")
            if level is not None and log.status == "success":
                results[str(level)] = _read(log, info.name)
        except Exception as error:  # a damaged log can fail in any layer
            reason = str(error) if isinstance(error, UserError) else f"unreadable ({type(error).__name__})"
            name = visible(Path(info.name).name)
            Console(emoji=False, stderr=True).print(
                f"{name}: left out: {visible(reason)}", markup=False, highlight=False
            )
    return results


def _read(log: EvalLog, path: str) -> Found:
    """Read a finished level.

    Raises:
        UserError: The log contradicts itself, or has no samples.
        Exception: It is damaged.
    """
    checked = checked_entries(log, path)
    if problem := next((entry.problem for entry in checked if entry.problem), None):
        raise UserError(problem)
    of_score = {entry.setting.score: entry for entry in checked}
    wanted = re.compile(
        "|".join(rf"{re.escape(e.scorer)}/({re.escape(e.statistic)}|unscored)" for e in of_score.values())
    )
    frame = log_values(path, lambda name: name in COSTS or bool(wanted.fullmatch(name))).set_index("id")
    values: dict[str, pd.Series] = {}
    unscored: dict[str, float] = {}
    for score, entry in of_score.items():
        column, missing = (frame.get(f"{entry.scorer}/{name}") for name in (entry.statistic, "unscored"))
        values[score] = pd.Series(nan, index=list(entry.latents)) if column is None else column.astype(np.float64)
        unscored[score] = nan if missing is None else float(missing.mean())
    costs = {name: float(frame[column].mean()) for name, column in zip(FIELDS, COSTS, strict=True)}
    return Found(log, of_score, values, unscored, costs)


def outcome(results: dict[str, Found], levels: dict[str, Level], default: str) -> pd.DataFrame:
    """The numbers.

    Args:
        results: The finished levels.
        levels: All of the study's.
        default: The level that others are compared with; floors of their own are compared with their own level.

    Returns:
        A row per score and finished level, scores in order:

        - `score`, `level`, `statistic`: str. `n`: int, latents with a value.
        - `mean`, `low`, `high`: float, with the 95 % interval. `q25`, `median`, `q75`: float.
        - `unscored`: float.
        - `against`: str, the level that it is compared with; empty of the default itself.
        - `difference`, `difference_low`, `difference_high`: float, of the means, this level's less the other's.
        - `pairs`: int, common latents; 0 where the latents are others.
        - `p_holm`: float. `verdict`: `higher`, `lower` or `tied`; empty where there is none.
    """
    rows = [_row(results[name], name, score) for name in levels if name in results for score in results[name].entries]
    frame = pd.DataFrame(rows)
    if frame.empty:
        return frame
    compared = [_compared(results, levels, default, row) for row in rows]
    frame = frame.join(pd.DataFrame(compared))
    frame["p_holm"] = frame.groupby("score", sort=False)["p"].transform(lambda p: holm(p.to_numpy(dtype=float)))
    sure = frame["p_holm"] < ALPHA
    choices = [sure & (frame["difference"] > 0), sure & (frame["difference"] < 0), frame["p_holm"].notna()]
    frame["verdict"] = np.select(choices, ["higher", "lower", "tied"], "")
    order = {score: i for i, score in enumerate(dict.fromkeys(frame["score"]))}
    by_score = frame.assign(order=frame["score"].map(order)).sort_values("order", kind="stable", ignore_index=True)
    return by_score.drop(columns=["order", "p"])


def _row(result: Found, level: str, score: str) -> dict[str, Any]:
    values = result.values[score].to_numpy()
    known = values[~np.isnan(values)]
    low, high = bootstrap_interval(known.tolist())
    q25, median, q75 = quartiles(values[:, None])[:, 0] if len(values) else (nan, nan, nan)
    mean = float(known.mean()) if len(known) else nan
    numbers = {"n": len(known), "mean": mean, "low": low, "high": high, "q25": q25, "median": median, "q75": q75}
    about = {"score": score, "level": level, "statistic": result.entries[score].statistic}
    return about | numbers | {"unscored": result.unscored[score]}


def _compared(results: dict[str, Found], levels: dict[str, Level], default: str, row: dict[str, Any]) -> dict[str, Any]:
    name, score = str(row["level"]), str(row["score"])
    against = levels[name].of or default
    nothing = dict.fromkeys(("difference", "difference_low", "difference_high", "p"), nan)
    if against == name or against not in results or score not in results[against].values:
        return {"against": "", **nothing, "pairs": 0}
    this, other = results[name].values[score], results[against].values[score]
    if results[name].latents_of == results[against].latents_of:
        common = this.index.intersection(other.index)
        n, *numbers = paired(*(values[common].to_numpy()[:, None] for values in (this, other)))[:, 0].tolist()
    else:
        n, numbers = 0, _independent(this.dropna().to_numpy(), other.dropna().to_numpy())
    return {"against": against, **dict(zip(nothing, numbers, strict=True)), "pairs": int(n)}


def _independent(this: np.ndarray, other: np.ndarray) -> list[float]:
    """As `paired`, of two samples that have nothing to do with each other."""
    from scipy.stats import ttest_ind

    enough = min(len(this), len(other)) >= 2 and max(np.ptp(this), np.ptp(other)) > 1e-9
    p = float(ttest_ind(this, other, equal_var=False).pvalue) if enough else nan
    return [*welch(this, other), p]
