"""Numbers of latents and contexts that give a mean's interval a half-width, and their cost."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isnan, nan

from rich.table import Table

from inspect_autointerp.cost.estimate import Estimate, Row
from inspect_autointerp.cost.recorded_calls import EXPLANATION
from inspect_autointerp.cost.table import dollars, tokens
from inspect_autointerp.cost.variances import Components

CONTEXTS = (5, 10, 20, 30, 50, 100)
"""Contexts of each kind that are tried."""


@dataclass(frozen=True)
class Design:
    """One way to reach the precision."""

    score: str
    contexts: int | None
    """Activating contexts, and as many of each kind of non-activating ones; None as the task has them."""
    latents: int
    calls: float
    """Calls of all models together: explanations and this score."""
    tokens: float
    money: float
    """Dollars; NaN without a price."""


def designs(score: str, known: Components, half_width: float, estimate: Estimate, planned: int) -> list[Design]:
    """Return ways to reach a half-width, those of fewest contexts first.

    Args:
        score: The score.
        known: Its variances.
        half_width: Half of the width of the mean's 95 % interval.
        estimate: What the planned evaluation asks.
        planned: Activating contexts of the planned evaluation.
    """
    explaining = [row for row in estimate.rows if row.purpose == EXPLANATION]
    grading = [row for row in estimate.rows if row.purpose == score]
    tried: Sequence[int | None] = (None,) if isnan(known.within) else CONTEXTS
    rows: list[Design] = []
    for contexts in tried:
        latents = known.latents(half_width, contexts or planned)
        share = 1.0 if contexts is None else contexts / planned
        sums = [
            latents / estimate.drawn * (_sum(explaining, name) + share * _sum(grading, name))
            for name in ("calls", "tokens", "money")
        ]
        rows.append(Design(score, contexts, latents, *sums))
    return rows


def precision_table(rows: Sequence[Design], half_width: float, known: dict[str, Components]) -> Table:
    """Return a table of designs; of each score the cheapest one by money, else by tokens, is in bold."""
    table = Table(title=f"for a mean ± {half_width:g} (95 %)", title_justify="left", box=None, pad_edge=False)
    for name in ("score", "contexts of a kind", "latents", "calls", "tokens", "$"):
        table.add_column(name, justify="left" if name == "score" else "right")
    best = {id(cheapest([row for row in rows if row.score == score])) for score in known}
    for row in rows:
        contexts = "as planned" if row.contexts is None else str(row.contexts)
        cells = [row.score, contexts, f"{row.latents:,}", f"{row.calls:,.0f}", tokens(row.tokens), dollars(row.money)]
        table.add_row(*cells, style="bold" if id(row) in best else None)
    return table


def cheapest(rows: Sequence[Design]) -> Design:
    """Return the design that costs least, by money where it is known, else by tokens."""
    return min(rows, key=lambda row: row.money if row.money > 0 else row.tokens)


def precision_notes(known: dict[str, Components]) -> list[str]:
    """Return sentences on where the variances are from."""
    notes: list[str] = []
    for score, parts in known.items():
        inside = "" if isnan(parts.within) else f", within one {parts.within:.4f} / contexts of a kind"
        notes.append(f"{score}: variance between latents {parts.between:.4f}{inside}, from {parts.source}.")
    return [*notes, "An interval is of latents drawn at random. A difference of two explainers on the same latents has"
            " another variance, often a smaller one. Few contexts say little of a single latent."]  # fmt: skip


def as_records(rows: Sequence[Design]) -> list[dict[str, object]]:
    """Return the designs for JSON; what is not known is null."""
    return [{name: None if isinstance(value, float) and isnan(value) else value for name, value in asdict(row).items()}
            for row in rows]  # fmt: skip


def _sum(rows: Sequence[Row], name: str) -> float:
    if name == "money":
        return sum((row.money for row in rows), 0.0) if rows else 0.0
    if name == "tokens":
        return float(sum(row.input + row.output for row in rows))
    return float(sum(row.calls for row in rows)) if rows else 0.0 if name == "calls" else nan
