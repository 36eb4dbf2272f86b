"""The private names of Inspect that the package uses: all in compat.py, and each still what is relied on.

After an upgrade of Inspect a failure here says which name changed, and in which version.
"""

import ast
import inspect
import re
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig, Model, ModelCost, ModelInfo, get_model, set_model_info
from inspect_ai.solver import Generate, Solver, TaskState, solver

ROOT = Path(__file__).parents[2]
COMPAT = ROOT / "src/inspect_autointerp/inspect_support/compat.py"
PRIVATE = re.compile(r"inspect_ai(?:\.\w+)*\.(_\w+)")
INSTALLED = f"inspect_ai {version('inspect-ai')}"


def private_names() -> list[tuple[str, str, str]]:
    """Module, name there and name here of all that compat.py imports."""
    tree = ast.parse(COMPAT.read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return [(str(node.module), alias.name, alias.asname or alias.name) for node in imports for alias in node.names]


def read_arguments(parse_cli_args: Callable[..., dict[str, object]]) -> None:
    given = ["latents=0:3", "activating=5", "cot=true", "scores=detection,fuzzing", "explainer={name: explain}"]
    assert parse_cli_args(given) == {
        "latents": "0:3", "activating": 5, "cot": True, "scores": ["detection", "fuzzing"],
        "explainer": {"name": "explain"},
    }  # fmt: skip


def one_line(error: type[Exception]) -> None:
    assert issubclass(error, Exception)
    assert str(error("store=x: no such folder")) == "store=x: no such folder"


def settings_of_a_run(active_generate_config: Callable[[], GenerateConfig]) -> None:
    assert during_a_run(active_generate_config, max_tokens=7) == 7  # `--max-tokens 7`
    assert active_generate_config().max_tokens is None  # outside of a run


def model_of_a_run(active_model: Callable[[], Model | None]) -> None:
    assert during_a_run(active_model, name="mockllm/of_the_run") == "mockllm/of_the_run"


def during_a_run(ask: Callable[[], object], name: str = "mockllm/model", max_tokens: int | None = None) -> object:
    answers = []

    @solver
    def asking() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            answer = ask()
            answers.append(answer.max_tokens if isinstance(answer, GenerateConfig) else str(answer))
            return state

        return solve

    task = Task(dataset=[Sample(input="x")], solver=asking(), config=GenerateConfig(max_tokens=max_tokens))
    [log] = eval(task, model=get_model(name, memoize=False), display="none", log_format="json", log_samples=False)
    assert log.status == "success", log.error
    return answers[0]


def prices_without_a_provider(known_model_info: Callable[[str], ModelInfo | None]) -> None:
    cost = ModelCost(input=1, output=2, input_cache_write=0, input_cache_read=0)
    set_model_info("openai/for-this-test", ModelInfo(cost=cost))
    info = known_model_info("openai/for-this-test")
    assert info is not None
    assert info.cost == cost
    assert known_model_info("nobody/has-this") is None  # no provider of that name: none was made


def sample_of_a_run(sample_state: Callable[[], TaskState | None]) -> None:
    assert sample_state() is None
    inputs: list[object] = []

    @solver
    def looking() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            inside = sample_state()
            inputs.append(inside and inside.input)
            return state

        return solve

    task = Task(dataset=[Sample(input="mine")], solver=looking())
    eval(task, model=get_model("mockllm/model", memoize=False), display="none", log_format="json", log_samples=False)
    assert inputs == ["mine"]


def options_of_inspect_eval(eval_command: click.Command) -> None:
    parser = eval_command.make_parser(click.Context(eval_command))
    values, _, order = parser.parse_args(["-T", "a=1", "--seed", "-1", "-T", "b=2", "mine.py", "--debug-errors"])
    assert [parameter.name for parameter in order] == ["t", "seed", "t", "debug_errors", "tasks"]
    assert (values["t"], values["seed"], values["tasks"]) == (["a=1", "b=2"], "-1", ("mine.py",))


RELIED_ON: dict[str, Callable[..., None]] = {
    "parse_cli_args": read_arguments,
    "PrerequisiteError": one_line,
    "active_generate_config": settings_of_a_run,
    "active_model": model_of_a_run,
    "eval_command": options_of_inspect_eval,
    "_get_model_info_direct": prices_without_a_provider,
    "sample_state": sample_of_a_run,
}
"""By the name in compat.py, what the package relies on."""


def test_every_private_name_is_checked() -> None:
    assert {here for _, _, here in private_names()} == {*RELIED_ON}


@pytest.mark.parametrize(("module", "name", "here"), private_names(), ids=[here for _, _, here in private_names()])
def test_private_name_does_what_is_relied_on(
    module: str, name: str, here: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_LOG_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    advice = f"mend {COMPAT.name}, or set an upper limit for inspect-ai in pyproject.toml"
    try:
        value = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        pytest.fail(f"{INSTALLED} has no {module}.{name} ({error}): {advice}")
    try:
        RELIED_ON[here](value)
    except Exception as error:
        pytest.fail(f"{INSTALLED} changed {module}.{name} {_signature(value)}: {error!r}: {advice}")


def test_no_other_file_uses_a_private_name() -> None:
    # "_get" of `from inspect_ai.model import _get` has no dot before it: import statements are looked at one by one.
    uses = []
    for room in ("src", "tasks", "solvers", "scorers"):
        for path in sorted((ROOT / room).rglob("*.py")):  # links are not followed: each room once
            text = path.read_text(encoding="utf-8")
            if path != COMPAT and (PRIVATE.search(text) or _imports_private(text)):
                uses.append(path.relative_to(ROOT).as_posix())
    assert uses == [], f"import Inspect's private names from {COMPAT.relative_to(ROOT)}"


@pytest.mark.parametrize(
    "line",
    [
        "from inspect_ai._util.error import PrerequisiteError",
        "from inspect_ai.model._model import active_model",
        "from inspect_ai.model import _model",
        "import inspect_ai.log._file as file",
        'import_module("inspect_ai.scorer._metric")',
    ],
)
def test_private_name_is_seen_in_each_form(line: str) -> None:
    assert PRIVATE.search(line) or _imports_private(line)
    assert not _imports_private("from inspect_ai.model import Model")


def _imports_private(text: str) -> bool:
    imports = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom))
    return any(
        (node.module or "").split(".")[0] == "inspect_ai" and any(alias.name.startswith("_") for alias in node.names)
        for node in imports
    )


def _signature(value: Callable[..., object]) -> str:
    try:
        return str(inspect.signature(value))
    except (TypeError, ValueError):
        return ""
