"""What a reader of the log sees of one latent's judged contexts: right and wrong apart, tokens in colour."""

from collections.abc import Sequence

import numpy as np

from inspect_autointerp.inspect_support.log_detail import lean
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.shared.judge import Verdict
from inspect_autointerp.text.render import ansi_block, coloured
from inspect_autointerp.text.signs import KIND_SIGNS, LEGEND, PER_LINE, VERDICT_SIGNS

DETECTED = (
    "WRONG · the latent fires, the grader said it does not",
    "WRONG · the latent is silent, the grader said it fires",
    "UNSCORED",
    "RIGHT · fires",
    "RIGHT · silent",
)
"""The titles of the sections, in order."""
_OF_SECTION = ("wrong", "wrong", "unscored", "right", "right")


def report(
    contexts: Sequence[Context],
    verdicts: Sequence[Verdict],
    titles: Sequence[str] = DETECTED,
    marks: Sequence[np.ndarray] | None = None,
    pair: tuple[str, str] = ("<<", ">>"),
) -> str:
    """The contexts in sections (missed, false alarms, unscored, right), as one block in ANSI colours.

    In lean logs contexts are not written out once more: a sign for each, in the order of the calls, says what it is,
    and another what was made of it (`signs`).

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
            continue
        for i in members:
            text = coloured(contexts[i], maximum, None if marks is None else marks[i], pair)
            lines.append(_line(contexts[i], verdicts[i], text, width))
        lines.append("")
    if lean() and contexts:
        lines += ["", LEGEND, *_signs(contexts, verdicts)]
    return ansi_block(lines)


def _signs(contexts: Sequence[Context], verdicts: Sequence[Verdict]) -> list[str]:
    """Signs of contexts and, below them, of verdicts."""
    kinds = "".join(KIND_SIGNS[_kind(context)] for context in contexts)
    section = (_section(context, verdict) for context, verdict in zip(contexts, verdicts, strict=True))
    marks = "".join(VERDICT_SIGNS[_OF_SECTION[place]] for place in section)
    return [signs[i : i + PER_LINE] for i in range(0, len(kinds), PER_LINE) for signs in (kinds, marks)]


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
