"""Results so far of a pass over the corpus, on disk: the checkpoint of a run, and the result of a shard."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import counterpart_of, is_second
from inspect_autointerp.prep.run.all_or_nothing import AllOrNothing
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.run.shard import Shard
from inspect_autointerp.prep.select.decoder_directions import Directions
from inspect_autointerp.prep.select.selector import Selector
from inspect_autointerp.prep.write.tensor_file import TensorFile
from inspect_autointerp.prep.write.writer import CORPUS
from inspect_autointerp.store.folder_kind import Kind
from inspect_autointerp.store.hookpoint_store import hookpoint_folder
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.validation import STRICT, Count, Size, Text, validated

STATE = "state.json"
FORMAT = 2
_SELECTOR, _DIRECTIONS = "selector.safetensors", "directions.safetensors"


class NothingFound(UserError):
    """A pass has ended without anything that a store could be made of: its state is not worth keeping."""


@dataclass
class Found(AllOrNothing):
    """All that a store is made of, but the corpus."""

    manifest: Manifest
    """Counts and files are not in it before the pass has ended."""
    selectors: dict[str, Selector]
    """By hookpoint, as the next."""
    directions: dict[str, Directions]

    @staticmethod
    def empty(folder: Path) -> "Found":
        """Nothing yet, of the run that a state's folder is of: what to `absorb` its shards into."""
        manifest, settings = (header := Header.read(folder)).manifest, header.manifest.settings
        selectors = {
            name: Selector(
                entry.width,
                sample=settings.sample,
                top=settings.top,
                pool=settings.pool,
                seed=settings.seed,
                paired=counterpart_of(name) in manifest.hookpoints,
            )
            for name, entry in manifest.hookpoints.items()
        }
        directions = {name: Directions.load(folder / hookpoint_folder(name) / _DIRECTIONS) for name in selectors}
        return Found(manifest, selectors, directions)

    @property
    def can_be_saved(self) -> bool:
        """Tell if every batch is in all selectors or in none, so that no change was interrupted half-way."""
        return self.whole and all(selector.whole for selector in self.selectors.values())

    def check(self) -> None:
        """Refuse to make a store at one of whose hookpoints nothing happens.

        Raises:
            NothingFound: At one of the hookpoints no latent fires.
        """
        for name, selector in self.selectors.items():
            if not selector.fires:
                raise NothingFound(f"no latent of {name} fires in the corpus; does the coder belong to this model?")

    def save(self, folder: Path, header: "Header") -> None:
        """Write it into an empty folder."""
        for name, selector in self.selectors.items():
            target = folder / hookpoint_folder(name)
            target.mkdir(parents=True)
            state = selector.state()
            columns = {key: (_numpy(parts[0]).dtype, sum(map(len, parts))) for key, parts in state.items()}
            with TensorFile(target / _SELECTOR, columns) as file:
                for key, parts in state.items():
                    for part in parts:
                        file.append(key, _numpy(part))
            self.directions[name].save(target / _DIRECTIONS)
        header.write(folder)

    def absorb(self, folder: Path) -> None:
        """Add what a state of the same run holds.

        Raises:
            UserError: A file is missing or broken, or the neighbours of a latent are not the same in both: which
                siblings fire on a window would mean different latents.
        """
        with self.change():
            self._absorb(folder)

    def _absorb(self, folder: Path) -> None:
        for name, selector in self.selectors.items():
            source = folder / hookpoint_folder(name)
            try:
                other, state = Directions.load(source / _DIRECTIONS), load_file(source / _SELECTOR)
            except (OSError, SafetensorError) as error:
                raise UserError(f"{folder}: a file is missing or broken ({error}); make it again") from error
            mine, its = self.directions[name].neighbours, other.neighbours
            if (mine is None) != (its is None) or not (mine is None or its is None or np.array_equal(mine, its)):
                raise UserError(
                    f"{folder}: it found different neighbours of latents at {name}, as other kinds of GPU can; run all"
                    " shards on one kind of GPU"
                )
            selector.absorb(state)


@dataclass(frozen=True, kw_only=True)
class Header:
    """`state.json`: what a state belongs to, and how far it has come."""

    __pydantic_config__ = STRICT

    manifest: Manifest
    batch_size: Size
    shard: Shard
    batches: Count
    """Batches of the corpus that are done, other shards' counted with them."""
    corpus: Text | None = None
    """`Chunker.sha256` of the whole corpus, where the pass has ended."""

    def of_one_run(self, other: "Header") -> bool:
        """Return whether the two are of shards, or moments, of the same run."""
        a, b = (
            replace(header.manifest, n_documents=0, n_tokens=0, n_windows=0, n_counted=None) for header in (self, other)
        )
        return a == b and (self.batch_size, self.shard.of) == (other.batch_size, other.shard.of)

    def asked_for(self, job: Job) -> bool:
        """Return whether a job, as it was given, is this run."""
        manifest = self.manifest
        coders = sorted(entry.coder for name, entry in manifest.hookpoints.items() if not is_second(name))
        given = [job.names.get(name, name) for name in (job.subject, *sorted(job.coders))]
        return (
            [manifest.subject, *coders] == [given[0], *sorted(given[1:])]
            and (manifest.settings, manifest.revision) == (job.settings, job.revision)
            and manifest.second_subject
            == (job.second_subject and job.names.get(job.second_subject, job.second_subject))
            and manifest.second_revision == job.second_revision
            and self.batch_size == job.batch_size
        )

    def write(self, folder: Path) -> None:
        """Write it into a state's folder."""
        content = asdict(self) | {"format": FORMAT}
        (folder / STATE).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    @staticmethod
    def read(folder: Path) -> "Header":
        """Read it.

        Raises:
            UserError: There is no state, or one of another version.
        """
        try:
            content = json.loads((folder / STATE).read_text(encoding="utf-8"))
            if content.pop("format") != FORMAT:
                raise UserError(f"{folder}: written by another version of this package; make it again")
            return validated(Header, json.dumps(content), folder / STATE)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UserError(f"{folder}: no readable state of a prep run ({error}); make it again") from error


def _state_files(folder: Path) -> Callable[[str], bool]:
    """Test for files of a state, of this or another format version."""
    content = json.loads((folder / STATE).read_text(encoding="utf-8"))
    if not isinstance(content["format"], int) or not {"manifest", "shard", "batches"} <= content.keys():
        raise ValueError("not a state that this package wrote")
    hookpoints = map(hookpoint_folder, content["manifest"]["hookpoints"])
    files = {STATE, *CORPUS} | {f"{place}/{name}" for place in hookpoints for name in (_SELECTOR, _DIRECTIONS)}
    return files.__contains__


STATES = Kind("the state of a prep run", _state_files)
"""Folders that `atomic_folder` may replace with a state."""


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()
