"""The forms in which models write a list of values: lists, objects, lines, tables; each with its place."""

import re
from bisect import bisect_right
from collections.abc import Sequence

from inspect_autointerp.scorers.shared.parsing.brackets import brackets
from inspect_autointerp.scorers.shared.parsing.final_answer import AnswerError
from inspect_autointerp.scorers.shared.parsing.lines import runs_of
from inspect_autointerp.scorers.shared.parsing.objects import forms_of
from inspect_autointerp.scorers.shared.parsing.parts import Form

_SAME = (
    str.maketrans(
        "０１２３４５６７８９［］｛｝（），、：；．％／＝｜",
        "0123456789[]{}(),,:;.%/=|",
    )
    | dict.fromkeys(map(ord, "\u00a0\u202f\u3000\u2007\\$*`"), " ")
    | dict.fromkeys(map(ord, "\r\v\f\x85\u2028\u2029"), "\n")
)
_NOTHING = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\ufe0f\u20e3]")
_FENCE = re.compile(r"^[^\S\n]*```[^\n]*$", re.MULTILINE)
_BOX = re.compile(r"\\boxed\s?\{([^{}\n]{0,2000})\}")
_TEX = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\s?\{([^{}\n]{0,2000})\}|\\(?:left|right|quad|,|;)(?![a-z])")


def plain(text: str) -> tuple[str, Sequence[int]]:
    """An answer without what is there for the eye: Markdown, fences, TeX, full width, characters of no width.

    Returns:
        The plain text, and for each of its characters where that stands in the answer.
    """
    text = _FENCE.sub(lambda match: " " * len(match[0]), text)
    text = _TEX.sub(_inside, text)
    text = _BOX.sub(_inside, text)
    text = text.translate(_SAME)
    if not _NOTHING.search(text):
        return text, range(len(text))
    places = [i for i, character in enumerate(text) if not _NOTHING.match(character)]
    return "".join(text[i] for i in places), places


def _inside(match: re.Match[str]) -> str:
    """The content of a command of TeX, as long as the whole; `\boxed{` says what `Answer:` says, and is as long."""
    if match[1] is None:
        return " " * len(match[0])
    mark = "Answer:" if match[0].startswith("\\boxed") else ""
    return mark.rjust(match.start(1) - match.start()) + match[1] + " " * (match.end() - match.end(1))


def forms(text: str, most: int) -> list[Form]:
    """All that may be a list of values, in the order of the text.

    Args:
        text: An answer, as `plain` gives it.
        most: Lines that are not blank, and brackets, that it may have.

    Raises:
        AnswerError: It has more.
    """
    if len(re.findall(r"^[^\S\n]*+\S", text, re.MULTILINE)) > most or sum(map(text.count, "[({")) > most:
        raise AnswerError("it is far longer than the list asked for")
    runs, taken = runs_of(text)
    candidates = [run.form() for run in runs]
    starts = [start for start, _ in taken]
    for node in brackets(text):
        line = bisect_right(starts, node.start) - 1
        if line < 0 or node.start >= taken[line][1]:
            candidates += forms_of(text, node)
    return sorted(candidates, key=lambda form: (form.end, form.start))
