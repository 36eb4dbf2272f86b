"""The lexical writer: short texts around the tokens that an explanation lists, and around what only looks like them."""

from collections.abc import Iterator
from itertools import product, zip_longest

from inspect_autointerp.builtin.lexical.explain import PART
from inspect_autointerp.builtin.lexical.judge import listed, listed_words

_BEFORE = ("We saw", "Then came", "# about", "x =", "return", "- one", "Here,", "print", "as with", "so is")
_AFTER = ("here", "and more.", "+ 1", "\n", "again", "before noon", "of these", "for two", "in b", "too")
"""Around a listed word they make less than a run of eight words and signs, so that no text is like another."""
_STEMS = ("comput", "b", "over", "un")
_SIGNS = ";%~&"


def write(explanation: str, n: int) -> tuple[list[str], list[str]]:
    """Texts in which a token of the explanation stands, and texts in which none does, n of each, all different.

    The listed tokens take turns, the heaviest first. A near miss has, in the place of a token, what is spelled like it:
    another sign for a sign, a longer word for a word, the bare word for one that stands inside others. Of an
    explanation that lists nothing neither has anything in that place.
    """
    words = [word for word, _ in sorted(listed_words(explanation), key=lambda word: -word[1])]
    misses = [miss for one_of_each in zip_longest(*map(_misses, words)) for miss in one_of_each if miss]
    active = _texts([_form(word) for word in words] or [""])
    silent = _texts(misses or [""], 0 if words else len(_AFTER) // 2)
    return _chosen(explanation, active, n, holds=True), _chosen(explanation, silent, n, holds=False)


def _texts(middles: list[str], shift: int = 0) -> Iterator[str]:
    """Texts of every beginning with every end, the middles in turn."""
    for turn, i in product(range(len(_AFTER)), range(len(_BEFORE))):
        parts = (_BEFORE[i], middles[(i + turn) % len(middles)], _AFTER[(i + turn + shift) % len(_AFTER)])
        yield " ".join(part for part in parts if part)


def _chosen(explanation: str, texts: Iterator[str], n: int, *, holds: bool) -> list[str]:
    """The first n texts in which a listed token stands, or none does; where there are not as many, any."""
    fit, others = [], []
    for text in dict.fromkeys(texts):
        if len(fit) == n:
            break
        (fit if bool(listed(explanation, text)) == holds else others).append(text)
    first = [*fit, *others][:n]
    return first + [f"{first[i % len(first)]} {i}" for i in range(n - len(first))]


def _form(word: str) -> str:
    """A text in which a listed token stands as it is listed."""
    return _STEMS[0] + word[len(PART) :] if word.startswith(PART) and len(word) > 1 else word


def _misses(word: str) -> list[str]:
    """Return what is spelled like a listed token."""
    if word.startswith(PART) and len(word) > 1:
        return [word[len(PART) :], word[len(PART) :] + "s"]
    if word[0].isalnum() or word[-1].isalnum():
        return [word + "ish", "un" + word, word.swapcase()]
    return [sign * len(word) for sign in _SIGNS]
