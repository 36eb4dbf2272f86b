"""A study's table as the paper lays it out, ours beside its numbers; then what is sure of the differences."""

from math import isnan
from typing import Any

import pandas as pd

from inspect_autointerp.experiments.correlations import level_correlations
from inspect_autointerp.experiments.definition import Reported
from inspect_autointerp.experiments.plan import Planned
from inspect_autointerp.experiments.results import Found
from inspect_autointerp.latent import place_of
from inspect_autointerp.leaderboard.show.tables import estimate, known, rows_of
from inspect_autointerp.leaderboard.show.view import View
from inspect_autointerp.models.spending import FIELDS

_PAPER = "arXiv 2410.13928"


def study_views(plan: Planned, results: dict[str, Found], numbers: pd.DataFrame) -> list[View]:
    """The tables.

    Args:
        plan: The study.
        results: Its finished levels.
        numbers: Their `outcome`.
    """
    rows = {(row["level"], row["score"]): row for row in rows_of(numbers).values()}
    names = sorted(plan.levels, key=lambda name: plan.levels[name].floor)  # stable: floors last
    views = [_table(plan, names, rows)]
    if rows:
        views += [_certainty(plan, names, rows), *_correlations(plan, results), *_costs(plan, names, results)]
        views += [_evaluations(plan, names, results)]
    if plan.missing:
        missing = [[name, how] for name, how in plan.missing.items()]
        views.append(View("Not run", [plan.study.factor, "what it needs"], missing, text=2))
    return views


def study_notes(plan: Planned) -> list[str]:
    """Return what has to be said below the tables."""
    paper = f"{_PAPER}, {plan.study.table}"
    notes = [
        f"Median (quartiles) over latents. The paper's numbers: {paper}; Gemma 2 9B, explained and graded by Llama 3.1"
        " 70B Instruct, unless noted. Its subject, data and models differ from this run's, and the explainer may have"
        " seen its test contexts: compare the differences between levels, not their values."
        if plan.study.table
        else "Median (quartiles) over latents.",
        "Means over latents have 95 % bootstrap intervals. Differences are from the named level, paired over"
        " common latents, or between different latents where pairs is – (Welch's). p is Holm-corrected over a score's"
        " differences.",
    ]
    if plan.of_demo:
        notes.append(
            "DEMO: our numbers here come from this project's demo, a model with 4.5 M parameters trained on"
            " Python's standard library, not from the paper's models. The demo's substitute for a level follows in"
            " brackets."
        )
    elif any("\n" in _label(plan, name) for name in plan.levels):
        notes.append("Levels have the paper's names. What was used in its place follows in brackets.")
    return notes + plan.study.notes


def _table(plan: Planned, names: list[str], rows: dict[tuple[str, str], Any]) -> View:
    cells: list[list[str]] = []
    of_paper = bool(plan.study.table)
    for name in names:
        row = [_label(plan, name)]
        for score in plan.study.scores:
            ours, theirs = rows.get((name, score)), plan.levels[name].paper.get(score)
            row += [_quartiles(ours, theirs) if ours else "–", *([_reported(theirs)] if of_paper else [])]
        cells.append(row)
    ours, paper = ", demo" if plan.of_demo else "", ["the paper"] if of_paper else []
    head = [plan.study.factor, *(cell for score in plan.study.scores for cell in (score + ours, *paper))]
    faint = [plan.levels[name].floor for name in names]
    rule = faint.index(True) if True in faint else None
    return View(f"{plan.name}: {plan.study.about}", head, cells, faint, rule)


def _label(plan: Planned, name: str) -> str:
    """Return a level's name, and in brackets below it the coder or text that was used in place of the paper's."""
    place = next((run.place for run in plan.runs if run.name == name), None)
    if place is None:
        return name
    if place.stand_in is not None:
        below = place.stand_in
    elif plan.levels[name].store or plan.levels[name].demo:
        below = place.corpus if plan.study.factor == "dataset" else f"{place.coder} at {place_of(place.hookpoint)}"
    else:
        below = ""
    return name + (f"\n({below})" if below else "")


def _quartiles(row: Any, theirs: Reported | None) -> str:
    if not known(row["median"]):
        return "–"
    mean = f"\nmean {row['mean']:.2f}" if theirs is not None and len(theirs) == 1 else ""
    return _between(row["median"], row["q25"], row["q75"]) + mean


def _reported(theirs: Reported | None) -> str:
    if theirs is None:
        return ""
    if len(theirs) == 1:
        return f"mean {theirs[0]:.2f}"
    return _between(*theirs)


def _between(median: float, low: float, high: float) -> str:
    return f"{median:.2f} ({low:.2f}{' to ' if low < 0 else '–'}{high:.2f})"


def _certainty(plan: Planned, names: list[str], rows: dict[tuple[str, str], Any]) -> View:
    cells: list[list[str]] = []
    faint: list[bool] = []
    for score in plan.study.scores:
        for name in names:
            if row := rows.get((name, score)):
                cells.append(_certain(score, name, row))
                faint.append(plan.levels[name].floor)
    head = [
        "score",
        plan.study.factor,
        "verdict",
        "against",
        "mean",
        "difference",
        "p (Holm)",
        "latents",
        "pairs",
        "unscored",
    ]
    return View("Means and differences", head, cells, faint, text=4)


def _certain(score: str, name: str, row: Any) -> list[str]:
    p = row["p_holm"]
    return [
        score,
        name,
        row["verdict"],
        row["against"],
        estimate(row["mean"], row["low"], row["high"]),
        estimate(row["difference"], row["difference_low"], row["difference_high"], sign="+") if row["against"] else "",
        "" if isnan(p) else "<0.0001" if p < 1e-4 else f"{p:.4f}",
        f"{row['n']:,}",
        f"{row['pairs']:,}" if row["pairs"] else "–" if row["against"] else "",
        "–" if isnan(row["unscored"]) else f"{100 * row['unscored']:.1f} %",
    ]


def _correlations(plan: Planned, results: dict[str, Found]) -> list[View]:
    """Tabulate how scores of levels correlate over latents, beside the paper's figures."""
    cells = [
        [
            row["first"],
            row["second"],
            f"{row['n']:,}",
            estimate(row["pearson"], row["pearson_low"], row["pearson_high"]),
            estimate(row["spearman"], row["spearman_low"], row["spearman_high"]),
            f"{row['paper']:.2f}" if known(row["paper"]) else "–",
        ]
        for row in rows_of(level_correlations(results, plan.study.pairs)).values()
    ]
    head = ["this", "with", "latents", "Pearson", "Spearman", "the paper (Pearson)"]
    return [View("Correlations over latents", head, cells, text=2)] if cells else []


def _costs(plan: Planned, names: list[str], results: dict[str, Found]) -> list[View]:
    """Tabulate what each level's explanations cost, beside its scores, for a plot of score against budget."""
    cells: list[list[str]] = []
    for name in names:
        if (result := results.get(name)) and any(known(cost) for cost in result.costs.values()):
            means = [result.values[score].mean() for score in plan.study.scores if score in result.values]
            numbers = [f"{cost:,.0f}" if known(cost) else "–" for cost in result.costs.values()]
            cells.append([name, *numbers, *(f"{mean:.3f}" if known(mean) else "–" for mean in means)])
    head = [plan.study.factor, *(name.replace("_", " ") for name in FIELDS), *plan.study.scores]
    return [View("Cost and scores of explanations, means per latent", head, cells)] if cells else []


def _evaluations(plan: Planned, names: list[str], results: dict[str, Found]) -> View:
    cells: list[list[str]] = []
    for name in names:
        if result := results.get(name):
            subject, coder, hookpoint = result.latents_of
            facts = result.log.eval.metadata or {}
            grader = ", ".join(dict.fromkeys(entry.setting.grader for entry in result.entries.values()))
            skipped = ", ".join(f"{n:,} {why}" for why, n in facts["latents_skipped"].items())
            store = str(facts["store"])
            cells.append([name, result.log.eval.model, grader, subject, hookpoint, coder, store, skipped])
    head = [plan.study.factor, "explainer", "grader", "subject", "hookpoint", "coder", "store", "latents skipped"]
    return View("What was run", head, cells, text=8)
