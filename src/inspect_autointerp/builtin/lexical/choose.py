"""The lexical grader of candidates: the one in whose texts the explanation's tokens stand most is described."""

from inspect_autointerp.builtin.lexical.judge import beliefs
from inspect_autointerp.builtin.prompt_reader import read_choosing
from inspect_autointerp.contexts.sampling import seed_of


def choose(question: str) -> tuple[int, list[float]]:
    """Return the number, from 1, of the candidate that is described, and each one's share; 0 where there are none.

    A candidate's share grows with the mean over its texts of the probability that the latent is active in them
    (`judge`). Of candidates with equal means a hash of their texts decides, so that the place does not.
    """
    explanation, candidates = read_choosing(question)
    means = [round(sum(beliefs(explanation, texts)) / max(1, len(texts)), 9) for texts in candidates]
    ties = [seed_of(explanation, *sorted(text for text, _ in texts)) for texts in candidates]
    number = max(range(len(candidates)), key=lambda i: (means[i], ties[i]), default=-1) + 1
    return number, [mean / sum(means) for mean in means]
