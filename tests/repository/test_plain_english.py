"""Docstrings begin with a verb or a noun phrase, never with a subordinate clause (DESIGN.md, "Plain English")."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLAUSE = re.compile(r"(What|How|Whether|Of|Where|That)\b")
ROOMS = ("tasks", "solvers", "scorers", "prep", "src/inspect_autointerp", "benchmarks", "examples", "tests")


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Return the line and the text of every docstring, those below fields included."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for line in body if isinstance(body, list) else []:
            if (
                isinstance(line, ast.Expr)
                and isinstance(line.value, ast.Constant)
                and isinstance(line.value.value, str)
            ):
                yield line.lineno, line.value.value.strip()


def clauses(folder: str) -> list[str]:
    """Return the docstrings of a folder that begin with a subordinate clause, and where they are."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {text.splitlines()[0]}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, text in docstrings(ast.parse(path.read_text("utf-8")))
        if CLAUSE.match(text)
    ]


@pytest.mark.parametrize("folder", ROOMS)
def test_docstrings_begin_with_a_verb_or_a_noun(folder: str) -> None:
    assert clauses(folder) == []


@pytest.mark.parametrize("text", ["What x is.", "How often.", "Whether it is so.", "Of the draw.", "Where it is."])
def test_docstrings_of_modules_functions_and_fields_are_seen(text: str) -> None:
    code = f'"""{text}"""\nx = 1\n"""{text}"""\ndef f():\n    """{text}"""\nclass A:\n    """{text}"""\n'
    assert [seen for _, seen in docstrings(ast.parse(code)) if CLAUSE.match(seen)] == [text] * 4
