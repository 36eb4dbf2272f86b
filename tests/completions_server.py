"""A local HTTP server that speaks vLLM's dialect of /v1/completions, with a tiny model behind it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from inspect_autointerp.likelihood.local import LocalLikelihood

Entry = dict[str, dict[str, Any]] | None


@contextmanager
def serving(model: LocalLikelihood, tokenizer: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The server's address, and what it was last asked.

    A prompt with "fail" in it gets status 400, with "silent" no log-probabilities, with "other" another text's.
    """
    asked: dict[str, Any] = {}
    one_at_a_time = Lock()

    def entries(prompt: str) -> list[Entry]:
        item = model._tokenize([("", prompt)])[0]
        with one_at_a_time:
            [found] = model._answer([("", prompt)])
        assert isinstance(found, list)
        given: list[Entry] = [None] if tokenizer.bos_token_id is not None else []
        for id, logprob in zip(item.ids[item.first :], found, strict=True):
            said = {"logprob": logprob, "rank": 3, "decoded_token": tokenizer.decode([id])}
            likeliest = {"logprob": -0.5, "rank": 1, "decoded_token": "!"}
            given.append({str(id): said, "299": likeliest} if logprob == logprob else None)
        return given

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.clear()
            asked.update(body, path=self.path)
            prompt = body["prompt"]
            if "fail" in prompt:
                self._send(400, {"error": {"message": "no", "type": "BadRequest", "code": 400}})
                return
            said = entries(prompt.replace("other", "another"))
            choice: dict[str, Any] = {"index": 0, "text": "x", "finish_reason": "length", "logprobs": None}
            if body.get("prompt_logprobs") and "silent" not in prompt:
                choice["prompt_logprobs"] = said
            usage = {"prompt_tokens": len(said), "completion_tokens": 1, "total_tokens": len(said) + 1}
            head = {"id": "1", "object": "text_completion", "created": 0, "model": "tiny"}
            self._send(200, {**head, "choices": [choice], "usage": usage})

        def _send(self, status: int, content: dict[str, Any]) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()
