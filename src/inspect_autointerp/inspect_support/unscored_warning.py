"""A warning at the end of an evaluation of which more than half is unscored."""

from collections import Counter, defaultdict
from functools import cache
from logging import getLogger
from math import isnan

from inspect_ai.hooks import Hooks, SampleEnd, TaskEnd, hooks
from inspect_ai.scorer import Score

from inspect_autointerp.inspect_support.answer_reasons import by_main_reason, main_reason

KEY = "unscored"
"""The statistic that says what share of a latent's contexts is unscored."""
_MOST = 0.5


@cache
def warn_of_unscored() -> None:
    """Have evaluations warned of, from now on.

    Called where a task is made and not where Inspect loads the package: Inspect names every hook it finds on every one
    of its commands.
    """
    hooks(name="unscored", description="Says when more than half of an evaluation is unscored, and why.")(_Unscored)


class _Unscored(Hooks):
    def __init__(self) -> None:
        self._shares: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._reasons: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))

    async def on_sample_end(self, data: SampleEnd) -> None:
        for scorer, score in (data.sample.scores or {}).items():
            if isinstance(score.value, dict) and KEY in score.value:
                self._shares[data.eval_id][scorer].append(score_share(score))
                self._reasons[data.eval_id][scorer].update(score_reasons(score))

    async def on_task_end(self, data: TaskEnd) -> None:
        reasons = self._reasons.pop(data.eval_id, {})
        for scorer, shares in self._shares.pop(data.eval_id, {}).items():
            line = warning(scorer, shares, reasons[scorer])
            if line:
                getLogger(__name__).warning(line)


def score_share(score: Score) -> float:
    """Return what share of a latent is unscored, in [0, 1]; all of it where that is undefined."""
    value = score.value[KEY] if isinstance(score.value, dict) else None
    share = float(value) if isinstance(value, int | float) else float("nan")
    return 1.0 if isnan(share) else share


def score_reasons(score: Score) -> dict[str, float]:
    """Return by reason the share of a latent that is unscored for it."""
    counts = (score.metadata or {}).get("unscored_reasons") or {str(score.reason): 1}
    total = sum(counts.values())
    return {reason: score_share(score) * count / total for reason, count in counts.items()}


def warning(scorer: str, shares: list[float], reasons: Counter[str]) -> str | None:
    """Return what to say of one scorer's latents; None if half or more is scored.

    Args:
        scorer: Its name.
        shares: Of each latent, what share is unscored.
        reasons: What shares of latents are unscored, by reason.
    """
    share = sum(shares) / len(shares) if shares else 0.0
    if share <= _MOST:
        return None
    totals = by_main_reason(reasons)
    reason = max(totals, key=totals.__getitem__)
    details = {one: count for one, count in reasons.items() if one != reason and main_reason(one) == reason}
    commonest = max(details, key=details.__getitem__).removeprefix(f"{reason}: ") if details else ""
    return (
        f"{scorer}: {share:.0%} of the contexts are unscored, mostly for {reason}"
        f" ({totals[reason] / sum(shares):.0%} of them{f'; most often {commonest}' if commonest else ''})."
        " The scores speak of the rest alone."
    )
