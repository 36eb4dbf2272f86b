"""docs/add-a-score.md, run as it stands: in a copy of the repository, and in a package of one's own."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log
from tests.warm_commands import run_command

from inspect_autointerp.inspect_support.verdicts import LatentFacts, recorded_verdicts
from inspect_autointerp.leaderboard.analyse.differences import differences
from inspect_autointerp.leaderboard.analyse.statistics import summary
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.leaderboard.show.tables import tables
from inspect_autointerp.scorers import SCORERS, SCORES
from inspect_autointerp.scorers.shared.ranking import ranking_statistics
from inspect_autointerp.tasks import multi_score

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(
    r'^(?:In `[^`\n]+`, after the line with `([^\n]+)`:\n\n)?```\w+ title="([^"]+)"\n(.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
LEXICAL = "inspect_autointerp/lexical"
COPIED = ("src", "tasks", "solvers", "scorers", "prep", "studies", "suites")
FILES = ("pyproject.toml", "README.md", "tests/__init__.py", "tests/conftest.py")
TESTS = ("tests/scorers/test_specs.py", "tests/repository/test_imports.py", "tests/scorers/test_prompt_versions.py")
SMALL = {"latents": "0:3", "min_contexts": 5, "test_activating": 20, "test_nonactivating": 20}


class Block(NamedTuple):
    title: str
    after: str
    text: str


BLOCKS = [
    Block(title, after, text)
    for after, title, text in BLOCK.findall((ROOT / "docs/add-a-score.md").read_text(encoding="utf-8"))
]
OWN_PACKAGE = {"my_scores.py", "pyproject.toml of your package"}
"""Titles of the blocks that are not for this repository."""


def block(title: str) -> str:
    [text] = [block.text for block in BLOCKS if block.title == title]
    return text


def write_blocks(folder: Path) -> None:
    """Write the blocks for this repository into a copy of it: whole files, and lines after the one that is named."""
    for title, after, text in BLOCKS:
        file = folder / title
        if title in OWN_PACKAGE:
            continue
        if not after:
            assert not file.exists(), f"{title}: there is such a file already"
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
            continue
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        place = next((i for i, line in enumerate(lines, 1) if after in line), None)
        assert place, f"docs/add-a-score.md: {title} has no line with {after!r}"
        file.write_text("".join([*lines[:place], text, *lines[place:]]), encoding="utf-8")


Run = Callable[..., str]


@pytest.fixture
def run(commands: dict[str, str]) -> Run:
    """Return a function that runs a Python module in a process, a folder in front of everything that is installed."""

    def run_it(*command: str, cwd: Path, path: Path) -> str:
        done = run_command(["python", "-m", *command], cwd=cwd, env=commands | {"PYTHONPATH": str(path)})
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout

    return run_it


def evaluate(run: Run, task: str, scores: str | None, store: Path, logs: Path, **where: Path) -> EvalLog:
    options = SMALL | {"store": store} | ({"scores": scores} if scores else {})
    arguments = [word for name, value in options.items() for word in ("-T", f"{name}={value}")]
    run(
        "inspect_ai",
        "eval",
        task,
        *arguments,
        "--log-dir",
        str(logs),
        "--display",
        "plain",
        "--model",
        LEXICAL,
        **where,
    )
    [log] = [read_eval_log(info) for info in list_eval_logs(str(logs))]
    return log


def check(log: EvalLog, score: str) -> None:
    """A log's score is what the example says, and its statistics come out of its verdicts again."""
    assert log.status == "success", log.error
    assert len(log.samples or []) == 3
    for sample in log.samples or []:
        graded = (sample.scores or {})[score]
        verdicts = recorded_verdicts(graded.metadata)
        assert len(verdicts) == 40
        assert graded.metadata and graded.metadata["prompt"] == f"{score}/1"
        assert graded.metadata["grader"] == "none"
        again = ranking_statistics(verdicts, LatentFacts())
        assert graded.value == pytest.approx({key: round(value, 4) for key, value in again.items()}, nan_ok=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with the example in it."""
    folder = tmp_path_factory.mktemp("repository")
    for room in COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.safetensors")
        shutil.copytree(ROOT / room, folder / room, symlinks=True, ignore=ignored)
    for file in (*FILES, *TESTS):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    write_blocks(folder)
    return folder


def test_score_in_the_repository_is_evaluated(run: Run, repository: Path, planted_store: Path, tmp_path: Path) -> None:
    where = {"cwd": repository, "path": repository / "src"}
    log = evaluate(run, "tasks/overlap.py", None, planted_store, tmp_path / "alone", **where)
    check(log, "overlap")
    assert log.eval.task_version == "1-A"
    log = evaluate(run, "tasks/multi_score.py", "overlap,embedding", planted_store, tmp_path / "both", **where)
    check(log, "overlap")
    metrics = {score.name: score.metrics for score in log.results.scores} if log.results else {}
    assert metrics["overlap"]["mean"].value > 0.6
    shown = run("inspect_autointerp.cli", "leaderboard", str(tmp_path), **where)
    assert "overlap · " in shown
    assert "AUROC" in shown


def test_score_in_the_repository_passes_the_tests_of_the_table(run: Run, repository: Path) -> None:
    ours = "overlap or names or installed or wording"  # not those that evaluate, which the test above does
    done = run("pytest", "-p", "no:cacheprovider", "-k", ours, *TESTS, "-rA", cwd=repository, path=repository / "src")
    for test in ("folder_of_its_own[overlap]", "scorer_and_task[overlap]", "in_the_readme[overlap]", "is_installed"):
        assert re.search(rf"PASSED .*{re.escape(test)}", done), done


def test_score_without_its_row_in_the_readme_is_told(run: Run, repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(repository, folder, symlinks=True)
    shutil.copy(ROOT / "README.md", folder / "README.md")
    with pytest.raises(AssertionError, match=r"add `tasks/overlap.py` to the README's table of scores"):
        run("pytest", "-q", "-k", "readme", TESTS[0], cwd=folder, path=folder / "src")


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a package's module; what it registers is gone afterwards."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "my_scores.py").write_text(block("my_scores.py"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    sys.modules.pop("my_scores", None)
    SCORES.pop("shared_words", None)
    SCORERS.pop("shared_words", None)


def test_score_of_a_package_is_evaluated_after_its_import(
    own_module: Path, planted_store: Path, tmp_path: Path
) -> None:
    __import__("my_scores")
    for explainer in ("explain", "empty"):
        task = multi_score(scores="shared_words,embedding", explainer=explainer, store=str(planted_store), **SMALL)  # pyright: ignore[reportArgumentType]
        [log] = inspect_eval(task, display="none", log_dir=str(tmp_path / "logs"))
        check(log, "shared_words")
    results = read_results(str(tmp_path / "logs"))
    assert len(results.apart) == 0
    views = tables(results, summary(results, differences(results)))
    [ours] = [view for view in views if view.title.startswith("shared_words · ")]
    assert "AUROC" in ours.head
    rows = results.estimates.query("statistic == 'auroc'").join(results.entries[["score", "floor"]], on="entry")
    means = rows[rows["score"] == "shared_words"].set_index("floor")["mean"]
    assert means[True] == 0.5  # no words: all counts are 0, and ties count half
    assert means[False] > 0.6


def test_score_of_an_installed_package_is_known_everywhere(
    run: Run, own_module: Path, planted_store: Path, tmp_path: Path
) -> None:
    about = own_module / "my_scores-0.1.dist-info"
    about.mkdir()
    assert 'dependencies = ["inspect-autointerp"]' in block("pyproject.toml of your package")
    assert 'my_scores = "my_scores"' in block("pyproject.toml of your package")
    about.joinpath("METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-scores\nVersion: 0.1\nRequires-Dist: inspect-autointerp\n"
    )
    about.joinpath("entry_points.txt").write_text("[inspect_ai]\nmy_scores = my_scores\n")
    where = {"cwd": tmp_path, "path": own_module}
    log = evaluate(run, "inspect_autointerp/multi_score", "shared_words", planted_store, tmp_path / "logs", **where)
    check(log, "shared_words")
    shown = run("inspect_autointerp.cli", "leaderboard", str(tmp_path / "logs"), **where)
    assert "shared_words · " in shown
    assert "AUROC" in shown
