"""How an answer that names one of several texts is read: any sane form, and nothing that could be read in two ways."""

import re

from inspect_autointerp.scorers.answers import AnswerError

_FENCE = re.compile(r"^\s*```[^\n]*$", re.MULTILINE)
_DECORATION = re.compile(r"[\s*_`\"'#()\[\]{}]+")
_NAME = r"(?:the )?(?:final )?(?:answer|choice|intruder|outlier|odd one(?: out)?)"
_FORM = re.compile(
    rf"(?:- )?(?:{_NAME}(?: is| ?[:=])? )?(?:(?:text|number|no\.) ?(?:[:=] )?)?(?P<number>[0-9]+)"
    rf"(?: ?[.:])?(?: does not belong| doesn.t belong| is {_NAME})? ?[.!]?",
    re.IGNORECASE,
)


def parse_choice(answer: str, n: int) -> int:
    """Read the number, from 1 to n, of the one text that an answer names.

    Accepted: `3`, `[3]`, `"3"`, `{"intruder": 3}`, `Text 3`, `Answer: 3`, `The intruder is text 3`,
    `Text 3 does not belong.`, in bold face or a code fence, as the whole answer or as one of its lines, so long as no
    other number stands anywhere in it.

    Raises:
        AnswerError: It is none of these, or there is another number.
    """
    answer = _FENCE.sub("", answer)
    plain = [_DECORATION.sub(" ", block).strip() for block in (answer, *answer.splitlines())]
    if not any(_FORM.fullmatch(block) for block in plain):
        raise AnswerError(f"it does not name one of the {n} texts by its number alone")
    numbers = set(re.findall(r"\d+", answer))
    if len(numbers) > 1:
        raise AnswerError("it holds more than one number")
    number = numbers.pop()
    if number not in map(str, range(1, n + 1)):
        raise AnswerError(f"it names text {number}, and the texts are numbered 1 to {n}")
    return int(number)
