"""A coder whose latents fire in every window is named while there is time to stop."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from inspect_autointerp.prep.cli.estimate import estimate
from inspect_autointerp.prep.run import scan
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.select.density import crowded
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.settings import Settings


def counts(*n_windows: int) -> Any:
    return {"layers.0": SimpleNamespace(n_latents=len(n_windows), n_windows=torch.tensor(n_windows))}


def coders(source: str) -> Any:
    return {"layers.0": SimpleNamespace(source=source, architecture=source)}


def test_crowded_is_when_most_latents_fire_in_98_percent_of_windows() -> None:
    assert crowded(counts(980, 1000, 979), coders("x"), 1000)
    assert not crowded(counts(979, 1000, 979), coders("x"), 1000)
    assert not crowded(counts(99, 99), coders("x"), 99)  # too few windows to tell
    [line] = crowded(counts(256, 256), coders("neurons"), 256)
    assert line.startswith("layers.0: 2 of 2 latents of coder neurons fire in every window, or nearly: ")
    assert "; take fewer: neurons:32 keeps each token's 32 largest, neurons:3rms what is above 3 times" in line
    [line] = crowded(counts(256, 256), coders("sae"), 256)
    assert "neurons" not in line


@pytest.mark.parametrize(("coder", "warned"), [("neurons", True), ("neurons:4", False)])
def test_prep_and_dry_run_warn_of_neurons_of_a_gated_mlp(
    prep: Callable[..., Manifest],
    subject_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    coder: str,
    warned: bool,
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(scan, "say", lambda line, **_: lines.append(line))
    place = ["blocks.1.mlp.hook_post"]
    prep(tmp_path / "store", corpus="stdlib", coders=[coder], hookpoints=place, tokens=12_000)
    assert len([line for line in lines if "fire in every window" in line]) == warned
    settings = Settings(tokens=12_000, context_length=64)
    estimate(Job(subject=str(subject_folder), coders=[coder], hookpoints=place, settings=settings))
    message = capsys.readouterr().err
    assert ("fire in every window" in message) == warned
