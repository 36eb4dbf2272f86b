"""Reading a grader's list: a final answer counts only where it is marked as final or stands alone.

The rule, for labels and confidences:

1. Reasoning and stop tokens are no part of the answer (`final_answer`).
2. All that may be a list is looked for (`parsing.forms`): brackets of any kind, a line of values, a value per line, by
   number or not, an object, a table.
3. Each stands in one of three ways (`doubt.standing`): marked as final (`Final answer: …`), alone (on separate lines
   or after words that introduce it), or merely mentioned in a sentence. What is denied (`not […]`), an example, or one
   of several possibilities is mentioned.
4. What is marked as final counts, else what stands alone. It has to have one value for each text; all that count have
   to agree, and nothing may follow that takes it back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from inspect_autointerp.scorers.shared.parsing.doubt import Standing, standing, taken_back
from inspect_autointerp.scorers.shared.parsing.final_answer import AnswerError as AnswerError
from inspect_autointerp.scorers.shared.parsing.final_answer import final_answer
from inspect_autointerp.scorers.shared.parsing.forms import forms, plain
from inspect_autointerp.scorers.shared.parsing.lines import opening
from inspect_autointerp.scorers.shared.parsing.parts import Form

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
    form, places = _list(reply, n, _label, "labels", "each 0 or 1")
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
    form, _ = _list(reply, n, _confidence, "numbers", "each a whole number from 0 to 100")
    return _shares([atom.text for atom in form.atoms])


def parse_ratings(reply: str, n: int) -> list[int]:
    """Read n ratings, each 0, 1 or 2.

    Raises:
        AnswerError: There is no such list, it has another number of ratings, or it can be read in two ways.
    """
    form, _ = _list(reply, n, _rating, "ratings", "each 0, 1 or 2")
    return [int(atom.text[0]) for atom in form.atoms]


def _rating(text: str) -> int | None:
    return int(text[0]) if text in ("0", "1", "2", "0.0", "1.0", "2.0") else None


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
    percent = [is_percent for _, is_percent in read]
    fractions = [0 < value < 1 for value in values]
    if max(values) <= 1 and any(fractions) and not any(percent):
        return [float(value) for value in values]
    if any(value != value.to_integral_value() for value in values) or any(
        "." in text and not text.rstrip("% ").endswith(".0") for text in texts
    ):
        raise AnswerError("its numbers must all be whole numbers from 0 to 100")
    if not all(percent):
        if max(values) == 1:
            raise AnswerError("all its numbers are 0 or 1, but they must be whole numbers from 0 to 100")
        if len(values) > 1 and values == list(range(1, len(values) + 1)):
            raise AnswerError("its list only counts the texts")
    return [float(value / 100) for value in values]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A candidate for the list: its form, its values, and its role in the answer."""

    form: Form
    values: tuple[object, ...]
    standing: Standing


def _list(reply: str, n: int, read: Callable[[str], object], kind: str, wanted: str) -> tuple[Form, list[int]]:
    """The list that counts, and for each character of the plain answer where that is in the reply.

    An answer has at most 8,000 characters and 200 for each text, its reasoning not included.
    """
    answer, offset = final_answer(reply, 8_000 + 200 * n)
    text, places = plain(answer)
    candidates = _candidates(text, n, read)
    best = max((candidate.standing for candidate in candidates), default=Standing.MENTIONED)
    if best == Standing.MENTIONED:
        whole = {candidate.values for candidate in candidates if len(candidate.values) == n}
        if len(whole) > 1:
            raise AnswerError(f"it holds lists of {n} {kind} that differ")
        if any(candidate.values for candidate in candidates):
            raise AnswerError("it is not clear that its list is the answer: give the list alone")
        raise AnswerError(f"it holds no list of {n} {kind}, {wanted}")
    counting = [candidate for candidate in candidates if candidate.standing == best]
    form, values = counting[-1].form, counting[-1].values
    if len(values) != n:
        raise AnswerError(f"it holds a list of {len(values)} {kind}, but there are {n} texts")
    if form.keys and form.keys != tuple(range(1, n + 1)):
        raise AnswerError(f"it does not number its {kind} from 1 to {n}")
    if any(len(other.values) == n and other.values != values for other in counting):
        raise AnswerError(f"it holds lists of {n} {kind} that differ")
    settled = best == Standing.FINAL or _is_last_paragraph(text, form)
    for other in candidates:
        inside = form.start <= other.form.start and other.form.end <= form.end
        if other.values in (values, ()) or inside or _agrees(other, values):
            continue
        if other.form.start >= form.end or not settled:
            raise AnswerError(f"it holds lists of {kind} that differ")
    ones = [i for i, atom in enumerate(form.atoms, 1) if atom.text.lower() not in ("0", "0.0", "no", "false")]
    if taken_back(text[form.end :], ones):
        raise AnswerError("what follows its list may correct it: give the list alone")
    return form, [offset + place for place in places]


def _candidates(text: str, n: int, read: Callable[[str], object]) -> list[_Candidate]:
    most = 200 + 10 * n
    read_forms: list[tuple[Form, tuple[object, ...]]] = []
    for form in forms(text, most):
        if len(form.atoms) > most:
            raise AnswerError("it is far longer than the list asked for")
        values = tuple(read(atom.text) for atom in form.atoms)
        if None not in values:
            read_forms.append((form, values))
    if n == 1 and not read_forms and (form := opening(text)) and read(form.atoms[0].text) is not None:
        read_forms = [(form, (read(form.atoms[0].text),))]
    return [_Candidate(form, values, _standing(text, form, n)) for form, values in read_forms]


def _standing(text: str, form: Form, n: int) -> Standing:
    if form.lines and form.keys and len(form.atoms) < n:
        return Standing.MENTIONED  # they are about some of the texts
    return standing(text, form.start, form.end)


def _agrees(other: _Candidate, values: Sequence[object]) -> bool:
    """Return whether values by number, of some of the texts, are those of the list."""
    keys = other.form.keys or ()
    return 0 < len(keys) < len(values) and all(
        1 <= key <= len(values) and value == values[key - 1] for key, value in zip(keys, other.values, strict=True)
    )


def _is_last_paragraph(text: str, form: Form) -> bool:
    """Return whether a list makes a paragraph by itself, with nothing after it."""
    before = text[: form.start]
    apart = not before.strip() or before.rstrip(" \t").endswith("\n\n")
    return apart and not text[form.end :].strip(" \n\t.")
