"""The report of simulation: each context's true activations and, below them, the predicted ones."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.shared.report import in_sections, kind_of, largest
from inspect_autointerp.text.render import coloured

SCALE = 10
"""The largest value of a prediction."""


def side_by_side(contexts: Sequence[Context], verdicts: Sequence[Verdict]) -> str:
    """Return the contexts, worst predicted first and unscored ones last, as one block in ANSI colours.

    A context's error is the root of the mean square, over its tokens, of prediction − truth, the truth brought to 0 to
    10 by the largest activation in these contexts. The second line, with the prediction in colour, is left out where
    there is nothing to colour in it.

    Args:
        contexts: The test contexts.
        verdicts: One for each.
    """
    maximum = largest(contexts)
    scored: list[tuple[float, str]] = []
    unscored: list[str] = []
    for context, verdict in zip(contexts, verdicts, strict=True):
        truth = coloured(context, maximum)
        if verdict.values is None:
            unscored.append(f"  {kind_of(verdict):<11} {verdict.reason} │ {truth}")
            continue
        values = np.array(verdict.values, dtype=np.float64)
        scaled = context.activations * (SCALE / maximum if maximum > 0 else 0.0)
        error = float(np.sqrt(np.mean((values - scaled) ** 2)))
        lines = [f"  {kind_of(verdict):<11} {error:4.1f} │ {truth}"]
        if values.any():
            predicted = coloured(replace(context, activations=values), SCALE)
            lines.append(f"  {'predicted':<11}      │ {predicted}")
        scored.append((error, "\n".join(lines)))
    title = f"PREDICTED · by error, 0 to {SCALE}; the first line of each is the truth"
    sections = {title: [line for _, line in sorted(scored, key=lambda row: -row[0])], "UNSCORED": unscored}
    return in_sections(sections, len(contexts))
