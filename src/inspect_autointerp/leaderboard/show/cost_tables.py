"""Costs of explanations, as a view: a row per explainer, by the store and grader of its log."""

from inspect_autointerp.leaderboard.results import COST_COLUMNS, Results
from inspect_autointerp.leaderboard.show.tables import Row, known, rows_of
from inspect_autointerp.leaderboard.show.view import View
from inspect_autointerp.text.render import visible

_HEAD = ["explainer tokens", "grader tokens", "subject tokens", "calls", "tool calls", "seconds"]
NOTE = (
    "Cost of an explanation: the mean over latents. Grader tokens are those that the explainer used to choose"
    " among explanations; subject tokens are counted once per forward pass; seconds are wall-clock time, including"
    " waiting for other latents. Answers from Inspect's cache count as if they were paid for again."
)


def cost_views(results: Results) -> list[View]:
    """Return the view; none where no log says what its explanations cost."""
    rows: dict[tuple[str, str], list[str]] = {}
    places = len(results.entries["hookpoint"].unique()) > 1
    for row in rows_of(results.entries).values():
        if any(known(row[name]) for name in COST_COLUMNS):
            cells = [
                f"{row[name]:,.1f}" if known(row[name]) and name.startswith("seconds") else
                f"{row[name]:,.0f}" if known(row[name]) else "–"
                for name in COST_COLUMNS
            ]  # fmt: skip
            rows.setdefault((row["explainer"], row["log"]), [*_who(row, places), *cells])
    if not rows:
        return []
    names = ["explainer", "hookpoint"] if places else ["explainer"]
    return [View("Cost of an explanation, per latent", [*names, *_HEAD], list(rows.values()), text=len(names))]


def _who(row: Row, places: bool) -> list[str]:
    """Return the cells that say whose cost it is."""
    return [visible(row["explainer"]), visible(row["hookpoint"])] if places else [visible(row["explainer"])]
