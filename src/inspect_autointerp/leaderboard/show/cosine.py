"""Scores by distance of negatives, as views: a row per explainer and bin of cosines."""

import pandas as pd

from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show.tables import caption, estimate, labels, number, rows_of
from inspect_autointerp.leaderboard.show.view import View
from inspect_autointerp.text.render import visible

NOTE = (
    "By cosine: activating contexts against contexts of neighbours whose direction has such a cosine with the latent's;"
    " bins hold equally many contexts of a table. random: the score's own headline."
)


def cosine_views(results: Results, means: pd.DataFrame) -> list[View]:
    """Return a view per table.

    Args:
        results: The entries.
        means: Their `by_cosine`.
    """
    entries = rows_of(results.entries)
    of_table: dict[int, list[dict[str, object]]] = {}
    for row in means.to_dict("records"):
        of_table.setdefault(entries[row["entry"]]["table"], []).append({str(key): row[key] for key in row})
    views: list[View] = []
    for rows in of_table.values():
        first = entries[rows[0]["entry"]]  # pyright: ignore[reportArgumentType]
        cells: list[list[str]] = []
        for row in rows:
            entry = entries[row["entry"]]  # pyright: ignore[reportArgumentType]
            mean, low, high, tnr = (float(row[name]) for name in ("mean", "low", "high", "tnr"))  # type: ignore[arg-type]
            cells.append(
                [
                    visible(str(entry["explainer"])),
                    str(row["group"]),
                    estimate(mean, low, high),
                    number(tnr),
                    f"{row['n']:,}",
                    f"{row['contexts']:,}",
                ]
            )
        head = ["explainer", "cosine", labels().get(str(first["statistic"]), str(first["statistic"]))]
        head += ["TNR", "latents", "contexts"]
        faint = [bool(entries[row["entry"]]["floor"]) for row in rows]  # pyright: ignore[reportArgumentType]
        views.append(View(f"By cosine of neighbours · {caption(first)}", head, cells, faint, text=2))
    return views
