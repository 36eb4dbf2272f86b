"""Tests of --dry-run: arithmetic is checked by hand, and nothing is written."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from inspect_autointerp.prep.cli.estimate import estimate, kept_windows, state_bytes, stored_bytes
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.store.settings import Settings


def test_estimate_bounds_kept_windows() -> None:
    settings = Settings(sample=10, top=5, pool=20)
    # 2 splits · 15 · 100 latents = 3,000 and the pool's 20 · 7 = 140; of 50 windows there are 50 · 7 = 350 and 140.
    assert kept_windows(settings, 100, n_windows=10**6, firing=7) == 3140
    assert kept_windows(settings, 100, n_windows=50, firing=7) == 490


def test_bytes_are_those_of_the_columns() -> None:
    # A latent 750; a window 45 and 2 · 9. In the store 4 + 1 + 4 a window, 4 + 2 an activation.
    assert state_bytes(3, 100, 2) == 3 * 750 + 100 * 63
    assert stored_bytes(100, 2) == 100 * (9 + 12)


def test_a_run_is_told_beforehand_and_nothing_is_written(
    subject_folder: Path,
    sae_folder: Path,
    corpus_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    settings = Settings(corpus=str(corpus_folder), tokens=5000, context_length=64)
    job = Job(subject=str(subject_folder), coders=[str(sae_folder)], settings=settings, batch_size=4)
    estimate(job, shards=5, progress=False)
    printed = capsys.readouterr().out
    assert "5,000 at most, 1,000 in each of 5 shards" in printed
    assert "latents at layers.1" in printed
    assert "tokens a second on cpu" in printed
    assert list(tmp_path.iterdir()) == []


def test_estimate_of_a_single_batch_gives_its_time(
    subject_folder: Path,
    sae_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "a.txt").write_text("Some text. " * 20, encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "200")
    settings = Settings(corpus=str(tmp_path / "a.txt"), tokens=5000, context_length=64)
    estimate(Job(subject=str(subject_folder), coders=[str(sae_folder)], settings=settings), progress=False)
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "nan" not in printed
    assert re.search(r"\d:\d\d:\d\d at [1-9][\d,]* tokens a second on cpu, from the first batch only", printed), printed


def test_mistakes_are_those_of_the_run(prep: Callable, tmp_path: Path) -> None:
    from inspect_autointerp.errors import UserError

    with pytest.raises(UserError, match=r"^give at least one --coder$"):
        Job(subject="x", coders=[], settings=Settings())
    with pytest.raises(UserError, match=r"^neighbours 'nearest': unknown; give one of decoder, encoder, none$"):
        Settings(neighbours="nearest")  # type: ignore[arg-type]
