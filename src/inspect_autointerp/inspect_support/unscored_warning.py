"""A warning at the end of an evaluation of which more than half is unscored: contexts, or whole latents."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from logging import getLogger
from math import isnan

from inspect_ai.hooks import Hooks, SampleEnd, TaskEnd, hooks
from inspect_ai.scorer import Score

from inspect_autointerp.inspect_support.answer_reasons import by_main_reason, main_reason
from inspect_autointerp.text.plural import plural

KEY = "unscored"
"""The statistic that says what share of a latent's contexts is unscored."""
_MOST = 0.5
_headlines: dict[str, str] = {}
"""The statistic that heads each score."""


def warn_of_unscored(headlines: Mapping[str, str]) -> None:
    """Have evaluations warned of, from now on.

    Called where a task is made and not where Inspect loads the package: Inspect names every hook it finds on every one
    of its commands.

    Args:
        headlines: The statistic that heads each score, by the scorer's name. A latent without it is unscored.
    """
    _headlines.update(headlines)
    _register()


@cache
def _register() -> None:
    hooks(name="unscored", description="Says when more than half of an evaluation is unscored, and why.")(_Unscored)


@dataclass
class Tally:
    """Unscored latents and contexts of one scorer."""

    shares: list[float] = field(default_factory=list[float])
    """Share of each latent's contexts that is unscored, in [0, 1]."""
    reasons: Counter[str] = field(default_factory=Counter[str])
    """Unscored shares by reason, summed over latents."""
    n_unscored: int = 0
    """Latents without a headline."""

    def add(self, score: Score, headline: str | None) -> None:
        """Count one latent's score.

        Args:
            score: The score.
            headline: Name of the statistic that heads it; None where it is not known.
        """
        self.shares.append(score_share(score))
        self.reasons.update(score_reasons(score))
        if _is_unscored(score, headline):
            self.n_unscored += 1
            if not self.shares[-1]:
                self.reasons[f"an undefined {headline}"] += 1


class _Unscored(Hooks):
    def __init__(self) -> None:
        self._tallies: dict[str, dict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))

    async def on_sample_end(self, data: SampleEnd) -> None:
        for scorer, score in (data.sample.scores or {}).items():
            if isinstance(score.value, dict) and KEY in score.value:
                self._tallies[data.eval_id][scorer].add(score, _headlines.get(scorer))

    async def on_task_end(self, data: TaskEnd) -> None:
        for scorer, tally in self._tallies.pop(data.eval_id, {}).items():
            if line := warning(scorer, tally):
                getLogger(__name__).warning(line)


def _is_unscored(score: Score, headline: str | None) -> bool:
    value = score.value.get(headline) if isinstance(score.value, dict) and headline else None
    if value is None:
        return score_share(score) == 1
    return isinstance(value, int | float) and isnan(value)


def score_share(score: Score) -> float:
    """Return what share of a latent is unscored, in [0, 1]; all of it where that is undefined."""
    value = score.value[KEY] if isinstance(score.value, dict) else None
    share = float(value) if isinstance(value, int | float) else float("nan")
    return 1.0 if isnan(share) else share


def score_reasons(score: Score) -> dict[str, float]:
    """Return by reason the share of a latent that is unscored for it; nothing where all of it is scored."""
    if not (share := score_share(score)):
        return {}
    counts = (score.metadata or {}).get("unscored_reasons") or {str(score.reason): 1}
    total = sum(counts.values())
    return {reason: share * count / total for reason, count in counts.items()}


def warning(scorer: str, tally: Tally) -> str | None:
    """Return what to say of one scorer's latents; None if half or more of them, and of their contexts, is scored.

    Args:
        scorer: Its name.
        tally: What is unscored.
    """
    n, n_unscored = len(tally.shares), tally.n_unscored
    share = sum(tally.shares) / n if n else 0.0
    if share <= _MOST and n_unscored <= _MOST * n:
        return None
    latents = f"{n_unscored} of {plural(n, 'latent')} {'is' if n_unscored == 1 else 'are'} unscored"
    contexts = f"{share:.0%} of the contexts are unscored"
    parts = [latents] if n_unscored == n else [*([latents] if n_unscored else []), *([contexts] if share else [])]
    rest = " No latent has a score." if n_unscored == n else " The scores speak of the rest alone."
    return f"{scorer}: {', and '.join(parts)}, mostly for {_commonest(tally.reasons)}.{rest}"


def _commonest(reasons: Counter[str]) -> str:
    """Return the commonest reason, its share of what is unscored, and its commonest detail."""
    totals = by_main_reason(reasons)
    reason = max(totals, key=totals.__getitem__)
    details = {one: count for one, count in reasons.items() if one != reason and main_reason(one) == reason}
    detail = max(details, key=details.__getitem__).removeprefix(f"{reason}: ") if details else ""
    share = totals[reason] / sum(totals.values())
    return f"{reason} ({share:.0%} of them{f'; most often {detail}' if detail else ''})"
