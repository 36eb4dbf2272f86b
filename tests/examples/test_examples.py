"""Every script in examples/ is run: with the settings that it states where they need nothing, else with small ones."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log
from inspect_ai.model import ModelAPI, ModelOutput, ModelUsage, get_model, modelapi
from tests.conftest import make_sae
from tests.warm_commands import run_command

from inspect_autointerp import tasks
from inspect_autointerp.scorers.shared.specs import SCORES

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
LEXICAL = "inspect_autointerp/lexical"


Run = Callable[..., str]


@pytest.fixture
def run(commands: dict[str, str]) -> Run:
    """Return a function that runs a command with the variables given, and returns what it prints."""

    def run_it(*command: str, cwd: Path, **more: str) -> str:
        done = run_command(command, cwd=cwd, env=commands | more)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout

    return run_it


@pytest.fixture(scope="module")
def small(subject_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of the scripts, for a random four-layer model and the lexical baseline."""
    coder = make_sae(tmp_path_factory.mktemp("coder") / "sae", d_sae=64, k=8)
    return {
        "SUBJECT": str(subject_folder), "CODER": str(coder), "CORPUS": "stdlib", "TOKENS": "30000", "DEVICE": "cpu",
        "DTYPE": "float32", "CONTEXT_LENGTH": "64", "GRADER": LEXICAL, "LATENTS": "sample:2",
    }  # fmt: skip


def logs_in(folder: Path) -> list[EvalLog]:
    return [read_eval_log(info) for info in list_eval_logs(str(folder), recursive=True)]


def test_gpt2_small_script_compares_explainers(run: Run, small: dict[str, str], tmp_path: Path) -> None:
    given = small | {"EXPLAINERS": f"{LEXICAL} {LEXICAL}", "STORE": "store", "LOGS": "logs"}
    given |= {"COLUMNS": "250"}  # at the default of 100 the table folds heads such as "balanced accuracy"
    output = run("bash", str(EXAMPLES / "gpt2_small.sh"), cwd=tmp_path, **given)
    logs = logs_in(tmp_path / "logs")
    assert [log.status for log in logs] == ["success"] * 3
    assert "shuffled" in output
    assert "balanced accuracy" in output


def test_suite_eval_set_runs_explainers_and_floors_once(run: Run, tmp_path: Path) -> None:
    command = ("python", str(EXAMPLES / "suite_eval_set.py"))
    given = {"LOGS": "logs", "LIMIT": "2"}
    assert "3 of 3 complete" in run(*command, cwd=tmp_path, **given)
    first = sorted(path.name for path in (tmp_path / "logs").glob("*.eval"))
    assert {log.eval.task_args["explainer"] for log in logs_in(tmp_path / "logs")} == {"explain", "shuffled", "empty"}
    assert "3 of 3 complete" in run(*command, cwd=tmp_path, **given)
    assert sorted(path.name for path in (tmp_path / "logs").glob("*.eval")) == first


def test_gemma_scope_script_runs_to_its_table(run: Run, small: dict[str, str], tmp_path: Path) -> None:
    given = small | {"EXPLAINER": LEXICAL, "FLOOR_CODER": "random:64x8", "HOOKPOINT": "layers.1"}
    given |= {"STORE": "store", "LOGS": "logs", "SCORES": "detection,embedding"}
    output = run("bash", str(EXAMPLES / "gemma_scope.sh"), cwd=tmp_path, **given)
    logs = logs_in(tmp_path / "logs")
    assert [log.status for log in logs] == ["success"] * 3
    assert {log.eval.metadata["coder"] for log in logs if log.eval.metadata} >= {"random:64x8"}
    assert "neighbours" in output


def test_own_explainer_writes_what_the_model_said(planted_store: Path, tmp_path: Path) -> None:
    log_dir = tmp_path / "logs"
    prompts = []

    @modelapi(name="short_phrases")
    def _() -> type[ModelAPI]:
        class Phrases(ModelAPI):
            async def generate(self, input: list, tools: object, tool_choice: object, config: object) -> ModelOutput:
                prompts.append(input[-1].text)
                output = ModelOutput.from_content("short_phrases", '"names of birds".')
                output.usage = ModelUsage(input_tokens=10, output_tokens=3, total_tokens=13)
                return output

        return Phrases

    from inspect_ai.solver import SolverSpec

    [log] = inspect_eval(
        tasks.detection(store=str(planted_store), latents="0:2", test_activating=20, test_nonactivating=20),
        solver=SolverSpec(f"{EXAMPLES / 'own_explainer.py'}@short_phrase", {"examples": 4}),
        model=get_model("short_phrases/any"), model_roles={"grader": LEXICAL},
        display="none", log_dir=str(log_dir),
    )  # fmt: skip
    assert log.status == "success", log.error
    assert [prompt.count("«") > 3 and prompt.count("\n") >= 5 for prompt in prompts] == [True, True]
    for sample in log.samples or []:
        explanation = sample.metadata["explanation"]
        assert explanation["text"] == "names of birds"
        assert explanation["source"] == "short_phrase/1"
        assert (sample.scores or {})["detection"].answer == "names of birds"


def test_own_coder_makes_a_store(run: Run, subject_folder: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weights = {"W_enc": rng.normal(size=(32, 48)), "b_enc": np.zeros(48), "W_dec": rng.normal(size=(48, 32))}
    np.savez(tmp_path / "weights.npz", **weights, b_dec=np.zeros(32))
    command = ["autointerp", "prep", str(subject_folder), "--coder", "own_coder:make", "--hookpoint", "layers.1"]
    options = ["--tokens", "30000", "--context-length", "64", "--device", "cpu", "-o", str(tmp_path / "store")]
    run(*command, *options, cwd=EXAMPLES, MY_SAE=str(tmp_path / "weights.npz"), PYTHONDONTWRITEBYTECODE="1")
    output = run("autointerp", "stats", str(tmp_path / "store"), cwd=tmp_path)
    assert "layers.1" in output
    assert "48" in output


@pytest.mark.parametrize(("file", "title"), [("my_scores.py", "my_scores.py"), ("pyproject.toml", "pyproject.toml of")])
def test_own_score_is_that_of_the_documentation(file: str, title: str) -> None:
    """tests/scorers/test_add_a_score.py runs the blocks of the page."""
    page = (ROOT / "docs/add-a-score.md").read_text(encoding="utf-8")
    block = page[page.index(f'title="{title}') :].split("\n", 1)[1].split("\n```", 1)[0]
    assert (EXAMPLES / "own_score" / file).read_text(encoding="utf-8").strip() == block.strip()
    assert "shared_words" not in SCORES


@pytest.mark.parametrize("script", sorted(path.name for path in EXAMPLES.glob("*.sh")))
def test_script_parses(script: str) -> None:
    done = subprocess.run(["bash", "-n", str(EXAMPLES / script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_readme_lists_every_example() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    names = {path.name for path in EXAMPLES.iterdir() if path.name not in ("README.md", "__pycache__")}
    assert sorted(name for name in names if f"({name}" not in text) == []
