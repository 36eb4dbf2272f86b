"""The final answer in a model's reply, without the reasoning, turn marks and stop tokens that a server left in it."""

import re

MAX_ANSWER = 500_000
"""Characters of a reply, its reasoning included. No model may write more at a time (about 128,000 tokens)."""

_MOST_TAGS = 10_000
"""Signs with which a tag may begin. Each has to be looked at."""
_REASONING = r"think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|analysis|seed:think|antthinking"
_TAG = re.compile(
    rf"<\|?(?P<a>/|end_(?:of_)?)?(?:begin_(?:of_)?|start_)?(?:{_REASONING})\|?>"
    r"|\[(?P<b>/)?think(?:ing)?\]|◁(?P<c>/)?think▷",
    re.IGNORECASE,
)
_CHANNEL = re.compile(r"<\|channel\|>[ \t]?(?P<name>\w{1,20})[^<\n]{0,60}(?:<\|constrain\|>[^<\n]{0,40})?<\|message\|>")
_OPENS_MESSAGE = re.compile(r"(?:\A\s*|<\|start\|>assistant|<\|end\|>)\Z")  # elsewhere it is spoken of
_END_OF_MESSAGE = re.compile(r"<\|(?:return|end|call|start)\|>")
_STOP = (
    r"(?:<\|(?:return|end|call|im_end|eot_id|eom_id|eot|eos|endoftext|end_of_text|end_of_turn|endofturn"
    r"|end_of_turn_token|end_response|end_of_solution)\|>|</s>|<eos>|<end_of_turn>|<｜end▁of▁sentence｜>|\[EOS\])"
)
_STOP_TOKENS = 5
"""So many are taken off at the end."""
_LAST_STOP = re.compile(rf"{_STOP}\Z", re.IGNORECASE)
_NEXT_TURN = re.compile(
    rf"{_STOP}\s*+(?:<\|im_start\|>|<\|start_header_id\|>|<start_of_turn>|<\|start\|>|<\|user\|>|<s>|\[INST\])",
    re.IGNORECASE,
)
_OWN_TURN = re.compile(
    r"\s*(?:<s>\s*|<bos>\s*|<\|begin_of_text\|>)?(?:<\|im_start\|>\s*assistant\s|<\|start_header_id\|>assistant"
    r"<\|end_header_id\|>|<start_of_turn>model\s|<\|start\|>assistant|<\|assistant\|>|<\|START_RESPONSE\|>"
    r"|<\|begin_of_solution\|>)|\s*<s>|\s*<bos>",
    re.IGNORECASE,
)
_MARK = re.compile(r"<(?P<close>/)?(?:final_?answer|final|answer|output|response|result|solution)>", re.IGNORECASE)
_OPENING_QUOTE = re.compile(r"(?:^|\s)[\"'`“‘(*]+\Z")


class AnswerError(ValueError):
    """An answer that cannot be read in exactly one way; the message says why, in words for the grader."""


def final_answer(reply: str, limit: int = MAX_ANSWER) -> tuple[str, int]:
    """Find the final answer in a reply.

    Dropped in front: reasoning between tags (`<think>…</think>`, `[THINK]…[/THINK]` and the like; the opening tag may
    be missing), all channels of a harmony reply but the last, the mark of the turn. Dropped behind: stop tokens and
    the turns that a model went on to invent. Of `<answer>…</answer>` as the last thing, the content counts.

    A tag is taken for reasoning, and a token for a stop token, only where a server would have left it: an opening tag
    at the beginning of a line; a stop token at the very end, glued to what is before it, after the end of a sentence,
    a bracket or a number, or on a line of its own. Elsewhere it belongs to the answer, which may be about such a tag:
    `the token </s>`.

    Args:
        reply: All that the model said.
        limit: Characters that the final answer may have.

    Returns:
        The final answer, and at which character of the reply it begins.

    Raises:
        AnswerError: The reasoning has no end, or something is longer than any answer that was asked for.
    """
    if len(reply) > MAX_ANSWER:
        raise AnswerError(f"it is longer than {MAX_ANSWER} characters")
    if sum(map(reply.count, "<[◁")) > _MOST_TAGS:
        raise AnswerError("it has too many brackets for its final answer to be found")
    begin, end = _channel(reply)
    begin = _after_reasoning(reply, begin, end)
    if turn := _OWN_TURN.match(reply, begin, end):
        begin = turn.end()
    if turn := _NEXT_TURN.search(reply, begin, end):
        end = turn.start()
    begin, end = _marked(reply, begin, _before_stop_tokens(reply, begin, end))
    if end - begin > limit:
        raise AnswerError(f"it has {end - begin} characters, more than {limit}")
    return reply[begin:end], begin


def _channel(reply: str) -> tuple[int, int]:
    """The place of the final channel of a harmony reply; of another reply, all."""
    channels = [m for m in _CHANNEL.finditer(reply) if _OPENS_MESSAGE.search(reply[max(0, m.start() - 40) : m.start()])]
    if not channels:
        if reply.startswith("analysis"):  # its special tokens taken out: `analysisWe need …assistantfinal[1,0]`
            place = reply.rfind("assistantfinal")
            if place >= 0:
                return place + len("assistantfinal"), len(reply)
            if reply[8:9].isupper():
                raise AnswerError("it holds only reasoning and no final answer")
        return 0, len(reply)
    last = channels[-1]
    if last["name"] != "final":
        raise AnswerError("it ends in its reasoning, without a final answer")
    stop = _END_OF_MESSAGE.search(reply, last.end())
    return last.end(), stop.start() if stop else len(reply)


def _after_reasoning(reply: str, begin: int, end: int) -> int:
    """Return where the reasoning between tags is over."""
    last = begin + len(reply[begin:end].rstrip())
    opened, seen, fresh = False, begin, True
    for tag in _TAG.finditer(reply, begin, end):
        before = reply[seen : tag.start()].rstrip(" \t>*")
        fresh = before.endswith("\n") or (not before and fresh)  # the tag is the first thing on its line
        seen = tag.end()
        if not (tag["a"] or tag["b"] or tag["c"]):
            opened = opened or fresh
        elif opened or _ends_reasoning(reply, tag, fresh, last):
            opened, begin = False, tag.end()
    if opened:
        raise AnswerError("its reasoning does not end, so it has no final answer")
    return begin


def _ends_reasoning(reply: str, tag: re.Match[str], fresh: bool, last: int) -> bool:
    """Return whether a closing tag without an opening one ends reasoning, rather than being spoken of."""
    glued = reply[tag.start() - 1 : tag.start()] not in tuple(" \t\"'`“‘(")
    alone = reply[tag.end() : tag.end() + 20].lstrip(" \t").startswith("\n") and tag.end() < last
    return fresh or glued or alone


def _before_stop_tokens(reply: str, begin: int, end: int) -> int:
    for _ in range(_STOP_TOKENS):
        end = begin + len(reply[begin:end].rstrip())
        stop = _LAST_STOP.search(reply, max(begin, end - 30), end)
        if stop is None:
            return end
        before = reply[max(begin, stop.start() - 200) : stop.start()]
        bare = before.rstrip()
        glued = bare == before and not _OPENING_QUOTE.search(before)
        over = "\n" in before[len(bare) :] or bare[-1:] in tuple('.!?…])}"”’`*') or bare[-1:].isdigit()
        if not bare or not (glued or over):
            return end
        end = stop.start()
    return end


def _marked(reply: str, begin: int, end: int) -> tuple[int, int]:
    """The content of `<answer>…</answer>`, if that is the last thing and the only such pair; else all."""
    marks: list[re.Match[str]] = []
    for mark in _MARK.finditer(reply, begin, end):
        marks.append(mark)
        if len(marks) > 2:
            return begin, end
    if not marks or marks[0]["close"] or (len(marks) == 2 and not marks[1]["close"]):
        return begin, end
    before = reply[begin : marks[0].start()].rstrip(" \t")
    if before and not before.endswith("\n"):
        return begin, end
    if len(marks) == 1:
        return marks[0].end(), end
    return (marks[0].end(), marks[1].start()) if not reply[marks[1].end() : end].strip() else (begin, end)
