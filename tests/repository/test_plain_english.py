"""Rules of docstrings and messages that DESIGN.md, "Plain English", asks for.

A docstring begins with a verb or a noun phrase, never with a subordinate clause. Docstrings, and the texts that a user
reads, leave out phrases that read as translated.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLAUSE = re.compile(r"(What|How|Whether|Of|Where|That)\b")
ROOMS = ("tasks", "solvers", "scorers", "prep", "src/inspect_autointerp", "benchmarks", "examples", "tests")
SHIPPED = ROOMS[:5]
IN_DOCSTRINGS = re.compile(r"\b(in turn|go(es)? along|is said|comes? to|see to it)\b", re.IGNORECASE)
"""Phrases that no docstring of the shipped rooms uses."""
IN_MESSAGES = re.compile(
    IN_DOCSTRINGS.pattern
    + r"|(?<!there )\b(is|are) no (?!longer\b|more\b)\w|\bof which\b|\bapart\b|\balike\b|\bstands?\b|\b(lie|lies)\b"
    r"|\banew\b|\bgo(es)? on\b|\bnot to be had\b|\bnone of that name\b",
    re.IGNORECASE,
)
"""Phrases that no help text, error, note or caption uses."""
TRANSLATED = re.compile(r"\bbesides\b", re.IGNORECASE)
"""A word that neither docstrings nor messages of the shipped rooms use."""
OWN = re.compile(r"\bof its own\b", re.IGNORECASE)
"""The same, of the rooms at the top."""
PROMPTS = re.compile(
    r"(^|/)(prompt|prompt_lines|prompt_reader|few_shot|agent_prompt|call_explainer|parse\w*|oracle|claims)\.py$"
    r"|^solvers/tools/|/parsing/|^src/inspect_autointerp/(tool_server|builtin/lexical)/"
)
"""Files with texts for models, which change with their version only, and the code that reads them."""


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


def messages(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Return the line and the text of every string of several words that is not a docstring."""
    skipped = {line for line, _ in docstrings(tree)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or node.lineno in skipped:
            continue
        if " " in node.value.strip():
            yield node.lineno, node.value


def files(folder: str) -> Iterator[tuple[str, ast.AST]]:
    """Return the path and the syntax tree of every Python file in a folder."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("folder", ROOMS)
def test_docstrings_begin_with_a_verb_or_a_noun(folder: str) -> None:
    clauses = [
        f"{path}:{number}: {text.splitlines()[0]}"
        for path, tree in files(folder)
        for number, text in docstrings(tree)
        if CLAUSE.match(text)
    ]
    assert clauses == []


@pytest.mark.parametrize("folder", SHIPPED)
def test_docstrings_and_messages_use_plain_phrases(folder: str) -> None:
    phrases = [
        f"{path}:{number}: {match[0]!r} in {text[:200]!r}"
        for path, tree in files(folder)
        if not PROMPTS.search(path)
        for texts, pattern in ((docstrings, IN_DOCSTRINGS), (messages, IN_MESSAGES))
        for number, text in texts(tree)
        if (match := pattern.search(text))
    ]
    assert phrases == []


@pytest.mark.parametrize(
    ("folder", "pattern"), [*((room, TRANSLATED) for room in SHIPPED), *((r, OWN) for r in ROOMS[:4])]
)
def test_docstrings_and_messages_are_not_translated(folder: str, pattern: re.Pattern[str]) -> None:
    phrases = [
        f"{path}:{number}: {text[:200]!r}"
        for path, tree in files(folder)
        if not PROMPTS.search(path)
        for texts in (docstrings, messages)
        for number, text in texts(tree)
        if pattern.search(text)
    ]
    assert phrases == []


@pytest.mark.parametrize("text", ["What x is.", "How often.", "Whether it is so.", "Of the draw.", "Where it is."])
def test_docstrings_of_modules_functions_and_fields_are_seen(text: str) -> None:
    code = f'"""{text}"""\nx = 1\n"""{text}"""\ndef f():\n    """{text}"""\nclass A:\n    """{text}"""\n'
    assert [seen for _, seen in docstrings(ast.parse(code)) if CLAUSE.match(seen)] == [text] * 4


@pytest.mark.parametrize(
    "text", ["{x}: it is no folder", "{x}, of which {y} fire", "the store lies at {x}", "start anew"]
)
def test_phrases_are_seen_in_errors_and_options(text: str) -> None:
    code = f'"""A docstring of a module."""\nraise UserError(f"{text}")\nOption(help="{text}")\n'
    assert len([seen for _, seen in messages(ast.parse(code)) if IN_MESSAGES.search(seen)]) == 2
