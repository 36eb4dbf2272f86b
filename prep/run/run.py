"""Corpus, subject and coders to a context store in one pass, or to one shard of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from inspect_autointerp.errors import Interrupted, UserError
from inspect_autointerp.prep.cli.progress import say, spinner
from inspect_autointerp.prep.run.checkpoint import Checkpoint
from inspect_autointerp.prep.run.interrupt import deferred_interrupts
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.run.run_state import STATE, STATES, Found, Header, NothingFound
from inspect_autointerp.prep.run.scan import Scan
from inspect_autointerp.prep.run.shard import WHOLE, Shard
from inspect_autointerp.prep.write.writer import hash_files, write_corpus, write_hookpoint
from inspect_autointerp.store.atomic import InTheWay, atomic_folder, refuse_existing
from inspect_autointerp.store.manifest import STORE, Manifest


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
    refuse_existing(output, kind=STORE, overwrite=overwrite)
    checkpoint = _checkpoint(output, checkpoint_minutes, resume, overwrite, progress)
    scan = Scan(job, progress=progress)
    with deferred_interrupts() as interrupted:
        with _pass_kept(scan, WHOLE, checkpoint), atomic_folder(output, kind=STORE, overwrite=overwrite) as folder:
            scan.run(folder / "tokens.raw", WHOLE, checkpoint, interrupted)
            write_corpus(folder, scan.chunker)
            manifest = write_store(folder, scan.found, interrupted, progress=progress)
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
    refuse_existing(target, kind=STATES, overwrite=overwrite)
    checkpoint = _checkpoint(target, checkpoint_minutes, resume, overwrite, progress)
    scan = Scan(job, progress=progress)
    with deferred_interrupts() as interrupted:
        with _pass_kept(scan, shard, checkpoint), atomic_folder(target, kind=STATES, overwrite=overwrite) as folder:
            tokens = folder / "tokens.raw" if shard.number == 1 else None
            scan.run(tokens, shard, checkpoint, interrupted, tell)
            if shard.number == 1:
                write_corpus(folder, scan.chunker)
            scan.found.save(folder, scan.header(shard))
        checkpoint.remove()
    return target


def shards_folder(output: Path) -> Path:
    """Return where the shards of a store lie until they are merged."""
    return output.with_name(f"{output.name}.shards")


def write_store(
    folder: Path, state: Found, interrupted: Callable[[], bool] = lambda: False, *, progress: bool
) -> Manifest:
    """Write everything but the corpus, which is in the folder already, and the manifest last.

    Args:
        folder: Where to.
        state: What the pass has found.
        interrupted: Whether to stop; asked after each hookpoint.
        progress: Show what is under way.

    Raises:
        NothingFound: At one of the hookpoints no latent fires.
        Interrupted: It was to stop.
    """
    state.check()
    settings = state.manifest.settings
    pool = None
    for name, selector in state.selectors.items():
        with spinner(f"writing {name}", shown=progress):
            selection = selector.finish()
            write_hookpoint(folder, name, selection, state.directions[name], settings, selector.overlap)
            pool = selection.pool  # the same for all: it does not depend on the latents
        if interrupted():
            raise Interrupted("interrupted while the store was written; --resume continues from the end of the pass")
    assert pool is not None, "a run has a hookpoint"
    np.save(folder / "pool.npy", pool)
    manifest = replace(state.manifest, files=hash_files(folder))
    manifest.write(folder)
    return manifest


@contextmanager
def _pass_kept(scan: Scan, shard: Shard, checkpoint: Checkpoint) -> Iterator[None]:
    """Write a checkpoint when the block fails: an interruption, a full disk, something in the way of the store."""
    try:
        yield
    except NothingFound:
        raise
    except BaseException as error:
        checkpoint.save(scan.header(shard), scan.found)
        if isinstance(error, InTheWay):
            raise UserError(
                f"{error}; move it away and --resume; {checkpoint.folder} keeps the pass over the corpus"
            ) from error
        raise


def _checkpoint(target: Path, minutes: float, resume: bool, overwrite: bool, progress: bool) -> Checkpoint:
    folder = target.with_name(f"{target.name}.checkpoint")
    return Checkpoint(folder, minutes=minutes, resume=resume, overwrite=overwrite, progress=progress)
