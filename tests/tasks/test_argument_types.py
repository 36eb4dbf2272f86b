"""Arguments of the wrong type: one line before anything runs, for every task and explainer."""

from inspect import signature
from typing import Any, get_type_hints

import numpy as np
import pytest
from inspect_ai._util.error import PrerequisiteError

from inspect_autointerp import tasks
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.argument_types import check_arguments
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.solvers.explainers import EXPLAINERS

WRONG: dict[object, tuple[object, ...]] = {
    int: ("abc", 2.5, float("nan"), True),
    float: ("abc", float("nan"), float("inf"), True),
    bool: ("maybe", 3),
}
CALLED = [(name, getattr(tasks, name)) for name in (*SCORES, "multi_score")]


@pytest.mark.parametrize(("name", "task"), CALLED, ids=[name for name, _ in CALLED])
def test_task_number_of_wrong_type_is_one_line(name: str, task: Any) -> None:
    hints = get_type_hints(task)
    arguments = [argument for argument in signature(task).parameters if hints[argument] in WRONG]
    for argument in arguments:
        for value in WRONG[hints[argument]]:
            with pytest.raises(PrerequisiteError, match=f"^{argument}={value}: must be "):
                task(**{argument: value})
    assert arguments or name == "multi_score"


@pytest.mark.parametrize(("name", "task"), CALLED, ids=[name for name, _ in CALLED])
def test_task_number_of_contexts_below_zero_is_one_line(name: str, task: Any) -> None:
    for argument in signature(task).parameters:
        if argument.startswith("test_"):
            with pytest.raises(PrerequisiteError, match=f"{argument.removeprefix('test_')}.*-4"):
                task(latents="sample:1", **{argument: -4})


@pytest.mark.parametrize("name", ["min_contexts", "test_activating", "window", "seed"])
def test_multi_score_number_of_wrong_type_is_one_line(name: str) -> None:
    with pytest.raises(PrerequisiteError, match=f"^{name}=abc: must be a whole number, or left out$"):
        tasks.multi_score(**{name: "abc"})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "explainer",
    [
        {"name": "explain", "examples": "abc"},
        {"name": "clusters", "k": 2.5},
        {"name": "clusters", "silhouette": float("nan")},
        {"name": "best_of", "n": "abc"},
        {"name": "verbalizer", "url": 3},
        {"name": "verbalizer", "url": "http://127.0.0.1:1", "attempts": "abc"},
        3,
    ],
    ids=str,
)
def test_explainer_option_of_wrong_type_is_one_line(explainer: Any) -> None:
    with pytest.raises(PrerequisiteError, match=r"=\S+: (must be|give a name)"):
        tasks.detection(latents="sample:1", explainer=explainer)


def test_multi_score_scores_of_wrong_type_is_one_line() -> None:
    with pytest.raises(PrerequisiteError, match="scores=3: give"):
        tasks.multi_score(scores=3)  # pyright: ignore[reportArgumentType]


def test_multi_score_reconstructor_without_its_score_is_one_line() -> None:
    with pytest.raises(PrerequisiteError, match=r"^reconstructor=tokens: reconstruction is not among"):
        tasks.multi_score(scores="detection", reconstructor="tokens")


def test_check_arguments_accepts_what_python_callers_give() -> None:
    check_arguments(EXPLAINERS["clusters"], {"k": np.int64(2), "silhouette": np.float64(0.5), "max_k": 3})
    check_arguments(EXPLAINERS["clusters"], {"k": None, "silhouette": 0})


def test_check_arguments_names_the_argument() -> None:
    with pytest.raises(UserError, match="max_k=None: must be a whole number"):
        check_arguments(EXPLAINERS["clusters"], {"max_k": None})
