"""The view that compares coders: `autointerp leaderboard --by coder`."""

import pandas as pd

from inspect_autointerp.leaderboard.analyse.coders import over_coders
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show.tables import Row, estimate, known, labels, recedes, rows_of, share
from inspect_autointerp.leaderboard.show.view import View
from inspect_autointerp.text.render import visible

NOTE = (
    "By coder: each coder's own latents, in the named store. floor: the mean of the hardest floor to beat,"
    " on the same latents. over floor: the paired difference from it. below the best: the distance from the"
    " mean of the best coder, as between two independent samples (Welch's interval). A coder without a"
    " floor shows –; to add one, evaluate it with -T explainer=shuffled."
)


def by_coder(results: Results, numbers: pd.DataFrame) -> list[View]:
    """Return a view per explainer and score evaluated on several coders or hookpoints: a row for each, best first.

    Args:
        results: The entries, those that stand alone included (`read_results`).
        numbers: Their `summary`.
    """
    entries = rows_of(results.entries.join(numbers))
    return [_view(group, entries) for _, group in over_coders(results).groupby("comparison", sort=True)]


def _view(group: pd.DataFrame, entries: dict[int, Row]) -> View:
    rows: list[list[str]] = []
    faint: list[bool] = []
    for compared in rows_of(group).values():
        row = entries[compared["entry"]]
        floor = entries[int(row["floor_entry"])]["mean"] if known(row["floor_entry"]) else float("nan")
        rows.append(
            [
                visible(row["coder"]) + (" †" if recedes(row) and not row["floor"] else ""),
                visible(row["hookpoint"]),
                visible(row["store"]),
                estimate(row["mean"], row["low"], row["high"]),
                estimate(floor, float("nan"), float("nan")),
                estimate(row["over_floor"], row["over_floor_low"], row["over_floor_high"], sign="+"),
                estimate(compared["below"], compared["below_low"], compared["below_high"], sign="+"),
                f"{row['n']:,} of {row['n_latents']:,}",
                share(row["unscored"]),
            ]
        )
        faint.append(recedes(row))
    first = entries[int(group["entry"].iloc[0])]
    score, explainer, grader = (visible(first[key]) for key in ("score", "explainer", "grader"))
    title = f"By coder · {score} · {explainer} · graded by {grader}"
    statistic = labels().get(str(first["statistic"]), str(first["statistic"]))
    head = ["coder", "hookpoint", "store", statistic, "floor", "over floor", "below the best", "latents", "unscored"]
    for name, words in {"unscored": "{} unscored", "latents": "{} latents each", "store": "store {}"}.items():
        at = head.index(name)
        cells = {row[at] for row in rows}
        if len(cells) == 1:  # the same everywhere: the title says it, and the table fits a terminal
            title += " · " + words.format(cells.pop())
            head.pop(at)
            rows = [row[:at] + row[at + 1 :] for row in rows]
    return View(title, head, rows, faint, text=head.index(statistic))
