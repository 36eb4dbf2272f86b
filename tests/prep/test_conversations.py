"""Conversations are read in the forms that people have, and what is none is refused with its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.documents import corpus_documents
from inspect_autointerp.store.settings import Settings

TALK = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
SHARE_GPT = [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi"}]


def read(path: Path, column: str = "messages") -> list[Any]:
    return list(corpus_documents(Settings(corpus=str(path), chat=column)))


def lines_of(path: Path, *values: Any) -> Path:
    path.write_text("".join(json.dumps({"messages": value}) + "\n" for value in values))
    return path


@pytest.mark.parametrize("talk", [TALK, SHARE_GPT, json.dumps(TALK), json.dumps(SHARE_GPT)])
def test_forms_of_conversations_in_json_lines(tmp_path: Path, talk: Any) -> None:
    assert read(lines_of(tmp_path / "chats.jsonl", talk, None, [], "")) == [TALK]


@pytest.mark.parametrize("form", ["csv", "parquet of lists", "parquet of text", "json"])
def test_forms_of_files(tmp_path: Path, form: str) -> None:
    import pandas as pd

    talk: Any = TALK if form in ("parquet of lists", "json") else json.dumps(TALK)
    frame = pd.DataFrame({"messages": [talk, talk], "n": [1, 2]})
    path = tmp_path / f"chats.{form.split()[0]}"
    if form == "csv":
        frame.to_csv(path, index=False)
    elif form == "json":
        frame.to_json(path, orient="records")
    else:
        frame.to_parquet(path)
    (tmp_path / "README.md").write_text("What this is.")
    assert read(path) == read(tmp_path) == [TALK, TALK]


def test_fields_that_templates_read_are_kept(tmp_path: Path) -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": '{"n": 1}', "id": None}}
    talk = [
        {"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}], "name": "Ann"},
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "?"},
        {"from": "function_response", "value": "1", "tool_calls": None},
        {"from": "gpt", "value": "Hi", "tool_calls": []},
    ]
    parsed = {"type": "function", "function": {"name": "f", "arguments": {"n": 1}}}
    assert read(lines_of(tmp_path / "chats.jsonl", talk)) == [
        [
            {"role": "user", "content": "Hello", "name": "Ann"},
            {"role": "assistant", "content": "", "tool_calls": [parsed], "reasoning_content": "?"},
            {"role": "tool", "content": "1"},
            {"role": "assistant", "content": "Hi"},
        ]
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("Hello", "column 'messages' holds text, but not a JSON list of messages"),
        (3, "holds a number, not a list of messages"),
        ({"role": "user"}, "holds an object, not a list"),
        (["Hello"], r"message 1 is a text; messages are \{\"role\""),
        ([*TALK, {"text": "x", "who": "y"}], "message 3 has the fields text, who; messages are"),
        ([{"role": 1, "content": "x"}], "its role is a number, not a word"),
        ([{"role": "user", "content": 5}], "its content is a number, not text"),
        ([{"role": "user", "content": [{"type": "image", "url": "x"}]}], r"a part that is not text \(image\)"),
        ([{"role": "user", "content": "\ud800"}], "holds half a character"),
    ],
)
def test_what_is_no_conversation(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"chats.jsonl: line 2: column 'messages'.*{message}|{message}"):
        read(lines_of(tmp_path / "chats.jsonl", TALK, value))


def test_a_corpus_without_conversations(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Hello")
    with pytest.raises(UserError, match="text holds no conversations; --chat needs rows"):
        read(tmp_path)
    with pytest.raises(UserError, match="no column 'talks'; it has messages"):
        read(lines_of(tmp_path / "chats.jsonl", TALK), "talks")
