"""Comparisons as terminal tables and as Markdown, with a heat map over hookpoints."""

from collections.abc import Iterator, Sequence
from math import isfinite, isnan

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from inspect_autointerp.coder_similarity.comparison import UNRELATED, Comparison, Estimate, Measure
from inspect_autointerp.coder_similarity.hookpoints import Site
from inspect_autointerp.coder_similarity.results import MEASURES
from inspect_autointerp.text.render import visible

_NAMES: dict[Measure, str] = {
    "cosine": "cosine of decoders",
    "correlation": "correlation of activations",
    "explanations": "similarity of explanations",
}
_COLUMNS = ("a", "b", "matched", "", "mean", "shuffled", "unrelated", "share", "shuffled", "pairs")
_COLD, _HOT = (20, 30, 70), (250, 220, 90)
"""Red, green and blue of 0 and of 1."""


def print_terminal(comparisons: Sequence[Comparison], threshold: float) -> None:
    """Print the table, the heat maps where there are several comparisons, and the notes."""
    console = Console(emoji=False)
    if not console.is_terminal:
        console = Console(emoji=False, width=200)
    view = Table(title=_caption(comparisons), title_justify="left", title_style="bold", pad_edge=False)
    for number, name in enumerate(_columns(threshold)):
        view.add_column(name, justify="left" if number < 4 else "right", overflow="fold")
    for one in comparisons:
        view.add_section()
        for row in _rows(one):
            view.add_row(*(Text(cell) for cell in row))
    console.print(view)
    for measure, rows, columns, cells in _maps(comparisons):
        heat = Table(box=None)
        heat.add_column("")
        for name in columns:
            heat.add_column(Text(name), justify="center")
        for name, values in zip(rows, cells, strict=True):
            heat.add_row(Text(name), *map(_cell, values))
        console.print(Text(f"\n{_NAMES[measure]}, mean", style="bold"))  # a title would be as narrow as the table
        console.print(heat)
    console.print()
    for line in _notes(comparisons, threshold):
        console.print(Text(line, style="dim"))


def markdown(comparisons: Sequence[Comparison], threshold: float) -> str:
    """The same in Markdown, the heat maps in numbers."""
    head = _columns(threshold)
    lines = [_caption(comparisons), "", _row(head), _row(["---"] * 4 + ["---:"] * (len(head) - 4))]
    lines += [_row([*map(_escape, row[:2]), *row[2:]]) for one in comparisons for row in _rows(one)]
    for measure, rows, columns, cells in _maps(comparisons):
        lines += ["", f"{_NAMES[measure]}, mean:", "", _row(["", *map(_escape, columns)])]
        lines.append(_row(["---", *["---:"] * len(columns)]))
        lines += [
            _row([_escape(name), *(_number(value) for value in values)])
            for name, values in zip(rows, cells, strict=True)
        ]
    return "\n".join([*lines, "", *(f"{_escape(line)}  " for line in _notes(comparisons, threshold))]).rstrip() + "\n"


def _caption(comparisons: Sequence[Comparison]) -> str:
    stores = dict.fromkeys(site.store.digest for one in comparisons for site in (one.a, one.b))
    tokens = max(one.n_tokens for one in comparisons)
    return f"latents matched one to one · store {' and '.join(stores)} · {tokens:,} shared tokens"


def _columns(threshold: float) -> list[str]:
    return [f"share ≥ {threshold:g}" if name == "share" else name for name in _COLUMNS]


def _rows(one: Comparison) -> Iterator[list[str]]:
    """A comparison's rows, one per measure."""
    n_matchable = min(one.matchable)
    head = [*_labels(one), f"{len(one.pairs[0]):,} of {n_matchable:,}"]
    for measure in MEASURES:
        estimate = one.estimates.get(measure)
        if estimate is None:
            continue
        shuffled, own = one.shuffled[measure], measure == one.matched_by
        unrelated = _estimate(one.unrelated) if own and one.unrelated else "–"
        yield [
            *head,
            _NAMES[measure] + (" †" if own else ""),
            _estimate(estimate),
            _estimate(shuffled),
            unrelated,
            _share(estimate.share),
            _share(shuffled.share),
            f"{estimate.n:,}",
        ]
        head = ["", "", ""]


def _maps(comparisons: Sequence[Comparison]) -> Iterator[tuple[Measure, list[str], list[str], list[list[float]]]]:
    """Yield, for each measure, the names of rows and columns and the means between them, NaN where there is none."""
    if len(comparisons) < 2:
        return
    labels = [_labels(one) for one in comparisons]
    rows, columns = (list(dict.fromkeys(label[side] for label in labels)) for side in (0, 1))
    one_store = all(one.a.store is one.b.store for one in comparisons)
    if one_store:  # half of a symmetric map is given
        rows = columns = list(dict.fromkeys([*rows, *columns]))
    for measure in MEASURES:
        means = {
            label: one.estimates[measure].mean
            for label, one in zip(labels, comparisons, strict=True)
            if measure in one.estimates
        }
        if one_store:
            means |= {(b, a): mean for (a, b), mean in means.items()}
        if means:
            yield measure, rows, columns, [[means.get((a, b), float("nan")) for b in columns] for a in rows]


def _notes(comparisons: Sequence[Comparison], threshold: float) -> list[str]:
    candidates = {one.candidates for one in comparisons}
    few = max(k or 0 for k in candidates)
    looked = f"among each latent's {few} nearest on the other side; over all pairs it could be slightly larger"
    lines = [
        "† the measure matched by: the one-to-one matching with the largest sum"
        f" {'of all pairs' if candidates == {None} else looked}. Mean over matched pairs and 95 % bootstrap interval;"
        f" –: undefined. share: the share of pairs at or above {threshold:g}.",
        "shuffled: the same latents with partners exchanged at random. unrelated: the result of matching noise (one"
        " side's windows shuffled, or its directions rotated at random); only values above it show similarity.",
    ]
    if any(one.unrelated and min(one.matchable) > UNRELATED for one in comparisons):
        lines.append(
            f"unrelated uses at most {UNRELATED:,} latents, drawn at random: with fewer rivals"
            " they match slightly better than all latents would."
        )
    seen = dict.fromkeys((note, *_labels(one)) for one in comparisons for note in one.notes)
    return lines + [f"{a} and {b}: {note}" for note, a, b in seen]


def _labels(one: Comparison) -> tuple[str, str]:
    """The names of the two sites; with their stores where these are two."""
    if one.a.store is one.b.store:
        return visible(one.a.hookpoint), visible(one.b.hookpoint)
    return _label(one.a), _label(one.b)


def _label(site: Site) -> str:
    return visible(f"{site.given.rstrip('/').rpartition('/')[2]}:{site.hookpoint}")


def _cell(value: float) -> Text:
    """A number on its colour; light on dark and dark on light."""
    if isnan(value):
        return Text("·", style="dim")
    part = min(1.0, max(0.0, value))
    red, green, blue = (round(cold + part * (hot - cold)) for cold, hot in zip(_COLD, _HOT, strict=True))
    ink = "black" if part > 0.5 else "white"
    return Text(f" {_number(value)} ", style=Style(color=ink, bgcolor=f"rgb({red},{green},{blue})"))


def _estimate(estimate: Estimate) -> str:
    if not isfinite(estimate.mean):
        return "–"
    return _number(estimate.mean) + (
        f" [{_number(estimate.low)}, {_number(estimate.high)}]" if isfinite(estimate.low) else ""
    )


def _share(share: float) -> str:
    return f"{100 * share:.1f} %" if isfinite(share) else "–"


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", "−") if isfinite(value) else "–"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    for sign in "\\|*<>`[]":
        text = text.replace(sign, f"&#{ord(sign)};")
    return text
