"""Files that the world around the repository reads: tasks/eval.yaml, CITATION.cff, workflows, and what they call."""

import re
import tomllib
from pathlib import Path

import yaml

from inspect_autointerp import __version__, tasks
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.tasks._task import INTERFACE, TAGS, task_version

ROOT = Path(__file__).parents[2]
FIELDS = {
    *("id", "title", "common_title", "paper_title", "description", "arxiv", "contributors", "tags", "tasks"),
    *("metadata", "source", "full_title", "evaluation_report"),
}
"""The fields that the Register of Inspect Evals allows (`ExternalEvalMetadata` of inspect-evals 0.28.0)."""


def read_yaml(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_eval_yaml_lists_every_task_with_its_file() -> None:
    entry = read_yaml("tasks/eval.yaml")
    assert set(entry) <= FIELDS
    assert sorted(task["name"] for task in entry["tasks"]) == sorted([*SCORES, "multi_score"])
    for task in entry["tasks"]:
        assert hasattr(tasks, task["name"])
        assert re.search(rf"^@task\ndef {task['name']}\(", (ROOT / task["task_path"]).read_text("utf-8"), re.MULTILINE)
    assert "\n" not in entry["description"]
    assert entry["tags"] == TAGS


def test_task_versions_have_the_form_of_inspect_evals() -> None:
    assert re.fullmatch("[A-Z]", INTERFACE)
    assert all(re.fullmatch(r"\d+-[A-Z]", task_version([spec])) for spec in SCORES.values())
    together = sum(int(task_version([spec]).split("-")[0]) for spec in SCORES.values())
    assert task_version(SCORES.values()) == f"{together}-{INTERFACE}"


def test_citation_names_this_version_and_licence() -> None:
    citation = read_yaml("CITATION.cff")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == __version__ == project["version"]
    assert citation["license"] == project["license"]
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert any("2410.13928" in reference["url"] for reference in citation["references"])


def test_workflows_call_the_one_script() -> None:
    runs = [
        step["run"]
        for path in (ROOT / ".github/workflows").glob("*.yml")
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
        for step in job["steps"]
        if "run" in step
    ]
    parts = set(re.findall(r"^ {6}([\w| ]+)\)", (ROOT / ".ci/run").read_text(encoding="utf-8"), flags=re.MULTILINE))
    known = {part.strip() for group in parts for part in group.split("|")}
    assert runs
    for command in runs:
        script, *names = command.split()
        assert script == ".ci/run"
        assert names
        assert set(names) <= known


def test_script_calls_make_targets_that_there_are() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in ("test", "demo", "lint", "site", "wheel", "docs"):
        assert re.search(rf"^{name}:", makefile, flags=re.MULTILINE), name


def test_extra_docs_is_pinned() -> None:
    pinned = {line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()}
    assert {"mkdocs-material", "mkdocstrings", "nbclient", "ipykernel"} <= pinned


def test_issue_forms_are_valid() -> None:
    for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert path.name == "config.yml" or {"name", "description", "body"} <= set(form)
