"""A local HTTP server that speaks OpenAI's chat completions, as vLLM does too, with the lexical baseline behind it.

It fails by a plan: for every request that comes in the plan says what goes wrong, if anything.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Logprob,
)

from inspect_autointerp.builtin.lexical.provider import LexicalAPI
from inspect_autointerp.builtin.prompt_reader import asked
from tests.local_server import JsonHandler, running

Fault = Literal[
    "limited",
    "broken",
    "unauthorised",
    "cut",
    "ended",
    "garbled",
    "empty",
    "slow",
    "truncated",
    "filtered",
    "unsupported",
    "refused",
    "blank",
]
"""Faults that the server can play.

limited: status 429 with Retry-After. broken: status 500. unauthorised: 401. cut: the connection is closed in the middle
of the answer. ended: the answer stops there, without a word, and the connection is in order. garbled: what comes is no
JSON. empty: no choices. slow: the answer comes when the client has left. truncated: half of the answer, finish_reason
`length`. filtered: half of it, `content_filter`. unsupported: status 400, as of a parameter that is not known. refused:
a `refusal` in place of content, finish_reason `stop`. blank: content without a character.
"""
_REFUSAL = "I cannot help with that."
_MESSAGES = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}


@dataclass(frozen=True)
class Request:
    """Question that the server was asked."""

    body: dict[str, Any]
    question: str
    """The messages without what says that an answer could not be used."""
    kind: str | None
    """`explain`, `judge` and so on, see `offline.asked`."""
    again: int
    """Number of times that the same question came before."""
    time: float
    """When, in seconds."""


@dataclass
class OpenAIServer:
    """A running one."""

    url: str = ""
    plan: Callable[[Request], Fault | None] = lambda request: None
    retry_after: str = "0.01"
    """Value of a 429's `Retry-After`, in seconds."""
    slow: float = 1.0
    """Duration of a slow answer, in seconds."""
    requests: list[Request] = field(default_factory=list)
    """All that came in."""

    def reset(self) -> None:
        """Forget what was asked, and fail no more."""
        self.__dict__.update(OpenAIServer(self.url).__dict__)

    def count(self, kind: str) -> int:
        """Return how many requests of a kind came in."""
        return sum(request.kind == kind for request in self.requests)

    def questions(self, kind: str | None) -> list[str]:
        """The different questions of a kind, in the order in which they first came."""
        return list(dict.fromkeys(request.question for request in self.requests if request.kind == kind))


@contextmanager
def serving() -> Iterator[OpenAIServer]:
    """Start one, and stop it."""
    server, lock = OpenAIServer(), Lock()
    lexical = LexicalAPI("lexical")

    class Handler(JsonHandler):
        def do_GET(self) -> None:
            self.send_json(200, {"object": "list", "data": [{"id": "lexical", "max_model_len": 100_000}]})

        def do_POST(self) -> None:
            body = self.body()
            if not self.path.endswith("/chat/completions"):
                self.send_json(404, {"error": {"message": self.path, "type": "NotFound", "code": 404}})
                return
            with lock:
                messages = _question(body["messages"])
                question = json.dumps([message.text for message in messages])
                again = sum(request.question == question for request in server.requests)
                request = Request(body, question, asked(messages[-1].text), again, time.monotonic())
                server.requests.append(request)
                fault = server.plan(request)
            match fault:
                case "limited":
                    error = {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}
                    self.send_json(429, {"error": error}, {"Retry-After": server.retry_after})
                case "broken":
                    self.send_json(500, {"error": {"message": "oh no", "type": "server_error", "code": None}})
                case "unsupported":
                    error = {"message": "extra fields not permitted", "type": "invalid_request_error", "code": None}
                    self.send_json(400, {"error": error})
                case "unauthorised":
                    error = {"message": "no such key", "type": "invalid_request_error", "code": "invalid_api_key"}
                    self.send_json(401, {"error": error})
                case _:
                    if fault == "slow":
                        time.sleep(server.slow)
                    pieces, finish, usage = _answer(lexical, messages, body, fault)
                    (self._stream if body.get("stream") else self._plain)(body, pieces, finish, usage, fault)

        def _plain(self, body: dict, pieces: list[Logprob], finish: str, usage: dict, fault: Fault | None) -> None:
            text = "".join(piece.token for piece in pieces)
            message = {"role": "assistant", "content": text, "refusal": None}
            if fault == "refused":
                message |= {"content": None, "refusal": _REFUSAL}
            choice = {"index": 0, "message": message, "logprobs": _logprobs(body, pieces), "finish_reason": finish}
            choices = [] if fault == "empty" else [choice]
            whole = _head("chat.completion", body) | {"choices": choices, "usage": usage}
            data = json.dumps(whole, ensure_ascii=False).encode()
            half = data[: len(data) // 2]
            if fault == "cut":
                self.send_data(200, half, length=len(data))
                self.close_connection = True
            else:
                self.send_data(200, half if fault in ("ended", "garbled") else data)

        def _stream(self, body: dict, pieces: list[Logprob], finish: str, usage: dict, fault: Fault | None) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            chunks = [{"delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}]
            if fault == "refused":
                chunks.append({"delta": {"refusal": _REFUSAL}, "logprobs": None, "finish_reason": None})
                pieces = []
            for some in (pieces[i : i + 2] for i in range(0, len(pieces), 2)):
                delta = {"content": "".join(piece.token for piece in some)}
                chunks.append({"delta": delta, "logprobs": _logprobs(body, some), "finish_reason": None})
            chunks.append({"delta": {}, "logprobs": None, "finish_reason": finish})
            if fault in ("cut", "ended", "garbled", "empty"):
                chunks = [] if fault == "empty" else chunks[: -(-len(chunks) // 2)]
            for chunk in chunks:
                self._event({"choices": [{"index": 0} | chunk], "usage": None}, body)
            if fault == "cut":
                self.close_connection = True  # without the chunk of no length that ends the body
                return
            if fault == "garbled":
                self._chunk(b'data: {"id": "1", "choices": [{\n\n')
            elif fault != "ended":
                if (body.get("stream_options") or {}).get("include_usage"):
                    self._event({"choices": [], "usage": usage}, body)
                self._chunk(b"data: [DONE]\n\n")
            self._chunk(b"")

        def _event(self, content: dict[str, Any], body: dict) -> None:
            data = json.dumps(_head("chat.completion.chunk", body) | content, ensure_ascii=False)
            self._chunk(b"data: " + data.encode() + b"\n\n")

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    with running(Handler) as server.url:
        yield server


def _question(sent: list[dict[str, Any]]) -> list[ChatMessage]:
    """The messages up to the last one that the baseline understands; what follows says what was wrong."""
    messages: list[ChatMessage] = [_MESSAGES[message["role"]](content=message["content"]) for message in sent]
    understood = [i for i, message in enumerate(messages, 1) if message.role == "user" and asked(message.text)]
    return messages[: understood[-1]]


def _head(what: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": what, "created": 0, "model": body["model"]}


def _answer(
    lexical: LexicalAPI, messages: list[ChatMessage], body: dict, fault: Fault | None
) -> tuple[list[Logprob], str, dict[str, int]]:
    """Return what the baseline says, in pieces, why it ends, and what it costs."""
    text, logprobs = lexical.answer(messages, GenerateConfig(logprobs=bool(body.get("logprobs"))))
    n_in, n_out = sum(len(message.text) for message in messages) // 4, max(1, len(text) // 4)
    usage = {"prompt_tokens": n_in, "completion_tokens": n_out, "total_tokens": n_in + n_out}
    if logprobs:
        pieces = logprobs.content
    else:
        pieces = [Logprob(token=text[i : i + 4], logprob=0.0) for i in range(0, len(text), 4)]
    if fault == "blank":
        return [], "stop", usage
    if fault in ("truncated", "filtered"):
        return pieces[: len(pieces) // 2], "length" if fault == "truncated" else "content_filter", usage
    return pieces, "stop", usage


def _logprobs(body: dict[str, Any], pieces: Any) -> dict[str, Any] | None:
    """Return the log-probability of each piece, and as many of the likeliest as were asked for."""
    if not body.get("logprobs"):
        return None
    content = []
    for piece in pieces:
        ranked = sorted(piece.top_logprobs or [], key=lambda one: -one.logprob)[: body.get("top_logprobs") or 0]
        likeliest = [{"token": one.token, "logprob": one.logprob, "bytes": list(one.token.encode())} for one in ranked]
        entry = {"token": piece.token, "logprob": piece.logprob, "bytes": list(piece.token.encode())}
        content.append(entry | {"top_logprobs": likeliest})
    return {"content": content, "refusal": None}
