"""The paths that the documentation names are in the tree, and no room of the tree is missing in it."""

import re
from pathlib import Path

import pytest
from tests.repository.documentation import DOCUMENTS, ROOT

from inspect_autointerp.scorers.shared.specs import SCORES

SRC = ROOT / "src/inspect_autointerp"
DESIGN = (ROOT / "docs/design.md").read_text(encoding="utf-8")
PATH = re.compile(r"(?<![\w./~-])((?:[a-z_]+/)+(?:[a-z_]+\.(?:py|md|yaml))?)(?![\w*])")
OUTSIDE = re.compile(
    r"(docs/)?(scores|scorers)/overlap|tasks/overlap\.py|(hf|vllm|openai|openai-api)/$|my_sae/$|site/$|explanations/|scores/$"
)
"""The example of docs/add-a-score.md, providers of models, and folders that a user makes."""


def named_paths(text: str) -> list[str]:
    """The files, and the folders with a slash at their end, in backticks; and the files in code blocks."""
    marked = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    blocks = re.findall(r"^```\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    files = [path for block in blocks for path in PATH.findall(block) if "." in path]
    return sorted({path for part in marked for path in PATH.findall(part)} | set(files))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documentation_names_paths_that_there_are(name: str) -> None:
    paths = named_paths((ROOT / name).read_text(encoding="utf-8"))
    assert paths or name != "docs/design.md"
    missing = [path for path in paths if not any((base / path).exists() for base in (ROOT, SRC, ROOT / "docs"))]
    assert [path for path in missing if not OUTSIDE.match(path)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_inline_code_is_on_one_line(name: str) -> None:
    """A command that is broken over two lines is not seen by the tests of commands, and a reader cannot copy it."""
    text = re.sub(r"^ *```.*?^ *```", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert [line for line in text.splitlines() if line.count("`") % 2] == []


def test_rooms_table_names_every_room() -> None:
    rooms = {path.parent.name for path in SRC.glob("*/__init__.py")} - {"scorers"}
    rooms |= {f"prep/{path.parent.name}" for path in (ROOT / "prep").glob("*/__init__.py")}
    rooms |= {f"leaderboard/{path.parent.name}" for path in (SRC / "leaderboard").glob("*/__init__.py")}
    table = DESIGN[DESIGN.index("## Rooms") : DESIGN.index("### Who may import whom")]
    assert [room for room in sorted(rooms - {"prep", "leaderboard"}) if f"`{room}/`" not in table] == []


def test_way_to_a_number_takes_at_most_12_files() -> None:
    way = re.search(r"^```\n(tasks/detection\.py.*?)^```", DESIGN, re.MULTILINE | re.DOTALL)
    assert way
    files = [line.split()[0] for line in way[1].splitlines()]
    assert f"a reader opens {len(files)} files" in DESIGN
    assert len(files) <= 12
    imports = {file: _source(file).read_text(encoding="utf-8") for file in files}
    for before, file in enumerate(files[1:]):  # each is imported by one that was opened before
        module = file.removesuffix(".py").replace("/", ".")
        assert any(module in imports[opened] for opened in files[: before + 1]), file


def test_task_files_have_the_lengths_that_are_stated() -> None:
    few, many = map(int, re.findall(r"task file has (\d+) to (\d+) lines", DESIGN)[0])
    lengths = {name: _source(f"tasks/{name}.py").read_text(encoding="utf-8").count("\n") for name in SCORES}
    assert [name for name, length in lengths.items() if not few <= length <= many] == [], lengths


def _source(file: str) -> Path:
    return next(base / file for base in (ROOT, SRC) if (base / file).is_file())
