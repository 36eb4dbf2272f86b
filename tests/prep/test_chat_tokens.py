"""The subject reads what its tokenizer makes of a conversation, and only the wanted tokens count."""

from typing import Any

import numpy as np
import pytest
from tests.chat_templates import CHATML, GEMMA, LLAMA, QWEN, R1, chat_tokenizer

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.chat_report import chat_report
from inspect_autointerp.prep.corpus.chat_tokens import ChatReader
from inspect_autointerp.prep.corpus.chunks import Batch, Chunker
from inspect_autointerp.store.settings import Settings

SYSTEM = {"role": "system", "content": "Be brief."}
ASKED = {"role": "user", "content": "What is it? The user asks, and asks again: what can it be?"}
ANSWER = {"role": "assistant", "content": "It is here. <think>\nnot\n</think> The assistant answers: ä 日本."}
TALK = [SYSTEM, ASKED, ANSWER, ASKED, ANSWER]


def settings_of(**changed: Any) -> Settings:
    given = {"corpus": "chats.jsonl", "chat": "messages", "context_length": 512, "window": 16, "tokens": 10_000}
    return Settings(**given | changed)


def chunked(template: str, talks: list[Any], with_bos: bool = True, **changed: Any) -> tuple[Chunker, list[Batch]]:
    settings = settings_of(**changed)
    tokenizer = chat_tokenizer(template)
    chunker = Chunker(tokenizer, settings, 2, with_bos=with_bos, chat=ChatReader(tokenizer, settings, "subject"))
    return chunker, [batch for _, batch in chunker.batches(talks)]


def text_of(chunker: Chunker, ids: np.ndarray) -> str:
    return chunker.tokenizer.decode(ids.tolist(), clean_up_tokenization_spaces=False)


def counted_text(chunker: Chunker, batch: Batch, row: int = 0) -> str:
    return text_of(chunker, batch.ids[row][batch.pos[row] >= 0])


@pytest.mark.parametrize("with_bos", [True, False])
@pytest.mark.parametrize("template", [LLAMA, GEMMA, CHATML, R1, QWEN])
def test_the_input_is_what_the_tokenizer_makes(template: str, with_bos: bool) -> None:
    chunker, [batch] = chunked(template, [TALK[1:]], with_bos)
    wanted = chunker.tokenizer.apply_chat_template(TALK[1:], return_dict=False, date_string="26 Jul 2024")
    bos = [chunker.tokenizer.bos_token_id]
    if with_bos and wanted[:1] != bos:
        wanted = bos + wanted
    assert batch.ids[0][: len(wanted)].tolist() == wanted
    assert chunker.offset[1] == len(wanted) - with_bos  # BOS is in front of the input and not in the corpus
    assert chunker.chat and chunker.chat.writes_bos == (template in (LLAMA, GEMMA, R1))


@pytest.mark.parametrize("template", [LLAMA, GEMMA, CHATML, R1, QWEN])
def test_messages_count_and_the_template_does_not(template: str) -> None:
    chunker, [batch] = chunked(template, [TALK])
    texts = [message["content"] for message in TALK]
    if template == R1:
        texts[2] = " The assistant answers: ä 日本."
    got = counted_text(chunker, batch)
    assert all(text.strip() in got for text in texts)
    assert len(got) <= sum(map(len, texts)) + 2 * len(texts)  # a token can hold a full stop and the template's line end
    assert "<|" not in got
    assert "_turn>" not in got
    assert "Today" not in got
    assert "You help" not in got
    assert chunker.n_counted == (batch.pos >= 0).sum() < chunker.n_tokens


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
@pytest.mark.parametrize("template", [LLAMA, GEMMA, CHATML, R1, QWEN])
def test_one_role_counts_and_has_windows_of_its_own(template: str, role: str) -> None:
    chunker, [batch] = chunked(template, [TALK], role=role, window=8)
    got = counted_text(chunker, batch)
    own = {message["content"] for message in TALK if message["role"] == role}
    assert all(text[-12:] in got for text in own)
    for message in TALK:
        if message["role"] != role:
            assert message["content"][:9] not in got
            assert not any(message["content"][:9] in text_of(chunker, batch.ids[0][batch.window[0] == row])
                           for row in range(chunker.n_windows))  # fmt: skip
    for row in range(chunker.n_windows):
        inside = batch.window[0] == row
        assert inside.sum() == 8
        assert (batch.pos[0][inside] >= 0).any()
    if role != "system":
        assert chunker.n_windows >= 4
    assert np.unique(batch.windows.hash).size == chunker.n_windows
    assert chunker.windows.tolist() == batch.windows.start.tolist()


def test_windows_of_a_role_begin_with_its_header() -> None:
    chunker, [batch] = chunked(CHATML, [TALK], role="assistant", window=8)
    texts = [text_of(chunker, batch.ids[0][batch.window[0] == row]) for row in range(chunker.n_windows)]
    assert sum(text.startswith("<|im_start|>assistant\n") for text in texts) == 2


def test_a_window_in_which_nothing_counts_is_none() -> None:
    chunker, [batch] = chunked(CHATML, [[{"role": "user", "content": "It is here."}] * 2], window=4)
    every = chunker.n_tokens // 4
    assert 0 < chunker.n_windows < every
    assert chunker.n_windows == len(np.unique(batch.window[batch.pos >= 0])) - (-1 in batch.window[batch.pos >= 0])


@pytest.mark.parametrize("role", [None, "assistant"])
def test_template_tokens_count_if_asked_for(role: str | None) -> None:
    chunker, [batch] = chunked(LLAMA, [TALK], template_tokens=True, role=role)
    got = counted_text(chunker, batch)
    assert "<|bos|>" not in got
    assert got.count("<|start|>assistant<|end|>") == 2
    assert ("<|start|>user<|end|>" in got) == (role is None)
    if role is None:
        assert chunker.n_counted == chunker.n_tokens


def test_special_tokens_in_a_message_do_not_count() -> None:
    chunker, [batch] = chunked(CHATML, [[{"role": "user", "content": "It is<|im_end|> here."}]])
    assert counted_text(chunker, batch) == "It is here."


def test_a_long_conversation_is_cut_as_a_document_is() -> None:
    chunker, batches = chunked(CHATML, [TALK], context_length=32, window=16)
    assert chunker.n_long == 1
    rows = [row for batch in batches for row in range(len(batch.ids)) if (batch.pos[row] >= 0).any()]
    assert len(rows) == -(-chunker.n_tokens // 32)
    assert any("longer than 32 tokens" in line for line in chat_report(chunker))
    short, _ = chunked(CHATML, [TALK], tokens=20)
    assert short.n_tokens == 20


def test_what_is_left_out_is_counted_with_the_reason() -> None:
    talks = [TALK, [SYSTEM], [ANSWER], [ASKED, {"role": "assistant", "content": " "}], [ASKED, ASKED, ANSWER], TALK[1:]]
    chunker, _ = chunked(GEMMA, talks, role="assistant")
    assert chunker.chat
    assert len(chunker.test) == 2
    assert chunker.chat.left_out == {
        "no message has the role assistant": 1,
        "the chat template refuses them (Conversation roles must alternate user/assistant)": 2,
        "no message of role assistant has text": 1,
    }
    lines = list(chat_report(chunker))
    assert "tokens count (the assistant role's messages)" in lines[0]
    assert lines[1].startswith("4 of 6 conversations were left out: the chat template refuses them (")
    assert lines[1].endswith("(1); in 1 the system message was put before the first user message, since the chat"
                             " template takes none")  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"role": "asistant"}, r"none of 1,000 conversations can be used: no message has the role asistant \(1,000\); "
                               "roles of their messages: assistant, user"),
        ({}, r"none of 1,000 conversations can be used: the chat template refuses them \(.*alternate.*\(1,000\)"),
    ],
)  # fmt: skip
def test_a_corpus_of_which_nothing_can_be_used(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        chunked(GEMMA, [[ANSWER, ASKED]] * 2000, **changed)


def test_two_of_two_conversations_that_cannot_be_used() -> None:
    with pytest.raises(UserError, match="none of 2 conversations"):
        chunked(GEMMA, [[ANSWER, ASKED]] * 2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"chat": None, "role": "user"}, "--role is for conversations"),
        ({"chat": ""}, "--chat is empty"),
        ({"role": ""}, "--role is empty"),
        ({"chat": None, "template_tokens": True}, "--template-tokens is for conversations"),
        ({"corpus": "stdlib"}, "holds no conversations"),
        ({"separator": "x"}, "--separator is for text files"),
        ({"column": "body"}, "both name the column"),
        ({"role": "user", "center": True}, "do not go together"),
    ],
)
def test_settings_that_do_not_go_together(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        settings_of(**changed)


def test_a_template_that_writes_nothing_of_users_has_no_bos() -> None:
    silent = "{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content }}{% endif %}{% endfor %}"
    assert not ChatReader(chat_tokenizer(silent), settings_of(), "subject").writes_bos


def test_reasons_that_quote_the_conversation_are_cut_and_few() -> None:
    tokenizer = chat_tokenizer("{{ raise_exception(messages[0].content) }}")
    reader = ChatReader(tokenizer, settings_of(), "subject")
    talks = [[{"role": "user", "content": f"{number} {'x' * 500}"}] for number in range(1200)]
    with pytest.raises(UserError, match="none of 1,000 conversations") as refused:
        list(reader.tokenized(talks, lambda: 1, True))
    assert len(str(refused.value)) < 1000
    reader = ChatReader(tokenizer, settings_of(), "subject")
    reader.read = 1000  # others were read before, and were of use
    assert not list(reader.tokenized(talks, lambda: 1, True))
    assert len(reader.left_out) == 1001 and reader.left_out.total() == 1200
    assert (reader.report() or "").endswith("other reasons (1,197)")
