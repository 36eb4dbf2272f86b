"""Tables of `benchmarks.prep`: each row is measured by processes of their own, see `prep_measures`."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.as_json import save_tables
from benchmarks.prep_measures import in_child, in_children
from inspect_autointerp.prep.cli.estimate import state_bytes


def parts_table(
    title: str, console: Console, folder: Path, rows: list[tuple[int, int, int, int]], device: str
) -> Table:
    """Return one row per tokens, latents, hookpoints and chunks per batch."""
    table = Table(title=title, title_justify="left")
    for column in ("tokens", "latents", "hookpoints", "forward", "encode", "selection", "overhead", "reading"):
        table.add_column(column, justify="right")
    table.add_column("load, write (s)", justify="right")
    table.add_column("peak MB", justify="right")
    for tokens, latents, hookpoints, batch_size in rows:
        with console.status(f"{tokens:,} tokens, {latents:,} latents, {hookpoints} hookpoints …"):
            costs = in_children(
                folder, "parts", tokens=tokens, latents=latents, hookpoints=hookpoints, batch_size=batch_size,
                device=device,
            )  # fmt: skip
        bare = costs["forward"] + costs["encode"]
        selection = costs["prep"] - bare + costs["finish"]
        each = [f"{1e6 * part / costs['tokens']:,.1f}" for part in (costs["forward"], costs["encode"], selection)]
        table.add_row(
            f"{costs['tokens']:,}", f"{latents:,}", str(hookpoints), *each, f"{100 * selection / bare:+.1f} %",
            f"{1e6 * costs['read'] / costs['tokens']:.1f}", f"{costs['load']:.1f}, {costs['write']:.1f}",
            f"{costs['peak']:,.0f}",
        )  # fmt: skip
    return table


def real_table(console: Console, sizes: list[int], dtypes: list[str], given: dict[str, Any], json: str | None) -> Table:
    """Return one row per number of tokens and type; the file, if there is one, is written anew after each."""
    table = Table(title=f"{given['subject']}: µs per token, CPU time of one thread", title_justify="left")
    columns = ("tokens", "dtype", "latents", "forward + encode", "selection", "reading", "writing", "together")
    for column in (*columns, "by difference", "peak MB"):
        table.add_column(column, justify="right")
    for tokens in sizes:
        for dtype in dtypes:
            with console.status(f"{tokens:,} tokens, {dtype} …"):
                costs = in_child(Path(), "real", tokens=tokens, given=given, dtype=dtype)
            bare = costs["forward"] + costs["encode"]
            parts = (costs["select"] + costs["finish"], costs["read"], costs["write"])
            each = [f"{1e6 * part / costs['tokens']:,.1f} ({100 * part / bare:.1f} %)" for part in parts]
            difference = costs["prep"] - bare - costs["select"] + sum(parts)
            table.add_row(
                f"{costs['tokens']:,}", dtype, f"{costs['latents']:,}", f"{1e6 * bare / costs['tokens']:,.1f}", *each,
                f"{100 * sum(parts) / bare:.1f} %", f"{100 * difference / bare:.1f} %", f"{costs['peak']:,.0f}",
            )  # fmt: skip
            save_tables(json, table)
    return table


def shape_table(folder: Path, given: Namespace) -> tuple[Table, dict[str, float]]:
    """Measure one shape, with one row per number of tokens; the raw figures are those of the last."""
    clock = "CPU time of one thread" if given.device == "cpu" else "by the clock"
    table = Table(title=f"shape of {given.shape}, coders in {given.coder_dtype}: µs per token, {clock}")
    columns = ("tokens", "latents", "hookpoints", "forward", "encode", "selection", "overhead", "peak MB of the host")
    for column in columns:
        table.add_column(column, justify="right")
    costs: dict[str, float] = {}
    for tokens in given.tokens:
        costs = in_children(
            folder, "parts", tokens=tokens, latents=given.latents, hookpoints=given.hookpoints, batch_size=16,
            device=given.device, shape=given.shape, coder_dtype=given.coder_dtype,
        )  # fmt: skip
        bare = costs["forward"] + costs["encode"]
        selection = costs["prep"] - bare + costs["finish"]
        each = [f"{1e6 * part / costs['tokens']:,.1f}" for part in (costs["forward"], costs["encode"], selection)]
        table.add_row(
            f"{costs['tokens']:,}", f"{given.latents:,}", str(given.hookpoints), *each,
            f"{100 * selection / bare:+.1f} %", f"{costs['peak']:,.0f}",
        )  # fmt: skip
    return table, costs


def memory_table(console: Console, folder: Path, sizes: list[int], latents: int) -> Table:
    """Return one row per number of tokens: the peak, and what `--dry-run` would expect beside the first row's."""
    title = f"peak host memory of prep, {latents:,} latents (the peer: 1.9, 2.2, 3.1, 6.0 GB at ¼, ½, 1, 2 M tokens)"
    table = Table(title=title, title_justify="left")
    for column in ("tokens", "windows kept", "activations kept", "peak MB", "by the formula"):
        table.add_column(column, justify="right")
    base = None
    for tokens in sizes:
        with console.status(f"{tokens:,} tokens …"):
            costs = in_children(folder, "memory", tokens=tokens, latents=latents)
        state = state_bytes(latents, costs["rows"], costs["entries"] / costs["rows"]) / 2**20
        base = costs["peak"] - state if base is None else base
        table.add_row(
            f"{costs['tokens']:,}", f"{costs['rows']:,}", f"{costs['entries']:,}", f"{costs['peak']:,.0f}",
            f"{base + state:,.0f}",
        )  # fmt: skip
    return table
