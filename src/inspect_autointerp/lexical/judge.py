"""The lexical grader: a text is active if a token of the explanation stands in it."""

import json
import re

from inspect_autointerp.lexical.explain import occurrences

_LISTED = re.compile(r'("(?:[^"\\]|\\.)*")(?: \((\d+)\))?')
_TEXT = re.compile(r"^Text \d+: (.*)$", re.MULTILINE)
_FILLER = frozenset(re.findall(r"\w+", "a an and are as at by for from in is it names of on or texts that the to with"))


def judge(question: str) -> list[float]:
    """How surely the latent is active in each text of a grader's prompt, in [0, 1].

    0.5 + 0.05 times the weight, 1 to 10, of the heaviest listed token that stands in the text; 0.1 if none does. Of an
    explanation without quoted tokens its words are taken, in any case, at weight 5.
    """
    head, _, rest = question.partition("\n")
    said = head.removeprefix("Explanation: ")
    texts = _TEXT.findall(rest)
    if quoted := _quoted(said):
        return [_belief([weight for word, weight in quoted if occurrences(word, text)]) for text in texts]
    words = {word.lower() for word in re.findall(r"[^\W\d_]{2,}", said)} - _FILLER
    if said == "(none was given)":
        words = set()
    return [_belief([5 for word in words if occurrences(word, text.lower())]) for text in texts]


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
