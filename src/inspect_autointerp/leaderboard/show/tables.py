"""Views of `Results`: tables, differences, correlations, breakdowns, and the logs that were left out."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from inspect_autointerp.contexts.negatives import HARD
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show.view import View
from inspect_autointerp.scorers.shared.concept_statistics import CONCEPT_LABELS
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.text.plural import plural
from inspect_autointerp.text.render import visible
from inspect_autointerp.text.settings_words import short_labels, without_json

NOTES = (
    "Means over latents have 95 % bootstrap intervals; medians have quartiles. Explainers without a significant"
    " difference (paired over latents, Holm's correction, 5 %) share a rank."
    " This treats latents as independent, although their contexts can come from the same documents; `--documents` adds"
    " an interval over the draw of both latents and documents. Empty columns are left out.",
    "Floors, and explainers that are not above them (†), are greyed out in a terminal.",
)
COLUMNS = {
    "over floor": "the paired difference from the floor that it exceeds least",
    "TPR": "the share of activating texts that the grader labels active",
    "TNR": "the share of other texts that it labels inactive",
    "same labels": "the share of calls answered with the commonest answer of the latent, which tells a grader that does"
    " not read",
    "identical": "the share of latents whose explanation another latent also has",
    "words": "the mean length of an explanation",
    "tokens per latent": "of explainer and grader",
}
"""Meaning of columns whose name does not say it."""
SIGNS = {"–": "undefined", "¶": "at the natural base rate"}


TRAINED = "‡"
"""Sign of an explainer that was trained on the score."""
TRAINED_NOTE = f"{TRAINED}: was trained on this score, so it is shown and not ranked; compare it by other scores."
LUCK = "≈"
"""Sign of a gap that can be luck."""
Row = dict[str, Any]


def columns_note(views: Iterable[View]) -> list[str]:
    """Return what the columns and signs of tables mean, of those that are there, in one paragraph; none without any."""
    views = list(views)
    heads = {name for view in views for name in view.head}
    known = [f"{name}: {meaning}" for name, meaning in COLUMNS.items() if name in heads]
    known += [f"{sign}: {meaning}" for sign, meaning in SIGNS.items() if has_sign(views, sign)]
    return ["; ".join(known) + "."] if known else []


def has_sign(views: Iterable[View], sign: str) -> bool:
    """Return whether a cell or a head of the tables has a sign."""
    return any(sign in cell for view in views for row in [view.head, *view.rows] for cell in row)


def rows_of(frame: pd.DataFrame) -> dict[int, Row]:
    """The rows of a frame as records, by its index."""
    records: Any = frame.to_dict("index")
    return records


def with_short_labels(results: Results) -> Results:
    """Return results whose explainers are called by short labels, for tables and pages; files keep the full names."""
    names = short_labels(dict.fromkeys([*results.entries["explainer"], *results.apart["explainer"]]))
    entries, apart = (
        frame.assign(explainer=frame["explainer"].map(names)) for frame in (results.entries, results.apart)
    )
    return replace(results, entries=entries, apart=apart)


def tables(results: Results, numbers: pd.DataFrame) -> list[View]:
    """A view per table: an entry's rank, headline, quartiles, floors, other statistics, and what it cost.

    Args:
        results: The entries.
        numbers: Their `summary`, and `document_intervals`, `smallest_differences` and `with_people` where these are
            to be shown.
    """
    every = rows_of(results.entries.join(numbers))
    return [_table(results, every, list(results.of(table).index)) for table in results.tables]


def _table(results: Results, every: dict[int, Row], of_table: list[int]) -> View:
    entries = {entry: every[entry] for entry in of_table}
    first = every[of_table[0]]
    on_random = dict.fromkeys(row["random_entry"] for row in entries.values() if known(row["random_entry"]))
    entries |= {i: every[i] | {"explainer": f"{every[i]['explainer']}, on a random coder"} for i in on_random}
    estimates = results.estimates[results.estimates["entry"].isin(entries)]
    means = estimates.pivot(index="entry", columns="statistic", values="mean")
    shown = {key: name for key, name in columns(means, first["statistic"]).items() if key != first["statistic"]}
    floors = any(known(row["over_floor"]) for row in entries.values())
    identical = any(row["identical"] > 0 and not row["floor"] for row in entries.values())
    words = any(known(row["words"]) for row in entries.values())
    by_document = any(known(row.get("document_low")) for row in entries.values())
    rated = any(known(row.get("people")) for row in entries.values())
    rows: list[list[str]] = []
    above: Row | None = None
    for entry, row in entries.items():
        others = (means[key].get(entry, float("nan")) for key in shown)
        over = estimate(row["over_floor"], row["over_floor_low"], row["over_floor_high"], sign="+")
        near = above is not None and not row["floor"] and is_luck(above["mean"] - row["mean"], first)
        above = row
        rows.append(
            [
                places(row),
                named(row) + (f" {LUCK}" if near else ""),
                estimate(row["mean"], row["low"], row["high"]),
                *([interval(row["document_low"], row["document_high"])] if by_document else []),
                estimate(row["median"], row["q25"], row["q75"]),
                *([with_luck(over, row["over_floor"], first)] if floors else []),
                *([estimate(row["people"], row["people_low"], row["people_high"])] if rated else []),
                *(number(mean) for mean in others),
                *([share(row["identical"])] if identical else []),
                *([number(row["words"], 1)] if words else []),
                share(row["unscored"]),
                f"{row['tokens_per_latent']:,.0f}" if known(row["tokens_per_latent"]) else "–",
                f"${row['cost_per_latent']:.4f}" if known(row["cost_per_latent"]) else "–",
            ]
        )
    head = ["rank", "explainer", labels().get(str(first["statistic"]), str(first["statistic"]))]
    head += [*(["interval by document"] if by_document else []), "median"]
    head += [*(["over floor"] if floors else []), *(["with people"] if rated else [])]
    head += [*shown.values(), *(["identical"] if identical else []), *(["words"] if words else [])]
    head += ["unscored", "tokens per latent", "cost per latent"]
    if not any(known(row["cost_per_latent"]) for row in entries.values()):
        head, rows = head[:-1], [row[:-1] for row in rows]
    faint = [recedes(row) for row in entries.values()]
    title = caption(first) + (luck_caption(first) if len(entries) > 1 else "")
    return View(title, head, rows, faint, _rule(entries.values()), text=2)


def is_luck(gap: float, row: Row) -> bool:
    """Return whether a gap is smaller than the smallest difference that is not luck, where a study says it.

    Args:
        gap: Difference of two means.
        row: An entry of the table, with its numbers.
    """
    smallest = row.get("smallest_difference")
    return known(smallest) and known(gap) and abs(gap) < float(smallest or 0)


def with_luck(text: str, gap: float, row: Row) -> str:
    """Return a difference with the sign of luck behind its first line, where it is smaller than luck."""
    return text.replace("\n", f" {LUCK}\n", 1) if "\n" in text and is_luck(gap, row) else text


def luck_caption(row: Row) -> str:
    """Return the end of a table's title that says how small a difference can be luck; empty where no study does."""
    smallest = row.get("smallest_difference")
    return f" · luck: up to {smallest:.3f}" if known(smallest) else ""


def _rule(entries: Iterable[Row]) -> int | None:
    """Before which row a line is drawn: the first floor."""
    return next((number for number, row in enumerate(entries) if row["floor"]), None)


def caption(row: Row) -> str:
    """Return what all rows of a table have in common."""
    score, place, store = (visible(row[key]) for key in ("score", "hookpoint", "store"))
    grader = visible(without_json(row["grader"]))
    suite = f"suite {visible(row['suite'])} · " if row["suite"] else ""
    return f"{score} · {suite}{place} · store {store} · {plural(row['n_latents'], 'latent')} · graded by {grader}"


def labels() -> dict[str, str]:
    """Return the column titles of statistics, by name and in order; other packages' scores are included."""
    return {key: label for spec in SCORES.values() for key, label in spec.labels.items()} | CONCEPT_LABELS


def columns(means: pd.DataFrame, headline: str) -> dict[str, str]:
    """The statistics that a table shows, and what they are called there; exports have all."""
    held = [str(key) for key in means if means[key].notna().any()]
    against = {f"{headline}_{kind}": f"against {kind}" for kind in (*HARD, "mismarked")}
    return {key: name for key, name in (labels() | against).items() if key in held}


def differences(results: Results, pairs: pd.DataFrame, numbers: pd.DataFrame | None = None) -> list[View]:
    """A view per table of its pairs, but for those of two floors.

    Args:
        results: The entries.
        pairs: Their `differences`.
        numbers: Their `smallest_differences` among others, to mark what can be luck.
    """
    entries = rows_of(results.entries if numbers is None else results.entries.join(numbers))
    of_table: dict[int, list[Row]] = {}
    for pair in rows_of(pairs).values():
        if not (entries[pair["first"]]["floor"] and entries[pair["second"]]["floor"]):
            of_table.setdefault(pair["table"], []).append(pair)
    views: list[View] = []
    for group in of_table.values():
        rows: list[list[str]] = []
        for pair in group:
            over = estimate(pair["difference"], pair["low"], pair["high"], sign="+")
            over = with_luck(over, pair["difference"], entries[pair["first"]])
            p = "<0.0001" if pair["p_holm"] < 1e-4 else number(pair["p_holm"], 4)
            names = [visible(entries[pair[side]]["explainer"]) for side in ("first", "second")]
            rows.append([names[0], pair["verdict"], names[1], over, p, f"{pair['n']:,}"])
        title = f"Paired differences · {caption(entries[group[0]['first']])}"
        head = ["this", "is", "than or with", "difference", "p (Holm)", "latents"]
        views.append(View(title, head, rows, [pair["verdict"] == "tied" for pair in group], text=3))
    return views


def correlations(results: Results, coefficients: pd.DataFrame) -> list[View]:
    """A view per store and explainer: the upper half of the matrix, Spearman's and in brackets Pearson's.

    Args:
        results: The entries.
        coefficients: Their `correlations`.
    """
    labels = series_labels(results)
    of_explainer: dict[tuple[str, str], list[Row]] = {}
    for pair in rows_of(coefficients).values():
        of_explainer.setdefault((pair["store"], pair["explainer"]), []).append(pair)
    views: list[View] = []
    for (store, explainer), pairs in of_explainer.items():
        cells = {(pair["first"], pair["second"]): _correlation(pair) for pair in pairs}
        across, down = sorted({j for _, j in cells}), sorted({i for i, _ in cells})
        rows = [[labels[i], *(cells.get((i, j), "") for j in across)] for i in down]
        counts = sorted({pair["n"] for pair in pairs})
        latents = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
        title = f"Correlations over {latents} latents · {visible(explainer)} · store {visible(store)}"
        views.append(View(title, ["Spearman (Pearson)", *(labels[j] for j in across)], rows))
    return views


def _correlation(pair: Row) -> str:
    both = f"{number(pair['spearman'], 2)} ({number(pair['pearson'], 2)})"
    low, high = pair["spearman_low"], pair["spearman_high"]
    return both + (f"\n[{low:.2f}, {high:.2f}]" if known(low) else "")


def series_labels(results: Results) -> dict[int, str]:
    """Return what each series is called: its score, and a number from the second series of a score on."""
    labels: dict[int, str] = {}
    counts: dict[str, int] = {}
    for row in rows_of(results.entries).values():
        if row["series"] not in labels:
            counts[row["score"]] = count = counts.get(row["score"], 0) + 1
            labels[row["series"]] = visible(row["score"]) + (f" {count}" if count > 1 else "")
    return labels


def breakdowns(results: Results, means: pd.DataFrame, by: str, numbers: pd.DataFrame) -> list[View]:
    """A view per table, by hookpoint one per series: an entry's mean in each group.

    Args:
        results: The entries.
        means: Their `breakdown`.
        by: What they were broken down by.
        numbers: Their `summary`.
    """
    entries = rows_of(results.entries.join(numbers))
    units: dict[int, list[Row]] = {}
    for row in rows_of(means).values():
        entry = entries[row["entry"]]
        units.setdefault(entry["series" if by == "hookpoint" else "table"], []).append(row)
    views: list[View] = []
    for rows in units.values():
        groups = list(dict.fromkeys(row["group"] for row in sorted(rows, key=lambda row: row["order"])))
        explainers: dict[str, dict[Any, str]] = {}
        for row in rows:
            entry = entries[row["entry"]]
            explainers.setdefault(entry["explainer"], {})[row["group"]] = estimate(row["mean"], row["low"], row["high"])
        once = {entry["explainer"]: entry for entry in (entries[row["entry"]] for row in reversed(rows))}
        cells = [[named(once[name]), *(held.get(g, "–") for g in groups)] for name, held in explainers.items()]
        first = entries[rows[0]["entry"]]
        title = f"{visible(first['score'])} · graded by {visible(without_json(first['grader']))}"
        title = f"By {by} · {title if by == 'hookpoint' else caption(first)}"
        head = ["explainer", *(visible(str(g)) for g in groups)]
        shown = [once[name] for name in explainers]
        views.append(View(title, head, cells, [recedes(row) for row in shown], _rule(shown)))
    return views


def apart(results: Results) -> list[View]:
    """Return what stands in no table, if there is any such."""
    rows = [
        [visible(row["explainer"]), visible(row["reason"]), visible(row["log"].rpartition("/")[2])]
        for row in rows_of(results.apart).values()
    ]
    return [View("Not compared", ["explainer", "why", "log"], rows, text=3)] if rows else []


def named(row: Row) -> str:
    """An entry's name, marked where it is not above its floors, and where it was trained on the score."""
    below = " †" if recedes(row) and not row["floor"] else ""
    return visible(row["explainer"]) + below + (f" {TRAINED}" if row["trained"] else "")


def recedes(row: Row) -> bool:
    """Return whether an entry is a floor or not above its floors."""
    return row["floor"] or (not pd.isna(row["above_floor"]) and not row["above_floor"])


def places(row: Row) -> str:
    """A rank with its interval: `2`, `2–4`; nothing of a floor."""
    low, high = row["rank_low"], row["rank_high"]
    return "" if pd.isna(low) else str(low) if low == high else f"{low}–{high}"


def estimate(mean: float, low: float, high: float, sign: str = "") -> str:
    """A number and its interval; a dash where it is undefined."""
    if not known(mean):
        return "–"
    return f"{mean:{sign}.3f}" + (f"\n[{low:{sign}.3f}, {high:{sign}.3f}]" if known(low) else "")


def interval(low: float, high: float) -> str:
    """Return an interval by itself; a dash where it is undefined."""
    return f"[{low:.3f}, {high:.3f}]" if known(low) else "–"


def number(value: float, digits: int = 3) -> str:
    """A number; a dash where it is undefined."""
    return f"{value:.{digits}f}" if known(value) else "–"


def share(value: float) -> str:
    """A share in per cent; a dash where it is undefined."""
    return f"{100 * value:.1f} %" if known(value) else "–"


def known(value: float | None) -> bool:
    """Return whether a number is defined."""
    return not pd.isna(value)
