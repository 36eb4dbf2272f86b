"""A conversation as the subject's own chat template renders it, and which part of the text is whose.

Templates say nothing of where a message's text went, and few mark it (`{% generation %}`). So each conversation is
rendered twice: as it is, and with a mark before and behind each message's text. Without its marks, the second rendering
must be the first; then the marks are where the texts begin and end. Marks stand inside of white space and of tags such
as `<think>`, so that templates trim, split and test messages as they do without them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from jinja2 import TemplateError, TemplateSyntaxError

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.conversations import Message

DATE = datetime(2024, 7, 26)
"""The date that templates see, so that a store does not depend on the day. Llama's templates have it as a default."""
_FIRST_MARK = 0x100000
_MARKS = re.compile("[\U00100000-\U0010ffff]")
"""Private use, plane 16: no text of a corpus should hold them, and no template tests for them."""
_TAG = re.compile(r"</?[^<>\s]{1,40}>")
_FAILURES = (TemplateError, TypeError, ValueError, KeyError, AttributeError)


class Unusable(Exception):
    """A conversation that cannot be rendered; its text says why."""


class Part(NamedTuple):
    """A stretch of the rendered text, in characters from `begin` to before `end`."""

    begin: int
    end: int
    role: str


@dataclass(frozen=True)
class Rendering:
    """A conversation as the subject reads it."""

    text: str
    """With the template's own BOS, where it writes one."""
    messages: list[Part]
    """The messages' texts, in order; the rest is the template's."""
    turns: list[Part]
    """The same with what the template writes around each: its header, and what ends it. They cover the text, but for
    what comes before the first."""
    folded: bool = False
    """The system message was put before the first user message, because the template takes none."""


class _Piece(NamedTuple):
    """A text of a message, or a part of one between tags."""

    owner: int
    """Number of the message."""
    role: str
    before: str
    """Tags and white space between the piece before it in the same text and this one."""
    behind: str
    """Tags behind it, of the last one in a text."""
    first: bool
    """It is the first in its text."""


class ChatTemplate:
    """The chat template of a subject's tokenizer.

    Args:
        tokenizer: A Hugging Face tokenizer.
        subject: Its name, for errors.

    Raises:
        UserError: It has none, or one that is no template.
    """

    def __init__(self, tokenizer: Any, subject: str) -> None:
        self._tokenizer = tokenizer
        if not getattr(tokenizer, "chat_template", None):
            raise UserError(
                f"--chat: the tokenizer of {subject} has no chat template; give an instruction-tuned subject, or put"
                " chat_template.jinja into the subject's folder"
            )
        self._template = _undated(tokenizer.get_chat_template())
        try:
            self._render([{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello"}])
        except TemplateSyntaxError as error:
            raise UserError(
                f"--chat: the chat template of {subject} is malformed, line {error.lineno}: {error.message}"
            ) from error
        except _FAILURES:
            pass  # it may want other messages than these

    def render(self, messages: Sequence[Message]) -> Rendering:
        """Return a conversation as text, with whose each part of it is.

        A system message that the template refuses is put before the first user message, with a blank line between.

        Raises:
            Unusable: The template refuses the conversation, or what it writes cannot be told from the messages.
        """
        texts = [[(number, message["role"], message["content"])] for number, message in enumerate(messages)]
        try:
            return self._aligned(messages, texts)
        except _FAILURES as error:
            if not (len(messages) > 1 and messages[0]["role"] == "system" and messages[1]["role"] == "user"):
                raise Unusable(_refusal(error)) from error
        user = dict(messages[1])
        joined = [*texts[0], (None, "", "\n\n"), *texts[1]]
        user["content"] = "".join(text for _, _, text in joined)
        try:
            return self._aligned([user, *messages[2:]], [joined, *texts[2:]], folded=True)
        except _FAILURES as error:
            raise Unusable(_refusal(error)) from error

    def _render(self, messages: Sequence[Message]) -> str:
        return self._tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=False, chat_template=self._template
        )

    def _aligned(self, messages: Sequence[Message], texts: Sequence[Any], folded: bool = False) -> Rendering:
        """Render messages as they are and marked.

        Args:
            messages: What the template is given.
            texts: The content of each as (number of the message, role, text); None for a text that is no message's.
            folded: See `Rendering`.
        """
        plain = self._render(messages)
        marker = _Marker()
        marked = self._render([_marked(message, own, marker) for message, own in zip(messages, texts, strict=True)])
        if _MARKS.search(plain) or _MARKS.sub("", marked) != plain:
            raise Unusable("the template rewrites its messages, so that the template's text cannot be told from theirs")
        parts = list(_joined(plain, _places(marked), marker.pieces))
        return Rendering(plain, [part for _, part in parts], _turns(plain, parts), folded)


def _undated(template: str) -> str:
    """Return a template whose function of today's date always gives `DATE`."""
    if "strftime_now" not in template:
        return template
    formats = dict.fromkeys(re.findall(r"""strftime_now\(\s*(?:"([^"]*)"|'([^']*)')""", template))
    dates = {form: DATE.strftime(form) for form in map("".join, formats)}
    usual = DATE.strftime("%d %b %Y")
    macro = f"{{{{- {dates!r}.get(format, {usual!r}) -}}}}"
    return f"{{%- macro strftime_now(format) -%}}{macro}{{%- endmacro %}}{template}"


class _Marker:
    """Puts marks around texts, and notes which text each pair of marks is of."""

    def __init__(self) -> None:
        self.pieces: list[_Piece] = []

    def __call__(self, owner: int | None, role: str, text: str) -> str:
        """Return a text with marks around what lies between tags, white space left outside."""
        if owner is None:
            return text
        at, written, first = 0, "", True
        held: list[tuple[int, int]] = []
        for begin, end in _between_tags(text):
            core = text[begin:end].strip()
            if core:
                begin = text.index(core, begin)
                held.append((begin, begin + len(core)))
        for number, (begin, end) in enumerate(held):
            mark = _FIRST_MARK + 2 * len(self.pieces)
            if mark > 0x10FFFD:
                raise Unusable("it has too many tags to be told from the template's text")
            behind = text[end:].rstrip() if number == len(held) - 1 else ""
            self.pieces.append(_Piece(owner, role, text[at:begin], behind, first))
            written += f"{text[at:begin]}{chr(mark)}{text[begin:end]}{chr(mark + 1)}"
            at, first = end, False
        return written + text[at:]


def _between_tags(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for tag in _TAG.finditer(text):
        yield at, tag.start()
        at = tag.end()
    yield at, len(text)


def _marked(message: Message, texts: Any, marker: _Marker) -> Message:
    """The message with marks in all that a model would have written of it: content, reasoning, arguments of calls."""
    owner, role = texts[-1][:2]
    marked = dict(message)
    for field in ("reasoning_content", "reasoning", "thinking"):
        if isinstance(message.get(field), str):
            marked[field] = marker(owner, role, message[field])
    marked["content"] = "".join(marker(*text) for text in texts)
    if isinstance(calls := message.get("tool_calls"), list):
        marked["tool_calls"] = [_marked_call(call, owner, role, marker) for call in calls]
    return marked


def _marked_call(call: Any, owner: int, role: str, marker: _Marker) -> Any:
    if not isinstance(call, dict):
        return call
    function: Any = call.get("function")
    holder: dict[str, Any] = function if isinstance(function, dict) else call
    arguments = _marked_leaves(holder.get("arguments"), owner, role, marker)
    holder = holder | ({"arguments": arguments} if "arguments" in holder else {})
    return call | {"function": holder} if isinstance(function, dict) else holder


def _marked_leaves(value: Any, owner: int, role: str, marker: _Marker) -> Any:
    if isinstance(value, str):
        return marker(owner, role, value)
    if isinstance(value, dict):
        return {name: _marked_leaves(leaf, owner, role, marker) for name, leaf in value.items()}
    return [_marked_leaves(leaf, owner, role, marker) for leaf in value] if isinstance(value, list) else value


def _places(marked: str) -> list[tuple[int, int, int]]:
    """Return the places of pieces in the text without marks, in order: number of the piece, begin, end."""
    places: list[tuple[int, int, int]] = []
    opened: dict[int, int] = {}
    for before, mark in enumerate(_MARKS.finditer(marked)):
        number, closes = divmod(ord(mark[0]) - _FIRST_MARK, 2)
        at = mark.start() - before
        if not closes:
            opened[number] = at
        elif number in opened:
            places.append((number, opened.pop(number), at))
    return sorted(places, key=lambda place: place[1])


def _joined(text: str, places: Sequence[tuple[int, int, int]], pieces: Sequence[_Piece]) -> Iterator[tuple[int, Part]]:
    """The parts of messages, each with its message's number.

    Pieces of one text are one part, tags and white space between and around them included, where the template kept
    these as they are.
    """
    runs: list[list[tuple[int, int, int]]] = []
    for place in places:
        number, begin, _ = place
        piece = pieces[number]
        if runs and not piece.first:
            last, _, end = runs[-1][-1]
            if last == number - 1 and text[end:begin] == piece.before:
                runs[-1].append(place)
                continue
        runs.append([place])
    for run in runs:
        (first, begin, _), (last, _, end) = run[0], run[-1]
        lead, behind = pieces[first].before.lstrip(), pieces[last].behind
        if pieces[first].first and lead and text.endswith(lead, 0, begin):
            begin -= len(lead)
        if behind and text.startswith(behind, end):
            end += len(behind)
        yield pieces[first].owner, Part(begin, end, pieces[first].role)


def _turns(text: str, parts: Sequence[tuple[int, Part]]) -> list[Part]:
    """Return the turns that messages' parts are in.

    The text behind the last message is how the template ends one. Between two messages, a turn begins behind the last
    such end, since the template may have written other turns. An end of white space alone can be in a header too, so it
    ends a turn only where it follows the message. Without an end, a turn begins where the message before it ends.
    """
    if not parts:
        return []
    ending = text[parts[-1][1].end :]
    starts: list[tuple[int, str]] = []
    before, owner_before = 0, None
    for owner, part in parts:
        if owner != owner_before:
            if mark := ending.strip():
                space = ending.rpartition(mark)[2]
                if (at := text.rfind(mark, before, part.begin)) < 0:
                    at = before
                else:
                    at += len(mark)
                    at += len(space) if text.startswith(space, at) else 0
            else:
                at = before + len(ending) if owner_before is not None and text.startswith(ending, before) else before
            starts.append((min(at, part.begin), part.role))
        before, owner_before = part.end, owner
    ends = [*(start for start, _ in starts[1:]), len(text)]
    return [Part(start, end, role) for (start, role), end in zip(starts, ends, strict=True)]


def _refusal(error: Exception) -> str:
    text = (str(error).splitlines() or [""])[0]
    return f"the chat template refuses them ({text if isinstance(error, TemplateError) else type(error).__name__})"
