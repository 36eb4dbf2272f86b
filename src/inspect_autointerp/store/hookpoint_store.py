"""Contents of a context store for one hookpoint: its latents, the windows kept for them, and their neighbours."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Latent, Negative, counterpart_of, is_second, places_of
from inspect_autointerp.store.frozen_postings import FrozenPostings
from inspect_autointerp.store.manifest import FROZEN_POSTINGS, NEGATIVES, HookpointEntry
from inspect_autointerp.store.pair_counts import PairCounts
from inspect_autointerp.store.postings import SAMPLE, Postings

if TYPE_CHECKING:
    from inspect_autointerp.store.store import Store

T = TypeVar("T")

_AHEAD = 256
"""Number of latents that are fetched at once."""


class HookpointStore:
    """The part of an open store that is of one hookpoint, as `Store.at` gives it.

    Each file is read when it is first needed, and only while it is the one that was there when the store was opened
    (`Store.read`).

    Args:
        store: The store.
        name: One of its hookpoints.

    Attributes:
        store: As given.
        name: As given.
        folder: The path of its files inside the store.
    """

    def __init__(self, store: "Store", name: str) -> None:
        self.store, self.name, self.folder = store, name, hookpoint_folder(name)

    @property
    def entry(self) -> HookpointEntry:
        """Return what the manifest says of it."""
        return self.store.manifest.hookpoints[self.name]

    @property
    def subject(self) -> str:
        """Return the name of the model that it is read in: the second subject for `second:layers.2`, else the first."""
        manifest = self.store.manifest
        return (manifest.second_subject if is_second(self.name) else None) or manifest.subject

    @property
    def width(self) -> int:
        """Return how many latents there are."""
        return self.entry.width

    def read(self, name: str, reader: Callable[[Path], T]) -> T:
        """Return what a reader makes of one of the hookpoint's files: see `StoreFiles.read`."""
        return self.store.read(f"{self.folder}/{name}", reader)

    @cached_property
    def postings(self) -> Postings | FrozenPostings:
        """Per latent the windows kept, and its activations on them."""
        return self._frozen or self.read("postings.safetensors", Postings)

    @cached_property
    def _frozen(self) -> FrozenPostings | None:
        return self.read(FROZEN_POSTINGS, FrozenPostings) if self.store.manifest.frozen else None

    @cached_property
    def held(self) -> np.ndarray:
        """The latents that can be evaluated, int64, in order: all, except in a frozen store."""
        return np.arange(self.width) if self._frozen is None else self._frozen.held

    def check_held(self, latents: Sequence[int]) -> None:
        """Refuse latents that a frozen store does not hold.

        Raises:
            UserError: One of them is not there; the message says which are.
        """
        missing = np.setdiff1d(np.array(latents, dtype=np.int64), self.held)
        if len(missing):
            some = ", ".join(map(str, self.held[:5].tolist())) + (", …" if len(self.held) > 5 else "")
            raise UserError(
                f"{self.store.folder}: a frozen store, which holds {len(self.held):,} of the {self.width:,} latents of"
                f" {self.name} ({some}), and not {missing[0]}; give some of these, `all` or `sample:N`"
            )

    def _row(self, index: int) -> int:
        """The row of a latent in what is kept per held latent."""
        if self._frozen is None:
            return index
        self.check_held([index])
        return int(np.searchsorted(self.held, index))

    def table(self, columns: list[str], **options: Any) -> Any:
        """Columns of `latents.parquet`, a row per latent, as pyarrow's `read_table` gives them.

        Args:
            columns: Their names.
            options: Of `read_table`: `filters`, for instance.
        """
        from inspect_autointerp.store import parquet as pq

        def reader(path: Path) -> Any:
            n_rows, width = pq.read_metadata(path).num_rows, self.width
            if n_rows != width:
                raise UserError(f"{path}: {n_rows} rows, but the manifest's width is {width}; make the store again")
            return pq.read_table(path, columns=columns, **options)

        return self.read("latents.parquet", reader)

    @cached_property
    def _statistics(self) -> dict[str, np.ndarray]:
        table = self.table(["n_tokens", "n_windows", "max_activation"])
        return {name: table[name].to_numpy() for name in table.column_names}

    @property
    def n_windows(self) -> np.ndarray:
        """On how many windows, as the store keeps them, each latent fires: exact, int (latent,); 0 of dead ones."""
        return self._statistics["n_windows"]

    def latent(self, index: int) -> Latent:
        """One latent and its statistics; in a re-cut store, those that count windows are estimates (see `Latent`).

        Raises:
            UserError: A frozen store does not hold it.
        """
        if self._frozen is not None and index not in self._frozen.intruding:
            self.check_held([index])
        table, store = self._statistics, self.store
        n_windows, n_all = int(table["n_windows"][index]), max(1, store.manifest.n_windows)
        share = n_windows / n_all
        if store.ratio > 1 and n_windows:
            estimate = n_windows * self._firing_per_window(index)
            n_windows, share = round(estimate), estimate / (n_all * store.ratio)
        return Latent(
            hookpoint=self.name,
            index=index,
            n_tokens=int(table["n_tokens"][index]),
            n_windows=n_windows,
            firing_share=share,
            max_activation=float(table["max_activation"][index]),
        )

    def latents(self, indices: Sequence[int]) -> Iterator[Latent]:
        """These latents, as `latent` gives them, while the disk fetches what is kept of those that come next.

        Reading a latent waits for the disk; here it waits once for many.
        """
        self.postings.fetch(indices[:_AHEAD])
        for i, index in enumerate(indices):
            if i % _AHEAD == 0:
                self.postings.fetch(indices[i + _AHEAD : i + 2 * _AHEAD])
            yield self.latent(index)

    def _firing_per_window(self, index: int) -> float:
        """The mean number of short windows on which a latent fires in a wide one of its sample."""
        window, ratio = self.store.window, self.store.ratio
        starts, flags = self.postings.windows(index)
        starts = starts[(flags & SAMPLE) > 0]
        bounds = (starts[:, None] + window * np.arange(ratio + 1)).ravel()
        at = np.searchsorted(self.postings.activations(index)[0], bounds).reshape(len(starts), ratio + 1)
        return float((np.diff(at, axis=1) > 0).sum(axis=1).mean())

    def neighbours(self, kind: Negative, index: int) -> np.ndarray:
        """A latent's nearest others, int64, nearest first: as prep found them, or those that fire along with it.

        Raises:
            UserError: The store does not hold them.
        """
        if kind == "cooccurring":
            return self._cooccurring["neighbours"][self._row(index)].astype(np.int64)
        if self._neighbours is None:
            raise UserError(
                f"{self.store.folder}: no neighbours at {self.name}, whose latents have no directions or were not"
                " compared (prep's --neighbours); `autointerp negatives` finds latents that fire together"
            )
        return self._neighbours[self._row(index)].astype(np.int64)

    def neighbour_cosines(self, index: int) -> np.ndarray | None:
        """Return the cosines of a latent's direction with those of its `neighbours`, float32 (neighbour,).

        None where the store does not hold them.
        """
        cosines = self._neighbour_cosines
        return None if cosines is None else cosines[self._row(index)].astype(np.float32)

    def cooccurring(self, latents: np.ndarray) -> dict[str, np.ndarray]:
        """Return what is known of latents that fire along with these: `neighbours` and `jaccard`, a row for each.

        Raises:
            UserError: The store does not hold them.
        """
        rows = [self._row(index) for index in latents.tolist()]
        return {name: array[rows] for name, array in self._cooccurring.items()}

    @cached_property
    def pair_counts(self) -> PairCounts | None:
        """Counts of where latents fire in either of two subjects alone, and in both; None if the coder reads one."""
        from inspect_autointerp.store import parquet as pq

        columns = ["n_tokens", "n_windows", "n_tokens_other", "n_windows_other", "n_tokens_both", "n_windows_both"]
        if not set(columns) <= set(self.read("latents.parquet", pq.read_schema).names):
            return None
        table = self.table(columns)
        values = {name: table[name].to_numpy().astype(np.int64) for name in columns}
        return PairCounts.of(values, second=is_second(self.name))

    def logits(self, index: int) -> tuple[list[int], list[int]]:
        """The tokens whose logits a latent's direction raises most, the most first, and those it lowers most.

        Raises:
            UserError: The latents have no directions in the space that the subject's head reads.
        """
        if self._promoted is None or self._suppressed is None:
            raise UserError(
                f"{self.store.folder}: the tokens that the latents of {self.name} promote are unknown: they have no"
                " directions that the subject's head reads"
            )
        row = self._row(index)
        return self._promoted[row].tolist(), self._suppressed[row].tolist()

    def decoder_norms(self, indices: Sequence[int]) -> np.ndarray | None:
        """Return the lengths of some latents' decoder vectors at each place, float32 (latent, place).

        They are in the units in which the crosscoder was trained; None for coders that read one place.

        Raises:
            UserError: A frozen store does not hold one of the latents.
        """
        norms = self._decoder_norms
        return None if norms is None else norms[[self._row(index) for index in indices]]

    @property
    def places(self) -> list[str]:
        """Return the places that the hookpoint reads; several if its coder is a crosscoder."""
        return places_of(self.name)

    @property
    def counterpart(self) -> "HookpointStore | None":
        """Return the part of the store that the same coder read in the other subject; None if there is none."""
        name = counterpart_of(self.name)
        return self.store.at(name) if name in self.store.manifest.hookpoints else None

    @cached_property
    def _decoder_norms(self) -> np.ndarray | None:
        return self._lists("decoder_norms") if len(self.places) > 1 else None

    @cached_property
    def _neighbours(self) -> np.ndarray | None:
        return self._lists("neighbours")

    @cached_property
    def _neighbour_cosines(self) -> np.ndarray | None:
        return self._lists("neighbour_cosines")

    @cached_property
    def _promoted(self) -> np.ndarray | None:
        return self._lists("promoted")

    @cached_property
    def _suppressed(self) -> np.ndarray | None:
        return self._lists("suppressed")

    def _lists(self, column: str) -> np.ndarray | None:
        """A column of lists, (held latent, item); None where the latents have none."""
        lists = self.table([column])[column].combine_chunks()
        if self._frozen is None:
            return None if lists.null_count else lists.values.to_numpy().reshape(len(lists), -1)
        lists = lists.take(self.held)
        return None if lists.null_count else lists.flatten().to_numpy().reshape(len(lists), -1)

    def similar(self, index: int) -> np.ndarray:
        """The starts of the pool's windows that read like those a latent fires on, int64, nearest first in each split.

        Raises:
            UserError: The store does not hold them.
        """
        row = self._row(index)
        a, b = self._similar["indptr"][row : row + 2]
        return self._similar["window"][a:b].astype(np.int64)

    @cached_property
    def _cooccurring(self) -> dict[str, np.ndarray]:
        return self._added("cooccurring")

    @cached_property
    def _similar(self) -> dict[str, np.ndarray]:
        return self._added("similar")

    def _added(self, kind: str) -> dict[str, np.ndarray]:
        """A kind of contexts that was added to the finished store."""
        from safetensors.numpy import load_file

        store = self.store
        if kind not in store.manifest.negatives:
            remedy = f"`autointerp negatives {store.folder} --kind {kind}` adds them"
            if store.manifest.frozen:
                remedy = "the store that it was frozen from had none"
            raise UserError(f"{store.folder}: no {kind} contexts; {remedy}")
        return store.read(negatives_file(kind, self.name).as_posix(), load_file)


def negatives_file(kind: str, hookpoint: str) -> Path:
    """The path of a kind of added contexts inside a store."""
    return Path(NEGATIVES, kind, f"{hookpoint}.safetensors")


def hookpoint_folder(hookpoint: str) -> str:
    """The path of a hookpoint's files inside a store."""
    return f"hookpoints/{hookpoint}"
