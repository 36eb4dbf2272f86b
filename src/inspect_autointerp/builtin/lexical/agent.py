"""The lexical agent: it calls the tools in a fixed order, and keeps the tokens on which the latent fires alone.

Its turns depend on the conversation and nothing else. First it looks (contexts, promoted tokens, neighbours); then it
writes down what the lexical explainer would say, and reads the latent on each listed token by itself; then it looks for
silent texts with the first token, and steers; then it submits the tokens that passed.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool
from inspect_ai.tool import ToolCall

from inspect_autointerp.builtin.lexical.explain import PART, explain
from inspect_autointerp.builtin.lexical.judge import listed_words
from inspect_autointerp.text.prompt_lines import ACTIVE, ANSWER_TAG, LAST_TURN, TEXT

_TEXT = re.compile(rf"^{TEXT} (\d+): .*\n(?:{ACTIVE}(.*)|Silent: )", re.MULTILINE)
_STRENGTH = re.compile(r'"(?:[^"\\]|\\.)*": (\d+)')

Call = tuple[str, dict[str, Any]]


def agent_turn(messages: Sequence[ChatMessage], tools: set[str]) -> ChatMessageAssistant:
    """Return the next turn of a conversation.

    Args:
        messages: The conversation.
        tools: Names of what can be called; `submit` is among them.
    """
    turns = sum(isinstance(message, ChatMessageAssistant) for message in messages)
    question = next((message.text for message in messages if message.role == "user"), "")
    shown = [question, *_results(messages, "contexts")]
    first = _explanation(explain("\n".join(shown)))
    words = [word for word, _ in listed_words(first)]
    texts = [text for word in words for text in _texts(word)]
    last = messages[-1].text if messages[-1].role == "user" else ""
    plan: list[tuple[str, list[Call]]] = [
        (
            "I look at the latent's contexts, at what it promotes and at its neighbours.",
            [("contexts", {"kind": "activating"}), ("promoted_tokens", {}), ("neighbours", {})],
        ),
        (
            "I write down the tokens that carry the activation, and read the latent on each of them by itself.",
            [
                ("hypotheses", {"best_first": [first]}),
                ("activations", {"texts": texts}),
            ],
        ),
        (
            "I look for silent texts with the first token, and at what the latent does.",
            [("contexts", {"kind": "silent", "search": _bare(words[0])}), ("steer", {})] if words else [("steer", {})],
        ),
    ]
    steps = [(text, [call for call in calls if call[0] in tools]) for text, calls in plan]
    steps = [(text, calls) for text, calls in steps if calls and all(call[1].get("texts", [1]) for call in calls)]
    if turns < len(steps) and LAST_TURN not in last:
        return _message(turns, *steps[turns])
    noted = _arguments(messages, "hypotheses").get("best_first", [first])[0]
    final = _tested(noted, _arguments(messages, "activations"), _results(messages, "activations"))
    return _message(turns, "These are the tokens that passed.", [("submit", {"explanation": final})])


def _message(turn: int, text: str, calls: list[Call]) -> ChatMessageAssistant:
    tool_calls = [
        ToolCall(id=f"call-{turn}-{i}", function=name, arguments=given) for i, (name, given) in enumerate(calls)
    ]
    return ChatMessageAssistant(content=text, tool_calls=tool_calls)


def _results(messages: Sequence[ChatMessage], name: str) -> list[str]:
    return [
        message.text
        for message in messages
        if isinstance(message, ChatMessageTool) and message.function == name and message.error is None
    ]


def _explanation(answer: str) -> str:
    return answer.removeprefix(f"{ANSWER_TAG} ")


def _bare(word: str) -> str:
    return word.removeprefix(PART) if len(word) > 1 else word


def _texts(word: str) -> list[str]:
    """The two texts that a listed token is tried on: where one begins, and behind a word."""
    if word.startswith(PART) and len(word) > 1:
        return [f"b{_bare(word)}", f"over{_bare(word)}"]
    return [word, f"the {word}"] if word[0].isalnum() else [f"x{word}", f"x {word}"]


def _arguments(messages: Sequence[ChatMessage], name: str) -> dict[str, Any]:
    """Return the arguments of a tool's first call; empty if it was not called."""
    turns = [message for message in messages if isinstance(message, ChatMessageAssistant)]
    calls = [call for turn in turns for call in turn.tool_calls or []]
    none: dict[str, Any] = {}
    return next((call.arguments for call in calls if call.function == name), none)


def _tested(noted: str, asked: dict[str, Any], results: list[str]) -> str:
    """The explanation after the tests: the tokens that fire, by how strongly; what was noted where none does."""
    texts = asked.get("texts", [])
    strengths = [0] * len(texts)
    for number, active in _TEXT.findall(results[0]) if results else []:
        if int(number) <= len(texts):
            strengths[int(number) - 1] = max(map(int, _STRENGTH.findall(active)), default=0)
    words = [word for word, _ in listed_words(noted)]
    by_text = dict(zip(texts, strengths, strict=True))
    by_word = {word: max(by_text.get(text, 0) for text in _texts(word)) for word in words}
    passed = {word: strength for word, strength in by_word.items() if strength}
    if not passed:
        return noted
    most = max(passed.values())
    rows = sorted(passed.items(), key=lambda row: (-row[1], row[0]))
    return "texts with " + ", ".join(
        f"{json.dumps(word, ensure_ascii=False)} ({max(1, round(10 * strength / most))})" for word, strength in rows
    )
