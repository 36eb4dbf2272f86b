"""Tasks by OpenAI's protocol, as with a key, against a local server that fails as real ones do.

Behind it stands the lexical baseline: what comes through has to be the very scores of the lexical run.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from math import isnan
from pathlib import Path
from typing import Any

import anyio
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.scorer import Score
from tests.openai_server import Fault, OpenAIServer, Request, serving

from inspect_autointerp.tasks import suite

LOCAL = "openai-api/local/lexical"
STREAMED = {"stream": True}
Run = Callable[..., EvalLog]


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAIServer]:
    with serving() as server:
        yield server


@pytest.fixture
def server(running: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenAIServer:
    """The server, which fails at nothing yet, under the variables that a user sets; Inspect does not wait long."""
    running.reset()
    for name in ("LOCAL", "OPENAI", "VLLM"):
        monkeypatch.setenv(f"{name}_BASE_URL", running.url)
        monkeypatch.setenv(f"{name}_API_KEY", "key")
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))

    async def sleep(seconds: float) -> None:
        await anyio.sleep(0.01)

    monkeypatch.setattr("inspect_ai.model._retry._sleep", sleep)
    return running


@pytest.fixture
def run(server: OpenAIServer, store_folder: Path, tmp_path: Path) -> Run:
    return lambda by=LOCAL, **options: evaluated(store_folder, tmp_path, by, **options)


def evaluated(store: Path, logs: Path, by: str, arguments: dict[str, Any] | None = None, **options: Any) -> EvalLog:
    task = suite(
        contexts=str(store), latents="sample:2", scores="detection,fuzzing", min_contexts=10, test_activating=5,
        test_nonactivating=5,
    )  # fmt: skip
    options = {"max_retries": 2} | options
    [log] = inspect_eval(task, model=by, model_args=arguments or {}, log_dir=str(logs), display="none", **options)
    return log


@pytest.fixture(scope="module")
def lexical(store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the baseline's own run comes to."""
    return told(evaluated(store_folder, tmp_path_factory.mktemp("lexical"), "inspect_autointerp/lexical"))


def told(log: EvalLog) -> str:
    """The explanations, all statistics, and what was said of every context."""
    assert log.status == "success", log.error
    found: list[Any] = []
    for sample in sorted(log.samples or [], key=lambda sample: str(sample.id)):
        found.append((sample.id, sample.metadata["explanation"]["text"], sample.metadata["explanation"]["reason"]))
        for name, score in sorted((sample.scores or {}).items()):
            metadata = {key: value for key, value in (score.metadata or {}).items() if key != "grader"}
            found.append((name, score.value, score.answer, score.reason, score.explanation, metadata))
    return repr(found)


def scores(log: EvalLog) -> list[Score]:
    return [score for sample in log.samples or [] for score in (sample.scores or {}).values()]


def statistic(score: Score, name: str) -> float:
    assert isinstance(score.value, dict)
    return float(score.value[name])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("by", "arguments"),
    [
        pytest.param(LOCAL, {}, id="openai-api"),
        pytest.param(LOCAL, STREAMED, id="openai-api streamed"),
        pytest.param("openai/gpt-4o-mini", {}, id="openai"),
        pytest.param("openai/gpt-4o-mini", {"streaming": True}, id="openai streamed"),
        pytest.param("vllm/lexical", {}, id="vllm"),
    ],
)
def test_labels_and_probabilities_come_through(
    by: str, arguments: dict[str, Any], run: Run, server: OpenAIServer, lexical: str
) -> None:
    log = run(by, arguments)
    assert told(log) == lexical
    assert not any(isnan(statistic(score, "auroc")) for score in scores(log)), "from log-probabilities"
    assert {bool(request.body.get("stream")) for request in server.requests} == {bool(arguments)}
    assert {request.kind: request.body.get("top_logprobs") for request in server.requests} == {
        "explain": None,
        "judge": 5,
    }


@pytest.mark.parametrize(
    ("fault", "arguments"),
    [
        ("limited", {}),
        ("limited", STREAMED),
        ("broken", {}),
        ("cut", {}),
        ("cut", STREAMED),
        ("slow", {}),
        ("garbled", {}),
        ("garbled", STREAMED),
        ("ended", STREAMED),
        ("empty", {}),
        ("empty", STREAMED),
        ("truncated", {}),
        ("filtered", STREAMED),
    ],
)
def test_what_fails_once_is_asked_again_and_nothing_is_lost(
    fault: Fault, arguments: dict[str, Any], run: Run, server: OpenAIServer, lexical: str
) -> None:
    server.plan = lambda request: None if request.again else fault
    assert told(run(arguments=arguments, attempt_timeout=1)) == lexical
    assert set(Counter(request.question for request in server.requests).values()) == {2}


def test_a_rate_limit_is_waited_for_as_long_as_it_says(run: Run, server: OpenAIServer, lexical: str) -> None:
    server.retry_after = "1.2"
    server.plan = lambda request: "limited" if request.kind == "judge" and not request.again else None
    assert told(run()) == lexical
    first, second = (
        {
            request.question: request.time
            for request in server.requests
            if request.again == n and request.kind == "judge"
        }
        for n in (0, 1)
    )
    assert first.keys() == second.keys()
    assert all(second[question] - first[question] >= 1.2 for question in first)


@pytest.mark.parametrize(
    ("fault", "arguments", "reason", "tries"),
    [
        ("limited", {}, "provider_error: RateLimitError", 2),
        ("broken", STREAMED, "provider_error: InternalServerError", 2),
        ("cut", {}, "provider_error: APIConnectionError", 2),
        ("cut", STREAMED, "provider_error: APIConnectionError", 2),
        ("slow", {}, "provider_error: AttemptTimeoutError", 2),
        ("garbled", {}, "provider_error: JSONDecodeError", 2),
        ("ended", STREAMED, "truncated", 2),
        ("empty", {}, "no_response", 2),
        ("truncated", {}, "truncated", 2),
        ("truncated", STREAMED, "truncated", 2),
        ("filtered", {}, "refusal", 2),
        ("filtered", STREAMED, "refusal", 2),
    ],
)
def test_what_fails_for_good_is_unscored_with_its_reason(
    fault: Fault, arguments: dict[str, Any], reason: str, tries: int, run: Run, server: OpenAIServer
) -> None:
    """One latent's explanation and all of the grader's answers fail; `tries` is with one retry allowed."""
    unexplained = ""

    def plan(request: Request) -> Fault | None:
        nonlocal unexplained
        unexplained = unexplained or request.question
        return fault if request.kind == "judge" or request.question == unexplained else None

    server.plan = plan
    log = run(arguments={**arguments, "max_retries": 0}, attempt_timeout=1, max_retries=1)
    assert log.status == "success"
    assert len(scores(log)) == 4
    for score in scores(log):
        assert score.reason == reason
        assert statistic(score, "unscored") == 1
        assert isnan(statistic(score, "balanced_accuracy"))
        assert (score.metadata or {}).get("unscored_reasons", {reason: 10}) == {reason: 10}
    explained = [sample.metadata["explanation"] for sample in log.samples or []]
    assert sorted(one["reason"] or "" for one in explained) == ["", reason]
    assert sorted(one["text"] is None for one in explained) == [False, True]
    failed = [request.question for request in server.requests if request.kind == "judge"] + [unexplained]
    asked = Counter(request.question for request in server.requests)
    assert {asked[question] for question in failed} == {tries}
    assert log.results
    assert {(one.scored_samples, one.unscored_samples) for one in log.results.scores if one.name == "auroc"} == {(0, 2)}


def test_one_lost_question_costs_its_texts_alone(run: Run, server: OpenAIServer) -> None:
    lost: set[str] = set()

    def plan(request: Request) -> Fault | None:
        if request.kind == "judge" and not lost:
            lost.add(request.question)
        return "garbled" if request.question in lost else None

    server.plan = plan
    log = run()
    assert log.status == "success"
    assert sorted(statistic(score, "unscored") for score in scores(log)) == [0, 0, 0, 0.5]
    [hit] = [score for score in scores(log) if statistic(score, "unscored")]
    assert (hit.metadata or {})["unscored_reasons"] == {"provider_error: JSONDecodeError": 5}
    assert isnan(statistic(hit, "auroc")), "of a part of the contexts it would be another score"


@pytest.mark.parametrize("kind", ["explain", "judge"])
def test_a_refused_key_ends_the_run_at_once(kind: str, run: Run, server: OpenAIServer) -> None:
    server.plan = lambda request: "unauthorised" if request.kind == kind else None
    log = run()
    assert log.status == "error"
    assert log.error
    assert f"{LOCAL}: the provider refuses the key" in log.error.traceback
    assert all(not request.again for request in server.requests)


def test_the_users_own_limit_is_not_the_explainers_failure(run: Run) -> None:
    log = run(token_limit=100)
    assert log.status == "success"
    assert {score.reason for score in scores(log)} == {"token_limit"}
    assert {sample.limit and sample.limit.type for sample in log.samples or []} == {"token"}


@pytest.mark.parametrize("kind", ["explain", "judge"])
def test_fail_on_refusal_is_obeyed(kind: str, run: Run, server: OpenAIServer) -> None:
    server.plan = lambda request: "filtered" if request.kind == kind else None
    log = run(fail_on_refusal=True)
    assert log.status == "error"
    assert log.error
    assert "ModelRefusalError" in log.error.traceback


def test_an_explanation_is_paid_for_once_though_the_run_was_killed(
    server: OpenAIServer, store_folder: Path, tmp_path: Path
) -> None:
    """And so it is typed: `inspect eval` with a model that has a key."""
    server.plan = lambda request: "slow" if request.kind == "judge" else None
    server.slow = 60
    command = [
        str(Path(sys.executable).with_name("inspect")), "eval", "inspect_autointerp/detection",
        "--model", "openai/gpt-4o-mini", "-M", "streaming=true",
        "--model-role", f"grader={{model: {LOCAL}, stream: true}}",
        "-T", f"contexts={store_folder}", "-T", "latents=sample:2", "-T", "min_contexts=10", "-T", "test_activating=5",
        "-T", "test_nonactivating=5", "--log-dir", str(tmp_path / "logs"), "--display", "plain",
    ]  # fmt: skip
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    until = time.monotonic() + 60
    while server.count("judge") < 4 and killed.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert server.count("explain") == 2
    assert server.count("judge") == 4, "all latents were explained"
    server.plan = lambda request: None
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.count("explain") == 2
    assert server.count("judge") == 8
    assert all(request.body["stream"] for request in server.requests)
