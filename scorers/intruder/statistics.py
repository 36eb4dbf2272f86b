"""Statistics of intruder: in how many questions the intruder was named."""

from collections.abc import Sequence

from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.latent import DECILES

DECILE_KEYS = [f"accuracy_decile_{i}" for i in range(1, DECILES + 1)]
KEYS = ["accuracy", "unscored", *DECILE_KEYS]


def intruder_statistics(verdicts: Sequence[Verdict], facts: LatentFacts | None = None) -> dict[str, float]:
    """Return all statistics of one latent by name; NaN where one is undefined.

    Args:
        verdicts: One for each text of each question; label 1 for the one that the grader named.
        facts: Not needed.

    Returns:
        - `accuracy`: share of the scored questions in which the intruder was named, in [0, 1]; chance is 0.2.
        - `accuracy_decile_i`: the same among those of decile i (10 the strongest).
        - `unscored`: share of questions without an answer that can be used.
    """
    questions: dict[int | None, list[Verdict]] = {}
    for verdict in verdicts:
        questions.setdefault(verdict.question, []).append(verdict)
    scored = [texts for texts in questions.values() if all(text.label is not None for text in texts)]
    correct: dict[int, list[bool]] = {decile: [] for decile in range(1, DECILES + 1)}
    for texts in scored:
        decile = next(text.decile for text in texts if text.decile is not None)
        correct[decile].append(any(text.label == 1 and text.kind == "intruder" for text in texts))
    unscored = 1 - len(scored) / len(questions) if questions else float("nan")
    values = {"accuracy": _share([one for decile in correct.values() for one in decile]), "unscored": unscored}
    return values | {key: _share(correct[decile]) for decile, key in enumerate(DECILE_KEYS, 1)}


def _share(correct: Sequence[bool]) -> float:
    return sum(correct) / len(correct) if correct else float("nan")
