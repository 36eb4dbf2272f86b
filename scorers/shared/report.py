"""Reports on a latent's contexts, for the viewer's column `explanation`: texts with their tokens in colour."""

from collections.abc import Sequence

import numpy as np

from inspect_autointerp.inspect_support.log_detail import lean
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.latent import Context
from inspect_autointerp.text.render import ansi_block, coloured

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
    """Return labelled contexts in sections (missed, false alarms, unscored, right), as one block in ANSI colours.

    In lean logs there are the sections' sizes alone: the verdicts say the rest.

    Args:
        contexts: The test contexts.
        verdicts: One for each.
        titles: Of the five sections, see `DETECTED`.
        marks: Per context, bool (token,): the tokens that the grader saw marked; None where nothing is.
        pair: The delimiters of marks.
    """
    maximum, width = largest(contexts), widest(verdicts)
    sections: dict[str, list[str]] = {title: [] for title in titles}
    for i in sorted(range(len(contexts)), key=lambda i: -contexts[i].max_activation):
        text = "" if lean() else coloured(contexts[i], maximum, None if marks is None else marks[i], pair)
        sections[titles[_section(verdicts[i])]].append(_line(verdicts[i], text, width))
    return in_sections(sections, len(contexts))


def ranked(contexts: Sequence[Context], verdicts: Sequence[Verdict], title: str) -> str:
    """Return contexts by their values, the highest first and unscored ones last, as one block in ANSI colours.

    Args:
        contexts: The test contexts.
        verdicts: One for each.
        title: What the values are.
    """
    maximum, width = largest(contexts), widest(verdicts)
    sections: dict[str, list[str]] = {title: [], "UNSCORED": []}
    values = [float("-inf") if verdict.value is None else verdict.value for verdict in verdicts]
    for i in sorted(range(len(contexts)), key=lambda i: -values[i]):
        text = "" if lean() else coloured(contexts[i], maximum)
        if verdicts[i].value is None:
            sections["UNSCORED"].append(f"  {kind_of(verdicts[i]):<{width}} {verdicts[i].reason} │ {text}")
        else:
            sections[title].append(f"  {kind_of(verdicts[i]):<{width}} {values[i]:+8.3f} │ {text}")
    return in_sections(sections, len(contexts))


def in_sections(sections: dict[str, list[str]], n: int) -> str:
    """Return sections with their titles and sizes, those without lines left out; in lean logs the sizes alone.

    Args:
        sections: By title, in order, what is shown of each context, on one line or several.
        n: Contexts in all.
    """
    lines: list[str] = []
    for title, members in sections.items():
        if members:
            lines.append(f"{title}: {len(members)} of {n}")
            lines += [] if lean() else [*"\n".join(members).split("\n"), ""]
    return ansi_block(lines)


def kind_of(verdict: Verdict) -> str:
    """Return how a report calls a context: `decile 7`, or its kind, with its weight: `importance ×12`."""
    if verdict.weight is not None:
        return f"{verdict.kind} ×{verdict.weight:.3g}"
    return f"decile {verdict.decile:>2}" if verdict.decile else verdict.kind


def largest(contexts: Sequence[Context]) -> float:
    """Return the largest activation in contexts, which gets the deepest colour; 0 of none."""
    return max((context.max_activation for context in contexts), default=0.0)


def widest(verdicts: Sequence[Verdict]) -> int:
    """Return the width of the column of kinds."""
    return max((len(kind_of(verdict)) for verdict in verdicts), default=0)


def _section(verdict: Verdict) -> int:
    fires = verdict.kind == "activating"
    if verdict.label is None:
        return 2
    if verdict.label == fires:
        return 3 if fires else 4
    return 0 if fires else 1


def _line(verdict: Verdict, text: str, width: int) -> str:
    probability = f" P={verdict.probability:.2f}" if verdict.probability is not None else ""
    reason = f" {verdict.reason}" if verdict.reason else ""
    return f"  {kind_of(verdict):<{width}}{probability}{reason} │ {text}"
