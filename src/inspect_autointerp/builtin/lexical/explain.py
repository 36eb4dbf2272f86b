"""The lexical explainer: which tokens carry the activation, and how sure a sign each of them is."""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from inspect_autointerp.text.prompt_lines import (
    ACTIVE,
    ANSWER_TAG,
    EXAMPLE,
    MARKS,
    MORE_PROBABLE,
    MOST_PROBABLE,
    SILENT_TEXT,
    numbered_lines,
)

MAX_TOKENS = 8
_ENOUGH = 0.9
"""Tokens are listed until they carry this share of the activation."""
_LINE = re.compile(rf"^{EXAMPLE} \d+: (?P<text>.*)(?:\n{ACTIVE}(?P<active>.*))?$", re.MULTILINE)
_SILENT = numbered_lines(SILENT_TEXT)
_RAISED = re.compile(rf"^{MORE_PROBABLE}(.*)$", re.MULTILINE)
_MOST = re.compile(rf"^{MOST_PROBABLE}(.*)$", re.MULTILINE)
_ITEM = re.compile(r'("(?:[^"\\]|\\.)*")(?:: \+?(\d+(?:\.\d+)?))?')


def explain(question: str) -> str:
    """Read what an explainer's prompt shows, and answer as it asks.

    A token's weight is the share of the listed activation that it carries, times the share of its occurrences in the
    texts on which the latent is active: a token that also stands in them unmarked, or in texts on which it is silent,
    is a poor sign. Where no strengths are listed, what is marked counts alike. Tokens that are made more probable count
    by how much, and as signs like any other.
    """
    mass: dict[str, float] = defaultdict(float)
    active: dict[str, int] = defaultdict(int)
    pair = MARKS.search(question)
    texts: list[str] = []
    listed_tokens: list[tuple[str, str]] = []
    for match in _LINE.finditer(question):
        text, tokens = match["text"], match["active"]
        listed_tokens += _ITEM.findall(tokens) if tokens is not None else _marked(text, pair.groups() if pair else ())
        for mark in pair.groups() if pair else ():
            text = text.replace(mark, "")
        texts.append(text)
    texts += _SILENT.findall(question)
    for token, strength in listed_tokens:
        word = _word(json.loads(token), texts)
        mass[word] += float(strength or 1)
        active[word] += 1
    for line in _RAISED.findall(question) + _MOST.findall(question):
        for token, points in _ITEM.findall(line):
            word = json.loads(token).strip()
            mass[word] += float(points or 1)
            active[word] += max(1, _count(word, texts)) if word else 0  # what it says is not what it reads
    total = sum(mass.values())
    weight = {word: mass[word] * min(1.0, active[word] / max(1, _count(word, texts))) for word in mass if word}
    listed: list[tuple[str, float]] = []
    carried = 0
    for word in sorted(weight, key=lambda word: (-weight[word], word)):
        if len(listed) == MAX_TOKENS or carried >= _ENOUGH * total:
            break
        listed.append((word, weight[word]))
        carried += mass[word]
    if not listed:
        return "No token is active."
    most = listed[0][1]
    words = ", ".join(f"{json.dumps(w, ensure_ascii=False)} ({max(1, round(10 * x / most))})" for w, x in listed)
    return f"{ANSWER_TAG} texts with {words}"


def _marked(text: str, pair: Sequence[str]) -> list[tuple[str, str]]:
    """Return what stands between delimiters, as listed tokens are found."""
    if not pair:
        return []
    passages = re.findall(f"{re.escape(pair[0])}(.+?){re.escape(pair[1])}", text)
    return [(json.dumps(piece), "") for marks in passages for piece in re.findall(r"\s?\w+|\s?[^\w\s]+", marks)]


def _word(token: str, texts: list[str]) -> str:
    """Return how to list a token: as a word, or with … in front where it mostly stands inside longer ones."""
    word = token.strip()
    if not word or token[0].isspace() or not word[0].isalnum():
        return word or token
    whole, anywhere = _count(word, texts), sum(text.count(word) for text in texts)
    return word if 2 * whole >= anywhere else PART + word


PART = "…"


def _count(word: str, texts: list[str]) -> int:
    return sum(len(occurrences(word, text)) for text in texts)


def occurrences(word: str, text: str) -> list[int]:
    """Find where a listed word begins: `if` as a whole word, `…er` inside or at the end of one, `):` anywhere."""
    part = word.startswith(PART) and len(word) > 1
    if word[part:] not in text:  # as nearly always, and a hundredth of the time that a pattern takes to be made
        return []
    return [match.start() for match in _pattern(word[part:], part).finditer(text)]


@lru_cache(maxsize=4096)
def _pattern(word: str, part: bool) -> re.Pattern[str]:
    if part:
        return re.compile(r"(?<=[A-Za-z0-9_])" + re.escape(word))
    before = r"(?<![A-Za-z0-9_])" if word[0].isalnum() else ""
    after = r"(?![A-Za-z0-9_])" if word[-1].isalnum() else ""
    return re.compile(before + re.escape(word) + after)
