"""A comparison as a terminal table, Markdown, CSV or JSON."""

import csv
import io
import json
import re
from collections.abc import Iterable

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from inspect_autointerp.leaderboard.compare import Comparison
from inspect_autointerp.leaderboard.entry import HEADLINES, Entry, Estimate, is_known
from inspect_autointerp.negatives import HARD
from inspect_autointerp.render import visible

_COLUMNS = {
    "balanced_accuracy": "balanced accuracy",
    "balanced_accuracy_median": "at the median",
    "correlation": "correlation",
    "correlation_activating": "in activating",
    "correlation_weighted": "correlation ¶",
    "constant": "constant",
    "accuracy": "accuracy",
    "effect": "effect, nats",
    "effect_per_token": "per token",
    "kl": "KL",
    "auroc": "AUROC",
    "tpr": "TPR",
    "tnr": "TNR",
    "f1": "F1 ¶",
    "auprc": "AUPRC ¶",
}
_AGAINST = re.compile(f"({'|'.join(HEADLINES)})_({'|'.join((*HARD, 'mismarked'))})")
_NOTE = (
    "Mean over latents and 95 % bootstrap interval; – is undefined; ¶ at the natural base rate; columns without any"
    " value are left out."
)
_LAST = ("unscored", "latents", "tokens/latent", "cost/latent")


def columns(table: Comparison) -> dict[str, str]:
    """The statistics that a table shows, and what they are called there; CSV and JSON have all."""
    held = {key for entry in table.entries for key, estimate in entry.scores.items() if is_known(estimate.mean)}
    against = {match[0]: f"against {match[2]}" for key in sorted(held) if (match := _AGAINST.fullmatch(key))}
    return {key: name for key, name in (_COLUMNS | against).items() if key in held}


def caption(table: Comparison) -> str:
    """What all rows of a table have in common."""
    of = table.setting
    return f"{of['score']} · {of['hookpoint']} · store {of['store']} · graded by {visible(of['grader'])}"


def terminal(tables: list[Comparison], apart: list[tuple[Entry, str]]) -> Group:
    """The tables and what was left out of them, for a terminal."""
    parts: list[Table | Text] = []
    for table in tables:
        view = Table(title=caption(table), title_justify="left", title_style="bold", pad_edge=False)
        view.add_column("explainer", overflow="fold")
        for name in (*columns(table).values(), *_LAST):
            view.add_column(name, justify="right", no_wrap=name not in _LAST)
        floors = False
        for entry in table.entries:
            if entry.floor and not floors:
                view.add_section()
                floors = True
            cells = (cell.replace(" [", "\n[") for cell in _cells(entry, columns(table)))
            view.add_row(*(Text(cell, style="dim" if entry.floor else "") for cell in cells))
        parts.append(view)
    parts.append(Text(f"{_NOTE} Dim rows are floors.", style="dim"))
    if apart:
        parts.append(Text("Not compared:", style="bold"))
        parts += [Text(f"  {visible(entry.explainer)}: {reason} · {_name(entry.path)}") for entry, reason in apart]
    return Group(*parts)


def print_terminal(tables: list[Comparison], apart: list[tuple[Entry, str]]) -> None:
    """Print them, on a terminal as wide as it is, elsewhere wide enough."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(terminal(tables, apart))


def markdown(tables: list[Comparison], apart: list[tuple[Entry, str]]) -> str:
    """The same in Markdown."""
    lines: list[str] = []
    for table in tables:
        head = ["explainer", *columns(table).values(), *_LAST]
        lines += [caption(table), "", _row(head), _row(["---", *["---:"] * (len(head) - 1)])]
        for entry in table.entries:
            name, *numbers = _cells(entry, columns(table))
            lines.append(_row([f"*{_escape(name)}*" if entry.floor else _escape(name), *numbers]))
        lines.append("")
    lines.append(f"{_NOTE} Rows in italics are floors.")
    if apart:
        lines += ["", "Not compared:", ""]
        for entry, reason in apart:
            lines.append(f"- {_escape(visible(entry.explainer))}: {_escape(reason)} ({_name(entry.path)})")
    return "\n".join(lines) + "\n"


def records(tables: list[Comparison]) -> list[dict[str, object]]:
    """One record per explainer, score and statistic, with what it was measured on; an undefined number is None."""
    rows: list[dict[str, object]] = []
    for number, table in enumerate(tables, 1):
        common = {key: value for key, value in table.setting.items() if key != "latents"}
        for entry in table.entries:
            measured = {
                "latents": entry.n_latents,
                "tokens_per_latent": _or_none(entry.tokens_per_latent),
                "cost_per_latent": _or_none(entry.cost_per_latent),
                "log": _name(entry.path),
            }
            for statistic, (mean, low, high, n) in entry.scores.items():
                row = {"table": number, "explainer": entry.explainer, "floor": entry.floor, "statistic": statistic}
                estimate = {"mean": _or_none(mean), "low": _or_none(low), "high": _or_none(high), "n": n}
                rows.append({**row, **estimate, **measured, **common})
    return rows


def as_csv(tables: list[Comparison]) -> str:
    """`records` as CSV."""
    rows, out = records(tables), io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else ["explainer"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def as_json(tables: list[Comparison], apart: list[tuple[Entry, str]]) -> str:
    """`records`, and what was left out, as JSON."""
    left = [{"explainer": entry.explainer, "log": _name(entry.path), "reason": reason} for entry, reason in apart]
    return json.dumps({"rows": records(tables), "not_compared": left}, indent=1, allow_nan=False) + "\n"


def _cells(entry: Entry, keys: Iterable[str]) -> list[str]:
    scores = [_estimate(entry.scores.get(key)) for key in keys]
    unscored = entry.scores.get("unscored")
    cost = f"${entry.cost_per_latent:.4f}" if is_known(entry.cost_per_latent) else "–"
    return [
        visible(entry.explainer),
        *scores,
        f"{100 * unscored.mean:.1f} %" if unscored and is_known(unscored.mean) else "–",
        f"{entry.n_latents:,}",
        f"{entry.tokens_per_latent:,.0f}" if is_known(entry.tokens_per_latent) else "–",
        cost,
    ]


def _estimate(estimate: Estimate | None) -> str:
    if estimate is None or not is_known(estimate.mean):
        return "–"
    if not is_known(estimate.low):
        return f"{estimate.mean:.3f}"
    return f"{estimate.mean:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _or_none(value: float) -> float | None:
    return value if is_known(value) else None


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    for sign in "\\|*<>`[]":
        text = text.replace(sign, f"&#{ord(sign)};")
    return text
