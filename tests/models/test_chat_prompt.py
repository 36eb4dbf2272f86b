"""A chat as the text before an answer, with a chat template and without."""

from types import SimpleNamespace
from typing import Any

import pytest
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.models.likelihood.chat_prompt import choice_of

MESSAGES: list[ChatMessage] = [
    ChatMessageSystem(content="Judge."),
    ChatMessageUser(content="Text: a"),
    ChatMessageAssistant(content="1"),
    ChatMessageUser(content="Text: b"),
]


def chat_model(refuses_system: bool = False, **more: Any) -> Any:
    """Stands for an Inspect model of `hf/…` whose template begins with BOS."""

    def hf_chat(messages: list[ChatMessage], tools: list[Any]) -> str:
        if refuses_system and messages[0].role == "system":
            raise ValueError("System role not supported")
        return "<s>" + "".join(f"<{message.role}>{message.text}" for message in messages) + "<assistant>"

    tokenizer = SimpleNamespace(chat_template="…", bos_token="<s>")
    return SimpleNamespace(api=SimpleNamespace(tokenizer=tokenizer, hf_chat=hf_chat, **more))


def test_chat_model_reads_its_template_without_bos() -> None:
    text, answers = choice_of(chat_model(), MESSAGES, ("0", "1"))
    assert text == "<system>Judge.<user>Text: a<assistant>1<user>Text: b<assistant>"
    assert answers == ("0", "1")


def test_template_without_system_gets_instructions_first() -> None:
    text, _ = choice_of(chat_model(refuses_system=True), MESSAGES, ("0", "1"))
    assert text == "<user>Judge.\n\nText: a<assistant>1<user>Text: b<assistant>"
    assert MESSAGES[1].text == "Text: a", "the messages are shared by all questions"


@pytest.mark.parametrize(
    "model",
    [
        SimpleNamespace(api=SimpleNamespace()),
        SimpleNamespace(api=SimpleNamespace(tokenizer=SimpleNamespace(chat_template=None))),
        chat_model(use_chat_template=False),
    ],
    ids=["served", "base model", "template not wanted"],
)
def test_other_models_read_the_layout_for_base_models(model: Any) -> None:
    text, answers = choice_of(model, MESSAGES, ("0", "1"))
    assert text == "Judge.\n\nText: a\nAnswer: 1\n\nText: b\nAnswer:"
    assert answers == (" 0", " 1")
