"""How a grader's answer is read: any sane form of a list of labels, and nothing that could be read in two ways."""

import json
import re
from dataclasses import dataclass

_LABELS = {"0": 0, "1": 1, "false": 0, "true": 1, "no": 0, "yes": 1}
_LIST = re.compile(r"\[([^\[\]]*)\]")
_FENCE = re.compile(r"^\s*```[^\n]*$", re.MULTILINE)
_LINE = re.compile(
    r"^[\s>*-]*(?:(?:text|example|item)?\s*#?(?P<number>\d+)\s*[\].):=-]+\s*)?(?P<label>[^\s,;.]+)[\s,;.]*$",
    re.IGNORECASE,
)


class AnswerError(ValueError):
    """An answer that cannot be read in exactly one way; the message says why, in words for the grader."""


@dataclass(frozen=True)
class Item:
    """One item of an answer: what stands there, and where in the answer."""

    value: int
    start: int
    end: int


def parse_labels(answer: str, n: int) -> list[Item]:
    """Read n labels, each 0 or 1.

    Accepted: `[1, 0]`, `[true, "false"]`, with or without a code fence or text around; `{"1": 1, "2": 0}`; one label
    per line, numbered or not; for a single text the bare label. `yes` and `no` count as labels too.

    Raises:
        AnswerError: It is none of these, holds another number of labels, or two lists that differ.
    """
    return _parse(answer, n, _label, "0 or 1")


def parse_confidences(answer: str, n: int) -> list[Item]:
    """Read n whole numbers from 0 to 100, in the same forms.

    Raises:
        AnswerError: As `parse_labels`.
    """
    return _parse(answer, n, _confidence, "a whole number from 0 to 100")


def _label(text: str) -> int | None:
    return _LABELS.get(text.strip().strip("\"'`*").lower())


def _confidence(text: str) -> int | None:
    text = text.strip().strip("\"'`*").removesuffix("%")
    return int(text) if re.fullmatch(r"\d{1,3}", text) and int(text) <= 100 else None


def _parse(answer: str, n: int, read, kind: str) -> list[Item]:
    answer = _FENCE.sub(lambda match: " " * len(match[0]), answer)
    lists = [items for match in _LIST.finditer(answer) if (items := _items(match, read)) is not None]
    fitting = [items for items in lists if len(items) == n]
    if len({tuple(item.value for item in items) for items in fitting}) > 1:
        raise AnswerError(f"it holds {len(fitting)} lists of {n} labels that differ")
    if fitting:
        return fitting[-1]
    if lists:
        raise AnswerError(f"it holds a list of {len(lists[-1])} labels, and there are {n} texts")
    items = _object(answer, n, read)
    if items is None:
        items = _lines(answer, n, read)
    if items is None:
        raise AnswerError(f"it holds no list of {n} labels, each {kind}")
    return items


def _items(match: re.Match[str], read) -> list[Item] | None:
    """The items of a bracketed list, None if any is not a label; an empty list has none."""
    items, at = [], match.start(1)
    for part in match[1].split(","):
        value = read(part)
        if value is None:
            return None if part.strip() or items or "," in match[1] else []
        start = at + len(part) - len(part.lstrip())
        items.append(Item(value, start, at + len(part.rstrip())))
        at += len(part) + 1
    return items


def _object(answer: str, n: int, read) -> list[Item] | None:
    """`{"1": 0, "2": 1}`: the labels by number."""
    begin, end = answer.find("{"), answer.rfind("}")
    if begin < 0 or end < begin:
        return None
    try:
        pairs = json.loads(answer[begin : end + 1], object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, list) or [key for key, _ in pairs] != [str(i) for i in range(1, n + 1)]:
        return None
    values = [read(json.dumps(value)) for _, value in pairs]
    places = list(re.finditer(r":\s*([^\s,}]+)", answer[begin : end + 1]))
    if None in values or len(places) != n:
        return None
    return [
        Item(value, begin + place.start(1), begin + place.end(1))
        for value, place in zip(values, places, strict=True)
        if value is not None
    ]


def _lines(answer: str, n: int, read) -> list[Item] | None:
    """One label per line, all numbered 1 to n or none; other lines are not suffered."""
    items, numbers, at = [], [], 0
    for line in answer.splitlines(keepends=True):
        if line.strip():
            match = _LINE.match(line.rstrip("\n"))
            value = read(match["label"]) if match else None
            if match is None or value is None:
                return None
            items.append(Item(value, at + match.start("label"), at + match.end("label")))
            numbers.append(int(match["number"]) if match["number"] else None)
        at += len(line)
    if len(items) != n or numbers not in ([None] * n, list(range(1, n + 1))):
        return None
    return items
