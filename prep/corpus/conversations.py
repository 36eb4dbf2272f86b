"""Rows to conversations: the forms that people keep messages in, as one form that chat templates take."""

import json
from collections.abc import Mapping
from typing import Any

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.corpus_rows import Column, kind_of_value

Message = dict[str, Any]
"""`role` and `content`, both text, and what else a template may read: `tool_calls`, `reasoning_content`, `name`, …"""

_FORMS = 'messages are {"role": …, "content": …} or {"from": …, "value": …}'
_SHARE_GPT = {
    **{"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"},
    **{"tool": "tool", "function": "tool", "observation": "tool", "function_response": "tool"},
    **{"chatgpt": "assistant", "bing": "assistant", "bard": "assistant", "model": "assistant"},
}
"""Roles by what ShareGPT and its relatives call who speaks."""


class ConversationColumn(Column):
    """The column that holds conversations: lists of messages, or JSON texts of such lists."""

    def checked(self, value: object, place: str) -> list[Message] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return a value of the column as messages, or None if there are none.

        Raises:
            UserError: It is no conversation.
        """
        if value is None or value == "" or value != value:  # NaN is how pandas writes that there is none
            return None
        where = f"{self._source}: {place}: column {self._name!r}"
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as error:
                raise UserError(
                    f"{where} holds text, but not a JSON list of messages; for a column of plain text give --column"
                ) from error
        if not isinstance(value, list):
            raise UserError(f"{where} holds {kind_of_value(value)}, not a list of messages")
        return [
            _message(message, f"{where}, message {number}") for number, message in enumerate(value, start=1)
        ] or None


def _message(message: object, where: str) -> Message:
    if not isinstance(message, Mapping):
        raise UserError(f"{where} is {kind_of_value(message)}; {_FORMS}")
    fields = {str(name): value for name, value in message.items() if value is not None}
    if "role" in fields:
        role, content = fields["role"], fields.get("content", fields.get("value", ""))
    elif "from" in fields:
        role, content = fields["from"], fields.get("value", fields.get("content", ""))
        role = _SHARE_GPT.get(role, role) if isinstance(role, str) else role
    else:
        raise UserError(f"{where} has the fields {', '.join(sorted(fields)) or 'of nobody'}; {_FORMS}")
    if not isinstance(role, str) or not role:
        raise UserError(f"{where}: its role is {kind_of_value(role)}, not a word such as user or assistant")
    others = {name: value for name, value in fields.items() if name not in ("role", "from", "content", "value")}
    if calls := others.get("tool_calls"):
        others["tool_calls"] = [_tool_call(call) for call in calls] if isinstance(calls, list) else calls
    else:
        others.pop("tool_calls", None)
    return {"role": role, "content": _text(content, where)} | others


def _text(content: object, where: str) -> str:
    """The text of a message; of one in parts, the texts of the parts joined."""
    if isinstance(content, list):
        parts: list[str] = []
        for part in content:
            text = part.get("text") if isinstance(part, Mapping) else part
            if not isinstance(text, str):
                kind = part.get("type", "an object") if isinstance(part, Mapping) else kind_of_value(part)
                raise UserError(f"{where} has a part that is not text ({kind}); a causal language model reads text")
            parts.append(text)
        content = "".join(parts)
    if not isinstance(content, str):
        raise UserError(f"{where}: its content is {kind_of_value(content)}, not text")
    try:
        content.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{where} holds half a character ({content[error.start]!a}, an unpaired surrogate)") from error
    return content


def _tool_call(call: Any) -> Any:
    """A call as templates expect it: its arguments as an object, where they are the JSON text of one."""
    if not isinstance(call, Mapping):
        return call
    call = {str(name): value for name, value in call.items() if value is not None}
    function: Any = call.get("function")
    holder = {str(n): v for n, v in function.items() if v is not None} if isinstance(function, Mapping) else call
    arguments = holder.get("arguments")
    if isinstance(arguments, str):
        try:
            parsed = json.loads(arguments)
        except (ValueError, RecursionError):
            parsed = None
        if isinstance(parsed, dict):
            holder["arguments"] = parsed
    return call | {"function": holder} if holder is not call else call
