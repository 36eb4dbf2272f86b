"""An estimate of cost for the terminal, and as JSON."""

import json
from collections.abc import Sequence
from math import fsum, isnan

from rich.table import Table
from rich.text import Text

from inspect_autointerp.cost.estimate import Estimate, Row

_COLUMNS = ("for", "asked", "model")
_NUMBERS = ("calls", "input", "output", "$")


def as_table(estimate: Estimate, title: str) -> Table:
    """Rows by purpose and role: a latent's mean, then all latents' sum."""
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    for column in (*(f"{name}/latent" for name in _NUMBERS), *_NUMBERS):
        table.add_column(column, justify="right", overflow="fold")
    for row in estimate.rows:
        table.add_row(Text(row.purpose), Text(row.role), Text(row.model), *_cells([row], estimate))
    if len(estimate.rows) > 1:
        table.add_section()
        table.add_row("all", "", "", *_cells(estimate.rows, estimate), style="bold")
    return table


def _cells(rows: Sequence[Row], estimate: Estimate) -> list[str]:
    calls, read, written = (sum(getattr(row, name) for row in rows) for name in ("calls", "input", "output"))
    money = fsum(row.money for row in rows)
    cells: list[str] = []
    for scale in (1 / estimate.drawn, estimate.scale):
        places = 1 if scale < 1 and estimate.drawn > 1 else 0
        cells += [f"{calls * scale:,.{places}f}", tokens(read * scale), tokens(written * scale), dollars(money * scale)]
    return cells


def tokens(n: float) -> str:
    """12345.6 → `12.3k`."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= size * 0.9995:
            return f"{n / size:.3g}{unit}" if n < 999.5 * size else f"{n / size:,.0f}{unit}"
    return f"{n:.0f}"


def dollars(money: float) -> str:
    """Three digits of it; – where it is not known."""
    if isnan(money):
        return "–"
    if money == 0:
        return "0"
    return f"{money:,.2f}" if money >= 1 else f"{float(f'{money:.3g}'):.7f}".rstrip("0")


def as_json(estimate: Estimate, about: dict[str, object]) -> str:
    """Everything, with the sums of all latents; what is not known is null.

    Args:
        estimate: The estimate.
        about: What else is to be said.
    """
    rows = [
        {
            "for": row.purpose,
            "asked": row.role,
            "model": row.model,
            "calls": row.calls * estimate.scale,
            "input_tokens": row.input * estimate.scale,
            "input_tokens_alike": row.constant * estimate.scale,
            "output_tokens": row.output * estimate.scale,
            "dollars": _known(row.money * estimate.scale),
            "dollars_saved_by_cached_input": _known(row.saved * estimate.scale),
        }
        for row in estimate.rows
    ]
    total = {
        name: sum(getattr(row, field) for row in estimate.rows) * estimate.scale
        for name, field in (("calls", "calls"), ("input_tokens", "input"), ("output_tokens", "output"))
    }
    every: dict[str, object] = {
        **about,
        "latents": estimate.latents,
        "latents_drawn": estimate.drawn,
        "relative_half_width_95": _known(estimate.spread),
        "rows": rows,
        "total": total | {"dollars": _known(fsum(row.money for row in estimate.rows) * estimate.scale)},
    }
    return json.dumps(every, indent=2)


def _known(value: float) -> float | None:
    return None if isnan(value) else value
