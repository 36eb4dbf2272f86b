"""What a reader of the log sees of one latent's simulated contexts: what is true and, below it, what was predicted."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.simulation.predict import Prediction
from inspect_autointerp.text.render import ansi_block, coloured

SCALE = 10
"""The largest value of a prediction."""


def side_by_side(contexts: Sequence[Context], predictions: Sequence[Prediction]) -> str:
    """The contexts, worst predicted first, as one block in ANSI colours.

    A context's error is the root of the mean square, over its tokens, of prediction − truth, the truth brought to 0 to
    10 by the largest activation in these contexts. The second line, with the prediction in colour, is left out where
    there is nothing to colour in it; unscored contexts come last and have the reason.

    Args:
        contexts: The test contexts.
        predictions: One for each.
    """
    maximum = max((context.max_activation for context in contexts), default=0.0)
    scored: list[tuple[float, list[str]]] = []
    unscored: list[str] = []
    for context, prediction in zip(contexts, predictions, strict=True):
        kind = f"decile {context.decile:>2}" if context.decile else context.kind
        true = coloured(context, maximum)
        if prediction.values is None:
            unscored.append(f"  {kind:<11} {prediction.reason} │ {true}")
            continue
        truth = context.activations * (SCALE / maximum if maximum > 0 else 0.0)
        error = float(np.sqrt(np.mean((prediction.values - truth) ** 2)))
        lines = [f"  {kind:<11} {error:4.1f} │ {true}"]
        if prediction.values.any():
            said = coloured(replace(context, activations=prediction.values), SCALE)
            lines.append(f"  {'predicted':<11}      │ {said}")
        scored.append((error, lines))
    scored.sort(key=lambda row: -row[0])
    lines = (
        [f"PREDICTED · by error, 0 to {SCALE}; the first line of each is the truth: {len(scored)}"] if scored else []
    )
    lines += [line for _, pair in scored for line in pair]
    if unscored:
        lines += ["", f"UNSCORED: {len(unscored)}", *unscored]
    return ansi_block(lines)
