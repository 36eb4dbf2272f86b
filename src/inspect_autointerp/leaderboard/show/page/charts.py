"""The page's charts as Vega-Lite specifications, checked against its schema by Altair.

Their rows come from the page (`charts.js`), under the name `rows`; so do widths, and the colours of either scheme.
"""

from typing import Any

import altair as alt

# Okabe and Ito's colours without yellow and black, which one of the schemes would swallow; told apart by shape too.
_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"]
_SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
_OTHERS = "#8a919c"
Chart = alt.LayerChart | alt.FacetChart
"""Types that layering charts can return."""
NAMED = len(_COLOURS)
"""Explainers that get a colour of their own; the others are grey."""
_ROWS = alt.NamedData("rows")
_SHORT = "format(datum.value, datum.value < 1000 ? '~g' : '~s')"


def specifications() -> dict[str, Any]:
    """All charts by name."""
    charts = {"forest": forest, "deciles": deciles, "cost": cost, "correlations": correlations, "spread": spread}
    charts["length"] = length
    return {name: chart().to_dict() for name, chart in charts.items()}


def _numbers(*names: str, format: str = ".3f") -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{name}:Q", format=format) for name in names]


def _by_explainer() -> alt.Y:
    """Return the axis of explainers; a label that is longer than the chart's `wrap` goes on in further lines."""
    wrapped = "length(datum.label) > wrap ? split(datum.label, ' · ') : datum.label"
    return alt.Y("explainer:N", sort=None, title=None, axis=alt.Axis(labelExpr=wrapped))


def forest() -> Chart:
    """Paired differences: rows of explainer, difference, low, high, verdict (higher, lower, tied)."""
    base = alt.Chart(_ROWS, description="Paired difference of each explainer from another, with 95 % interval").encode(
        y=_by_explainer(),
        color=alt.Color(
            "verdict:N",
            scale=alt.Scale(domain=["higher", "tied", "lower"], range=["#0072b2", _OTHERS, "#d55e00"]),
            legend=alt.Legend(title=None, orient="top"),
        ),
        tooltip=["explainer:N", *_numbers("difference", "low", "high")],
    )
    zero = alt.Chart(alt.InlineData([{"x": 0}])).mark_rule(strokeDash=[4, 3], color=_OTHERS).encode(x="x:Q")
    interval = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title="difference", scale=alt.Scale(padding=8), axis=alt.Axis(tickCount=6)), x2="high:Q"
    )
    point = base.mark_point(filled=True, size=70, opacity=1).encode(
        x="difference:Q",
        shape=alt.Shape(
            "verdict:N",
            scale=alt.Scale(domain=["higher", "tied", "lower"], range=["triangle-right", "circle", "triangle-left"]),
        ),
    )
    return alt.layer(zero, interval, point).properties(height=alt.Step(22))


def _named() -> alt.Color:
    domain = [str(i) for i in range(NAMED + 1)]
    return alt.Color("colour:N", scale=alt.Scale(domain=domain, range=[*_COLOURS, _OTHERS]), legend=None)


def _shaped() -> alt.Shape:
    domain = [str(i) for i in range(NAMED + 1)]
    return alt.Shape("colour:N", scale=alt.Scale(domain=domain, range=[*_SHAPES, "circle"]), legend=None)


def deciles() -> Chart:
    """Means by decile: rows of explainer, colour (0 to `NAMED`, by place), floor, decile, mean, low, high."""
    base = alt.Chart(_ROWS, description="Mean score by decile of activation, 10 the strongest").encode(
        x=alt.X("decile:O", title="decile of activation, 10 the strongest", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("mean:Q", title=None, scale=alt.Scale(zero=False)),
        color=_named(),
        detail="explainer:N",
        tooltip=[
            "explainer:N",
            "decile:O",
            *_numbers("mean", "low", "high"),
        ],
    )
    dash = alt.StrokeDash("floor:N", scale=alt.Scale(domain=[True, False], range=[[5, 4], [1, 0]]), legend=None)
    line = base.mark_line(strokeWidth=2).encode(strokeDash=dash)
    interval = base.mark_rule(opacity=0.45).encode(y="low:Q", y2="high:Q")
    point = base.mark_point(filled=True, size=60, opacity=1).encode(shape=_shaped())
    return alt.layer(line, interval, point).properties(height=320)


def cost() -> Chart:
    """Score against cost: rows of explainer, colour, spent, mean, low, high, front (on the Pareto front).

    Rows whose label has room for it (`placed` in charts.js) have align, dx and dy, too.
    """
    return _against("Mean score against what a latent costs; the Pareto front is joined", joined=True)


def length() -> Chart:
    """Score against length: rows as for `cost`, `spent` being the words of an explanation."""
    return _against("Mean score against the mean length of an explanation in words", joined=False)


def _against(description: str, joined: bool) -> Chart:
    """Return scores against a number that is not below 0, one point per explainer; the front is joined on request."""
    base = alt.Chart(_ROWS, description=description).encode(
        x=alt.X(
            "spent:Q",
            scale=alt.Scale(type="symlog", constant=1e-4, nice=False, zero=False, padding=12),
            axis=alt.Axis(tickCount=4, labelExpr=_SHORT),
        ),
        y=alt.Y("mean:Q", title=None, scale=alt.Scale(zero=False)),
        tooltip=[
            "explainer:N",
            alt.Tooltip("spent:Q", format=".4~g"),
            *_numbers("mean", "low", "high"),
        ],
    )
    front = base.transform_filter("datum.front").mark_line(interpolate="step-after", strokeDash=[5, 3], color=_OTHERS)
    interval = base.mark_rule(opacity=0.45).encode(y="low:Q", y2="high:Q", color=_named())
    point = base.mark_point(size=90, opacity=1, strokeWidth=2).encode(
        color=_named(), shape=_shaped(), fill=alt.condition("datum.front", _named(), alt.value("transparent"))
    )
    # A filter that leaves no label would make an empty layer, of which Vega warns.
    place: dict[str, Any] = {
        "align": alt.expr("datum.align || 'left'"), "dx": alt.expr("datum.dx || 0"), "dy": alt.expr("datum.dy || 0")
    }  # fmt: skip
    text = alt.condition("isValid(datum.align)", "explainer:N", alt.value(""))
    label = base.mark_text(baseline="middle", **place).encode(text=text)
    layers = [interval, point, label]
    return alt.layer(*([front] if joined else []), *layers).properties(height=320)


def correlations() -> Chart:
    """Correlations between scores: rows of first, second, r, low, high, n; each pair twice, and the diagonal."""
    base = alt.Chart(_ROWS, description="Correlation between scores over latents").encode(
        x=alt.X("first:N", sort=None, title=None, axis=alt.Axis(labelAngle=-40)),
        y=alt.Y("second:N", sort=None, title=None),
        tooltip=[
            "first:N", "second:N", *_numbers("r", "low", "high", format=".2f"), "n:Q",
        ],
    )  # fmt: skip
    colour = alt.Color("r:Q", scale=alt.Scale(scheme="blueorange", domain=[-1, 1], domainMid=0), legend=None)
    number = base.mark_text().encode(
        text=alt.Text("r:Q", format=".2f"),
        color=alt.condition("abs(datum.r) > 0.6", alt.value("white"), alt.value("black")),
    )
    return alt.layer(base.mark_rect().encode(color=colour), number).properties(height=alt.Step(34))


def spread() -> Chart:
    """Distribution over latents: rows of explainer, from, to, share; and, without share, q25, median, q75."""
    base = alt.Chart(_ROWS, description="How an explainer's score is distributed over latents").encode(
        y=_by_explainer()
    )
    strip = (
        base.transform_filter("isValid(datum.share)")
        .mark_rect()
        .encode(
            x=alt.X("from:Q", title=None, scale=alt.Scale(zero=False, nice=False), axis=alt.Axis(tickCount=6)),
            x2="to:Q",
            opacity=alt.Opacity("share:Q", scale=alt.Scale(range=[0, 1]), legend=None),
            color=alt.value("#0072b2"),
            tooltip=["explainer:N", *_numbers("from", "to", "share")],
        )
    )
    quartiles = base.transform_filter("isValid(datum.median)").encode(
        tooltip=["explainer:N", *_numbers("q25", "median", "q75")]
    )
    box = quartiles.mark_rule(color="#d55e00", strokeWidth=2).encode(x="q25:Q", x2="q75:Q")
    median = quartiles.mark_tick(color="#d55e00", thickness=3, size=16).encode(x="median:Q")
    return alt.layer(strip, box, median).properties(height=alt.Step(24))
