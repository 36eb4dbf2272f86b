"""The task as it is run: explainer, grader, log; and against known truth, on the planted latents."""

import re
from collections.abc import Callable
from math import isnan, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, Logprob, Logprobs, Model, ModelOutput, TopLogprob, get_model
from tests.doubles import Answer, model, tokens_of

from inspect_autointerp.builtin.planted.latents import LATENTS, SORTS, Sort
from inspect_autointerp.builtin.planted.oracle import simulated
from inspect_autointerp.builtin.prompt_reader import read_simulating
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.inspect_support.answer_reasons import by_main_reason
from inspect_autointerp.inspect_support.dataset import latent_dataset
from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.scorers.simulation.parse import parse_aligned
from inspect_autointerp.scorers.simulation.scorer import simulation_messages
from inspect_autointerp.scorers.simulation.statistics import KEYS, correlation_statistics
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import simulation
from inspect_autointerp.text.render import visible
from inspect_autointerp.text.token_lines import as_shown, numbered, spelled

LEXICAL = "inspect_autointerp/lexical"
ORACLE = "inspect_autointerp/oracle"
SMALL = {"latents": "sample:6", "min_contexts": 10, "test_activating": 10, "test_nonactivating": 10}


def statistics(contexts: Any, predictions: Any, firing_share: float, hard: tuple[str, ...] = ()) -> dict[str, float]:
    """The statistics of activations predicted for each context's tokens."""
    rows = [Verdict(kind=context.kind, values=values) for context, values in zip(contexts, predictions, strict=True)]
    return correlation_statistics(contexts, rows, LatentFacts(firing_share=firing_share, hard=hard))


def run(store: Path | str, logs: Path, *, by: str | Model = LEXICAL, grader: Model | None = None, **o: Any) -> EvalLog:
    roles = {"grader": grader} if grader else None
    task = simulation(store=str(store), **(SMALL | o))
    return inspect_eval(task, model=by, model_roles=roles, log_dir=str(logs), display="none")[0]


def values(log: EvalLog) -> list[dict]:
    return [sample.scores["simulation"].value for sample in log.samples or [] if sample.scores]  # type: ignore[misc]


def said(tokens: list[list[str]], given: list[list[int]], every: bool = False) -> str:
    return spelled([as_shown(text) for text in tokens], given, every)


def test_the_lexical_provider_explains_and_simulates(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, negatives="all")
    assert log.status == "success"
    assert log.results
    keys = SCORES["simulation"].statistics(["neighbours"])
    assert [list(score.metrics) for score in log.results.scores] == [["mean", "ci_low", "ci_high", "unscored"]]
    assert all(list(value) == keys for value in values(log))
    assert all(value["unscored"] == 0 for value in values(log))
    assert log.results.headline
    assert log.results.headline.score == "simulation"


@pytest.mark.parametrize("every", [False, True])
def test_every_token_can_be_asked_for(every: bool, store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, every=every)
    for sample in log.samples or []:
        metadata = (sample.scores or {})["simulation"].metadata or {}
        assert (metadata["tokens_named"] == 20 * 32) == every


@pytest.fixture(scope="module")
def tests(store_folder: Path) -> list[tuple[float, list[Context]]]:
    """Return the firing share and the test contexts of the small store's latents."""
    store = Store(store_folder)
    contexts = []
    for sample in latent_dataset(str(store_folder), hookpoint=None, latents="all", min_contexts=10, seed=0).samples:
        latent = store.at("layers.1").latent((sample.metadata or {})["index"])
        contexts.append((latent.firing_share, LatentContexts(store, latent).test(40, 40, 0)))
    return contexts


Texts = list[list[str]]


def constant(texts: Texts) -> list[list[int]]:
    return [[7 for _ in text] for text in texts]


def by_place(texts: Texts) -> list[list[int]]:
    return [[i % 11 for i, _ in enumerate(text)] for text in texts]


def by_half(texts: Texts) -> list[list[int]]:
    return [[10 * int(2 * i >= len(text)) for i, _ in enumerate(text)] for text in texts]


def by_order(texts: Texts) -> list[list[int]]:
    return [[2 * k for _ in text] for k, text in enumerate(texts)]


def by_length(texts: Texts) -> list[list[int]]:
    return [[min(10, len(token)) for token in text] for text in texts]


def by_hash(texts: Texts) -> list[list[int]]:
    return [[sum(token.encode()) % 11 for token in text] for text in texts]


@pytest.mark.parametrize(
    "blind", [constant, by_place, by_half, by_order, by_length, by_hash], ids=lambda blind: blind.__name__
)
def test_a_grader_that_never_reads_the_explanation_scores_nothing(
    blind: Callable[[Texts], list[list[int]]], tests: list[tuple[float, list[Context]]]
) -> None:
    rows = []
    for share, contexts in tests:
        texts = [as_shown(context.tokens()) for context in contexts]
        predictions: list[np.ndarray | None] = []
        for first in range(0, len(texts), 5):
            batch = texts[first : first + 5]
            _, seen = tokens_of(simulation_messages("something", batch))
            read = parse_aligned(spelled(batch, blind(seen), every=True), batch, every=True)
            predictions += [np.array([item.value for item in row if item]) for row in read]
        rows.append(statistics(contexts, predictions, share))
    assert len(rows) >= 10
    for key in ("correlation", "correlation_activating", "correlation_weighted"):
        scores = np.array([row[key] for row in rows])
        if blind is constant:
            assert np.isnan(scores).all()
            assert all(row["constant"] == 1 for row in rows)
        else:
            # Latents of one corpus share contexts, which the spread over latents does not show: hence the floor.
            assert abs(scores.mean()) < 3 * max(scores.std() / len(scores) ** 0.5, 0.01), key


def truth(store: Store, latent: str) -> dict[str, np.ndarray]:
    """By an activating test context's text its activations, 0 to 10."""
    hookpoint, _, index = latent.rpartition("/")
    activating = LatentContexts(store, store.at(hookpoint).latent(int(index))).activating("test")
    maximum = max(context.max_activation for context in activating)
    return {visible(context.text): context.activations * 10 / maximum for context in activating}


def token(text: str, mean: float = 0.0) -> Logprob:
    """A token; of a whole number, with the alternatives whose mean is the one given."""
    if not text.isdecimal():
        return Logprob(token=text, logprob=0.0)
    low = min(9, int(mean))
    both = [(low + 1, mean - low), (low, low + 1 - mean)]
    top = [TopLogprob(token=str(value), logprob=log(p)) for value, p in both if p > 0]
    return Logprob(token=text, logprob=0.0, top_logprobs=top)


@pytest.mark.parametrize("exactly", [False, True], ids=["in whole numbers", "with log-probabilities"])
def test_an_oracle_that_echoes_the_truth_scores_one(exactly: bool, store_folder: Path, tmp_path: Path) -> None:
    store = Store(store_folder)

    def grade(messages: list[ChatMessage]) -> Answer:
        latent, texts = tokens_of(messages)
        known = truth(store, latent)
        exact = [known.get("".join(text), np.zeros(len(text))) for text in texts]
        answer = said(texts, [[round(float(value)) for value in row] for row in exact], every=True)
        if not exactly:
            return answer
        tokens, row, lines = [], -1, iter(answer.splitlines(keepends=True))
        for line in lines:
            row += line.startswith("Text")
            head, _, value = line.rstrip("\n").rpartition("\t")
            if head:
                mean = float(exact[row][int(head.split("\t")[0]) - 1])
                tokens += [token(f"{head}\t"), token(value, mean), token("\n")]
            else:
                tokens.append(token(line))
        output = ModelOutput.from_content("mockllm/model", answer)
        output.choices[0].logprobs = Logprobs(content=tokens)
        return output

    log_ = run(store_folder, tmp_path / "one", latents="sample:1")
    latent = str((log_.samples or [])[0].id)
    by = model(lambda _: f"EXPLANATION: {latent}")
    index = int(latent.rpartition("/")[2])
    [value] = values(run(store_folder, tmp_path, by=by, grader=model(grade), latents=index, every=True))
    for key in ("correlation", "correlation_activating", "correlation_weighted", "correlation_decile_10"):
        assert value[key] >= (0.9999 if exactly else 0.99), key


def shifted(texts: Texts) -> str:
    """Every line's number is one too high."""
    lines = []
    for k, text in enumerate(texts, 1):
        lines += [f"Text {k}:", *(f"{i + 2}\t{token}\t5" for i, token in enumerate(as_shown(text[:-1])))]
    return "\n".join([*lines, "End"])


def without_one(texts: Texts) -> str:
    return said(texts[:-1], constant(texts[:-1]))


def with_one_twice(texts: Texts) -> str:
    return said([*texts, texts[-1]], constant([*texts, texts[-1]]))


def half(texts: Texts) -> ModelOutput:
    answer = said(texts, constant(texts))
    return ModelOutput.from_content("m", answer[: len(answer) // 2], stop_reason="max_tokens")


def whole_but_stopped(texts: Texts) -> ModelOutput:
    return ModelOutput.from_content("m", said(texts, constant(texts)), stop_reason="max_tokens")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(lambda _: "I cannot help with that.", "invalid_response_format", id="says no"),
        pytest.param(
            lambda _: ModelOutput.from_content("m", "", stop_reason="content_filter"), "refusal", id="refusal"
        ),
        pytest.param(lambda _: "[1, 0, 1]", "invalid_response_format", id="nonsense"),
        pytest.param(half, "truncated", id="truncated"),
        pytest.param(whole_but_stopped, "truncated", id="stopped at its last word"),
        pytest.param(shifted, "invalid_response_format", id="off by one"),
        pytest.param(without_one, "invalid_response_format", id="a text missing"),
        pytest.param(with_one_twice, "invalid_response_format", id="a text twice"),
        pytest.param(lambda _: RuntimeError("no credit"), "provider_error: RuntimeError", id="provider fails"),
    ],
)
def test_an_unusable_answer_is_asked_for_again_then_unscored_and_counted(
    answer: Callable[[Texts], Answer], reason: str, store_folder: Path, tmp_path: Path
) -> None:
    asked: list[int] = []

    def grade(messages: list[ChatMessage]) -> Answer:
        asked.append(len(messages))
        return answer(tokens_of(messages)[1])

    log = run(store_folder, tmp_path, grader=model(grade), latents="sample:1", test_activating=10)
    assert log.status == "success"
    assert len(asked) == 2 * 4
    [value] = values(log)
    assert value["unscored"] == 1
    assert isnan(value["correlation"])
    assert isnan(value["constant"])
    score = ((log.samples or [])[0].scores or {})["simulation"]
    assert score.reason == reason
    assert by_main_reason((score.metadata or {})["unscored_reasons"]) == {reason: 20}


def test_a_batch_that_fails_leaves_the_others_alone(store_folder: Path, tmp_path: Path) -> None:
    first: list[Texts] = []

    def grade(messages: list[ChatMessage]) -> Answer:
        texts = tokens_of(messages)[1]
        first.append(texts)
        return "" if texts == first[0] else said(texts, by_length(texts))

    log = run(store_folder, tmp_path, grader=model(grade), latents="sample:1")
    [value] = values(log)
    assert value["unscored"] == 0.25
    score = ((log.samples or [])[0].scores or {})["simulation"]
    assert score.reason is None
    assert "UNSCORED: 5" in (score.explanation or "")
    assert not isnan(value["correlation"])


def test_a_second_answer_counts(store_folder: Path, tmp_path: Path) -> None:
    def grade(messages: list[ChatMessage]) -> Answer:
        texts = tokens_of(messages)[1]
        assert len(messages) == 6 or "Your answer cannot be used: Text 1: token 2 is" in messages[-1].text
        return shifted(texts) if len(messages) == 6 else said(texts, by_length(texts))

    [value] = values(run(store_folder, tmp_path, grader=model(grade), latents="sample:1"))
    assert value["unscored"] == 0


def test_a_missing_explanation_is_unscored(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, by=model(lambda _: "no"), grader=model(lambda _: "End"))
    assert all(value["unscored"] == 1 and isnan(value["constant"]) for value in values(log))
    assert all(list(value) == KEYS for value in values(log))


def test_the_reader_sees_truth_and_prediction_the_worst_first(store_folder: Path, tmp_path: Path) -> None:
    def grade(messages: list[ChatMessage]) -> Answer:
        texts = tokens_of(messages)[1]
        return said(texts, [[10 * int(k == 0) for _ in text] for k, text in enumerate(texts)])

    log = run(store_folder, tmp_path, grader=model(grade), latents="sample:1")
    block = str(((log.samples or [])[0].scores or {})["simulation"].explanation)
    errors = [float(error) for error in re.findall(r"(?:random|decile +\d+) +(\d+\.\d) │", block)]
    assert len(errors) == 20
    assert errors == sorted(errors, reverse=True)
    assert block.count("predicted") == 4, "what is silent all through is not shown"


@pytest.fixture(scope="module")
def store(planted_cache: Path) -> Store:
    return Store(next(planted_cache.glob("planted-*")))


@pytest.fixture(scope="module")
def figures(store: Store) -> dict[Sort, list[dict[str, float]]]:
    """Per sort of explanation and planted latent the statistics, of a perfect grader."""
    by_sort: dict[Sort, list[dict[str, float]]] = {sort: [] for sort in SORTS}
    for index, planted in enumerate(LATENTS):
        latent = store.at("planted").latent(index)
        contexts = LatentContexts(store, latent).test(50, 50, 0, ("random", "neighbours"))
        _, texts = read_simulating(f"\n{numbered([as_shown(context.tokens()) for context in contexts])}")
        for sort in SORTS:
            predictions = [np.array(simulated(planted.claim(sort).text, text)) for text in texts]
            by_sort[sort].append(statistics(contexts, predictions, latent.firing_share, ("neighbours",)))
    return by_sort


def test_the_true_explanation_reaches_what_a_predicate_can(
    store: Store, figures: dict[Sort, list[dict[str, float]]]
) -> None:
    # A latent of activations v on a share q of tokens, mean m and variance s² there, against the predicate b = [v > 0]:
    # cov = q (1 − q) m, var b = q (1 − q), var v = q s² + q (1 − q) m², so r = m √(1 − q) / √(s² + (1 − q) m²).
    # Of v even over 2 to 5, m = 3.5, s² = 0.75, and q → 0: 3.5 / √13 = 0.9707.
    for index, row in enumerate(figures["true"]):
        contexts = LatentContexts(store, store.at("planted").latent(index)).test(50, 50, 0, ("random",))
        true = np.concatenate([context.activations for context in contexts]).astype(np.float64)
        fires = true > 0
        q, m, variance = fires.mean(), true[fires].mean(), true[fires].var()
        assert row["correlation"] == pytest.approx(m * (1 - q) ** 0.5 / (variance + (1 - q) * m**2) ** 0.5)
        assert row["correlation"] > 0.94


def test_which_correlation_sees_which_false_explanation(
    store: Store, figures: dict[Sort, list[dict[str, float]]]
) -> None:
    share = np.array([store.at("planted").latent(index).firing_share for index in range(len(LATENTS))])

    def lost(sort: Sort, key: str) -> np.ndarray:
        """By latent, how far below the true explanation's; an undefined one, of predictions that are all 0, is 0."""
        correlations = [0.0 if row["constant"] else row[key] for row in figures[sort]]
        return np.array([row[key] for row in figures["true"]]) - np.array(correlations)

    for key in ("correlation", "correlation_activating", "correlation_weighted", "correlation_neighbours"):
        assert (lost("too_narrow", key) > 0.1).all(), key
        assert np.nanmin(lost("wrong", key)) > 0.95, key
    assert lost("too_broad", "correlation_activating").mean() < 0.05, "activating contexts hardly show it"
    assert lost("too_broad", "correlation").mean() < 0.08, "nor do as many random ones"
    assert (lost("too_broad", "correlation_neighbours") > 0.2).all(), "contexts of its siblings do"
    weighted = lost("too_broad", "correlation_weighted")
    assert weighted.mean() > 0.25, "and so does the natural rate, where a random context happens to show it at all"
    assert weighted[share < 0.06].mean() > 0.3


def test_the_oracle_explains_and_simulates(planted_store: Path, tmp_path: Path) -> None:
    oracle = get_model(ORACLE, memoize=False)
    log = run("planted", tmp_path, by=oracle, grader=oracle, latents="0,4,12,20", texts_per_call=20)
    assert all(value["unscored"] == 0 and value["correlation"] > 0.94 for value in values(log))
    erring = get_model(ORACLE, memoize=False, error_rate=0.2)
    log = run("planted", tmp_path, by=oracle, grader=erring, latents="0,4,12,20", texts_per_call=20)
    assert all(0 < value["correlation"] < 0.7 for value in values(log))
