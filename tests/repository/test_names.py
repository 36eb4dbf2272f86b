"""Names say what they hold: no module is named by a participle, and no variable by a word that fits anything."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# fmt: off
PARTICIPLES = {
    "added", "aligned", "asked", "built", "chosen", "compared", "cut", "drawn", "expected",
    "explained", "fired", "found", "given", "held", "judged", "kept", "left", "loaded",
    "made", "merged", "named", "numbered", "planned", "ranked", "recorded", "reloaded", "said",
    "saved", "selected", "served", "shown", "steered", "taken", "told", "tokenized", "tried",
    "used", "worked", "written",
}
# fmt: on
VAGUE = {"found", "said", "of"}


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def vague_names(tree: ast.AST) -> Iterator[int]:
    """Return the lines of variables and arguments called so; an annotated name in a class is a field, no variable."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    fields = {line.target for node in classes for line in node.body if isinstance(line, ast.AnnAssign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in VAGUE and isinstance(node.ctx, ast.Store) and node not in fields:
            yield node.lineno
        if isinstance(node, ast.arg) and node.arg in VAGUE:
            yield node.lineno


def test_modules_are_not_named_by_a_participle() -> None:
    paths = sources("src", "tasks", "solvers", "scorers", "prep", "benchmarks")
    assert len(paths) > 100
    assert [str(path.relative_to(ROOT)) for path in paths if path.stem.strip("_") in PARTICIPLES] == []


def test_variables_are_not_called_found_said_or_of() -> None:
    rooms = ("src", "tasks", "solvers", "scorers", "prep", "tests", "benchmarks", "smollm2", "examples")
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sources(*rooms)}
    assert [f"{path.relative_to(ROOT)}:{line}" for path, tree in trees.items() for line in vague_names(tree)] == []


@pytest.mark.parametrize(
    "code",
    [
        "found = 1",
        "found: int = 1",
        "def f(*, said): pass",
        "for i, of in x: pass",
        "[of for of in x]",
        "with a as said: pass",
        "(found := 1)",
        "lambda of: 1",
    ],
)
def test_vague_names_sees_a_name_however_it_is_bound(code: str) -> None:
    assert list(vague_names(ast.parse(code))) == [1]


def test_vague_names_passes_fields_keywords_and_attributes() -> None:
    assert not list(vague_names(ast.parse("class A:\n    of: int\nf(of=x.found)\ndef found(): pass")))


def test_test_names_have_at_most_70_characters() -> None:
    functions = [node for path in sources("tests") for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    names = [node.name for node in functions if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [name for name in names if name.startswith("test_") and len(name) > 70] == []
