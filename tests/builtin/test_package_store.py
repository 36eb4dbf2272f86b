"""The store that the package ships: the default of every command, read without the subject that it was made of."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval as inspect_eval
from tests.freezing import HOOKPOINTS, frozen, source_store

from inspect_autointerp import tasks
from inspect_autointerp.builtin import demo, package_store, smollm2
from inspect_autointerp.builtin.locate import default_store, locate
from inspect_autointerp.builtin.stores_at_hand import StoresAtHand
from inspect_autointerp.builtin.weights import weights_folder
from inspect_autointerp.contexts.selection import usable_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.models.likelihood.role import likelihood_name
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store
from inspect_autointerp.suites.load import read_suite


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory, subject_folder: Path) -> Path:
    """A frozen store whose manifest names SmolLM2 as its subject, as the package's own does."""
    from dataclasses import replace

    parent = tmp_path_factory.mktemp("packaged")
    source = source_store(parent, subject_folder)
    held = {name: usable_latents(Store(source), name, "sample:3", 5, 0)[0] for name in HOOKPOINTS}
    indices = {name: [latent.index for latent in latents] for name, latents in held.items()}
    folder = frozen(source, parent / "frozen", indices)
    manifest = Manifest.read(folder)
    hookpoints = {name: replace(entry, coder=f"{smollm2.NAME}:{name}") for name, entry in manifest.hookpoints.items()}
    replace(manifest, subject=smollm2.NAME, hookpoints=hookpoints).write(folder)
    return folder


@pytest.fixture
def shipped(packaged: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(package_store, "FOLDER", packaged)
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    return packaged


def test_packaged_store_is_the_default(shipped: Path) -> None:
    assert default_store() == smollm2.NAME
    assert locate(None) == locate(smollm2.NAME) == str(shipped)
    assert len(tasks.detection(latents="all", min_contexts=5).dataset) == 3
    at_hand = StoresAtHand().find(Manifest.read(shipped).digest)
    assert at_hand and at_hand.folder == shipped


def test_packaged_store_that_is_absent_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(package_store, "FOLDER", tmp_path)
    with pytest.raises(UserError, match="lacks the store"):
        locate(None)


def test_packaged_store_is_that_of_the_suite() -> None:
    folder = package_store.store_folder()
    assert folder is not None
    manifest = Manifest.read(folder)
    assert read_suite("smollm2").digest == manifest.digest
    for name in manifest.hookpoints:
        assert len(usable_latents(Store(folder), name, "sample:1000", 20, 0)[0]) == 100
    assert (folder / "NOTICE").is_file()
    assert sum(file.stat().st_size for file in folder.rglob("*")) < 12e6


def test_packaged_store_needs_no_torch(shipped: Path) -> None:
    code = (
        "import sys; from inspect_autointerp.builtin import package_store; from pathlib import Path;"
        f" package_store.FOLDER = Path({str(shipped)!r});"
        " from inspect_autointerp.tasks import detection; detection(latents='all', min_contexts=5);"
        " assert not {'torch', 'transformers', 'sae_lens'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_built_in_weights_have_portable_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path))
    assert weights_folder(demo.NAME) == str(demo.SUBJECT)
    assert [weights_folder(name) for name in ("neurons:32", "gpt2", "./smollm2")] == ["neurons:32", "gpt2", "./smollm2"]
    with pytest.raises(UserError, match="subject smollm2: its weights are not on this machine; `autointerp model"):
        weights_folder("smollm2")
    with pytest.raises(UserError, match=r"coder smollm2:layers.99: its weights are not on this machine"):
        weights_folder("smollm2:layers.99")
    monkeypatch.setattr(smollm2, "subject_folder", lambda: tmp_path)
    monkeypatch.setattr(smollm2, "coder_folder", lambda name: tmp_path / name)
    assert weights_folder("smollm2:layers.12") == str(tmp_path / "layers.12")


def test_store_of_a_portable_name_is_loaded_from_this_machines_folders(
    shipped: Path, subject_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_autointerp.models.from_store import load_firing

    monkeypatch.setattr(smollm2, "subject_folder", lambda: subject_folder)
    monkeypatch.setattr(smollm2, "coder_folder", lambda name: shipped.parent / name)
    assert load_firing(Store(shipped), HOOKPOINTS[0])


@pytest.mark.parametrize("name", ["generation", "intervention", "surprisal"])
def test_task_that_runs_an_absent_subject_is_one_line(name: str, shipped: Path, tmp_path: Path) -> None:
    task: Any = getattr(tasks, name)(latents="sample:2", min_contexts=5)
    [log] = inspect_eval(task, model="inspect_autointerp/lexical", log_dir=str(tmp_path), display="none")
    assert log.status == "error" and log.error
    assert "smollm2" in log.error.message and "`autointerp model smollm2` provides" in log.error.message
    assert "\n" not in log.error.message.strip()


def test_likelihood_of_smollm2s_store_is_smollm2() -> None:
    assert likelihood_name(smollm2.NAME) == smollm2.NAME
    assert likelihood_name("gpt2") == likelihood_name() == demo.NAME
