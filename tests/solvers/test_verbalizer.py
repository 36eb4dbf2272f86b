"""Tests of the explainer that posts vectors to an HTTP endpoint, against a server in a thread."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from time import sleep
from typing import Any, ClassVar

import httpx
import numpy as np
import pytest
from inspect_ai.log import EvalLog
from tests.local_server import JsonHandler, running
from tests.solvers.conftest import Explained

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.inspect_support.compat import PrerequisiteError
from inspect_autointerp.models.from_store import load_rows
from inspect_autointerp.solvers.verbalizer import verbalizer
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import marked
from inspect_autointerp.vectors import endpoint, sources
from inspect_autointerp.vectors.file import write_vectors

GOOD = {"texts": ["First part.\n\nLast part."], "model": "av/1", "usage": {"input_tokens": 7, "cost": 0.25}}
PROMPT_TOO_OLD = (400, {"error": "format"})


class Verbalizer(JsonHandler):
    """Answers with what a test has put in line, then with a good answer; remembers what it was sent."""

    bodies: ClassVar[list[dict[str, Any]]] = []
    headers_sent: ClassVar[list[str | None]] = []
    in_line: ClassVar[list[tuple[int, Any]]] = []
    delay: ClassVar[float] = 0.0
    at_once: ClassVar[list[int]] = [0, 0]
    lock = Lock()

    def do_POST(self) -> None:
        with self.lock:
            self.at_once[0] += 1
            self.at_once[1] = max(self.at_once)
            self.bodies.append(self.body())
            self.headers_sent.append(self.headers.get("Authorization"))
            status, answer = self.in_line.pop(0) if self.in_line else (200, GOOD)
        sleep(self.delay)
        with self.lock:
            self.at_once[0] -= 1
        if isinstance(answer, bytes):
            self.send_data(status, answer)
        else:
            self.send_json(status, answer, {"Retry-After": "0"} if status == 429 else {})


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in (("bodies", []), ("headers_sent", []), ("in_line", []), ("delay", 0.0), ("at_once", [0, 0])):
        monkeypatch.setattr(Verbalizer, name, value)
    monkeypatch.setattr(endpoint, "_growing", lambda state: 0.0)
    with running(Verbalizer) as address:
        yield address


def reasons(log: EvalLog) -> list[str | None]:
    return [(sample.scores or {})["detection"].reason for sample in log.samples or []]


def test_texts_about_vectors_are_explanations(
    explained: Explained, url: str, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(endpoint.KEY, "secret")
    log, explanations = explained(
        explainer={"name": "verbalizer", "url": url, "trained_on": "generation", "endpoint_model": "big", "seed": 3}
    )
    samples = log.samples or []
    assert [one["text"] for one in explanations] == [GOOD["texts"][0]] * 3
    assert {(one["read"], one["model"], one["source"]) for one in explanations} == {("vector", "av/1", "verbalizer/1")}
    assert explanations[0]["trained_on"] == ["generation"]
    assert explanations[0]["store"] is None
    assert samples[0].metadata["endpoint"] == {"model": "av/1", "input_tokens": 7, "cost": 0.25}
    assert samples[0].metadata["explanation_cost"]["explainer_tokens"] == 7
    assert samples[0].metadata["explanation_cost"]["calls"] == 1
    store, latents = Store(store_folder), sorted(int(str(sample.id).rpartition("/")[2]) for sample in samples)
    rows = load_rows(store, "layers.1", latents)
    sent = {tuple(np.array(body["vectors"][0], dtype=np.float32).tolist()) for body in Verbalizer.bodies}
    assert sent == {tuple(row.tolist()) for row in rows.side("decoder")}
    body = Verbalizer.bodies[0]
    assert body["norms"] == pytest.approx([np.linalg.norm(body["vectors"][0])], rel=1e-5)
    assert (body["subject"], body["hookpoint"]) == (store.manifest.subject, "layers.1")
    assert (body["kind"], body["texts"], body["model"], body["seed"]) == ("decoder", [], "big", 3)
    assert not any(str(sample.id) in json.dumps(body) for sample in samples for body in Verbalizer.bodies)
    assert set(Verbalizer.headers_sent) == {"Bearer secret"}
    assert "secret" not in log.model_dump_json()


def test_what_fails_for_a_while_is_asked_again(explained: Explained, url: str) -> None:
    Verbalizer.in_line += [(503, {}), (429, {}), (500, {}), (408, {})]
    _, explanations = explained(explainer={"name": "verbalizer", "url": url, "connections": 1})
    assert all(one["text"] for one in explanations)
    assert len(Verbalizer.bodies) == 7


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (PROMPT_TOO_OLD, "endpoint_error: HTTP 400"),
        ((500, {}), "endpoint_error: HTTP 500"),
        ((200, b"no json"), "invalid_response_format: the answer is not JSON"),
        ((200, {"text": "x"}), "invalid_response_format: `texts` must be a list of 1 texts"),
        ((200, {"texts": ["  "]}), "empty_explanation"),
        ((200, {"texts": ["x" * 10_001]}), "explanation_too_long"),
    ],
)
def test_an_answer_that_cannot_be_used_is_unscored(
    answer: tuple[int, Any], reason: str, explained: Explained, url: str
) -> None:
    Verbalizer.in_line += [answer] * 2
    log, [explanation] = explained(explainer={"name": "verbalizer", "url": url, "attempts": 2}, latents="sample:1")
    assert (explanation["text"], explanation["reason"]) == (None, reason)
    assert reasons(log) == [reason.partition(":")[0] if reason.startswith("invalid") else reason]
    assert len(Verbalizer.bodies) == (2 if answer[0] == 500 else 1)


def test_nobody_at_the_address_and_slow_answers_are_unscored(explained: Explained, url: str) -> None:
    Verbalizer.delay = 1.0
    slow = {"name": "verbalizer", "url": url, "timeout": 0.2, "attempts": 1}
    assert reasons(explained(explainer=slow, latents="sample:1")[0]) == ["endpoint_timeout"]
    gone = {"name": "verbalizer", "url": "http://127.0.0.1:9/", "attempts": 1}
    assert reasons(explained(explainer=gone, latents="sample:1")[0]) == ["endpoint_error: ConnectError"]


def test_controls_send_contexts_or_a_random_vector(explained: Explained, url: str, store_folder: Path) -> None:
    _, [explanation] = explained(
        explainer={"name": "verbalizer", "url": url, "vector": "none", "contexts": 4, "paragraph": "last"},
        latents="sample:1",
    )
    assert (explanation["text"], explanation["read"]) == ("Last part.", "contexts")
    store = Store(store_folder)
    assert explanation["store"] == store.digest
    [body] = Verbalizer.bodies
    assert (body["vectors"], body["norms"], body["kind"]) == ([], [], "none")
    latent = store.at("layers.1").latent(int(explanation["latent"].rpartition("/")[2]))
    shown = LatentContexts(store, latent).explain(4, 0)
    assert body["texts"] == [marked(context, tuple(body["delimiters"])) for context in shown]
    _, [explanation] = explained(
        explainer={"name": "verbalizer", "url": url, "vector": "random", "contexts": 2}, latents="sample:1"
    )
    assert explanation["read"] == "contexts"
    own = load_rows(store, "layers.1", [latent.index]).of(latent.index, "decoder")
    drawn = np.float32(Verbalizer.bodies[-1]["vectors"][0])
    assert np.linalg.norm(drawn) == pytest.approx(np.linalg.norm(own), rel=1e-5)
    assert abs(drawn @ own) < 0.8 * np.linalg.norm(own) ** 2


def test_a_file_of_vectors_needs_no_coder(
    explained: Explained, url: str, store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(store_folder)
    write_vectors(store, [load_rows(store, "layers.1", range(256))], tmp_path / "v.safetensors")
    monkeypatch.setattr(sources, "load_rows", None)
    options = {"name": "verbalizer", "url": url, "vectors": str(tmp_path / "v.safetensors"), "vector": "encoder"}
    _, explanations = explained(explainer=options)
    assert all(one["text"] for one in explanations)
    assert {body["kind"] for body in Verbalizer.bodies} == {"encoder"}


def test_requests_at_the_same_time_are_limited(explained: Explained, url: str) -> None:
    Verbalizer.delay = 0.1
    explained(explainer={"name": "verbalizer", "url": url, "connections": 2}, latents="sample:6")
    assert Verbalizer.at_once[1] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": None}, "give its endpoint"),
        ({"url": "localhost:8000"}, "give the address of an endpoint"),
        ({"url": "http://me:word@host"}, "must not hold a user or a password"),
        ({"vector": "both"}, "give decoder, encoder, random or none"),
        ({"vector": "none"}, "contexts=0: must be at least 1 with vector=none"),
        ({"contexts": -1}, "must be at least 0"),
        ({"paragraph": "second"}, "give all, first, last"),
        ({"trained_on": "generating"}, "trained_on=generating: unknown score; give some of detection"),
        ({"timeout": 0}, "timeout must be above 0, got 0"),
    ],
)
def test_options_that_cannot_be_used_are_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(PrerequisiteError, match=message):
        verbalizer(**{"url": "http://localhost:1", **options})


def test_an_endpoint_is_obeyed_about_when_to_ask_again() -> None:
    request = httpx.Request("POST", "http://x")

    class Outcome:
        def __init__(self, after: str) -> None:
            response = httpx.Response(429, headers={"Retry-After": after}, request=request)
            self.error = httpx.HTTPStatusError("busy", request=request, response=response)

        def exception(self) -> Exception:
            return self.error

    def waited(after: str) -> float:
        state: Any = type("State", (), {"outcome": Outcome(after), "attempt_number": 1})()
        return endpoint._wait(state)

    assert waited("17") == 17
    assert waited("3600") == endpoint.LONGEST_WAIT
    assert waited("Mon, 30 Nov 2020 18:00:00 GMT") == 0
    assert 0 < waited("soon") < 3
