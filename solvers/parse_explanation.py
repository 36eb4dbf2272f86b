"""Reading an explainer's reply: the line that begins with `EXPLANATION:`."""

import json
import re
from contextlib import suppress

from inspect_autointerp.scorers.shared.parsing.final_answer import AnswerError, final_answer
from inspect_autointerp.text.json_values import is_dict

LONGEST = 4_000
"""Characters of an explanation: one sentence is asked for."""
_LONGEST_ANSWER = 100_000

_SIGNS = r"[ \t*_#>`~-]{0,12}"
_LINE = re.compile(
    rf"^{_SIGNS}(?P<final>(?:my )?(?:final|revised|corrected|improved) )?(?P<word>explanation)[ \t]{{0,4}}"
    r"(?P<shut>[*_`]{0,3})[ \t]{0,4}:(?P<signs>[*_`]{0,3}(?=[ \t]|$))?(?P<text>.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_OPENED = re.compile(r"(?P<signs>[*_`]{1,3})(?:(?:my )?(?:final|revised|corrected|improved) )?\Z", re.IGNORECASE)
_PAIRS = ("***", "**", "*", "```", "``", "`", "__", "_")
_TEMPLATE = re.compile(r"[<\[({]?\s*(?:your|the|an?)?\s*explanation(?: here)?\s*[>\])}]?", re.IGNORECASE)
_LIST = re.compile(r"\s*(?:[-*•]|[0-9]{1,3}[.)])\s")
_TAKEN_BACK = re.compile(
    r"^[ \t]{0,8}(?:but |oh,? |hmm,? |no,? )?"
    r"(?:wait|actually|correction|hmm|no,|on second thought|scratch that|sorry)\b",
    re.IGNORECASE | re.MULTILINE,
)


def parse_explanation(reply: str) -> str | None:
    """Read the explanation in a reply as `read_explanation` does; None where it cannot be read."""
    try:
        return read_explanation(reply)
    except AnswerError:
        return None


def read_explanation(reply: str) -> str:
    """Read the explanation in a reply: what follows `EXPLANATION:` on its line, or on the next if that is empty.

    Several such lines have to agree. If they differ, those marked as final (`FINAL EXPLANATION:`) count, else those in
    capitals, as asked for; if these differ, the reply is ambiguous: a weak model that goes on talking invents further
    latents and explains them, and neither its first line nor its last can be taken for its answer. So is one that goes
    on with `Wait` or the like. What else follows the line is not looked at. A JSON object with the one text
    `explanation` is read, too. Markdown goes only as a pair of signs around the whole: `the token _` keeps its sign.
    Reasoning and stop tokens go by the rule of `final_answer`.

    Raises:
        AnswerError: There is none, there are two that differ, it is the template itself, is longer than `LONGEST`, or
            goes on in a list. The message says which, in words that follow "Your answer cannot be used:".
    """
    answer, _ = final_answer(reply, _LONGEST_ANSWER)
    lines = [match for match in _LINE.finditer(answer) if _text(answer, match)]
    lines = [match for match in lines if match["final"]] or lines
    lines = [match for match in lines if match["word"].isupper()] or lines
    texts = list(dict.fromkeys(_text(answer, match) for match in lines))
    if not lines:
        if text := _member(answer):
            return text
        raise AnswerError("it has no line that begins with `EXPLANATION:` followed by an explanation")
    if len(texts) > 1:
        raise AnswerError(f"it holds {len(texts)} lines that begin with `EXPLANATION:`, and they differ")
    if _TAKEN_BACK.search(answer, lines[-1].end()):
        raise AnswerError("it takes back its explanation without giving another one")
    if texts[0].endswith(":") and _LIST.match(answer[lines[-1].end() : lines[-1].end() + 40]):
        raise AnswerError("its explanation goes on in a list")
    if len(texts[0]) > LONGEST:
        raise AnswerError(f"its explanation has {len(texts[0]):,} characters, but at most {LONGEST:,} are allowed")
    return texts[0]


def _text(answer: str, line: re.Match[str]) -> str:
    """Return what a line says, without the signs around it; empty where it says nothing."""
    text = line["text"]
    if not text.strip():
        rest = answer[line.end() :].lstrip()
        text = rest.split("\n", 1)[0]
        if _LINE.match(text) or _LIST.match(text + " "):
            return ""
    text = text.strip()
    opened = _OPENED.search(answer[line.start() : line.start("word")])
    closed = line["shut"] or line["signs"]
    if opened and not closed:  # `**EXPLANATION: days**`
        text = text.removesuffix(opened["signs"]).rstrip()
    elif line["signs"] and not line["shut"] and not opened:  # `EXPLANATION: ** days`: a sign of the explanation
        text = f"{line['signs']} {text}".strip()
    text = _bare(text)
    return "" if _TEMPLATE.fullmatch(text) else text


def _bare(text: str) -> str:
    """The text without a pair of Markdown's signs around the whole of it."""
    for sign in _PAIRS:
        inner = text[len(sign) : -len(sign)]
        whole = len(text) > 2 * len(sign) and text.startswith(sign) and text.endswith(sign)
        if whole and sign not in inner and inner == inner.strip() and (sign[0] != "_" or " " in inner):
            return inner
    return text


def _member(answer: str) -> str | None:
    """The explanation of `{"explanation": "…"}`."""
    body = re.sub(r"\A\s*```[^\n]*\n|\n[ \t]*```\s*\Z", "", answer).strip()
    if body.startswith("{"):
        with suppress(ValueError, RecursionError):
            content = json.loads(body, strict=False)
            text = content.get("explanation") if is_dict(content) else None
            if isinstance(text, str) and 0 < len(text.strip()) <= LONGEST and "\n" not in text.strip():
                return text.strip()
    return None
