"""The lexical grader: a text is active if a token of the explanation stands in it, or on a mark if it has marks."""

import json
import re

from inspect_autointerp.lexical.explain import PART, occurrences
from inspect_autointerp.offline import read_grading

_LISTED = re.compile(r'("(?:[^"\\]|\\.)*")(?: \((\d+)\))?')
_FILLER = frozenset(re.findall(r"\w+", "a an and are as at by for from in is it names of on or texts that the to with"))


def judge(question: str) -> list[float]:
    """How surely the latent is active in each text of a grader's prompt, in [0, 1]; with marks, on what is marked.

    0.5 + 0.05 times the weight, 1 to 10, of the heaviest listed token that stands in the text, and touches a mark if
    there are marks; 0.1 if none does. Of an explanation without quoted tokens its words are taken, in any case, at
    weight 5.
    """
    said, texts = read_grading(question)
    if quoted := _quoted(said):
        return [_belief([weight for word, weight in quoted if _stands(word, *text)]) for text in texts]
    words = {word.lower() for word in re.findall(r"[^\W\d_]{2,}", said)} - _FILLER
    return [_belief([5 for word in words if _stands(word, text.lower(), marks)]) for text, marks in texts]


def _stands(word: str, text: str, marks: set[int] | None) -> bool:
    """Whether a listed word occurs in a text, on a marked character if there are marks."""
    found = occurrences(word, text)
    if marks is None:
        return bool(found)
    length = len(word.removeprefix(PART)) if len(word) > 1 else 1
    return any(not marks.isdisjoint(range(at, at + length)) for at in found)


def _quoted(said: str) -> list[tuple[str, int]]:
    found = []
    for token, weight in _LISTED.findall(said):
        try:
            word = json.loads(token)
        except ValueError:
            continue
        if word:
            found.append((word, min(10, int(weight or 5))))
    return found


def _belief(weights: list[int]) -> float:
    return 0.5 + 0.05 * max(weights) if weights else 0.1
