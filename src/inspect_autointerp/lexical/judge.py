"""The lexical grader: a text is active if a token of the explanation stands in it, or on a mark if it has marks."""

import json
import re

from inspect_autointerp.lexical.explain import PART, occurrences
from inspect_autointerp.offline import read_grading

_LISTED = re.compile(r'("(?:[^"\\]|\\.)*")(?: \((\d+)\))?')
_MARKED = re.compile(r"[^\n]*\nMarked tokens stand between (\S+) and (\S+)\.\n")
_FILLER = frozenset(re.findall(r"\w+", "a an and are as at by for from in is it names of on or texts that the to with"))


def judge(question: str) -> list[float]:
    """How surely the latent is active in each text of a grader's prompt, in [0, 1]; with marks, on what is marked.

    0.5 + 0.05 times the weight, 1 to 10, of the heaviest listed token that stands in the text, and touches a mark if
    there are marks; 0.1 if none does. Of an explanation without quoted tokens its words are taken, in any case, at
    weight 5.
    """
    said, passages = read_grading(question)
    pair = _MARKED.match(question)
    texts = [_passage(text, pair and (pair[1], pair[2])) for text in passages]
    if quoted := _quoted(said):
        return [_belief([weight for word, weight in quoted if _stands(word, *text)]) for text in texts]
    words = {word.lower() for word in re.findall(r"[^\W\d_]{2,}", said)} - _FILLER
    return [_belief([5 for word in words if _stands(word, text.lower(), where)]) for text, where in texts]


_Where = list[tuple[int, int]] | None


def _passage(text: str, pair: tuple[str, str] | None) -> tuple[str, _Where]:
    """A text without its marks, and the characters that were marked, as [start, end); None where nothing has marks."""
    if pair is None:
        return text, None
    plain, where = "", []
    for piece in re.split(f"({re.escape(pair[0])}.*?{re.escape(pair[1])})", text):
        start = len(plain)
        if piece.startswith(pair[0]):
            piece = piece.removeprefix(pair[0]).removesuffix(pair[1])
            where.append((start, start + len(piece)))
        plain += piece
    return plain, where


def _stands(word: str, text: str, where: _Where) -> bool:
    """Whether a listed word occurs in a text, on a marked character if there are marks."""
    found = occurrences(word, text)
    if where is None:
        return bool(found)
    length = len(word.removeprefix(PART)) if len(word) > 1 else 1
    return any(start < end and at < end and start < at + length for at in found for start, end in where)


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
