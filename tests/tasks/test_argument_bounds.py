"""Every number of every task at 0, −1 and 100,000: it works, or one line that names the argument refuses it."""

import logging
from inspect import signature
from math import isnan
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError

from inspect_autointerp import tasks
from inspect_autointerp.scorers.shared.specs import SCORES

VALUES = (0, -1, 100_000)
TASKS = [*SCORES, "multi_score"]
SMALL = {"latents": "sample:1", "min_contexts": 10}
CHEAP = ("fuzzing", "simulation", "intruder", "discrimination")
"""Tasks that need no model but the grader."""


def numbers(name: str) -> list[str]:
    """Return the arguments of a task that take numbers."""
    task = getattr(tasks, name)
    hints = get_type_hints(task)
    return [one for one in signature(task).parameters if {int, float} & {hints[one], *get_args(hints[one])}]


def refusal(name: str, store: Path, **given: Any) -> str | None:
    """Make a task, and return the line that refuses it; None if it is made."""
    options = {"store": str(store), **SMALL, **({"scores": "all"} if name == "multi_score" else {}), **given}
    try:
        getattr(tasks, name)(**options)
    except PrerequisiteError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", TASKS)
def test_a_number_of_a_task_works_or_is_refused_by_its_name(name: str, store_folder: Path) -> None:
    arguments = numbers(name)
    assert {"seed", "min_contexts"} <= set(arguments)
    lines = {(one, value): refusal(name, store_folder, **{one: value}) for one in arguments for value in VALUES}
    for (argument, value), line in lines.items():
        if value == -1:
            assert line is not None, f"{argument}={value} is accepted"
        if line is not None:
            assert "\n" not in line
            assert argument in line, f"{argument}={value}: {line}"


@pytest.mark.parametrize(
    ("name", "argument", "value", "line"),
    [
        ("detection", "test_activating", 0, "test_activating must be at least 1, got 0"),
        ("embedding", "test_nonactivating", 0, "test_nonactivating must be at least 1, got 0"),
        ("simulation", "texts_per_call", 0, "texts_per_call must be at least 1, got 0"),
        ("output_choice", "foils", 100_000, "foils=100000: of layers.1, .* give at most "),
        ("intervention", "choices", 100_000, "choices=100000: of layers.1, .* give at most "),
        ("discrimination", "texts", 1_000, "texts=1000: .* no latent has more than 128; give at most 128"),
        ("generation", "texts", 100_000, "texts must be at most 1000"),
        ("fade", "new_tokens", 100_000, "new_tokens must be at most 1000"),
        ("multi_score", "test_nonactivating", 0, "test_nonactivating must be at least 1"),
        ("embedding", "embedder", "no/such", "embedder no/such: cannot be loaded"),
        ("example_embedding", "embedder", "no/such", "embedder no/such: cannot be loaded"),
        ("detection", "concepts", "no/such", "concepts no/such: cannot be loaded"),
        ("detection", "concepts", " ", "concepts= : give tfidf"),
        ("detection", "explainer", {"name": "clusters", "embedder": "no/such"}, "embedder no/such: cannot be loaded"),
    ],
)
def test_an_argument_that_cannot_work_is_refused(
    name: str, argument: str, value: object, line: str, store_folder: Path
) -> None:
    with pytest.raises(PrerequisiteError, match=f"^{line}"):
        getattr(tasks, name)(store=str(store_folder), **(SMALL | {argument: value}))


def test_default_foils_and_choices_suit_a_store_of_few_latents(planted_cause: Any) -> None:
    few = {"store": str(planted_cause.store), "latents": "sample:1", "min_contexts": 5}
    assert tasks.output_choice(**few)
    assert tasks.intervention(**few)


def evaluate(name: str, options: dict[str, Any], logs: Path) -> float:
    """Evaluate a latent, and return the statistic that heads its score."""
    [log] = inspect_eval(
        getattr(tasks, name)(**options), model="inspect_autointerp/lexical", log_dir=str(logs), display="none"
    )
    assert log.status == "success"
    [sample] = log.samples or []
    value = (sample.scores or {})[name].value
    assert isinstance(value, dict)
    return float(value[SCORES[name].headline])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CHEAP)
def test_an_accepted_number_gives_a_score_or_a_warning(
    name: str, store_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    small = {"test_activating": 10, "test_nonactivating": 10} if name in CHEAP[:2] else {}
    base: dict[str, Any] = {"store": str(store_folder), **SMALL, **small}
    for argument in numbers(name):
        for value in VALUES:
            if argument in ("latents", "seed") or refusal(name, store_folder, **{argument: value}):
                continue
            caplog.clear()
            with caplog.at_level(logging.WARNING):
                headline = evaluate(name, base | {argument: value}, tmp_path)
            assert not isnan(headline) or "1 of 1 latent is unscored, mostly for " in caplog.text, (argument, value)


def test_a_strength_that_is_out_of_reach_is_warned_of(
    store_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"store": str(store_folder), **SMALL, "scored_prompts": 2, "tuned_prompts": 2, "new_tokens": 1}
    with caplog.at_level(logging.WARNING):
        assert isnan(evaluate("intervention", options | {"target_kl": 100_000}, tmp_path))
    assert "intervention: 1 of 1 latent is unscored, mostly for kl_not_reached" in caplog.text


def test_discrimination_with_few_contexts_for_some_leaves_those_unscored(
    store_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        [log] = inspect_eval(
            tasks.discrimination(
                store=str(store_folder), latents="sample:4", min_contexts=10, texts=100, candidates="random"
            ),
            model="inspect_autointerp/lexical",
            log_dir=str(tmp_path),
            display="none",
        )
    reasons = [(sample.scores or {})["discrimination"].reason for sample in log.samples or []]
    assert "too_few_contexts" in reasons
    assert f"{reasons.count('too_few_contexts')} of 4 latents" in caplog.text
