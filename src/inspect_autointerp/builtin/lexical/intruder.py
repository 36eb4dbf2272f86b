"""The lexical grader of a lineup: the text whose marked words the others share least does not belong."""

import re

from inspect_autointerp.builtin.prompt_reader import read_lineup
from inspect_autointerp.contexts.sampling import seed_of

_PIECE = re.compile(r"\w+|[^\w\s]+")


def intruder(question: str) -> int:
    """The number, from 1, of the text that does not belong; 0 where there are no texts.

    How much two texts share is the Jaccard index of their marked words in lower case, whole or as far as marked, and
    runs of marked signs; texts of which only spaces are marked share that. Of texts that share equally little, a hash
    of the text decides, so that the place does not.
    """
    texts = read_lineup(question)
    words = [_marked_words(*text) for text in texts]

    def shared(i: int) -> float:
        # Rounded, so that the order of the sum does not decide between equals.
        return round(sum(_jaccard(words[i], other) for j, other in enumerate(words) if j != i), 9)

    return min(range(len(texts)), key=lambda i: (shared(i), seed_of(texts[i][0])), default=-1) + 1


def _marked_words(text: str, marks: set[int] | None) -> set[str]:
    shown = "".join(character if i in (marks or ()) else " " for i, character in enumerate(text))
    return set(_PIECE.findall(shown.lower())) or {""}


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)
