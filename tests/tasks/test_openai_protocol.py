"""Tasks by OpenAI's protocol, as with a key, against a local server that fails as real ones do.

Behind it stands the lexical baseline: what comes through has to be the very scores of the lexical run.
"""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from math import isnan
from pathlib import Path
from typing import Any

import anyio
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.log import EvalLog
from inspect_ai.model import GenerateConfig, Model, ModelRefusalError, get_model
from inspect_ai.scorer import Score
from tests.openai_server import Fault, OpenAIServer, Request, serving

from inspect_autointerp.scorers.detection.scorer import detection_messages
from inspect_autointerp.scorers.shared.judge import Label, judge
from inspect_autointerp.solvers.call_explainer import Answer, ask_explainer
from inspect_autointerp.solvers.explain import explain_options
from inspect_autointerp.solvers.few_shot import WORKED
from inspect_autointerp.solvers.prompt import explain_messages
from inspect_autointerp.tasks import detection, multi_score

LEXICAL = "inspect_autointerp/lexical"
LOCAL = "openai-api/local/lexical"
STREAMED = {"stream": True}
TEXTS = ("naïve fo bar ⏎", "bar", "fo", "x", "foo fo", "y")
PROMPT = explain_messages(WORKED[0].gathered(explain_options({})), explain_options({}))


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


def both(
    monkeypatch: pytest.MonkeyPatch, by: str = LOCAL, config: GenerateConfig | None = None, **arguments: Any
) -> tuple[list[Label], Answer]:
    """Return what a model says of six texts, three at a time, and how it explains a latent, all at once."""
    model = get_model(by, config=config or GenerateConfig(max_retries=1), memoize=False, **arguments)
    monkeypatch.setattr("inspect_autointerp.solvers.call_explainer.main_model", lambda: model)

    async def ask() -> tuple[list[Label], Answer]:
        return await judged(model), await ask_explainer([*PROMPT], cache=False)

    return asyncio.run(ask())


async def judged(model: Model) -> list[Label]:
    def prompt(texts: Sequence[str]) -> list[Any]:
        return detection_messages('texts with " fo" (10)', texts)

    return await judge(model, [TEXTS[:3], TEXTS[3:]], prompt, confidence=False)


@pytest.mark.parametrize(
    ("fault", "arguments"),
    [
        (None, {}),
        (None, STREAMED),
        ("limited", {}),
        ("limited", STREAMED),
        ("broken", {}),
        ("cut", {}),
        ("cut", STREAMED),
        ("slow", STREAMED),
        ("garbled", {}),
        ("garbled", STREAMED),
        ("ended", STREAMED),
        ("empty", {}),
        ("empty", STREAMED),
        ("truncated", {}),
        ("filtered", STREAMED),
        ("refused", {}),
        ("blank", {}),
    ],
)
def test_what_fails_once_is_asked_again_and_nothing_is_lost(
    fault: Fault | None, arguments: dict[str, Any], server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts, answer = both(monkeypatch, LEXICAL)
    assert {verdict.label for verdict in verdicts} == {0, 1}
    assert all(verdict.probability is not None for verdict in verdicts)
    server.plan = lambda request: None if request.again else fault
    config = GenerateConfig(max_retries=1, attempt_timeout=1 if fault == "slow" else None)
    statistics, explained = both(monkeypatch, config=config, **arguments)
    assert statistics == verdicts
    assert (explained.text, explained.reason) == (answer.text, None)
    asked = Counter(request.question for request in server.requests)
    assert list(asked.values()) == [1 if fault is None else 2] * 3
    if fault is None:
        assert explained.tokens == answer.tokens
        assert {request.body.get("top_logprobs") for request in server.requests if request.kind == "judge"} == {5}


@pytest.mark.parametrize(
    ("fault", "arguments", "reason"),
    [
        ("limited", {}, "provider_error: RateLimitError"),
        ("broken", STREAMED, "provider_error: InternalServerError"),
        ("cut", {}, "provider_error: APIConnectionError"),
        ("cut", STREAMED, "provider_error: APIConnectionError"),
        ("slow", {}, "provider_error: AttemptTimeoutError"),
        ("garbled", {}, "provider_error: JSONDecodeError"),
        ("ended", STREAMED, "truncated"),
        ("empty", {}, "no_response"),
        ("truncated", {}, "truncated"),
        ("truncated", STREAMED, "truncated"),
        ("filtered", {}, "refusal"),
        ("filtered", STREAMED, "refusal"),
        ("unsupported", {}, "provider_error: BadRequestError"),
        ("refused", {}, "refusal"),
        ("refused", STREAMED, "refusal"),
        ("blank", {}, "no_response"),
        ("blank", STREAMED, "no_response"),
    ],
)
def test_permanent_failure_has_a_reason_and_bounded_retries(
    fault: Fault,
    arguments: dict[str, Any],
    reason: str,
    server: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.plan = lambda request: fault
    config = GenerateConfig(max_retries=1, attempt_timeout=1 if fault == "slow" else None)
    verdicts, answer = both(monkeypatch, config=config, max_retries=0, **arguments)
    assert verdicts == [Label(None, None, reason)] * 6
    assert (answer.text, answer.reason) == (None, reason)
    assert list(Counter(request.question for request in server.requests).values()) == [2] * 3


def refuses_logprobs(request: Request) -> Fault | None:
    return "unsupported" if request.body.get("logprobs") else None


def test_judge_logprobs_refused_asks_without_and_remembers(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    verdicts, _ = both(monkeypatch, LEXICAL)
    server.plan = refuses_logprobs
    model = get_model(LOCAL, config=GenerateConfig(max_retries=1), memoize=False)
    first, second = asyncio.run(judged(model)), asyncio.run(judged(model))
    assert first == second == [Label(verdict.label) for verdict in verdicts]
    asked = [bool(request.body.get("logprobs")) for request in server.requests]
    assert sorted(asked[:4]) == [False, False, True, True]
    assert asked[4:] == [False, False], "the second time it is not tried again"
    assert "top_logprobs" not in server.requests[-1].body
    [message] = [record.message for record in caplog.records if "log-probabilities" in record.message]
    assert message.startswith(f"{LOCAL} refuses log-probabilities (BadRequestError)")


def test_judge_refused_for_another_cause_remembers_nothing(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.plan = lambda request: "unsupported"
    model = get_model(LOCAL, config=GenerateConfig(max_retries=1), memoize=False)
    lost = asyncio.run(judged(model))
    assert {verdict.reason for verdict in lost} == {"provider_error: BadRequestError"}
    assert len(server.requests) == 4
    server.plan = lambda request: None
    assert all(verdict.probability is not None for verdict in asyncio.run(judged(model)))
    server.plan = lambda request: None if request.again > 2 else refuses_logprobs(request)
    assert {verdict.probability for verdict in asyncio.run(judged(model))} != {None}, "it gave them before"


def test_judge_empty_answer_is_not_taken_out_of_the_cache_again(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `--cache`: the second question after an empty answer is the very same as the first."""
    server.plan = lambda request: None if request.again else "blank"
    model = get_model(LOCAL, config=GenerateConfig(max_retries=1, cache=True), memoize=False)
    first = asyncio.run(judged(model))
    assert {verdict.reason for verdict in first} == {None}
    assert len(server.requests) == 4
    assert asyncio.run(judged(model)) == first
    assert len(server.requests) == 4, "all out of the cache"
    other = get_model(LOCAL, config=GenerateConfig(max_retries=1, cache=True), memoize=False, responses_api=False)
    asyncio.run(judged(other))
    assert len(server.requests) == 6, "the same name with other arguments is another model"


@pytest.mark.parametrize("scores", ["detection,fuzzing", "simulation"])
def test_run_logprobs_refused_scores_all_but_the_auroc(
    scores: str, server: OpenAIServer, store_folder: Path, tmp_path: Path
) -> None:
    server.plan = refuses_logprobs
    few: Any = {"min_contexts": 10, "test_activating": 5, "test_nonactivating": 5}
    made = multi_score(store=str(store_folder), latents="sample:1", scores=scores, **few)
    [log] = inspect_eval(made, model=LOCAL, log_dir=str(tmp_path), display="none", max_retries=2)
    values = [score.value for sample in log.samples or [] for score in (sample.scores or {}).values()]
    assert log.status == "success"
    for value in values:
        assert isinstance(value, dict)
        assert value["unscored"] == 0
        assert isnan(float(value.get("auroc", float("nan"))))  # type: ignore[arg-type]
        assert not isnan(float(value["correlation" if scores == "simulation" else "balanced_accuracy"]))  # type: ignore[arg-type]


@pytest.mark.parametrize("streamed", [False, True])
def test_what_would_lose_everything_ends_the_run(
    streamed: bool, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.plan = lambda request: "unauthorised"
    with pytest.raises(PrerequisiteError) as refused:
        both(monkeypatch, stream=streamed)
    message = "the provider rejected the API key (Error code: 401 - no such key); fix the key and run again"
    assert refused.value.message == f"{LOCAL}: {message}"
    assert all(not request.again for request in server.requests)
    server.plan = lambda request: "filtered"
    with pytest.raises(ModelRefusalError):
        both(monkeypatch, config=GenerateConfig(fail_on_refusal=True), stream=streamed)


def test_a_rate_limit_is_waited_for_as_long_as_it_says(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.retry_after = "1.2"
    server.plan = lambda request: "limited" if request.kind == "judge" and not request.again else None
    verdicts, _ = both(monkeypatch)
    assert all(verdict.label is not None for verdict in verdicts)
    tried = [[request.time for request in server.requests if request.question == q] for q in server.questions("judge")]
    assert [second - first >= 1.2 for first, second in tried] == [True, True]


def evaluated(task: Any, store: Path, logs: Path, by: str, arguments: Any = None, **options: Any) -> EvalLog:
    few = {"min_contexts": 10, "test_activating": 5, "test_nonactivating": 5}
    which = {"latents": "sample:1", "scores": "detection,fuzzing"} if task is multi_score else {"latents": "sample:2"}
    made = task(store=str(store), **which, **few)
    options = {"max_retries": 2} | options
    [log] = inspect_eval(made, model=by, model_args=arguments or {}, log_dir=str(logs), display="none", **options)
    return log


@pytest.fixture(scope="module")
def lexical(store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what the baseline's own run comes to."""
    return told(evaluated(multi_score, store_folder, tmp_path_factory.mktemp("lexical"), LEXICAL))


def told(log: EvalLog) -> str:
    """The explanations and what they took, all statistics, and what was said of every context."""
    assert log.status == "success", log.error
    events: list[Any] = []
    for sample in sorted(log.samples or [], key=lambda sample: str(sample.id)):
        events.append([sample.metadata["explanation"][key] for key in ("latent", "text", "reason", "tokens")])
        for name, score in sorted((sample.scores or {}).items()):
            metadata = {key: value for key, value in (score.metadata or {}).items() if key != "grader"}
            events.append((name, score.value, score.answer, score.reason, score.explanation, metadata))
    return repr(events)


def scores(log: EvalLog) -> list[Score]:
    return [score for sample in log.samples or [] for score in (sample.scores or {}).values()]


def statistic(score: Score, name: str) -> float:
    assert isinstance(score.value, dict)
    return float(score.value[name])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("by", "arguments"),
    [(LOCAL, {}), ("openai/gpt-4o-mini", {"streaming": True}), ("vllm/lexical", {})],
    ids=["openai-api", "openai, streamed", "vllm"],
)
def test_a_run_through_a_server_gives_the_very_scores(
    by: str, arguments: dict[str, Any], server: OpenAIServer, lexical: str, store_folder: Path, tmp_path: Path
) -> None:
    log = evaluated(multi_score, store_folder, tmp_path, by, arguments)
    assert told(log) == lexical
    assert not any(isnan(statistic(score, "auroc")) for score in scores(log)), "from log-probabilities"
    assert {bool(request.body.get("stream")) for request in server.requests} == {bool(arguments)}


def test_what_is_lost_is_unscored_and_counted_and_the_run_succeeds(
    server: OpenAIServer, store_folder: Path, tmp_path: Path
) -> None:
    """Leave one of two latents unexplained, and one of the grader's questions about the other unanswered."""

    def plan(request: Request) -> Fault | None:
        first = request.question == server.questions(request.kind)[0]
        return ("garbled" if request.kind == "judge" else "broken") if first else None

    server.plan = plan
    log = evaluated(detection, store_folder, tmp_path, LOCAL, {"max_retries": 0}, max_retries=1)
    assert log.status == "success"
    whole, half = sorted(scores(log), key=lambda score: -statistic(score, "unscored"))
    assert (statistic(whole, "unscored"), whole.reason) == (1, "provider_error: InternalServerError")
    assert isnan(statistic(whole, "balanced_accuracy"))
    assert (statistic(half, "unscored"), half.reason) == (0.5, None)
    assert (half.metadata or {})["unscored_reasons"] == {"provider_error: JSONDecodeError": 5}


def test_a_refused_key_of_the_graders_ends_the_run(server: OpenAIServer, store_folder: Path, tmp_path: Path) -> None:
    server.plan = lambda request: "unauthorised" if request.kind == "judge" else None
    log = evaluated(detection, store_folder, tmp_path, LOCAL)
    assert log.status == "error"
    assert log.error
    assert f"{LOCAL}: the provider rejected the API key" in log.error.message


def test_the_users_own_limit_is_not_the_explainers_failure(
    server: OpenAIServer, store_folder: Path, tmp_path: Path
) -> None:
    log = evaluated(detection, store_folder, tmp_path, LOCAL, token_limit=100)
    assert log.status == "success"
    assert {score.reason for score in scores(log)} == {"token_limit"}


def test_an_explanation_is_paid_for_once_though_the_run_was_killed(
    server: OpenAIServer, store_folder: Path, tmp_path: Path
) -> None:
    """And so it is typed: `inspect eval` with a model that has a key."""
    server.plan = lambda request: "slow" if request.kind == "judge" else None
    server.slow = 60
    command = [
        str(Path(sys.executable).with_name("inspect")), "eval", "inspect_autointerp/detection",
        "--model", "openai/gpt-4o-mini", "-M", "streaming=true",
        "--model-role", f"grader={{model: {LOCAL}, model_args: {{stream: true}}}}",
        "-T", f"store={store_folder}", "-T", "latents=sample:2", "-T", "min_contexts=10", "-T", "test_activating=5",
        "-T", "test_nonactivating=5", "--log-dir", str(tmp_path / "logs"), "--display", "plain",
    ]  # fmt: skip
    killed = subprocess.Popen(command, cwd=tmp_path)
    until = time.monotonic() + 60
    while server.count("judge") < 4 and killed.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    assert server.count("explain") == 2
    assert server.count("judge") == 4, "all latents were explained"
    server.plan = lambda request: None
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.count("explain") == 2
    assert server.count("judge") == 8
    assert all(request.body["stream"] for request in server.requests)
