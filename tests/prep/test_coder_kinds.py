"""`autointerp coders`, and the page of the documentation that says the same."""

from pathlib import Path

import pytest
from tests.prep.library_files import FILES
from typer.testing import CliRunner

from inspect_autointerp.cli import app
from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.cli.coder_kinds import KINDS, REFUSALS

PAGE = (Path(__file__).parents[2] / "docs" / "coders.md").read_text(encoding="utf-8")


def test_the_command_lists_every_kind_and_every_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    result = CliRunner().invoke(app, ["coders"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    for kind in KINDS:
        assert any(kind.name in line and kind.files in line and kind.example in line for line in lines)
    for refusal in REFUSALS:
        assert any(refusal.name in line and refusal.reason in line for line in lines)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_page_has_every_kind(kind: tuple[str, str, str]) -> None:
    _, files, example = kind
    source = example.split()[1]
    row = next(line for line in PAGE.splitlines() if f"| `{source}` |" in line)
    assert all(f"`{file}`" in row for file in files.split(", ") if file)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_the_page_has_every_refusal(refusal: tuple[str, str]) -> None:
    assert any(refusal[0] in line and refusal[1] in line for line in PAGE.splitlines())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.files], ids=lambda kind: kind.name)
def test_the_files_of_a_kind_are_what_tells_it(kind: tuple[str, str, str], tmp_path: Path) -> None:
    from inspect_autointerp.prep.coders import load_coder

    for file in kind[1].split(", "):
        (tmp_path / file).write_bytes(b"")
    source = f"{tmp_path}:0" if ":" in kind[2].split()[1] else str(tmp_path)
    with pytest.raises(UserError) as info:  # it is empty, but its kind is known
        load_coder(source)
    assert "no coder of a known kind" not in str(info.value)
    assert FILES.is_dir()
