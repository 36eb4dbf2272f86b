"""The report of FADE: contexts by their rating, the texts that were written, and what steering changed."""

from collections.abc import Mapping, Sequence

import numpy as np

from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.shared.report import in_sections, kind_of, largest, widest
from inspect_autointerp.text.render import coloured, visible

_TITLES = {2: "RATED 2 · clearly", 1: "RATED 1 · in part or doubtful", 0: "RATED 0 · not", None: "UNSCORED"}


def report_fade(
    contexts: Sequence[Context],
    rated: Sequence[Verdict],
    written: Sequence[Verdict],
    steered: Sequence[Verdict],
    undefined: Mapping[str, str],
) -> str:
    """Return the texts in sections, the strongest activation first in each, as one block in ANSI colours.

    Args:
        contexts: The contexts that were rated.
        rated: Their verdicts.
        written: The verdicts on texts that were written.
        steered: Those on steered texts.
        undefined: By name, why a number is undefined.
    """
    maximum, width = largest(contexts), widest(rated)
    sections: dict[str, list[str]] = {f"UNDEFINED · {name}": [f"  {visible(why)}"] for name, why in undefined.items()}
    sections |= {title: [] for title in _TITLES.values()}
    for context, verdict in sorted(zip(contexts, rated, strict=True), key=lambda pair: -pair[0].max_activation):
        reason = f" {verdict.reason}" if verdict.reason else ""
        line = f"  {kind_of(verdict):<{width}} {context.max_activation:8.3f}{reason} │ {coloured(context, maximum)}"
        sections[_TITLES[verdict.rating]].append(line)
    lines = [
        f"  {'–' if one.value is None else f'{one.value:.3f}'}{f' {one.reason}' if one.reason else ''} │"
        f" {visible(one.text or '')}"
        for one in written
    ]
    factors = [
        _factor(factor, [one for one in steered if (one.value or 0) == factor])
        for factor in sorted({float(one.value or 0) for one in steered})
    ]
    blocks = [
        in_sections(sections, len(contexts)),
        in_sections({"WRITTEN FROM THE EXPLANATION · largest activation": lines}, len(lines)) if lines else "",
        in_sections({"STEERED · factor, share rated 2, an example": factors}, len(factors)) if factors else "",
    ]
    return "\n".join(block for block in blocks if block)


def _factor(factor: float, texts: Sequence[Verdict]) -> str:
    """Return the line of one factor; the example is the text with the highest rating."""
    ratings = [one.rating for one in texts if one.rating is not None]
    share = f"{np.mean([rating == 2 for rating in ratings]):.2f}" if ratings else "–"
    example = max(texts, key=lambda one: -1 if one.rating is None else one.rating)
    return f"  {factor:+6g} {share:>5} │ {visible(example.text or '')}"
