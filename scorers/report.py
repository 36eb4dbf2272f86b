"""What a reader of the log sees of one latent's judged contexts: right and wrong apart, tokens in colour."""

from collections.abc import Sequence

from inspect_autointerp.latent import Context
from inspect_autointerp.render import ansi_block, coloured
from inspect_autointerp.scorers.judge import Verdict


def report(contexts: Sequence[Context], verdicts: Sequence[Verdict]) -> str:
    """The contexts in sections (missed, false alarms, unscored, right), as one block in ANSI colours."""
    maximum = max((context.max_activation for context in contexts), default=0.0)
    width = max((len(_kind(context)) for context in contexts), default=0)
    sections: dict[str, list[str]] = {title: [] for title in _TITLES}
    order = sorted(range(len(contexts)), key=lambda i: -contexts[i].max_activation)
    for i in order:
        sections[_section(contexts[i], verdicts[i])].append(_line(contexts[i], verdicts[i], maximum, width))
    lines: list[str] = []
    for title, rows in sections.items():
        if rows:
            lines += [f"{title}: {len(rows)} of {len(contexts)}", *rows, ""]
    return ansi_block(lines)


_TITLES = (
    "WRONG · the latent fires, the grader said it does not",
    "WRONG · the latent is silent, the grader said it fires",
    "UNSCORED",
    "RIGHT · fires",
    "RIGHT · silent",
)


def _section(context: Context, verdict: Verdict) -> str:
    fires = context.kind == "activating"
    if verdict.label is None:
        return _TITLES[2]
    if verdict.label == fires:
        return _TITLES[3] if fires else _TITLES[4]
    return _TITLES[0] if fires else _TITLES[1]


def _kind(context: Context) -> str:
    return f"decile {context.decile:>2}" if context.decile else context.kind


def _line(context: Context, verdict: Verdict, maximum: float, width: int) -> str:
    said = f" P={verdict.probability:.2f}" if verdict.probability is not None else ""
    reason = f" {verdict.reason}" if verdict.reason else ""
    return f"  {_kind(context):<{width}}{said}{reason} │ {coloured(context, maximum)}"
