"""The report of generation: the texts that were written, and how strongly the latent fires on them."""

from collections.abc import Sequence

from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.models.activations import Fired
from inspect_autointerp.scorers.generation.statistics import ACTIVE
from inspect_autointerp.scorers.shared.report import in_sections
from inspect_autointerp.text.render import coloured

_TITLES = (
    "WRONG · written for it to fire, it is silent",
    "WRONG · a near miss, it fires",
    "NOT COUNTED",
    "RIGHT · fires",
    "RIGHT · silent",
)


def report_texts(texts: Sequence[Fired], verdicts: Sequence[Verdict], median: float, maximum: float) -> str:
    """Return the texts in sections, wrong ones first and the strongest first in each, as one block in ANSI colours.

    Args:
        texts: The texts with their activations.
        verdicts: One for each.
        median: The latent's median maximum; texts on which it fires as strongly have a `▲`.
        maximum: The activation that gets the deepest colour.
    """
    sections: dict[str, list[str]] = {title: [] for title in _TITLES}
    pairs = sorted(zip(texts, verdicts, strict=True), key=lambda pair: -pair[0].max_activation)
    for text, verdict in pairs:
        sections[_TITLES[_section(text, verdict)]].append(_line(text, verdict, median, maximum))
    head = f"▲: fires as strongly as in the median of its test contexts, {median:.3f}."
    return head + "\n\n" + in_sections(sections, len(texts))


def _section(text: Fired, verdict: Verdict) -> int:
    if verdict.reason is not None:
        return 2
    fires = verdict.kind == ACTIVE
    if (text.max_activation > 0) == fires:
        return 3 if fires else 4
    return 0 if fires else 1


def _line(text: Fired, verdict: Verdict, median: float, maximum: float) -> str:
    strong = "▲" if text.max_activation >= median else " "
    why = f" {verdict.kind.replace('_', ' ')}, {verdict.reason}" if verdict.reason else ""
    cut = f" … cut: {text.n_cut} tokens more than the subject saw at once in prep" if text.n_cut else ""
    return f"  {text.max_activation:8.3f} {strong}{why} │ {coloured(text, maximum)}{cut}"
