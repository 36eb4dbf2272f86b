"""The lexical grader: a text is active if a token of the explanation stands in it, or on a mark if it has marks."""

import json
import re
from collections.abc import Sequence
from functools import lru_cache

from inspect_autointerp.builtin.lexical.explain import PART, occurrences
from inspect_autointerp.builtin.prompt_reader import Passage, read_grading

_LISTED = re.compile(r'(?<!\\)("(?:[^"\\]|\\.)*")(?: \((\d+)\))?')
_FILLER = frozenset(re.findall(r"\w+", "a an and are as at by for from in is it names of on or texts that the to with"))


def judge(question: str) -> list[float]:
    """Return the probability that the latent is active in each text of a grader's prompt; with marks, on marked text.

    0.5 + 0.05 times the weight, 1 to 10, of the heaviest listed token that stands in the text, and touches a mark if
    there are marks; 0.1 if none does.
    """
    return beliefs(*read_grading(question))


def beliefs(explanation: str, texts: Sequence[Passage]) -> list[float]:
    """Return what `judge` does, of texts that were read from a prompt."""
    return [
        _belief([weight for place, weight in listed(explanation, text) if _counts(place, marks)])
        for text, marks in texts
    ]


def listed(explanation: str, text: str) -> list[tuple[range, int]]:
    """Find the tokens that an explanation lists in a text, as character ranges, each with its weight, 1 to 10.

    Of an explanation without quoted tokens its words are taken, in any case, at weight 5.
    """
    words = listed_words(explanation)
    if not _quoted(explanation):
        text = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)  # places stay where they are
    return [(range(at, at + _length(word)), weight) for word, weight in words for at in occurrences(word, text)]


def listed_words(explanation: str) -> list[tuple[str, int]]:
    """The tokens that an explanation lists, each with its weight, 1 to 10; see `listed`."""
    words = {word.lower(): 5 for word in re.findall(r"[^\W\d_]{2,}", explanation)}  # in the order of the explanation
    return _quoted(explanation) or [(word, weight) for word, weight in words.items() if word not in _FILLER]


def _length(word: str) -> int:
    return len(word.removeprefix(PART)) if len(word) > 1 else 1


def _counts(place: range, marks: set[int] | None) -> bool:
    """Return whether a place is on a marked character, if there are marks."""
    return marks is None or not marks.isdisjoint(place)


@lru_cache(maxsize=256)  # it is asked of every text
def _quoted(explanation: str) -> list[tuple[str, int]]:
    words: list[tuple[str, int]] = []
    for token, weight in _LISTED.findall(explanation):
        try:
            word = json.loads(token)
        except ValueError:
            continue
        if word:
            words.append((word, min(10, int(weight or 5))))
    return words


def _belief(weights: list[int]) -> float:
    return 0.5 + 0.05 * max(weights) if weights else 0.1
