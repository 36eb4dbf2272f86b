"""Rules that the statistics of one score of one latent must satisfy.

Statistics are rounded to four digits in a log, so all rules leave room for that.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd

from inspect_autointerp.contexts.negatives import HARD

_ROOM = 1.6e-4
"""Three roundings to four digits."""
_HALF = 0.6e-4
"""One rounding to four digits."""
_PAIRED = "fuzzing"
"""The score whose hard kinds are set against the activating contexts that they were made like (`statistics`)."""
_SHARES = re.compile(
    r"(balanced_accuracy|auroc|accuracy|recall_at_1|mrr|collision|tpr|tnr|f1|precision|auprc|unscored|constant|same_labels|with_probability)(_median|_decile_\d+)?(_[a-z]+)?"
)
_CORRELATIONS = re.compile(r"correlation(_\w+)?")
Columns = dict[str, np.ndarray]
"""By statistic, float64 (latent,)."""


def value_contradictions(scorer: str, ids: pd.Series, columns: Columns) -> Iterator[str]:
    """Find statistics of one score that cannot stand beside each other.

    Args:
        scorer: The score's name in the log.
        ids: The latents' ids, (latent,).
        columns: The score's statistics.

    Yields:
        A sentence for each rule that is broken, with the first latent that breaks it.
    """
    balanced = partial(_balanced, paired=scorer.startswith(_PAIRED))
    for rule in (_ranges, balanced, _between_deciles, _nothing_scored, _f1):
        for what, broken in rule(columns):
            if broken.any():
                first = int(np.argmax(broken))
                more = f" and of {broken.sum() - 1} more" if broken.sum() > 1 else ""
                yield f"{scorer} of {ids.iloc[first]}{more}: {what(first)}"


Broken = Iterator[tuple[Callable[[int], str], np.ndarray]]
"""A sentence about a latent by its number, and bool (latent,), True for latents that break the rule."""


def _ranges(columns: Columns) -> Broken:
    """Shares are in [0, 1], and correlations in [-1, 1]."""
    for name, values in columns.items():
        least = 0 if _SHARES.fullmatch(name) else -1 if _CORRELATIONS.fullmatch(name) else None
        if least is not None:

            def what(i: int, name: str = name, values: np.ndarray = values, least: int = least) -> str:
                return f"{name} is {values[i]:.4g}, and must be in [{least}, 1]"

            yield what, (values < least - _HALF) | (values > 1 + _HALF)


def _balanced(columns: Columns, paired: bool) -> Broken:
    """Balanced accuracy is the mean of TPR and TNR, against random contexts and against each hard kind.

    Where hard kinds are set against the activating contexts pair by pair, the TPR of those pairs is in no column.
    """
    hard = () if paired else HARD
    for end, tpr_end in (("", ""), ("_median", "_median"), *((f"_{kind}", "") for kind in hard)):
        names = f"balanced_accuracy{end}", f"tpr{tpr_end}", f"tnr{end}"
        if not columns.keys() >= set(names):
            continue
        accuracy, tpr, tnr = (columns[name] for name in names)
        mean = (tpr + tnr) / 2

        def what(
            i: int,
            names: tuple[str, str, str] = names,
            accuracy: np.ndarray = accuracy,
            mean: np.ndarray = mean,
        ) -> str:
            return f"{names[0]} is {accuracy[i]:.4g}, and the mean of {names[1]} and {names[2]} is {mean[i]:.4g}"

        # Of a hard kind of which there are too few contexts all is undefined, whatever the TPR.
        yield what, (np.isnan(accuracy) != np.isnan(mean)) | (np.abs(accuracy - mean) > _ROOM)


def _between_deciles(columns: Columns) -> Broken:
    """A share over all activating contexts lies between the smallest and the largest share of a decile."""
    for name in ("tpr", "accuracy"):
        deciles = [values for other, values in columns.items() if re.fullmatch(rf"{name}_decile_\d+", other)]
        if name not in columns or not deciles:
            continue
        every = np.stack(deciles)
        least = np.fmin.reduce(every, axis=0)
        most = np.fmax.reduce(every, axis=0)
        values = columns[name]

        def what(
            i: int,
            name: str = name,
            values: np.ndarray = values,
            least: np.ndarray = least,
            most: np.ndarray = most,
        ) -> str:
            return f"{name} is {values[i]:.4g}, and its deciles are from {least[i]:.4g} to {most[i]:.4g}"

        yield what, (values < least - _ROOM) | (values > most + _ROOM)


def _nothing_scored(columns: Columns) -> Broken:
    """Yield the latents without a verdict that have statistics nevertheless."""
    if "unscored" not in columns:
        return
    others = [values for name, values in columns.items() if name not in ("unscored", "firing_share")]
    defined = ~np.isnan(np.stack(others)).all(axis=0) if others else np.zeros(len(columns["unscored"]), dtype=bool)
    yield (lambda i: "it has values, and says that no context was scored"), (columns["unscored"] == 1) & defined


def _f1(columns: Columns) -> Broken:
    """F1 at the natural base rate follows from TPR, TNR and the share of windows on which the latent fires."""
    if not columns.keys() >= {"f1", "tpr", "tnr", "firing_share"}:
        return
    share, values = columns["firing_share"], columns["f1"]

    def f1(off: float) -> np.ndarray:
        tpr, tnr = (np.clip(columns[name] + off, 0, 1) for name in ("tpr", "tnr"))
        with np.errstate(invalid="ignore", divide="ignore"):
            return 2 * share * tpr / (share * tpr + (1 - share) * (1 - tnr) + share)

    least, most = f1(-_HALF) - _HALF, f1(_HALF) + _HALF

    def what(i: int) -> str:
        return f"f1 is {values[i]:.4g}, and follows from tpr, tnr and firing_share as {f1(0)[i]:.4g}"

    yield what, (values < least) | (values > most)
