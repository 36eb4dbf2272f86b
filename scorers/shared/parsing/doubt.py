"""Tests of the words around an answer: is it given as the answer, and is it taken back?"""

import re
from collections.abc import Collection
from enum import IntEnum


class Standing(IntEnum):
    """The role of a form in an answer."""

    MENTIONED = 0
    """In a sentence that is about something else, denied, or one of several possibilities."""
    ALONE = 1
    """On lines of its own, or after words that introduce an answer."""
    FINAL = 2
    """After words that mark it as final."""


_N_T = r"\w+n['’]t"
_DOUBTED = re.compile(
    rf"\b(?:not|cannot|never|{_N_T}|neither|could|can be|may|might|maybe|perhaps|possibl[ey]|e\.\s?g|for example"
    r"|for instance|examples?|such as|formats?|forms?|templates?|placeholders?|either|or|guess(?:es)?|initial(?:ly)?"
    r"|first|draft|tentative|instead|rather|if|unless|unsure|uncertain|valid|allowed|like|between|whether|wrong"
    r"|incorrect|previous|earlier|without|except|only|refuse|unable|random|revers\w*|invert\w*|opposite|complement\w*|negat\w*|anything|swap\w*)\b",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"\([^()]*\)|\bin (?:the |a |an |this |your )?(?:\w+[ -]){0,2}(?:format|form)\b"
    r"|\b(?:requested|required|specified|desired|correct|right) (?:\w+ )?(?:format|form)\b|\bfor example \d+\b"
    r"|\bfor (?:the |each |all |every )(?:\w+ ){0,2}(?:texts?|examples?|sentences?)\b",
    re.IGNORECASE,
)
_WORTH = re.compile(
    r"\b(?:answers?|labels?|list|output|results?|response|classifications?|predictions?|ratings?|scores?|confidences?"
    r"|confidence (?:levels|values)|judge?ments?|verdicts?|decisions?|solution|sequence|array|values?|estimates?"
    r"|labell?ing|assessments?|conclusion|probabilit(?:y|ies)|evaluation|grades?|annotations?)\b",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"(?:so|thus|therefore|hence|sure|okay|ok|certainly|of course|here|here you go|here it is|here they are|here we go|"
    r"final|"
    r"we (?:have|get|output)|i (?:get|say|choose)|again|in short|in summary|summary|this gives|giving|mine|my \w+)?"
    r"[\s!.,:;=→>-]*+",
    re.IGNORECASE,
)
_COPULA = re.compile(r"(?:[:=→]|[-=]>|\b(?:is|are|be|as|follows))\s*[\"'“(]{0,3}\s{0,20}\Z", re.IGNORECASE)
_FINAL = re.compile(
    r"\b(?:final(?:ly)?|answers?|conclusion|correction|corrected|correct|revised|in (?:short|summary|total)|overall)\b",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"[\s.!;:\"'”’)\]}]*+"
    r"(?:(?:is|are) (?:my|the) (?:final )?(?:answers?|labels?|lists?|choice|predictions?)[.!]?)?\s*\Z",
    re.IGNORECASE,
)
_SECOND = re.compile(
    r"\b(?:wait|corrections?|corrected|correcting|actually|instead|should|mistakes?|mistaken|sorry|oops"
    r"|apolog\w+|guess\w*|unsure|uncertain|unclear|not (?:\w+ )?(?:sure|certain|confident|clear)|reconsider\w*"
    r"|second thoughts?|revis\w+|change|alternatively|might|maybe|perhaps|could|cannot|can['’]?t|unable|placeholders?"
    r"|format|hmm+|no longer|except|scratch|ignore|disregard|unless|however|flip\w*|swap\w*"
    r"|revers\w*|invert\w*|opposite|complement\w*|negat\w*|on reflection|arbitrar\w+|random\w*|only an?"
    r"|just an?|need more|possibly|typo|re-?(?:read|think|check)\w*|none is"
    r"|(?:that|this|i|list|labels?|answer) (?:is|was|were|are|am) (?:wrong|incorrect|not)|strike)\b"
    r"|(?:^|[.!?\n][ \t]{0,8})(?:but|though|although|no|nope|or|and)\b",
    re.IGNORECASE,
)
_HEDGED = re.compile(
    r"\?|\bor (?:\d|yes|no|true|false)\b|\b(?:maybe|perhaps|unsure|uncertain|not (?:\w+ )?(?:sure|certain|clear)|might"
    r"|could (?:also )?be|possibly|actually|wait|should be|correction|instead|guess\w*|unclear|borderline|ambiguous)\b",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(r"silent|inactive|not active|wrong|incorrect|no|false|does(?: not|n['’]t) apply", re.IGNORECASE)
_POSITIVE = re.compile(r"active|right|correct|yes|true|applies", re.IGNORECASE)
_LEGEND = re.compile(r"[ \t]*\([^()\n]*\)[\s.]*\Z")
_ALSO = re.compile(r"\b(?:also|as well|too)\b", re.IGNORECASE)
_TEXT = re.compile(r"\btexts? #?(\d{1,4})\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?]\s|\n")


def doubted(words: str) -> bool:
    """Return whether words deny what they introduce, or leave it open; of many words nobody knows."""
    return len(words) > 300 or bool(_DOUBTED.search(_HARMLESS.sub(" ", words)))


def hedged(remark: str, value: str) -> bool:
    """Return whether a remark on a single value leaves it open, or says the opposite: `1 (or 0)`, `1 (silent)`."""
    opposite = _NEGATIVE if value in ("1", "1.0", "yes", "true") else _POSITIVE if value in ("0", "0.0", "no") else None
    return bool(_HEDGED.search(remark)) or bool(opposite and opposite.fullmatch(remark.strip(" .!")))


def taken_back(after: str, ones: Collection[int] = ()) -> bool:
    """Return whether words after an answer may correct it, or show it to be none.

    Args:
        after: The words.
        ones: The texts that the answer says apply: that these *also* do is no correction.
    """
    if _SECOND.search(after):
        return True
    return any(
        not numbers or not set(map(int, numbers)) <= set(ones)
        for sentence in _SENTENCE.split(after)
        if _ALSO.search(sentence)
        for numbers in [_TEXT.findall(sentence)]
    )


def standing(text: str, start: int, end: int) -> Standing:
    """Return how the form at a place stands, by its line and those around it."""
    head = text.rfind("\n", 0, start) + 1
    tail = text.find("\n", end)
    tail = len(text) if tail < 0 else tail
    if not (_AFTER.match(text[end:tail]) or _LEGEND.match(text[end:tail])) or _goes_on(text[tail:]):
        return Standing.MENTIONED
    before = text[head:start].strip(" \t\"'“(>-•#")
    if before and not re.fullmatch(r"\d{1,3}[.)]", before):
        sentence = re.split(r"(?<=[.!?;])\s+", before)[-1]
        return _introduced(sentence) if _COPULA.search(text[head:start]) else _short(sentence)
    return _below(text[:head])


def _introduced(sentence: str) -> Standing:
    """Return how something stands after words that end in a colon, `is` and the like."""
    if doubted(sentence) or not (_WORTH.search(sentence) or _SHORT.fullmatch(sentence)):
        return Standing.MENTIONED
    return Standing.FINAL if _FINAL.search(sentence) else Standing.ALONE


def _short(sentence: str) -> Standing:
    return Standing.ALONE if _SHORT.fullmatch(sentence) else Standing.MENTIONED


def _below(above: str) -> Standing:
    """Return how something stands at the beginning of a line, by the line before."""
    line = above.rstrip().rsplit("\n", 1)[-1].strip()
    adjacent = "\n" not in above[len(above.rstrip()) :].removesuffix("\n").removesuffix("\r")
    bare = line.strip(" \t#>-•\"'“”")
    if not bare:
        return Standing.ALONE
    heading = line.startswith("#") or (len(bare.split()) < 4 and bare[-1] not in ".,;!?")
    sentence = re.split(r"(?<=[.!?;])\s+", bare)[-1]
    if bare[-1] in ":→=" or heading:
        if doubted(sentence):
            return Standing.MENTIONED
        return Standing.FINAL if _WORTH.search(sentence) and _FINAL.search(sentence) else Standing.ALONE
    return Standing.MENTIONED if (adjacent and bare[-1].isalpha()) or bare[-1] in ",—–" else Standing.ALONE


def _goes_on(after: str) -> bool:
    """Return whether a sentence goes on after an answer's lines."""
    return after.lstrip()[:1].islower()
