"""A full disk is one line, whoever writes: what was there stays, and what was done is not lost."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.negatives.add_negatives import extend
from inspect_autointerp.prep.run import run, run_state
from inspect_autointerp.prep.run.run_state import Header
from inspect_autointerp.prep.write import tensor_file, writer
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store

Make = Callable[..., Path]
WRITERS = (
    (tensor_file.TensorFile, "append"),
    (run_state.Header, "write"),
    (run_state.Directions, "save"),
    (run, "write_corpus"),
    (writer, "save_tensors"),
    (writer, "_write_latents"),
    (run.np, "save"),
    (Manifest, "write"),
)
"""All that write a file of a checkpoint or a store."""


@contextmanager
def full_from(call: int | None, size: int) -> Iterator[list[str]]:
    """From the n-th call of a writer on no file may grow beyond a size; yield the names of those called."""
    calls: list[str] = []
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in WRITERS:
            write = getattr(owner, name)

            def counted(*arguments: Any, _write: Callable = write, _name: str = name, **more: Any) -> Any:
                calls.append(_name)
                if len(calls) - 1 == call:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
                return _write(*arguments, **more)

            patch.setattr(owner, name, counted)
        try:
            yield calls
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def batches(folder: Path) -> int:
    return Header.read(folder / "store.checkpoint").batches if (folder / "store.checkpoint").exists() else 0


@pytest.mark.parametrize("size", [0, 100])
def test_prep_disk_full_from_any_write_is_one_line_and_resumes(
    fast_prep: Make, fast_store: dict[str, bytes], tmp_path: Path, size: int
) -> None:
    with full_from(None, size) as calls:
        fast_prep(tmp_path / "whole")
    assert {name for _, name in WRITERS} == set(calls)
    first = {name: calls.index(name) for name in calls}
    last = {name: len(calls) - 1 - calls[::-1].index(name) for name in calls}
    for call in sorted({*first.values(), *last.values()}):
        folder = tmp_path / str(call)
        with (
            full_from(call, size),
            pytest.raises(UserError, match=r"^\S+: cannot be written \(.*File too large.*\)") as end,
        ):
            fast_prep(folder)
        assert "\n" not in str(end.value), calls[call]
        assert [path.name for path in folder.iterdir()] in ([], ["store.checkpoint"]), "nothing is left behind"
        assert batches(folder) == sum(name == "write" for name in calls[:call]), "the checkpoint of before stays"
        fast_prep(folder, resume=True)
        assert contents(folder / "store") == fast_store


def test_negatives_disk_full_leaves_the_store_as_it_was(fast_prep: Make, tmp_path: Path) -> None:
    store = Store(fast_prep(tmp_path))
    arrays = {"start": np.arange(100)}
    extend(store, "similar", iter([("layers.1", arrays)]), "old")
    before = contents(store.folder)
    with pytest.MonkeyPatch.context() as patch:
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        patch.setattr(tensor_file, "save_file", lambda *a, write=tensor_file.save_file: (_limit(100), write(*a)))
        try:
            with pytest.raises(UserError, match=r"cannot be written \(.*File too large.*\); the store is unchanged$"):
                extend(Store(store.folder), "similar", iter([("layers.1", {"start": np.arange(200)})]), "new")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert contents(store.folder) == before


def _limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def test_negatives_interrupted_between_files_leaves_a_whole_store(
    fast_prep: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kind that is replaced is never half the old one and half the new one."""
    store = Store(fast_prep(tmp_path))
    names = ["layers.1", "layers.2.mlp"]
    extend(store, "similar", iter([(name, {"start": np.arange(9)}) for name in names]), "old")
    replace, done = Path.replace, []

    def third(self: Path, target: Path) -> Path:
        if self.name.startswith(".layers"):
            done.append(target)
            if len(done) == 2:
                raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", third)
        extend(Store(store.folder), "similar", iter([(name, {"start": np.arange(8)}) for name in names]), "new")
    assert Store(store.folder).manifest.negatives == {}
    assert Store(store.folder).digest == store.digest
    assert not list(store.folder.rglob("*.partial"))


def test_negatives_two_kinds_at_once_keep_both(fast_prep: Make, tmp_path: Path) -> None:
    one, other = Store(folder := fast_prep(tmp_path)), Store(folder)
    extend(one, "similar", iter([("layers.1", {"start": np.arange(9)})]), "a")
    extend(other, "cooccurring", iter([("layers.1", {"start": np.arange(9)})]), "b")
    assert Store(folder).manifest.negatives == {"similar": "a", "cooccurring": "b"}
