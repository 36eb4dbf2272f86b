"""Corpus, subject and coders to a context store in one pass, or to one shard of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from inspect_autointerp.atomic import atomic_folder, refuse_existing
from inspect_autointerp.errors import UserError
from inspect_autointerp.manifest import NAME, Manifest
from inspect_autointerp.prep.checkpoint import Checkpoint
from inspect_autointerp.prep.job import Job
from inspect_autointerp.prep.progress import say, spinner
from inspect_autointerp.prep.scan import Scan
from inspect_autointerp.prep.shard import WHOLE, Shard
from inspect_autointerp.prep.state import STATE, Found, Header
from inspect_autointerp.prep.writer import hash_files, write_corpus, write_hookpoint


def prep(
    job: Job,
    output: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    checkpoint_minutes: float = 10,
    progress: bool = True,
) -> Manifest:
    """Make a context store.

    Args:
        job: What to run.
        output: The store's folder.
        overwrite: Replace a store, or an interrupted run, that is there.
        resume: Go on with an interrupted run, if there is one.
        checkpoint_minutes: How often to write what an interrupted run goes on from.
        progress: Show what is under way.

    Raises:
        UserError: Something given cannot be used. A store that was there stays as it was.
        Interrupted: By a signal; `resume` goes on from there.
    """
    refuse_existing(output, marker=NAME, overwrite=overwrite)
    checkpoint = _checkpoint(output, checkpoint_minutes, resume, overwrite, progress)
    scan = Scan(job, progress=progress)
    with atomic_folder(output, marker=NAME, overwrite=overwrite) as folder:
        end = scan.run(folder / "tokens.raw", WHOLE, checkpoint)
        try:
            write_corpus(folder, scan.chunker)
            manifest = write_store(folder, scan.found, progress=progress)
        except UserError:
            raise
        except BaseException:  # a full disk, an interruption: the pass need not be run again
            checkpoint.save(end, scan.found)
            raise
    checkpoint.remove()
    return manifest


def prep_shard(
    job: Job,
    output: Path,
    shard: Shard,
    *,
    overwrite: bool = False,
    resume: bool = False,
    checkpoint_minutes: float = 10,
    progress: bool = True,
    tell: Callable[[int], None] = lambda _: None,
) -> Path:
    """Run one shard of the corpus, and write what it found for `merge`: see `prep`.

    `tell` is called after each batch with the number of its tokens.

    Returns:
        Its folder, beside the store's. With `resume`, one that is there already is left as it is.
    """
    target = shards_folder(output) / shard.name
    if resume and not overwrite and (target / STATE).is_file() and Header.read(target).asked_for(job):
        say(f"{target}: done already", shown=progress)
        return target
    refuse_existing(target, marker=STATE, overwrite=overwrite)
    checkpoint = _checkpoint(target, checkpoint_minutes, resume, overwrite, progress)
    scan = Scan(job, progress=progress)
    with atomic_folder(target, marker=STATE, overwrite=overwrite) as folder:
        end = scan.run(folder / "tokens.raw" if shard.number == 1 else None, shard, checkpoint, tell)
        if shard.number == 1:
            write_corpus(folder, scan.chunker)
        scan.found.save(folder, end)
    checkpoint.remove()
    return target


def shards_folder(output: Path) -> Path:
    """Where the shards of a store lie until they are merged."""
    return output.with_name(f"{output.name}.shards")


def write_store(folder: Path, found: Found, *, progress: bool) -> Manifest:
    """Write everything but the corpus, which is in the folder already, and the manifest last.

    Raises:
        UserError: At one of the hookpoints no latent fires.
    """
    settings = found.manifest.settings
    pool = None
    for name, selector in found.selectors.items():
        with spinner(f"writing {name}", shown=progress):
            selection = selector.finish()
            if not selection.n_tokens.any():
                raise UserError(f"no latent of {name} fires in the corpus; does the coder belong to this model?")
            write_hookpoint(folder, name, selection, found.directions[name], settings)
            pool = selection.pool  # the same for all: it does not depend on the latents
    np.save(folder / "pool.npy", pool)
    manifest = replace(found.manifest, files=hash_files(folder))
    manifest.write(folder)
    return manifest


def _checkpoint(target: Path, minutes: float, resume: bool, overwrite: bool, progress: bool) -> Checkpoint:
    folder = target.with_name(f"{target.name}.checkpoint")
    return Checkpoint(folder, minutes=minutes, resume=resume, overwrite=overwrite, progress=progress)
