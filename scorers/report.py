"""What a reader of the log sees of one latent's judged contexts: right and wrong apart, tokens in colour."""

from collections.abc import Sequence

import numpy as np

from inspect_autointerp.latent import Context
from inspect_autointerp.lean import lean
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

    In lean logs contexts are not written out once more: their numbers say in which call each is, as `ask` counts texts.

    Args:
        contexts: The test contexts.
        verdicts: One for each.
        titles: Of the five sections, see `DETECTED`.
        marks: Per context, bool (token,): what the grader saw marked; None where nothing is.
        pair: The delimiters of marks.
    """
    maxima = [context.max_activation for context in contexts]
    maximum, width = max(maxima, default=0.0), max((len(_kind(context)) for context in contexts), default=0)
    sections: dict[str, list[int]] = {title: [] for title in titles}
    for i in sorted(range(len(contexts)), key=lambda i: -maxima[i]):
        sections[titles[_section(contexts[i], verdicts[i])]].append(i)
    lines: list[str] = []
    for title, members in sections.items():
        if not members:
            continue
        lines.append(f"{title}: {len(members)} of {len(contexts)}")
        if lean():
            lines += _numbered(contexts, verdicts, members, width)
        else:
            for i in members:
                text = coloured(contexts[i], maximum, None if marks is None else marks[i], pair)
                lines.append(_line(contexts[i], verdicts[i], text, width))
        lines.append("")
    return ansi_block(lines)


def _numbered(
    contexts: Sequence[Context], verdicts: Sequence[Verdict], members: Sequence[int], width: int
) -> list[str]:
    """A line per kind and decile with the numbers of its contexts, from 1, and what was said beside the label."""
    lines: dict[str, list[str]] = {}
    for i in members:
        lines.setdefault(_kind(contexts[i]), []).append(f"{i + 1}{_said(verdicts[i])}")
    return [f"  {kind:<{width}} ┊ texts {', '.join(numbers)}" for kind, numbers in lines.items()]


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
    return f"  {_kind(context):<{width}}{_said(verdict)} │ {text}"


def _said(verdict: Verdict) -> str:
    """What there is beside the label."""
    said = f" P={verdict.probability:.2f}" if verdict.probability is not None else ""
    return said + (f" {verdict.reason}" if verdict.reason else "")
