"""What a score that gives each test context a value comes to: how often activating contexts rank above others."""

from collections.abc import Sequence

import numpy as np

from inspect_autointerp.latent import DECILES, Context
from inspect_autointerp.scorers.shared.classification import UNDEFINED
from inspect_autointerp.text.render import ansi_block, coloured

DECILE_KEYS = [f"auroc_decile_{i}" for i in range(1, DECILES + 1)]
KEYS = ["auroc", "unscored", *DECILE_KEYS]


def ranked_keys(hard: Sequence[str] = ()) -> list[str]:
    """The names of a latent's statistics, where harder kinds of negatives were tested on besides random ones."""
    return [*KEYS, *(f"auroc_{kind}" for kind in hard)]


def ranked_statistics(
    contexts: Sequence[Context], values: Sequence[float | None], hard: Sequence[str] = (), min_contexts: int = 1
) -> dict[str, float]:
    """All statistics of one latent, by name; NaN where one is undefined.

    Args:
        contexts: The test contexts.
        values: One for each, the higher the more an explanation speaks of it; None of an unscored one, which counts in
            `unscored` and nowhere else.
        hard: Kinds of negatives that get a statistic of their own.
        min_contexts: Fewer contexts of a hard kind than this leave its statistic undefined.

    Returns:
        - `auroc`: how often an activating context's value is above a random one's, in [0, 1]; equal ones count half.
        - `unscored`: share of contexts without a value, all kinds together.
        - `auroc_decile_i`: of the activating contexts of decile i (10 the strongest) against all random ones.
        - `auroc_KIND`: of activating contexts against that hard kind alone.
    """
    found = dict.fromkeys(ranked_keys(hard), UNDEFINED)
    scored = [(c, value) for c, value in zip(contexts, values, strict=True) if value is not None]
    if contexts:
        found["unscored"] = 1 - len(scored) / len(contexts)
    of_kind = {kind: [v for c, v in scored if c.kind == kind] for kind in ("activating", "random", *hard)}
    found["auroc"] = auroc(of_kind["activating"], of_kind["random"])
    for i, key in enumerate(DECILE_KEYS, 1):
        found[key] = auroc([value for c, value in scored if c.decile == i], of_kind["random"])
    for kind in hard:
        if sum(context.kind == kind for context in contexts) >= min_contexts:
            found[f"auroc_{kind}"] = auroc(of_kind["activating"], of_kind[kind])
    return found


def auroc(high: Sequence[float], low: Sequence[float]) -> float:
    """P(one of `high` > one of `low`) + ½ P(they are equal); NaN where either is empty."""
    if not (len(high) and len(low)):
        return UNDEFINED
    ordered = np.sort(np.asarray(low, dtype=np.float64))
    below, upto = (np.searchsorted(ordered, high, side=side) for side in ("left", "right"))
    return float((below + upto).sum() / (2 * len(high) * len(low)))


def ranked(
    contexts: Sequence[Context], values: Sequence[float | None], reasons: Sequence[str | None], title: str
) -> str:
    """The contexts, the highest first and unscored ones last, as one block in ANSI colours.

    Args:
        contexts: The test contexts.
        values: One for each, as above.
        reasons: Why one is unscored; None of a scored one.
        title: What the values are.
    """
    maximum = max((context.max_activation for context in contexts), default=0.0)
    names = [f"decile {context.decile:>2}" if context.decile else context.kind for context in contexts]
    width = max(map(len, names), default=0)
    scored: list[tuple[float, str]] = []
    unscored: list[str] = []
    for context, value, reason, name in zip(contexts, values, reasons, names, strict=True):
        text = coloured(context, maximum)
        if value is None:
            unscored.append(f"  {name:<{width}} {reason} │ {text}")
        else:
            scored.append((value, f"  {name:<{width}} {value:+8.3f} │ {text}"))
    lines = [f"{title}: {len(scored)} of {len(contexts)}"] if scored else []
    lines += [line for _, line in sorted(scored, key=lambda row: -row[0])]
    if unscored:
        lines += [f"UNSCORED: {len(unscored)} of {len(contexts)}", *unscored]
    return ansi_block(lines)
