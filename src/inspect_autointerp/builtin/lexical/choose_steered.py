"""The lexical grader of steered texts: the text with most of the explanation's tokens was steered with its latent."""

from inspect_autointerp.builtin.lexical.judge import listed
from inspect_autointerp.builtin.prompt_reader import read_steered
from inspect_autointerp.contexts.sampling import seed_of


def choose_steered(question: str) -> tuple[int, bool]:
    """Choose the text of which the explanation's tokens are most typical.

    A text's points are the weights of the explanation's tokens, once for each time that one stands in the text or among
    the tokens listed below it. Of texts with equally many, a hash of the text decides, so that the place does not.

    Returns:
        The number of the text, from 1 (0 where there are no texts); and True if it is a guess, because no text has any
        points.
    """
    explanation, texts = read_steered(question)
    points = [sum(weight for part in parts for _, weight in listed(explanation, part)) for parts in texts]
    best = max(range(len(texts)), key=lambda i: (points[i], seed_of(*texts[i])), default=-1)
    return best + 1, not any(points)
