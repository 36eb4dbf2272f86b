"""A local HTTP server that speaks vLLM's dialect of /v1/completions, with a tiny model behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from inspect_autointerp.models.likelihood.local import LocalLikelihood
from tests.local_server import JsonHandler, running

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
            [logprobs] = model._answer([("", prompt)])
        assert isinstance(logprobs, list)
        given: list[Entry] = [None] if tokenizer.bos_token_id is not None else []
        for id, logprob in zip(item.ids[item.first :], logprobs, strict=True):
            entry = {"logprob": logprob, "rank": 3, "decoded_token": tokenizer.decode([id])}
            likeliest = {"logprob": -0.5, "rank": 1, "decoded_token": "!"}
            given.append({str(id): entry, "299": likeliest} if logprob == logprob else None)
        return given

    class Handler(JsonHandler):
        def do_POST(self) -> None:
            body = self.body()
            asked.clear()
            asked.update(body, path=self.path)
            prompt = body["prompt"]
            if "fail" in prompt:
                self.send_json(400, {"error": {"message": "no", "type": "BadRequest", "code": 400}})
                return
            prompt_entries = entries(prompt.replace("other", "another"))
            choice: dict[str, Any] = {"index": 0, "text": "x", "finish_reason": "length", "logprobs": None}
            if body.get("prompt_logprobs") and "silent" not in prompt:
                choice["prompt_logprobs"] = prompt_entries
            usage = {
                "prompt_tokens": len(prompt_entries),
                "completion_tokens": 1,
                "total_tokens": len(prompt_entries) + 1,
            }
            head = {"id": "1", "object": "text_completion", "created": 0, "model": "tiny"}
            self.send_json(200, {**head, "choices": [choice], "usage": usage})

    with running(Handler) as url:
        yield url, asked
