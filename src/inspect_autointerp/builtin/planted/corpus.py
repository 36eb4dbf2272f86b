r"""The planted corpus: small sentences of known parts, the same on every machine.

A line is sixteen tokens, its line end among them, and what latents fire on lies within one line. So windows of 32 or
16 tokens cut nothing in two: what holds of a window's tokens holds of its text.
"""

from collections.abc import Iterator, Sequence
from random import Random

from inspect_autointerp.builtin.planted import claims

LINE = 16
"""Tokens in a line."""
MEAN_LINES = 40
"""Mean lines of a document; their number is even, so that windows of two lines leave none over."""


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_NOUNS = _split(
    "baker bridge cellar clock cousin farmer garden harbour kitchen lantern letter market meadow mirror orchard painter"
    " river sailor station teacher tower valley village window winter"
)
_VERBS = _split(
    "answers breaks carries closes crosses finds follows holds keeps leaves meets opens passes reaches remembers shows"
    " turns visits waits watches"
)
_PLACES = _split("above around behind beneath beside near through towards")
_QUALITIES = (
    *claims.STATES,
    "broad",
    "brief",
    "calm",
    "distant",
    "empty",
    "heavy",
    "narrow",
    "quiet",
    "steep",
    "plain",
)
_ASIDES = (*claims.IN_ROUND, *claims.IN_SQUARE, *claims.ASKED)  # no latent is known by these words

_PATTERN = (("the",), _QUALITIES, _NOUNS, _VERBS, ("the",), _NOUNS + _ASIDES, _PLACES, ("a",), _NOUNS, ("and",))


def _pick(words: Sequence[str], rng: Random) -> str:
    # Of `random`, only `random()` is promised to be the same in every version of Python.
    return words[int(rng.random() * len(words))]


# How often a line holds each phrase, and of what tokens it is made: words to choose from, with their space.
_PHRASES: tuple[tuple[float, tuple[Sequence[str], ...]], ...] = (
    (0.006, ([f" {word}" for word in claims.WARM],)),
    (0.010, ([f" {word}" for word in claims.COLD],)),
    (0.020, ([f" {word}" for word in claims.MATERIALS],)),
    (0.040, ([f" {year}" for year in range(1850, 2000)],)),
    (0.060, ([f" {digit}" for digit in range(1, 10)],)),
    (0.030, ([f" {word}" for word in claims.SPELLED],)),
    (0.050, ([f" {word}" for word in claims.PEOPLE],)),
    (0.030, ([f" {word}" for word in claims.CITIES],)),
    (0.020, ([f" {word}" for word in claims.CAPITALS],)),
    (0.100, ([" ("], claims.IN_ROUND, [")"])),
    (0.050, ([" ["], claims.IN_SQUARE, ["]"])),
    (0.035, ([f" {word}" for word in claims.ASKED], ["?"])),
    (0.030, ([" not"], [f" {word}" for word in claims.STATES])),
    (0.008, ([" never"], [f" {word}" for word in claims.STATES])),
    (0.025, ([" very"], [f" {word}" for word in claims.STATES])),
)
_OPENINGS = (
    (0.040, "*", claims.TASKS),
    (0.025, ">", claims.PLEAS),
)


def documents(n_tokens: int, seed: int) -> Iterator[list[str]]:
    """The corpus as documents of token strings, n_tokens in all (a multiple of two lines).

    Args:
        n_tokens: How many.
        seed: Of everything in it.
    """
    rng = Random(f"planted/{seed}")
    left = n_tokens // LINE
    while left:
        n = min(left, 2 * (1 + int(rng.random() * (MEAN_LINES - 1))))
        yield [token for number in range(n) for token in _line(rng, first=number == 0)]
        left -= n


def _line(rng: Random, *, first: bool) -> list[str]:
    """One line; a document's first is a heading."""
    begun = ["#", f" {_pick(claims.TITLES, rng)}"] if first else []
    for share, mark, words in _OPENINGS:
        if not begun and rng.random() < share:
            begun = [mark, f" {_pick(words, rng)}"]
    phrases: list[list[str]] = []
    room = LINE - 2 - len(begun) - 2  # a line begins and ends in plain words
    for share, parts in _PHRASES:
        if rng.random() < share:
            phrase = [_pick(part, rng) for part in parts]
            if len(phrase) <= room:
                phrases.append(phrase)
                room -= len(phrase)
    plain = [f" {_pick(_PATTERN[i % len(_PATTERN)], rng)}" for i in range(room + 2)]
    if not begun:
        plain[0] = plain[0].lstrip()
    body: list[list[str]] = [[word] for word in plain]
    for phrase in phrases:
        body.insert(1 + int(rng.random() * (len(body) - 1)), phrase)
    return [*begun, *(token for part in body for token in part), ".", "\n"]
