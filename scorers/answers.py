"""Reading a grader's list: a final answer counts only where it is marked as final or stands alone.

The rule, for labels and confidences:

1. Reasoning and stop tokens are no part of the answer (`final_answer`).
2. All that may be a list is looked for (`answer_forms`): brackets of any kind, a line of values, a value per line, by
   number or not, an object, a table.
3. Each stands in one of three ways (`doubt.standing`): marked as final (`Final answer: …`), alone (on lines of its own
   or after words that introduce it), or merely mentioned in a sentence. What is denied (`not […]`), an example, or one
   of several possibilities is mentioned.
4. What is marked as final counts, else what stands alone. It has to have one value for each text; all that count have
   to agree, and nothing may follow that takes it back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from inspect_autointerp.scorers.answer_forms import Form, forms, opening, plain
from inspect_autointerp.scorers.doubt import Standing, standing, taken_back
from inspect_autointerp.scorers.final_answer import AnswerError as AnswerError
from inspect_autointerp.scorers.final_answer import final_answer

_LABELS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1, "no": 0, "yes": 1}


@dataclass(frozen=True)
class Item:
    """One item of an answer: its value, and where it is written in the reply."""

    value: int
    start: int
    end: int


def parse_labels(reply: str, n: int) -> list[Item]:
    """Read n labels, each 0 or 1; `yes`, `no`, `true` and `false` count as labels, too.

    Raises:
        AnswerError: There is no such list, it has another number of labels, or it can be read in two ways.
    """
    form, _, places = _list(reply, n, _label, "labels", "each 0 or 1")
    return [Item(_LABELS[atom.text.lower()], places[atom.start], places[atom.end - 1] + 1) for atom in form.atoms]


def parse_confidences(reply: str, n: int) -> list[float]:
    """Read n confidences, as shares from 0 to 1.

    They are asked for as whole numbers from 0 to 100, and mean percents. If all are within 0 to 1 and at least one is
    a decimal fraction between them (`0.9`), all mean shares of 1. If all are 0 and 1, nobody knows which: 1 can be the
    label or one percent. That is refused, unless all are 0, or have a percent sign. So is a list 1, 2, 3, …, which
    numbers the texts.

    Raises:
        AnswerError: There is no such list, it has another number of values, or it can be read in two ways.
    """
    form, answer, _ = _list(reply, n, _confidence, "numbers", "each a whole number from 0 to 100")
    return _shares([atom.text for atom in form.atoms])


def _label(text: str) -> int | None:
    return _LABELS.get(text.lower())


def _confidence(text: str) -> tuple[Decimal, bool] | None:
    """A number from 0 to 100, and whether it says that it is a percentage; None if it is none."""
    number, percent = text.removesuffix("%").strip(), text.endswith("%")
    if "/" in number:
        number, _, whole = (part.strip() for part in number.partition("/"))
        if whole != "100":
            return None
        percent = True
    if not number.replace(".", "", 1).isdecimal() or len(number) > 6 or len(number.split(".")[0]) > 3:
        return None
    value = Decimal(number)
    return (value, percent) if value <= 100 else None


def _shares(texts: Sequence[str]) -> list[float]:
    read = [value for text in texts if (value := _confidence(text))]
    values = [value for value, _ in read]
    percent = [said for _, said in read]
    fractions = [0 < value < 1 for value in values]
    if max(values) <= 1 and any(fractions) and not any(percent):
        return [float(value) for value in values]
    if any(value != value.to_integral_value() for value in values) or any(
        "." in text and not text.rstrip("% ").endswith(".0") for text in texts
    ):
        raise AnswerError("its numbers are neither all whole, from 0 to 100, nor all fractions, from 0 to 1")
    if not all(percent):
        if max(values) == 1:
            raise AnswerError("all its numbers are 0 or 1, and whole numbers from 0 to 100 are wanted")
        if len(values) > 1 and values == list(range(1, len(values) + 1)):
            raise AnswerError("its list numbers the texts, and says nothing of them")
    return [float(value / 100) for value in values]


def _list(reply: str, n: int, read: Callable[[str], object], kind: str, wanted: str) -> tuple[Form, str, list[int]]:
    """The list that counts, and for each of its characters where that is in the reply."""
    answer, offset = final_answer(reply, 8_000 + 200 * n)
    text, places = plain(answer)
    lists = [form for form in forms(text, 200 + 10 * n) if all(read(atom.text) is not None for atom in form.atoms)]
    if n == 1 and not lists and (form := opening(text)) and read(form.atoms[0].text) is not None:
        lists = [form]
    stand = [_standing(text, form, n) for form in lists]

    def values(form: Form) -> list[object]:
        return [read(atom.text) for atom in form.atoms]

    best = max(stand, default=Standing.MENTIONED)
    if not lists or best == Standing.MENTIONED and not any(form.atoms for form in lists):
        raise AnswerError(f"it holds no list of {n} {kind}, {wanted}")
    if best == Standing.MENTIONED and len({tuple(values(form)) for form in lists if len(form.atoms) == n}) > 1:
        raise AnswerError(f"it holds lists of {n} {kind} that differ")
    if best == Standing.MENTIONED:
        raise AnswerError("it is not clear that its list is the answer: give the list alone")
    counting = [form for form, how in zip(lists, stand, strict=True) if how == best]
    form = counting[-1]
    if len(form.atoms) != n:
        raise AnswerError(f"it holds a list of {len(form.atoms)} {kind}, and there are {n} texts")
    if form.keys and form.keys != tuple(range(1, n + 1)):
        raise AnswerError(f"it numbers its {kind} otherwise than from 1 to {n}")

    if any(len(other.atoms) == n and values(other) != values(form) for other in counting):
        raise AnswerError(f"it holds lists of {n} {kind} that differ")
    apart = best == Standing.FINAL or _paragraph(text, form)
    for other in lists:
        if values(other) == values(form) or _within(other, form) or not other.atoms:
            continue
        after = other.start >= form.end
        partly = other.keys and len(other.atoms) < n and _agrees(other, form, read, n)
        if (after and not partly) or (not apart and not partly):
            raise AnswerError(f"it holds lists of {kind} that differ")
    ones = [i for i, atom in enumerate(form.atoms, 1) if atom.text.lower() not in ("0", "0.0", "no", "false")]
    if taken_back(text[form.end :], ones):
        raise AnswerError("what follows its list may correct it: give the list alone")
    return form, text, [offset + place for place in places]


def _standing(text: str, form: Form, n: int) -> Standing:
    how = standing(text, form.start, form.end)
    if form.lines and form.keys and len(form.atoms) < n:
        return Standing.MENTIONED  # a part of the texts
    return how


def _within(other: Form, form: Form) -> bool:
    return form.start <= other.start and other.end <= form.end


def _agrees(other: Form, form: Form, read: Callable[[str], object], n: int) -> bool:
    """Whether values by number, of some of the texts, are those of the list."""
    return all(
        1 <= key <= n and read(atom.text) == read(form.atoms[key - 1].text)
        for key, atom in zip(other.keys or (), other.atoms, strict=True)
    )


def _paragraph(text: str, form: Form) -> bool:
    """Whether a list makes a paragraph by itself, with nothing after it."""
    before = text[: form.start]
    return not text[form.end :].strip(" \n\t.") and before.rstrip(" \t").endswith("\n\n") or not before.strip()


__all__ = ["AnswerError", "Item", "parse_confidences", "parse_labels"]
