"""Agreement of raters: Krippendorff's alpha, as Inspect computes it."""

from collections.abc import Sequence
from typing import Literal

from inspect_autointerp.ratings.answers import Answers
from inspect_autointerp.ratings.key import Key
from inspect_autointerp.ratings.records import TASKS

LEVEL: dict[str, Literal["nominal", "ordinal"]] = {"detection": "nominal", "scale": "ordinal", "preference": "nominal"}


def krippendorff(units: Sequence[Sequence[float]], level: Literal["nominal", "ordinal", "interval"]) -> float:
    """Compute Krippendorff's alpha.

    Args:
        units: The ratings of each unit, without missing ones; a unit with fewer than two counts for nothing.
        level: What the ratings are.

    Returns:
        1 for perfect agreement, 0 for chance; NaN where no unit has two ratings, or all ratings are the same, since
        then nothing can be said of agreement beyond chance.
    """
    from inspect_ai.scorer import SampleScore, Score, krippendorff_alpha

    several = [list(unit) for unit in units if len(unit) >= 2]
    if len({value for unit in several for value in unit}) < 2:
        return float("nan")
    alpha = krippendorff_alpha(level)([SampleScore(score=Score(value=unit)) for unit in several])  # pyright: ignore
    return float(alpha)  # pyright: ignore[reportArgumentType]


def alphas(key: Key, raters: Sequence[Answers]) -> dict[str, tuple[float, int]]:
    """Compute the alpha of each task's questions, attention checks left out.

    Returns:
        By task alpha, and how many questions two raters or more answered; tasks that the sheet has no item of are left
        out.
    """
    result: dict[str, tuple[float, int]] = {}
    for task in TASKS:
        items = {name: item for name, item in key.items.items() if item.task == task and item.check is None}
        if not items:
            continue
        places = [(name, part) for name, item in items.items() for part in range(item.questions)]
        units = [[float(one.values[place]) for one in raters if place in one.values] for place in places]
        several = [unit for unit in units if len(unit) >= 2]
        result[task] = krippendorff(several, LEVEL[task]), len(several)
    return result
