"""Reading the number of one text among several: a final answer counts only where it is marked or stands alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from inspect_autointerp.scorers.shared.parsing.brackets import brackets
from inspect_autointerp.scorers.shared.parsing.doubt import Standing, hedged, taken_back
from inspect_autointerp.scorers.shared.parsing.final_answer import AnswerError, final_answer
from inspect_autointerp.scorers.shared.parsing.forms import plain
from inspect_autointerp.scorers.shared.parsing.objects import members

_LONGEST = 8_000
_MOST_LINES = 200
_NOUN = r"(?:text number|text|number|no\.?|option|example|sentence|item|passage|snippet|context|choice)"
_ODD = r"(?:intruder|outlier|odd[ -](?:one|text|man)(?:[ -]out)?|exception|misfit)"
_NOT = r"(?:does not|doesn['’]t|do not) (?:belong|fit|match|share)"
_NAME = (
    rf"(?:(?:the|my) )?(?:final |correct |right |best )?(?:answer|choice|selection|{_ODD}|(?:text|one|{_NOUN}|number)"
    rf"(?: of the text)?(?: that| which)? (?:{_NOT}[^.:\d]{{0,60}}|is (?:different|the {_ODD}))|text number|odd text)"
)
_LEAD = (
    r"(?:(?:so|thus|therefore|hence|overall|finally|in conclusion|in short"
    r"|(?:based on|looking at|given) [^,.\d]{1,60}),? )?"
)
_PREFIX = (
    rf"(?:{_NAME} ?(?:is|:|=|->|→|must be|would be|should be|is probably|is most likely|seems to be)(?: that)?[ :]*"
    rf"|i(?:['’]d| would)? (?:think|believe|say|choose|pick|select|go with)(?: that)?"
    rf"(?: {_NAME} is)?(?: it is| it['’]s)? ?"
    r"|(?:it is|it['’]s|it must be|that is) )?(?:answer ?[:=] ?)?"
)
_NUMBER = rf"(?:(?:the )?{_NOUN} ?[#:=]? ?)?[#\[(\"'“]{{0,3}}(?P<number>[0-9]{{1,9}})[\])\"'”]{{0,3}}"
_IS_ODD = rf"(?:{_NOT}|differs|stands out|(?:is|seems) (?:to be )?(?:the )?(?:{_ODD}|answer|different|one that {_NOT}))"
_IS_FIT = (
    r"(?:(?:best )?(?:fits|matches|reflects|shows)|was (?:written|steered)"
    r"|(?:is|seems) (?:to be )?(?:the )?(?:answer|best|one that (?:best )?(?:fits|matches)))"
)


def _sentence(tail: str) -> re.Pattern[str]:
    """Return what a sentence that names a text looks like, by what it can say of the text."""
    return re.compile(
        rf"{_LEAD}(?P<prefix>{_PREFIX}){_NUMBER}(?P<tail> {tail}(?P<why>\b[^?]*)?)?"
        r"(?P<remark> ?(?:[:,;–—-]|because|since|as it)(?: [^\n]*)| \([^\n]*\))? ?[.!:]?",
        re.IGNORECASE,
    )


_SENTENCES = {True: _sentence(_IS_ODD), False: _sentence(_IS_FIT)}
_DENIED = re.compile(rf"\b(?:not|never|nor)\b[^.]{{0,80}}\b{_ODD}\b", re.IGNORECASE)
_ENUMERATED = re.compile(r"(?P<number>[0-9]{1,9})[.)] (?P<remark>\S.*)")
_FITS = re.compile(
    r"\b(?:it|this|that|text [0-9]+|which|and|also)(?: \w+ly| also| still| does)?"
    r" (?:belongs?|fits?|match(?:es)?|shares?)\b"
    r"|^(?:belongs?|fits?|match(?:es)?)\b|\b(?:belongs|fits|goes) with the (?:others|rest)",
    re.IGNORECASE,
)
_BREAK = re.compile(r"(?<=[.!?])(?<!\bno\.)(?<!\bNo\.) +")
_BULLET = re.compile(r"\s*(?:(?:[-•>–—]|#{1,6})\s+)*")
_STRIPPED = " \t\r\"'“”_"


@dataclass(frozen=True, slots=True)
class _Statement:
    number: str
    standing: Standing
    end: int


def parse_choice(reply: str, n: int, *, odd: bool = True) -> int:
    r"""Read the number, from 1 to n, of the one text that an answer names.

    Read: what is marked as the answer (`Answer: 3`, `\boxed{3}`, `{"intruder": 3}`, `The intruder is text 3`, `Text 3
    does not belong, because …`), else a line that names a text and nothing else (`3`, `Text 3`), else the one text that
    the whole answer speaks of (`Text 3: it is about cooking`). All that count have to agree, and what follows may not
    take it back.

    Args:
        reply: The answer.
        n: Number of texts.
        odd: True if the text that does not belong was asked for, so that one that fits is not named. False if the one
            that fits an explanation was asked for.

    Raises:
        AnswerError: There is none of these, it names two, or a text that there is not.
    """
    answer, _ = final_answer(reply, _LONGEST)
    text, _ = plain(answer)
    statements = list(_statements(text, odd))
    counting = [statement for statement in statements if statement.standing > Standing.MENTIONED]
    if not counting:
        numbers = set(re.findall(r"[0-9]+", text))
        counting = [statement for statement in statements if numbers == {statement.number}][:1]
    if not counting:
        raise AnswerError(f"it does not give the number of one of the {n} texts and nothing else")
    numbers = {statement.number for statement in counting}
    if len(numbers) > 1:
        raise AnswerError("it names more than one text")
    [number] = numbers
    rest = text[counting[-1].end :]
    if taken_back(rest) or _contrary(rest.strip(), odd):
        raise AnswerError("what follows the number may take it back: give the number alone")
    if number not in map(str, range(1, n + 1)):
        raise AnswerError(f"it names text {number[:9]}, but the texts are numbered 1 to {n}")
    return int(number)


def _contrary(remark: str, odd: bool) -> bool:
    """Return whether a remark says that a text is not the one that was asked for."""
    return bool(_FITS.search(remark) if odd else re.search(_NOT, remark, re.IGNORECASE))


def _statements(text: str, odd: bool) -> Iterator[_Statement]:
    """All that names one text; merely mentioned is what goes on with a remark."""
    for node in brackets(text):
        if node.sign == "{":
            yield from _named(text, node.start, node.end, members(text, node) or [])
    at, last, lines = 0, len(text.rstrip()), text.split("\n")
    filled = [line.strip() for line in lines if line.strip()]
    if len(filled) > _MOST_LINES:
        raise AnswerError("it is far longer than the number asked for")
    following = iter([*(line[0].islower() for line in filled[1:]), False])
    for line in lines:
        begin, at = at, at + len(line) + 1
        if not line.strip():
            continue
        going_on = next(following)
        bare = _BULLET.sub("", line, count=1).strip(_STRIPPED)
        if not bare:
            continue
        end = begin + len(line.rstrip())
        if item := _ENUMERATED.fullmatch(bare):
            if not hedged(item["remark"], "") and not _contrary(item["remark"], odd):
                yield _Statement(item["number"], Standing.MENTIONED, end)
            continue
        sentences = _BREAK.split(bare)
        for i, sentence in enumerate(sentences):
            match = _SENTENCES[odd].fullmatch(" ".join(sentence.strip(_STRIPPED).split()))
            if match is None or _doubtful(match, odd):
                continue
            marked = bool(match["prefix"] or match["tail"])
            first, final = begin == 0 and i == 0, end >= last and i == len(sentences) - 1
            alone = not match["remark"] and not going_on and (len(sentences) == 1 or first or final)
            standing = Standing.FINAL if marked else Standing.ALONE if alone else Standing.MENTIONED
            if not (going_on and i == len(sentences) - 1 and not marked):
                yield _Statement(match["number"], standing, begin + line.find(sentence) + len(sentence))


def _doubtful(match: re.Match[str], odd: bool) -> bool:
    remark = f"{match['why'] or ''} {match['remark'] or ''}"
    return hedged(remark, "") or taken_back(remark) or _contrary(remark, odd) or bool(_DENIED.search(remark))


def _named(text: str, start: int, end: int, named_values: list[tuple[str, int, int]]) -> Iterator[_Statement]:
    """`{"intruder": 3}`, maybe with other members such as the reasons."""
    named = [
        value
        for name, begin, over in named_values
        if re.fullmatch(
            rf"{_ODD.replace('[ -]', '[ _-]?')}|(?:final_)?answer|text|number|choice|odd_one_out", name, re.I
        )
        and (value := re.fullmatch(rf"[\"' ]*{_NUMBER}[\"' ]*", text[begin:over].strip(), re.IGNORECASE))
    ]
    if len(named) == 1:
        yield _Statement(named[0]["number"], Standing.FINAL, end)
