"""What a reader of the log sees of one latent's judged contexts: right and wrong apart, tokens in colour."""

from collections.abc import Sequence

import numpy as np

from inspect_autointerp.latent import Context
from inspect_autointerp.render import ansi_block, coloured
from inspect_autointerp.scorers.judge import Verdict

DETECTED = (
    "WRONG · the latent fires, the grader said it does not",
    "WRONG · the latent is silent, the grader said it fires",
    "UNSCORED",
    "RIGHT · fires",
    "RIGHT · silent",
)
"""The titles of the sections, in order."""


def report(
    contexts: Sequence[Context],
    verdicts: Sequence[Verdict],
    titles: Sequence[str] = DETECTED,
    marks: Sequence[np.ndarray] | None = None,
    pair: tuple[str, str] = ("<<", ">>"),
) -> str:
    """The contexts in sections (missed, false alarms, unscored, right), as one block in ANSI colours.

    Args:
        contexts: The test contexts.
        verdicts: One for each.
        titles: Of the five sections, see `DETECTED`.
        marks: Per context, bool (token,): what the grader saw marked; None where nothing is.
        pair: The delimiters of marks.
    """
    maximum = max((context.max_activation for context in contexts), default=0.0)
    width = max((len(_kind(context)) for context in contexts), default=0)
    sections: dict[str, list[str]] = {title: [] for title in titles}
    order = sorted(range(len(contexts)), key=lambda i: -contexts[i].max_activation)
    for i in order:
        text = coloured(contexts[i], maximum, None if marks is None else marks[i], pair)
        sections[titles[_section(contexts[i], verdicts[i])]].append(_line(contexts[i], verdicts[i], text, width))
    lines: list[str] = []
    for title, rows in sections.items():
        if rows:
            lines += [f"{title}: {len(rows)} of {len(contexts)}", *rows, ""]
    return ansi_block(lines)


def _section(context: Context, verdict: Verdict) -> int:
    fires = context.kind == "activating"
    if verdict.label is None:
        return 2
    if verdict.label == fires:
        return 3 if fires else 4
    return 0 if fires else 1


def _kind(context: Context) -> str:
    return f"decile {context.decile:>2}" if context.decile else context.kind


def _line(context: Context, verdict: Verdict, text: str, width: int) -> str:
    said = f" P={verdict.probability:.2f}" if verdict.probability is not None else ""
    reason = f" {verdict.reason}" if verdict.reason else ""
    return f"  {_kind(context):<{width}}{said}{reason} │ {text}"
