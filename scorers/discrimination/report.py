"""Report of discrimination: the questions with their candidates, those with a wrong answer first."""

from collections.abc import Sequence

from inspect_autointerp.scorers.discrimination.lineups import Lineup
from inspect_autointerp.scorers.shared.ask import Reply
from inspect_autointerp.scorers.shared.report import in_sections, largest
from inspect_autointerp.text.render import coloured

_TITLES = ("WRONG · another latent was named", "UNSCORED", "RIGHT · the explained latent was named")


def report_lineups(
    asked: Sequence[Lineup], replies: Sequence[Reply[tuple[int, list[float] | None]]], pair: tuple[str, str]
) -> str:
    """Return the questions in sections (wrong, unscored, right), as one block in ANSI colours.

    Args:
        asked: The questions.
        replies: One for each: the place that was named, and the probabilities of all where they are known.
        pair: The delimiters of marks.
    """
    tests = [one for lineup in asked for candidate in lineup.candidates for one in candidate.tests]
    maximum = largest([one.context for one in tests])
    sections: dict[str, list[str]] = {title: [] for title in _TITLES}
    for number, (lineup, reply) in enumerate(zip(asked, replies, strict=True), 1):
        named = None if reply.value is None else reply.value[0]
        title = _TITLES[1 if named is None else 2 * (named == lineup.place)]
        sections[title].append(_lines(number, lineup, reply, maximum, pair))
    return in_sections(sections, len(asked))


def _lines(
    number: int, lineup: Lineup, reply: Reply[tuple[int, list[float] | None]], maximum: float, pair: tuple[str, str]
) -> str:
    result = reply.reason if reply.value is None else f"{reply.value[0] + 1} was named"
    lines = [f"  question {number} · the explained latent is {lineup.place + 1} · {result}"]
    for place, candidate in enumerate(lineup.candidates):
        sign = "▸" if place == lineup.place else " "
        probability = "" if reply.value is None or reply.value[1] is None else f" · P={reply.value[1][place]:.2f}"
        whose = "the explained latent" if candidate.index is None else f"latent {candidate.index}"
        lines.append(f"  {sign} {place + 1} · {whose}{probability}")
        lines += [f"      │ {coloured(one.context, maximum, one.marks, pair)}" for one in candidate.tests]
    return "\n".join(lines)
