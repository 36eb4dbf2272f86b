"""The tables of both, with ratios."""

from typing import Any

from rich.table import Table

from benchmarks.peer_comparison.correctness import FORMS

COLUMNS = ("", "here", "Delphi", "Delphi / here")
UNITS = {
    "cpu": "CPU s", "bare": "of these, forward and encode", "rest": "of these, everything else",
    "wall": "seconds by the clock", "load": "CPU s to load model and SAE", "peak": "peak memory, MB",
    "start": "of these, before the first batch", "megabytes": "MB on disk",
}  # fmt: skip
"""Rows of the table of caching, by the names of the figures."""


def ratio(here: float, there: float) -> str:
    """Return Delphi's figure as a multiple of ours; a dash where there is no such number."""
    return f"{there / here:.2f}" if here > 0 else "–"


def row(name: str, here: float, there: float) -> tuple[str, str, str, str]:
    """Return a row: name, both figures with three digits, and their ratio."""
    return name, number(here), number(there), ratio(here, there)


def number(value: float) -> str:
    """Return a number with three digits, and no fewer before the point than it has."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def cache_table(measured: dict[str, dict[str, dict[str, float]]]) -> Table:
    """Return the table of caching.

    Args:
        measured: By the number of tokens, `here` and `delphi`: the figures of `cache.Clock`.
    """
    table = _table("Caching activations: `prep` and `LatentCache`, one thread, the same tokens and SAE", "tokens")
    for tokens, both in measured.items():
        pair = [both[name] | {"rest": _rest(both[name]), "megabytes": _megabytes(both[name])} for name in SIDES]
        for name, unit in UNITS.items():
            table.add_row(f"{int(tokens):,}", *row(unit, pair[0][name], pair[1][name]))
    return table


SIDES = ("here", "delphi")


def _rest(figures: dict[str, float]) -> float:
    return figures["cpu"] - figures["bare"]


def _megabytes(figures: dict[str, float]) -> float:
    return figures["bytes"] / 1e6


def contexts_table(measured: dict[str, Any], latents: int, tokens: int) -> Table:
    """Return the table of building contexts, in seconds per 100 latents."""
    table = _table(f"Contexts of {latents} latents, 40 + 50 + 50 each, from {tokens:,} tokens: per 100 latents")
    here, there = (
        {name: 100 * measured[side].get(name, 0) / latents for name in ("cpu", "wall", "decoding")} for side in SIDES
    )
    table.add_row(*row("CPU s", here["cpu"], there["cpu"]))
    table.add_row("of these, decoding tokens one by one", "–", number(there["decoding"]), "–")
    table.add_row(*row("seconds by the clock", here["wall"], there["wall"]))
    return table


def grader_table(measured: dict[str, dict[str, float]]) -> Table:
    """Return the table of grading.

    Args:
        measured: Figures of `grader.here` and `grader.delphi`, by what was run.
    """
    table = Table(title="Explanation, detection and fuzzing, a model that answers after 50 ms", title_justify="left")
    columns = ("", "latents", "calls per latent", "latents per second", "CPU ms per latent", "times the least", "kB")
    for column in columns:
        table.add_column(column, justify="right" if column else "left")
    least = min(figures["cpu"] for figures in measured.values())
    for name, figures in measured.items():
        cells = (figures["calls"], 1 / figures["wall"], 1000 * figures["cpu"], figures["cpu"] / least)
        table.add_row(name, f"{figures['latents']:.0f}", *map(number, cells), number(figures["bytes"] / 1000))
    return table


def correctness_table(measured: dict[str, Any]) -> Table:
    """Return the table of what is graded."""
    table = _table(f"What is graded: {measured['latents']} latents of the demo")
    for name, value in measured["here"].items():
        other = measured["delphi"][name]
        if isinstance(value, list):
            table.add_row(*row(f"{name}, of {len(FORMS)}", len(value), len(other)))
        else:
            table.add_row(*row(name, value, other))
    return table


def _table(title: str, *first: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in (*first, *COLUMNS):
        table.add_column(column, justify="right" if column in COLUMNS[1:] else "left")
    return table
