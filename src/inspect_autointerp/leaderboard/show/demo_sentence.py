"""The demo's last line: its tables in one sentence, from the logs' numbers.

`python -m inspect_autointerp.leaderboard.show.demo_sentence LOGS`
"""

import sys

import pandas as pd

from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.leaderboard.results import Results

CAVEAT = "By this word-matching grader, random directions score as high as SAE latents: docs/real-model.md."
"""Limit of what these numbers show."""


def sentence(results: Results) -> str:
    """Return a sentence per table, with the best explainer's mean and the highest floor's, and how far to trust them.

    SAE latents come before neurons.

    Args:
        results: Entries of one score, with an explainer and a floor in each table.
    """
    entries = results.entries.join(summary(results)[["mean"]])
    tables = [rows for _, rows in entries.groupby("table", sort=True)]
    tables.sort(key=lambda rows: kind_of(rows) == "neurons")
    lines = [_line(rows) for rows in tables]
    return "\n".join([*lines, "Guessing gets 0.500.", CAVEAT])


def kind_of(rows: pd.DataFrame) -> str:
    """Return what the entries of a table explain: `neurons` or `SAE latents`."""
    return "neurons" if "neurons" in str(rows["coder"].iloc[0]) else "SAE latents"


def _line(rows: pd.DataFrame) -> str:
    floors = rows["floor"].astype(bool)
    best, floor = rows.loc[~floors, "mean"].max(), rows.loc[floors, "mean"].max()
    return (
        f"{rows['n_latents'].iloc[0]} {kind_of(rows)}: explanations by the lexical baseline get {best:.3f},"
        f" the highest floor gets {floor:.3f}."
    )


if __name__ == "__main__":
    sys.stdout.write(f"\nIn words (detection, balanced accuracy):\n{sentence(read_results(sys.argv[1]))}\n")
