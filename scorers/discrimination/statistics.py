"""Statistics of discrimination: how often the explained latent was named, and whether another was as often."""

from collections import Counter
from collections.abc import Mapping, Sequence

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict

KEYS = ["recall_at_1", "mrr", "collision", "unscored"]
_OWN = None
"""Stands for the explained latent where others stand by their numbers, see `Verdict.neighbour`."""


def discrimination_statistics(verdicts: Sequence[Verdict], facts: LatentFacts | None = None) -> dict[str, float]:
    """Return all statistics of one latent by name; NaN where one is undefined.

    Args:
        verdicts: One for each text of each question; label 1 for the texts of the candidate that was named. `neighbour`
            is None for the texts of the explained latent.
        facts: Not needed.

    Returns:
        - `recall_at_1`: share of the scored questions in which the explained latent was named, in [0, 1]; chance is 1
          over the number of candidates.
        - `mrr`: mean over these questions of 1 / the rank of the explained latent by the grader's probabilities, in
          (0, 1]; where others have the same probability, the mean over the ranks that they share. Chance among five is
          0.457. NaN where a question lacks probabilities.
        - `collision`: 1 if another candidate was named at least as often as the explained latent, else 0.
        - `unscored`: share of questions without an answer that can be used.
    """
    questions: dict[int | None, list[Verdict]] = {}
    for verdict in verdicts:
        questions.setdefault(verdict.question, []).append(verdict)
    scored = [texts for texts in questions.values() if all(text.label is not None for text in texts)]
    unscored = 1 - len(scored) / len(questions) if questions else float("nan")
    if not scored:
        return dict.fromkeys(KEYS, float("nan")) | {"unscored": unscored}
    named = Counter(next((text.neighbour for text in texts if text.label == 1), -1) for texts in scored)
    others = max((n for candidate, n in named.items() if candidate is not _OWN), default=0)
    ranks = [_reciprocal_rank({text.neighbour: text.probability for text in texts}) for texts in scored]
    known = [rank for rank in ranks if rank is not None]
    return {
        "recall_at_1": named[_OWN] / len(scored),
        "mrr": sum(known) / len(known) if len(known) == len(scored) else float("nan"),
        "collision": float(others >= named[_OWN]),
        "unscored": unscored,
    }


def _reciprocal_rank(probabilities: Mapping[int | None, float | None]) -> float | None:
    """Return 1 / the rank, from 1, of the explained latent by probability; None where a probability is unknown."""
    own = probabilities.get(_OWN)
    others = [probability for candidate, probability in probabilities.items() if candidate is not _OWN]
    if own is None or None in others:
        return None
    above, equal = sum(one is not None and one > own for one in others), sum(one == own for one in others)
    return sum(1 / (above + 1 + tied) for tied in range(equal + 1)) / (equal + 1)
