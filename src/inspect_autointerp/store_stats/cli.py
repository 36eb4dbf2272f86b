"""`autointerp stats`: the command that summarizes a context store."""

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from inspect_autointerp.store.manifest import FROZEN_POSTINGS
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.plural import plural
from inspect_autointerp.text.render import visible

if TYPE_CHECKING:
    import pandas as pd

_ROW_COLUMNS = ("latent", "tokens", "density", "windows", "max", "single token", "promotes", "neighbours")
_BAR = 40
_SHOWN = 5
"""Promoted tokens and neighbours shown of a latent."""


def stats(
    contexts: Annotated[
        str, typer.Argument(help="A context store: a folder, a URL, `smollm2`, `demo` or `planted`.", metavar="STORE")
    ],
    hookpoint: Annotated[str | None, typer.Option(help="Hookpoint of the store; all by default.")] = None,
    latents: Annotated[
        str | None, typer.Option(help="List these latents: `0:100`, `3,17,40`, `sample:20`, `all`.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            help="Write a row per latent (those of --latents, or all) to a .csv, .jsonl or .parquet file. In CSV, a"
            " formula gets a ' in front, and control characters are spelled out."
        ),
    ] = None,
    min_active: Annotated[
        int | None,
        typer.Option(min=1, help="Call latents rare that fire in fewer windows; prep's value by default."),
    ] = None,
) -> None:
    """Summarize a context store: how often and how strongly latents fire, how many windows it keeps, and its size.

    \b
    Example:
      autointerp stats contexts/gpt2 --latents 0:20
      autointerp stats contexts/gpt2 --to latents.parquet
    """
    from inspect_autointerp.builtin.locate import locate
    from inspect_autointerp.contexts.selection import candidate_latents, parse_latents
    from inspect_autointerp.store_stats.rows import check_target, with_texts, write_rows
    from inspect_autointerp.store_stats.statistics import density_histogram, latents_frame, summary

    if to is not None:
        check_target(to)
    store = Store(Path(locate(contexts)))
    least = store.settings.min_active if min_active is None else min_active
    console = Console(emoji=False)
    if not console.is_terminal:
        console = Console(emoji=False, width=160)
    console.print(_store_table(store, contexts))
    rows: dict[str, pd.DataFrame] = {}
    for name in [store.at(hookpoint).name] if hookpoint else store.hookpoints:
        frame = latents_frame(store, name)
        console.print()
        console.print(_summary_table(store, name, summary(frame, min_active=least), least))
        if bars := density_histogram(frame):
            console.print()
            console.print(_density_table(bars))
        if latents is not None:
            if store.manifest.frozen:
                candidates, wanted = candidate_latents(store.at(name), latents, seed=0)
            else:
                candidates, wanted = parse_latents(latents, len(frame), seed=0)
            frame = frame[frame["index"].isin(candidates[:wanted])]
            console.print()
            console.print(_latents_table(name, with_texts(store, name, frame)))
        rows[name] = frame
    if to is not None:
        write_rows(store, rows, to)
        console.print(
            f"{to}: {plural(sum(map(len, rows.values())), 'row')}", highlight=False, soft_wrap=True, markup=False
        )


def _store_table(store: Store, name: str) -> Table:
    from inspect_autointerp.store_stats.statistics import file_sizes

    manifest, sizes = store.manifest, file_sizes(store)
    shared = {file: size for file, size in sizes.items() if not file.startswith("hookpoints/")}
    table = _plain_table(Text(f"{name}  digest {manifest.digest}"))
    table.add_row("subject", Text(manifest.subject))
    if manifest.second_subject is not None:
        table.add_row("second subject", Text(manifest.second_subject))
    if manifest.frozen:
        table.add_row("frozen from", Text(f"{manifest.frozen.source}: latents {manifest.frozen.latents}"))
        if manifest.frozen.licence:
            table.add_row("licence", Text(manifest.frozen.licence))
    table.add_row("corpus", Text(manifest.settings.corpus))
    table.add_row("tokens", f"{manifest.n_tokens:,}")
    table.add_row("documents", f"{manifest.n_documents:,}")
    table.add_row("windows", f"{manifest.n_windows:,} of {manifest.settings.window} tokens")
    table.add_row("size", f"{decimal(sum(sizes.values()))}, including {_sizes(shared)}")
    return table


def _summary_table(store: Store, hookpoint: str, figures: dict[str, float], min_active: int) -> Table:
    from inspect_autointerp.store_stats.statistics import POSITIONAL, QUANTILES, SINGLE_TOKEN, TEST_CONTEXTS, file_sizes

    n, n_kept = figures["latents"], figures["kept_windows"]
    at = store.at(hookpoint)
    folder = f"{at.folder}/"
    files = {file.removeprefix(folder): size for file, size in file_sizes(store).items() if file.startswith(folder)}
    postings = files[FROZEN_POSTINGS if store.manifest.frozen else "postings.safetensors"]
    table = _plain_table(Text(f"{hookpoint}  {at.entry.coder} ({at.entry.architecture})"))
    if at.entry.warning:
        table.add_row("warning", at.entry.warning)

    def of_all(key: str) -> str:
        return f"{figures[key]:,.0f} ({_percent(figures[key] / n)})"

    def quantiles(key: str) -> str:
        return "".join(f"{_number(figures[f'{key}_{q}']):<10}" for q in QUANTILES)

    single = f"{_percent(figures['single_token'])}; without rare ones {_percent(figures['single_token_common'])}"
    for measure, value in (
        ("latents", f"{n:,.0f}" + (f" held of {at.width:,}" if store.manifest.frozen else "")),
        ("never fire", of_all("dead")),
        (f"rare: fire in fewer than {min_active:,} windows", of_all("rare")),
        ("fire on more than 1 % of tokens", _percent(figures["over_1_percent"])),
        ("fire on more than 10 % of tokens", _percent(figures["over_10_percent"])),
        (f"with {TEST_CONTEXTS} sampled windows to test on", of_all("testable")),
        (f"single-token: > {SINGLE_TOKEN:.0%} of kept activations on one token, share of live", single),
        (f"positional: mutual information of firing and position > {POSITIONAL} nats", _percent(figures["positional"])),
        ("quantiles over live latents", "".join(f"{f'{q:.0%}':<10}" for q in QUANTILES)),
        ("  share of tokens on which it fires", quantiles("density")),
        ("  maximum", quantiles("max_activation")),
        ("kept windows", f"{n_kept:,.0f}, {_number(postings / n_kept if n_kept else float('nan'))} bytes each"),
        ("files", _sizes(files)),
    ):
        table.add_row(measure, value)
    return table


def _density_table(bars: "list[tuple[float, float, int]]") -> Table:
    """The histogram of densities, the longest bar `_BAR` wide."""
    table = Table(
        title="density", title_justify="left", box=None, pad_edge=False, show_header=False, title_style="bold"
    )
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column()
    most = max(n for _, _, n in bars)
    for low, high, n in bars:
        table.add_row(f"{low:.2g} to {high:.2g}", f"{n:,}", "█" * round(_BAR * n / most) or ("▏" if n else ""))
    return table


def _latents_table(hookpoint: str, rows: "pd.DataFrame") -> Table:
    table = Table(title=Text(hookpoint), title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in _ROW_COLUMNS:
        table.add_column(column, justify="left" if column in _ROW_COLUMNS[5:] else "right", overflow="fold")
    for _, row in rows.iterrows():
        text = row["single_token_text"]
        table.add_row(
            str(row["index"]),
            f"{row['n_tokens']:,}",
            _number(row["density"]),
            f"{row['n_windows']:,}",
            _number(row["max_activation"]),
            Text("–" if row["single_token"] < 0 else f"{_percent(row['single_token_share'])} {_quoted(text)}"),
            Text(" ".join(_quoted(token) for token in row["promoted"][:_SHOWN]) if row["promoted"] else "–"),
            " ".join(map(str, row["neighbours"][:_SHOWN])) if row["neighbours"] else "–",
        )
    return table


def _plain_table(title: Text) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False, title_style="bold")
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    return table


def _quoted(text: str) -> str:
    return f"‹{visible(text)}›"


def _percent(share: float) -> str:
    return "–" if isnan(share) else f"{100 * share:.1f} %"


def _number(value: float) -> str:
    return "–" if isnan(value) else f"{value:.3g}"


def _sizes(files: dict[str, int]) -> str:
    return ", ".join(f"{name} {decimal(size)}" for name, size in files.items())
