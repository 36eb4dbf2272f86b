"""What the similarities of an explanation and its test contexts come to, and what a reader of the log sees of them."""

from collections.abc import Sequence

import numpy as np

from inspect_autointerp.latent import DECILES, Context
from inspect_autointerp.render import ansi_block, coloured
from inspect_autointerp.scorers.compared import Similarity

DECILE_KEYS = [f"auroc_decile_{i}" for i in range(1, DECILES + 1)]
KEYS = ["auroc", "unscored", *DECILE_KEYS]


def similarity_keys(hard: Sequence[str] = ()) -> list[str]:
    """The names of a latent's statistics, where harder kinds of negatives were tested on besides random ones."""
    return [*KEYS, *(f"auroc_{kind}" for kind in hard)]


def similarity_statistics(
    contexts: Sequence[Context], found: Sequence[Similarity], hard: Sequence[str] = (), min_contexts: int = 1
) -> dict[str, float]:
    """All statistics of one latent, by name; NaN where one is undefined.

    Args:
        contexts: The test contexts.
        found: One for each; unscored ones count in `unscored` and nowhere else.
        hard: Kinds of negatives that get a statistic of their own.
        min_contexts: Fewer contexts of a hard kind than this leave its statistic undefined.

    Returns:
        - `auroc`: how often an activating context is more alike the explanation than a random one, in [0, 1]; equal
          ones count one half.
        - `unscored`: share of contexts without a similarity, all kinds together.
        - `auroc_decile_i`: of the activating contexts of decile i (10 the strongest) against all random ones.
        - `auroc_KIND`: of activating contexts against that hard kind alone.
    """
    values = dict.fromkeys(similarity_keys(hard), float("nan"))
    pairs = list(zip(contexts, found, strict=True))
    of_kind: dict[str, list[float]] = {kind: [] for kind in ("activating", "random", *hard)}
    of_decile: list[list[float]] = [[] for _ in range(DECILES + 1)]
    for context, similarity in pairs:
        if similarity.cosine is not None:
            of_kind[context.kind].append(similarity.cosine)
            of_decile[context.decile or 0].append(similarity.cosine)
    if pairs:
        values["unscored"] = sum(similarity.cosine is None for _, similarity in pairs) / len(pairs)
    values["auroc"] = auroc(of_kind["activating"], of_kind["random"])
    values |= {key: auroc(of_decile[i], of_kind["random"]) for i, key in enumerate(DECILE_KEYS, 1)}
    for kind in hard:
        if sum(context.kind == kind for context in contexts) >= min_contexts:
            values[f"auroc_{kind}"] = auroc(of_kind["activating"], of_kind[kind])
    return values


def auroc(high: Sequence[float], low: Sequence[float]) -> float:
    """P(a value of `high` > one of `low`) + ½ P(they are equal); NaN where either is empty."""
    if not (len(high) and len(low)):
        return float("nan")
    ordered = np.sort(np.asarray(low, dtype=np.float64))
    below, upto = (np.searchsorted(ordered, high, side=side) for side in ("left", "right"))
    return float((below + upto).sum() / (2 * len(high) * len(low)))


def by_similarity(contexts: Sequence[Context], found: Sequence[Similarity]) -> str:
    """The contexts, most alike first and unscored ones last, as one block in ANSI colours.

    Args:
        contexts: The test contexts.
        found: One for each.
    """
    maximum = max((context.max_activation for context in contexts), default=0.0)
    names = [f"decile {context.decile:>2}" if context.decile else context.kind for context in contexts]
    width = max(map(len, names), default=0)
    scored: list[tuple[float, str]] = []
    unscored: list[str] = []
    for context, similarity, name in zip(contexts, found, names, strict=True):
        text = coloured(context, maximum)
        if similarity.cosine is None:
            unscored.append(f"  {name:<{width}} {similarity.reason} │ {text}")
        else:
            scored.append((similarity.cosine, f"  {name:<{width}} {similarity.cosine:6.3f} │ {text}"))
    scored.sort(key=lambda row: -row[0])
    lines = [f"COMPARED · by cosine with the explanation: {len(scored)}", *(line for _, line in scored)]
    if unscored:
        lines += ["", f"UNSCORED: {len(unscored)}", *unscored]
    return ansi_block(lines[0 if scored else 2 :])
