"""Positions of an answer's tokens in its text, with the model's alternatives.

Providers report tokens in several spellings: as text, as bytes, in the byte alphabet of GPT-2 (`Ġ` for a space), or in
SentencePiece's (`▁`, `<0x0A>`). Everything here is undone to bytes, one character each, so that half of a character
that two tokens share has a place, too.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from inspect_ai.model import Logprob, TopLogprob

_HEX = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_STOP = re.compile(r"(?:<[^<>\s]{1,40}>|\[(?:EOS|SEP|PAD|UNK)\]|\s)*")
"""White space and special tokens, as they stand after an answer."""
_UNREPORTED = 100
"""Answers of up to so many bytes are followed through tokens that the provider did not report."""
_LONGEST = 12
"""Bytes that such a token has at most."""


Row = list[tuple[str, float]]
"""A token as it was reported, and the alternatives that were considered, with log-probabilities."""
Way = list[tuple[int, int, int, str | None]]
"""Tokens of an answer: number, begin, end, and the text if it was reported."""


@dataclass(frozen=True)
class Place:
    """A token at a place of an answer."""

    index: int
    """The number of the token."""
    start: int
    """Which of its bytes it is."""
    text: str
    """The token that was generated, which need not be the one that was reported."""
    alternatives: tuple[tuple[str, float], ...]
    """Tokens that were considered there, and their log-probabilities; the one generated among them where it is known,
    with its own log-probability."""
    listed: bool
    """True if the provider has the one generated among the likeliest."""


def places(tokens: Sequence[Logprob] | None, answer: str, starts: Sequence[int]) -> list[Place | None]:
    """Return for each place of an answer the token there; None where that cannot be known.

    Mostly tokens spell the answer. Where they do not, as with `hf/`, which reports the likeliest token in place of the
    one that was sampled, the answer is followed through the alternatives. Then a place is known only if there is one
    cheapest way through all of the tokens.

    Args:
        tokens: What the provider returned with the answer; None if it returned nothing.
        answer: The answer's text. Reasoning may stand before it in the tokens.
        starts: The places, as characters of the answer.
    """
    if not tokens or not answer:
        return [None] * len(starts)
    text = _bytes(answer)
    offsets = [len(answer[:start].encode("utf-8", "surrogatepass")) for start in starts]
    readings = _readings(tokens)
    ways = ((way, rows) for rows in readings if (way := _spelled(rows, text)) is not None)
    way, rows = next(ways, (None, readings[0]))
    if way is None:
        followed = [(*cheapest, rows) for rows in readings if (cheapest := _followed(rows, text)) is not None]
        if not followed:
            return [None] * len(starts)
        _, way, rows = min(followed, key=lambda one: one[0])
    return [_place(way, rows, offset) for offset in offsets]


def _readings(tokens: Sequence[Logprob]) -> list[list[Row]]:
    """Return the tokens in every spelling that they may be in, without repetitions."""
    readings: list[list[Row]] = []
    for read in _READERS:
        try:
            rows = [[(read(one), one.logprob) for one in (token, *(token.top_logprobs or ()))] for token in tokens]
        except ValueError:
            continue
        first = rows[0][0][0]
        if first != first.lstrip(" "):  # SentencePiece begins a text with a space, which is not part of the answer
            rows[0] = [(one.removeprefix(" "), logprob) for one, logprob in rows[0]]
        if rows not in readings:
            readings.append(rows)
    return readings


def _place(way: Way, rows: Sequence[Row], offset: int) -> Place | None:
    for index, begin, end, text in way:
        if begin <= offset < end:
            if text is None:
                return None
            considered = rows[index][1:]
            listed = any(one == text for one, _ in considered)
            reported = rows[index][:1] if text == rows[index][0][0] else []
            return Place(index, offset - begin, text, tuple(considered if listed else [*considered, *reported]), listed)
    return None


def _spelled(rows: Sequence[Row], text: str) -> Way | None:
    """Return the tokens as reported, if they spell the answer in one place.

    Where they do so in several, the first that a stop token follows is the answer; without one it is the last, if the
    answer ends there.
    """
    whole = "".join(row[0][0] for row in rows)
    begins = [match.start() for match in re.finditer(f"(?={re.escape(text)})", whole)]
    if not begins:
        return None
    ends: list[int] = []
    at = 0
    for row in rows:
        at += len(row[0][0])
        ends.append(at)
    begin = begins[-1]
    if len(begins) > 1:
        stopped = [one for one in begins if whole.startswith("<", one + len(text)) and one + len(text) in ends]
        if stopped:
            begin = stopped[0]
        elif begins[0] == 0 or not _STOP.fullmatch(whole, begin + len(text)):
            return None
    return [
        (index, end - len(row[0][0]) - begin, end - begin, row[0][0])
        for index, (row, end) in enumerate(zip(rows, ends, strict=True))
    ]


def _followed(rows: Sequence[Row], text: str) -> tuple[int, Way] | None:
    """Return the one cheapest way to spell the answer from the first token on with one token of each row, and its cost.

    A token other than the one reported costs 1, and one that was not reported 2.
    """
    unreported = 2 if len(text) <= _UNREPORTED else 0

    @cache
    def cheapest(index: int, at: int, left: int) -> tuple[int, int, int] | None:
        """The cost of the rest, how many ways have it, and how long the token here is then, negative if unreported."""
        if at == len(text) and (index == len(rows) or any(one and _STOP.fullmatch(one) for one, _ in rows[index])):
            return 0, 1, 0
        if index == len(rows) or at == len(text):
            return None
        best: tuple[int, int, int] | None = None
        steps = {one: cost for cost, one in enumerate({one: 0 for one, _ in rows[index]}) if one}
        moves = [(min(cost, 1), len(one), left) for one, cost in steps.items() if text.startswith(one, at)]
        if left:
            moves += [(2, -n, left - 1) for n in range(1, min(_LONGEST, len(text) - at) + 1)]
        for cost, n, remaining in moves:
            rest = cheapest(index + 1, at + abs(n), remaining)
            if rest is None:
                continue
            total = cost + rest[0]
            if best is None or total < best[0]:
                best = total, rest[1], n
            elif total == best[0]:
                best = total, best[1] + rest[1], best[2]
        return best

    try:
        overall = cheapest(0, 0, unreported)
        if overall is None or overall[1] > 1:
            return None
        way: Way = []
        index, at, left = 0, 0, unreported
        while at < len(text):
            step = cheapest(index, at, left)
            if step is None:
                return None
            n = abs(step[2])
            way.append((index, at, at + n, text[at : at + n] if step[2] > 0 else None))
            left -= step[2] < 0
            index, at = index + 1, at + n
        return overall[0], way
    except RecursionError:  # an answer of many hundred tokens
        return None


def _bytes(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _as_text(token: Logprob | TopLogprob) -> str:
    return _bytes(token.token)


def _as_bytes(token: Logprob | TopLogprob) -> str:
    if token.bytes is None:
        raise ValueError
    return bytes(token.bytes).decode("latin-1")


def _as_gpt2(token: Logprob | TopLogprob) -> str:
    try:
        return "".join(map(_GPT2.__getitem__, token.token))
    except KeyError:  # a special token
        return _bytes(token.token)


def _as_sentencepiece(token: Logprob | TopLogprob) -> str:
    if byte := _HEX.fullmatch(token.token):
        return chr(int(byte[1], 16))
    return _bytes(token.token.replace("▁", " "))


def _gpt2_alphabet() -> dict[str, str]:
    """Return GPT-2's characters for bytes: printable ones stand for themselves, the others are numbered from 256 on."""
    own = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in own]
    return {chr(byte): chr(byte) for byte in own} | {chr(256 + i): chr(byte) for i, byte in enumerate(others)}


_GPT2 = _gpt2_alphabet()
_READERS: tuple[Callable[[Logprob | TopLogprob], str], ...] = (_as_text, _as_bytes, _as_gpt2, _as_sentencepiece)
