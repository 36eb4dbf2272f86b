"""The tables of a stability study, from what its file holds."""

from collections.abc import Mapping
from typing import Any

from inspect_autointerp.leaderboard.show.view import View
from inspect_autointerp.statistics.rank_agreement import REDRAWS
from inspect_autointerp.statistics.variance_components import SOURCES

NOTES = (
    "First table: the share of a score's variance that each source accounts for, with a 95 % interval. Intervals of"
    " sources that differ between latents come from a bootstrap over latents. Sources that move all latents at once"
    " have an interval by χ², which is very wide with two halves.",
    "A source that the study did not vary is contained in the others. For example, with one grader no number shows"
    " what graders add. A latent without a value in one cell of a score is left out of that score.",
    "reliability: the share of a single score's variance that latents account for (ICC, absolute agreement); 1 is"
    " best. of the mean: the same for a latent's mean over all cells of the study.",
    "τ: Kendall's τ-b between the latents' scores in two cells that differ in one source only, averaged over such"
    " pairs; 1 is the same ranking, 0 is chance. top: the share of the best latents of one cell that are among the"
    " best of the other. same order: how often two cells put two explainers in the same order; 0.5 is chance. With"
    " other documents, contexts and explanations change too.",
    "Smallest difference: draw latents, documents, test contexts and explanations (and graders, if there are"
    " several) again. Then two equally good explainers on the same latents and contexts differ by more than this in"
    " 5 % of cases. The last column leaves out what moves all latents at once, as an interval over latents does. *:"
    " extrapolated to a number of contexts that the study did not measure; for more contexts, the true value is at"
    " most this. Brackets are 95 % intervals.",
)


def stability_views(record: Mapping[str, Any]) -> list[View]:
    """Make the tables.

    Args:
        record: What `results.stability` returns.
    """
    views = [_components(record), _ranks(record)]
    if record["differences"]:
        views += [_smallest(record), _order(record)]
    if record["left_out"]:
        rows = [[f"{n:,}", reason] for reason, n in record["left_out"].items()]
        views.append(View("Latents left out", ["latents", "they"], rows, text=2))
    return views


def _label(row: Mapping[str, Any]) -> list[str]:
    return [row["score"], f"{row['contexts']:,}", row["explainer"]]


def _components(record: Mapping[str, Any]) -> View:
    varied = [source for source in SOURCES if any(source in row["components"] for row in record["scores"])]
    rows: list[list[str]] = []
    for row in record["scores"]:
        parts = row["components"]
        total = sum(max(0.0, part["variance"]) for part in parts.values())
        cells = [_share(parts.get(source), total) for source in varied]
        rows.append(
            [
                *_label(row),
                f"{row['latents']:,}",
                _number(row["mean"]),
                _number(total**0.5),
                *cells,
                _estimate(row["reliability"]),
                _estimate(row["reliability_of_mean"]),
            ]
        )
    title = f"Where the variance of one score comes from · store {record['store']} · {record['hookpoint']}"
    head = ["score", "contexts", "explainer", "latents", "mean", "SD", *varied, "reliability", "of the mean"]
    return View(title, head, rows, text=3)


def _ranks(record: Mapping[str, Any]) -> View:
    kinds = [kind for kind in REDRAWS if any(kind in row["ranks"] for row in record["scores"])]
    rows: list[list[str]] = []
    for row in record["scores"]:
        cells: list[str] = []
        for kind in kinds:
            agreement = row["ranks"].get(kind, {})
            cells += [_number(agreement.get("kendall"), 2), _number(agreement.get("top"), 2)]
        rows.append([*_label(row), *cells])
    k = record["scores"][0]["top_k"] if record["scores"] else 0
    head = ["score", "contexts", "explainer", *(cell for kind in kinds for cell in (f"{kind}: τ", f"top {k}"))]
    return View("Do rankings of latents survive another …", head, rows, text=3)


def _smallest(record: Mapping[str, Any]) -> View:
    sizes = list(dict.fromkeys(one["latents"] for one in record["differences"][0]["smallest_differences"]))
    rows: list[list[str]] = []
    for row in record["differences"]:
        for contexts in dict.fromkeys(one["contexts"] for one in row["smallest_differences"]):
            ones = [one for one in row["smallest_differences"] if one["contexts"] == contexts]
            mark = "*" if ones[0]["extrapolated"] else ""
            measured = f"{contexts:,}{mark}"
            cells = [_estimate(one) for one in ones]
            rows.append([row["score"], measured, *cells, _number(ones[0]["over_latents_alone"])])
    head = ["score", "contexts", *(f"{n:,} latents" for n in sizes), f"{sizes[0]:,} latents, same corpus"]
    return View("Smallest difference of two explainers' means that is not luck", head, rows, text=1)


def _order(record: Mapping[str, Any]) -> View:
    kinds = [kind for kind in REDRAWS if any(kind in row["same_order"] for row in record["differences"])]
    rows = [
        [
            row["score"],
            f"{row['contexts']:,}",
            f"{row['pairs']:,}",
            *(_number(row["same_order"].get(kind), 2) for kind in kinds),
        ]
        for row in record["differences"]
    ]
    head = ["score", "contexts", "pairs of explainers", *(f"{kind}: same order" for kind in kinds)]
    return View("Do rankings of explainers survive another …", head, rows, text=1)


def _share(part: Mapping[str, float] | None, total: float) -> str:
    if part is None or not total:
        return "–"
    low, high = (100 * part[end] / total for end in ("low", "high"))
    return f"{100 * max(0.0, part['variance']) / total:.0f} %\n[{low:.0f}, {high:.0f}]"


def _estimate(one: Mapping[str, float | None]) -> str:
    text = _number(one["value"])
    return text if one["low"] is None else f"{text}\n[{_number(one['low'])}, {_number(one['high'])}]"


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
