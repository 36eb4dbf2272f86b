"""Reading the number of the one candidate that an answer names: it is read in one way, or refused."""

import re
from math import exp

from inspect_ai.model import ModelOutput

from inspect_autointerp.scorers.shared.parsing.doubt import hedged, taken_back
from inspect_autointerp.scorers.shared.parsing.final_answer import AnswerError, final_answer
from inspect_autointerp.scorers.shared.parsing.forms import plain
from inspect_autointerp.scorers.shared.token_spelling import places

_LONGEST = 8_000
_NOUN = r"(?:candidate|latent|option|choice|number|no\.?)"
_NUMBER = (
    rf"(?:(?:the )?{_NOUN} ?[#:=]? ?){{0,2}}[#\[(\"'“`]{{0,3}}(?P<number>[0-9]{{1,9}})[\])\"'”`]{{0,3}}"
    r"(?![0-9%²³]|[.,/–-]\d)"
)
_BEST = (
    r"(?:(?:is|fits|matches|seems to be|applies|must be)(?: the)?(?: explanation)?"
    r"(?: best| (?:correct|right|best) (?:one|answer|match|candidate|fit|choice)| one| answer| match)?)"
)
_NAMED = re.compile(
    r"\b(?:(?:final |correct |right |best |my |the )*(?:answer|choice|match|(?:best )?candidate))[\"']?"
    rf" ?(?:is|:|=|→|->|would be|must be)[ :]*{_NUMBER}",
    re.IGNORECASE,
)
"""An answer that is marked as such: `Answer: 3`, `the best match is candidate 3`, `{"candidate": 3}`."""
_ALONE = re.compile(
    rf"(?:i(?:['’]d| would)? (?:think|say|choose|pick|select|go with) |it(?: is|['’]s) )?{_NUMBER}"
    rf"(?: {_BEST})?(?P<remark> ?(?:[:,;–—-]|because|since|as) [^\W\d][^\n]*| \([^\n]*\))? ?[.!:]?",
    re.IGNORECASE,
)
"""A line or sentence that names a candidate and says no more than why: `Candidate 3 fits best, because …`."""
_OPEN = re.compile(r"[ \t]*(?:or|and|/|,)[ \t]*(?:candidate |#|number )?[0-9]|[ \t]*\?", re.IGNORECASE)
"""Begins what leaves an answer open."""
_MARKDOWN = re.compile(r"\s*(?:(?:[-•>–—]|#{1,6})\s+)*")
_DIGITS = re.compile(r"[0-9]+")


def parse_candidate(reply: str, n: int) -> int:
    r"""Read the number, from 1 to n, of the candidate that an answer names.

    Read: what is marked as the answer (`Answer: 3`, `\boxed{3}`, `{"candidate": 3}`), else lines that name a candidate
    and at most say why (`3`, `Candidate 3 fits best, because …`). All that count must agree, and what follows may not
    take it back.

    Raises:
        AnswerError: There is none of these, it names two, or a candidate that there is not.
    """
    answer, _ = final_answer(reply, _LONGEST)
    text, _ = plain(answer)
    named = [*_NAMED.finditer(text)] or [*_lines(text)]
    if not named:
        raise AnswerError(f"it does not give the number of one of the {n} candidates and nothing else")
    numbers = {match["number"] for match in named}
    if len(numbers) > 1 or any(_OPEN.match(match.string[match.end() :]) for match in named):
        raise AnswerError("it names more than one candidate, or leaves open which")
    last = text.rfind(named[-1].group()) + len(named[-1].group())
    remarks = [match.groupdict().get("remark") or "" for match in named]
    if taken_back(text[last:]) or any(hedged(remark, "") or taken_back(remark) for remark in remarks):
        raise AnswerError("what follows the number may take it back: give the number alone")
    [number] = numbers
    if number not in map(str, range(1, n + 1)):
        raise AnswerError(f"it names candidate {number[:9]}, but the candidates are numbered 1 to {n}")
    return int(number)


def candidate_probabilities(output: ModelOutput, named: int, n: int) -> list[float] | None:
    """Return the probability of each candidate, float (n,) in [0, 1] with the sum 1, by the answer's log-probabilities.

    Numbers that the provider does not list have the probability 0.

    Args:
        output: The answer.
        named: The candidate, from 1, that was read from it.
        n: Candidates.

    Returns:
        None where the provider gives no alternatives, or the answer holds more than one number.
    """
    answer, logprobs = output.completion, output.choices[0].logprobs if output.choices else None
    digits = [*_DIGITS.finditer(answer)]
    if logprobs is None or len(digits) != 1:
        return None
    [place] = places(logprobs.content, answer, [digits[0].start()])
    if place is None:
        return None
    mass = [0.0] * n
    for token, logprob in place.alternatives:
        number = token.strip()
        if number in map(str, range(1, n + 1)):
            mass[int(number) - 1] += exp(logprob)
    if not mass[named - 1] or sum(share > 0 for share in mass) < 2:
        return None
    return [share / sum(mass) for share in mass]


def _lines(text: str) -> "list[re.Match[str]]":
    """Return the lines that name a candidate and no more than why."""
    matches: list[re.Match[str]] = []
    for line in text.split("\n"):
        bare = _MARKDOWN.sub("", line, count=1).strip(" \t\r\"'“”_")
        match = _ALONE.fullmatch(" ".join(bare.split()))
        if match:
            matches.append(match)
    return matches
