"""A chat as one text, up to where an answer begins: by the model's own template, or in the layout for base models."""

from collections.abc import Sequence
from copy import copy
from typing import Any

from inspect_ai.model import ChatMessage, Model

from inspect_autointerp.models.likelihood.interface import Choice

_ANSWER = "Answer:"
"""Stands before each answer in the layout for base models."""


def choice_of(model: Model, messages: Sequence[ChatMessage], answers: Sequence[str]) -> Choice:
    """Return the question which of some answers follows a chat.

    A chat model in memory (`hf/…`, with a chat template) reads the chat as it would if it had to answer: by its
    template, with the beginning of its own turn at the end. Any other model, and every model behind a server that takes
    bare texts, reads the messages one after the other, with `Answer:` before each answer.

    Args:
        model: The model.
        messages: Instructions, worked examples with their answers, and the question.
        answers: The answers to choose from.
    """
    templated = _by_template(model.api, list(messages))
    if templated is not None:
        return templated, tuple(answers)
    return base_prompt(messages), tuple(f" {answer}" for answer in answers)


def base_prompt(messages: Sequence[ChatMessage]) -> str:
    """Return a chat in the layout for base models; a space and the answer are to follow."""
    parts: list[str] = []
    for message in messages:
        if message.role == "assistant":
            parts[-1] += f" {message.text}"
        else:
            parts.append(message.text + (f"\n{_ANSWER}" if message.role == "user" else ""))
    return "\n\n".join(parts)


def _by_template(api: Any, messages: list[ChatMessage]) -> str | None:
    """Return a chat by its model's template, without BOS; None where there is no template.

    The instructions go into the first question where the template knows no system messages.
    """
    tokenizer = getattr(api, "tokenizer", None)
    template = getattr(api, "chat_template", None) or getattr(tokenizer, "chat_template", None)
    if tokenizer is None or template is None or getattr(api, "use_chat_template", None) is False:
        return None
    try:
        text: str = api.hf_chat(messages, [])
    except Exception:  # what a template raises on purpose is jinja's
        system, first, *others = messages
        joined = copy(first)
        joined.content = f"{system.text}\n\n{first.text}"
        text = api.hf_chat([joined, *others], [])
    bos = tokenizer.bos_token
    return text.removeprefix(bos) if bos else text
