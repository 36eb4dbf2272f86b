"""Shards of a run to one context store."""

import shutil
from pathlib import Path

from safetensors.numpy import load_file

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.cli.progress import say, spinner
from inspect_autointerp.prep.corpus.splits import split_warning
from inspect_autointerp.prep.run.run import shards_folder, write_store
from inspect_autointerp.prep.run.run_state import STATE, Found, Header
from inspect_autointerp.prep.write.writer import CORPUS
from inspect_autointerp.store.atomic import atomic_folder, refuse_existing
from inspect_autointerp.store.manifest import STORE, Manifest


def merge(output: Path, *, shards: Path | None = None, overwrite: bool = False, progress: bool = True) -> Manifest:
    """Join what all shards of a run have found into the store that a single run would have made, bit for bit.

    Args:
        output: The store's folder.
        shards: Where the shards lie, if not beside it.
        overwrite: Replace a store that is there.
        progress: Show what is under way.

    Raises:
        UserError: A shard is missing or unfinished, or they are not of one run.
    """
    refuse_existing(output, kind=STORE, overwrite=overwrite)
    folders = finished_shards(shards or shards_folder(output))
    state = Found.empty(folders[0])
    for folder in folders:
        with spinner(f"merging {folder.name}", shown=progress):
            state.absorb(folder)
    with atomic_folder(output, kind=STORE, overwrite=overwrite) as folder:
        for name in CORPUS:
            shutil.copyfile(folders[0] / name, folder / name)
        manifest = write_store(folder, state, progress=progress)
        if warning := split_warning(load_file(folder / "documents.safetensors")["test"].tolist(), manifest.settings):
            say(warning, shown=progress)
        return manifest


def finished_shards(folder: Path) -> list[Path]:
    """The folders of all shards of a run, the first one first.

    Raises:
        UserError: One is missing or unfinished, or they are not of one run.
    """
    present = {path: Header.read(path) for path in folder.glob("*-of-*") if (path / STATE).is_file()}
    present = {path: header for path, header in present.items() if header.corpus}
    if not present:
        raise UserError(f"{folder}: it holds no finished shards; make them with `autointerp prep --shard i/n`")
    (first, header), *others = sorted(present.items(), key=lambda item: item[1].shard.number)
    for path, other in others:
        if not header.of_one_run(other):
            raise UserError(f"{path} and {first} come from different runs: their settings, weights or versions differ")
        if (header.corpus, header.manifest) != (other.corpus, other.manifest):
            raise UserError(f"{path} and {first} read different texts: the corpus changed between them")
    missing = set(range(1, header.shard.of + 1)) - {other.shard.number for other in present.values()}
    if missing:
        raise UserError(f"{folder}: of {header.shard.of} shards {', '.join(map(str, sorted(missing)))} are missing")
    return [first, *(path for path, _ in others)]
