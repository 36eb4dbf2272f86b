"""Conversations are rendered as the tokenizer itself renders them, and every character is known to be whose it is."""

from typing import Any

import pytest
from tests.chat_templates import CHATML, GEMMA, LLAMA, QWEN, R1, chat_tokenizer

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.chat_template import ChatTemplate, Rendering, Unusable

SYSTEM = {"role": "system", "content": "Be brief."}
SHORT = [{"role": "user", "content": "user"}, {"role": "assistant", "content": "The assistant answers.\n"}]
LONG = [
    *SHORT,
    {"role": "user", "content": "  And\n\nnow? <b>user</b> "},
    {"role": "assistant", "content": "assistant"},
]


def rendered(template: str, messages: list[dict[str, Any]]) -> Rendering:
    return ChatTemplate(chat_tokenizer(template), "subject").render(messages)


def parts(rendering: Rendering) -> list[tuple[str, str]]:
    return [(role, rendering.text[begin:end]) for begin, end, role in rendering.messages]


def turns(rendering: Rendering) -> list[tuple[str, str]]:
    return [(role, rendering.text[begin:end]) for begin, end, role in rendering.turns]


@pytest.mark.parametrize("template", [LLAMA, GEMMA, CHATML, R1, QWEN])
@pytest.mark.parametrize("messages", [SHORT, LONG, SHORT[:1]])
def test_messages_are_told_from_the_template(template: str, messages: list[dict[str, Any]]) -> None:
    rendering = rendered(template, messages)
    tokenizer = chat_tokenizer(template)
    assert rendering.text == tokenizer.apply_chat_template(messages, tokenize=False, date_string="26 Jul 2024")
    assert parts(rendering) == [(message["role"], message["content"].strip()) for message in messages]
    assert not rendering.folded


@pytest.mark.parametrize("template", [LLAMA, CHATML, R1, QWEN])
def test_a_system_message_is_its_own_role(template: str) -> None:
    assert parts(rendered(template, [SYSTEM, *SHORT]))[0] == ("system", "Be brief.")


def test_a_refused_system_message_is_in_the_first_user_message() -> None:
    rendering = rendered(GEMMA, [SYSTEM, *LONG])
    assert rendering.folded
    assert "<start_of_turn>user\nBe brief.\n\nuser<end_of_turn>" in rendering.text
    assert parts(rendering)[:2] == [("system", "Be brief."), ("user", "user")]
    assert turns(rendering)[:2] == [
        ("system", "<|bos|><start_of_turn>user\nBe brief."),
        ("user", "\n\nuser<end_of_turn>\n"),
    ]


def test_turns_begin_with_their_headers() -> None:
    assert turns(rendered(CHATML, SHORT)) == [
        ("user", "<|im_start|>user\nuser<|im_end|>\n"),
        ("assistant", "<|im_start|>assistant\nThe assistant answers.\n<|im_end|>\n"),
    ]
    assert turns(rendered(R1, [SYSTEM, *LONG])) == [
        ("system", "<|bos|>Be brief."),
        ("user", "<|User|>user"),
        ("assistant", "<|Assistant|>The assistant answers.\n<|eos|>"),
        ("user", "<|User|>  And\n\nnow? <b>user</b>"),
        (
            "assistant",
            " <|Assistant|>assistant<|eos|>",
        ),  # the space behind the user's text
    ]
    assert turns(rendered(LLAMA, SHORT))[0] == ("user", "<|start|>user<|end|>\n\nuser<|eot|>")


def test_reasoning_counts_where_the_template_keeps_it() -> None:
    thought = "<think>\nIs it?\n</think>\n\nIt is."
    messages = [SHORT[0], {"role": "assistant", "content": thought}]
    assert parts(rendered(R1, messages)) == [("user", "user"), ("assistant", thought)]
    again = rendered(R1, [*messages, SHORT[0], {"role": "assistant", "content": thought}])
    assert parts(again) == [("user", "user"), ("assistant", "It is."), ("user", "user"), ("assistant", thought)]
    field = [SHORT[0], {"role": "assistant", "content": "It is.", "reasoning_content": "Is it?"}]
    rendering = rendered(QWEN, field)
    assert rendering.text.endswith("<think>\nIs it?\n</think>\n\nIt is.<|im_end|>\n")
    assert parts(rendering) == [("user", "user"), ("assistant", "Is it?"), ("assistant", "It is.")]
    assert turns(rendering)[1][1].startswith("<|im_start|>assistant\n<think>")


def test_text_of_tags_only_is_the_template_s() -> None:
    assert parts(rendered(QWEN, [SHORT[0], {"role": "assistant", "content": "<think></think>"}])) == [("user", "user")]


def test_tools_are_a_role_and_arguments_count() -> None:
    call = {"type": "function", "function": {"name": "look", "arguments": {"where": 'the "user"', "n": 2}}}
    messages = [
        *(SHORT[0], {"role": "assistant", "content": "", "tool_calls": [call]}),
        *({"role": "tool", "content": "A list."}, SHORT[1]),
    ]
    rendering = rendered(LLAMA, messages)
    assert [role for role, _ in parts(rendering)] == ["user", "assistant", "tool", "assistant"]
    assert parts(rendering)[1:3] == [("assistant", 'the \\"user\\"'), ("tool", "A list.")]
    response = rendered(QWEN, [{"role": "user", "content": "<tool_response>\nA list.\n</tool_response>"}])
    assert parts(response) == [("user", "<tool_response>\nA list.\n</tool_response>")]


def test_the_date_is_the_same_on_every_day() -> None:
    assert "Today is 26 Jul 2024\n" in rendered(LLAMA, SHORT).text
    other = "{{ strftime_now('%Y-%m-%d') }} {{ messages[0].content }} {{ strftime_now( \"%d\" ) }}"
    assert rendered(other, SHORT).text == "2024-07-26 user 26"


@pytest.mark.parametrize(
    ("template", "messages", "reason"),
    [
        (GEMMA, [*SHORT, SHORT[1]], "refuses them (Conversation roles must alternate user/assistant)"),
        (GEMMA, [SYSTEM], "refuses them (System role not supported)"),
        ("{{ messages[0].content | upper }}", [{"role": "user", "content": "<u>x</u>"}], None),
        ("{{ messages[0].content[:1] }}!", SHORT, "rewrites its messages"),
        ("{{ messages[7].content + '!' }}", SHORT, "refuses them"),
        (CHATML, [{"role": "user", "content": "\U00100000"}], "rewrites its messages"),
    ],
)
def test_a_conversation_that_cannot_be_rendered(template: str, messages: list[Any], reason: str | None) -> None:
    if reason is None:  # nothing but capitals: marks stay where they are
        assert parts(rendered(template, messages)) == [("user", "X")]
        return
    with pytest.raises(Unusable) as refused:
        rendered(template, messages)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("template", "message"), [(None, "has no chat template"), ("{% if %}", "is malformed, line 1")]
)
def test_a_subject_without_a_template(template: str | None, message: str) -> None:
    with pytest.raises(UserError, match=f"--chat: .*subject {message}"):
        ChatTemplate(chat_tokenizer(template), "subject")
