"""The lexical writer: short texts around the tokens that an explanation lists, and around what only looks like them.

A near miss must not hold the token that it stands for. A longer word does, under a real tokenizer: `verish` is `ver`
and `ish`, `unver` is `un` and `ver`, and the latent of `ver` rightly fires on them (45 % of such near misses held a
word of SmolLM2; of 30,000 as they are written now 1 does). In other capitals a word is another token, but one that most
latents of that word fire on, too. So a near miss differs in letters.
"""

from collections.abc import Iterator
from itertools import product, zip_longest

from inspect_autointerp.builtin.lexical.explain import PART
from inspect_autointerp.builtin.lexical.judge import listed, listed_words

_BEFORE = ("We saw", "Then came", "# about", "x =", "return", "- one", "Here,", "print", "as with", "so is")
_AFTER = ("here", "and more.", "+ 1", "\n", "again", "before noon", "of these", "for two", "in b", "too")
"""Around a listed word they make less than a run of eight words and signs, so that no text is like another."""
_STEM = "comput"
_SIGNS = ";%~&"
_ALIKE = ("aeiou", "bcdfghjklmnpqrstvwxyz", "AEIOU", "BCDFGHJKLMNPQRSTVWXYZ", "0123456789")
"""A letter is replaced by another of its own kind, so that what comes out could be a word."""
_TRIED = 3
"""Near misses of a word."""


def write(explanation: str, n: int) -> tuple[list[str], list[str]]:
    """Texts in which a token of the explanation stands, and texts in which none does, n of each, all different.

    The listed tokens take turns, the heaviest first. A near miss has, in the place of a token, what is spelled like it:
    another sign for a sign, a word that begins with another letter for a word. Of an explanation that lists nothing
    neither has anything in that place.
    """
    words = [word for word, _ in sorted(listed_words(explanation), key=lambda word: -word[1])]
    misses = [miss for one_of_each in zip_longest(*map(_misses, words)) for miss in one_of_each if miss]
    active = _texts([_form(word) for word in words] or [""])
    silent = _texts(misses or [""], 0 if words else len(_AFTER) // 2)
    return _chosen(explanation, active, n, holds=True), _chosen(explanation, silent, n, holds=False)


def _texts(middles: list[str], shift: int = 0) -> Iterator[str]:
    """Texts of every beginning with every end, cycling through the middles."""
    for turn, i in product(range(len(_AFTER)), range(len(_BEFORE))):
        parts = (_BEFORE[i], middles[(i + turn) % len(middles)], _AFTER[(i + turn + shift) % len(_AFTER)])
        yield " ".join(part for part in parts if part)


def _chosen(explanation: str, texts: Iterator[str], n: int, *, holds: bool) -> list[str]:
    """The first n texts in which a listed token stands, or none does; where there are not as many, any."""
    fit: list[str] = []
    others: list[str] = []
    words = [word.removeprefix(PART).lower() for word, _ in listed_words(explanation)]
    for text in dict.fromkeys(texts):
        if len(fit) == n:
            break
        fits = (
            bool(listed(explanation, text)) if holds else not (listed(explanation, text) or _holds_letters(words, text))
        )
        (fit if fits else others).append(text)
    if not holds:
        others.sort(key=lambda text: bool(listed(explanation, text)))  # at least no listed word
    first = [*fit, *others][:n]
    return first + [f"{first[i % len(first)]} {i}" for i in range(n - len(first))]


def _holds_letters(words: list[str], text: str) -> bool:
    """Return whether a word's letters stand in a text, be it in a longer word: `the` in `of these` may be its token."""
    return any(len(word) > 1 and word in text.lower() for word in words)


def _form(word: str) -> str:
    """A text in which a listed token stands as it is listed."""
    return _STEM + word[len(PART) :] if word.startswith(PART) and len(word) > 1 else word


def _misses(word: str) -> list[str]:
    """Return what is spelled like a listed token, and holds it nowhere."""
    if word.startswith(PART) and len(word) > 1:
        return [_STEM + miss for miss in _respelled(word[len(PART) :])]
    return _respelled(word) or [sign * len(word) for sign in _SIGNS if sign not in word]


def _respelled(word: str) -> list[str]:
    """The word with another first letter, or a number with another first digit; none of a word without either."""
    place = next((i for i, character in enumerate(word) if character.isalnum()), None)
    if place is None:
        return []
    first = word[place]
    others = next((kind for kind in _ALIKE if first in kind), "") or _neighbours(first)
    at = others.find(first)
    turned = others[at + 1 :] + others[: max(at, 0)]
    spellings = (word[:place] + other + word[place + 1 :] for other in turned)
    return [miss for miss in spellings if word.lower() not in miss.lower()][:_TRIED]


def _neighbours(letter: str) -> str:
    """The letters that follow one of another alphabet in Unicode."""
    code = ord(letter)
    following = map(chr, range(code + 1, min(code + 40, 0x110000)))
    return letter + "".join(other for other in following if other.isalpha() and other.lower() != letter.lower())
