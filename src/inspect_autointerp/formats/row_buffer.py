"""Rows of logs on disk: read once, a few samples at a time, and gone through as often as a format needs."""

import json
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import track

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.logs import log_rows
from inspect_autointerp.formats.provenance import provenance
from inspect_autointerp.formats.records import Row, is_unicode

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog

    from inspect_autointerp.statistics.estimates import Estimate

_FIELDS = tuple(field.name for field in fields(Row))
_MANY = 1000
"""Samples from which on progress is shown."""


class ScoreValues:
    """The scores of a log's rows, gathered to compute their means over latents."""

    def __init__(self) -> None:
        self._latents: list[str] = []
        self._columns: dict[str, array[float]] = {}

    def add(self, latent: str, scores: Mapping[str, float]) -> None:
        """Add a row's scores, by `SCORE.STATISTIC`."""
        for name in (name for name in scores if name not in self._columns):
            self._columns[name] = array("d", [nan] * len(self._latents))
        self._latents.append(latent)
        for name, column in self._columns.items():
            column.append(scores.get(name, nan))

    def estimates(self) -> "dict[str, dict[str, Estimate]]":
        """Compute, by score and statistic, the mean over latents; a latent's value is its mean over epochs."""
        import pandas as pd

        from inspect_autointerp.statistics.estimates import estimates_of

        by_latent = pd.DataFrame(self._columns, index=pd.Index(self._latents)).groupby(level=0, sort=False).mean()
        estimates: dict[str, dict[str, Estimate]] = {}
        for name, estimate in estimates_of(by_latent).items():
            score, _, statistic = name.partition(".")
            estimates.setdefault(score, {})[statistic] = estimate
        return estimates


class Spool:
    """The rows of logs, and what can be said when all have been seen."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.n = 0
        self.scores: dict[str, None] = {}
        """The names of the rows' scores, in order."""
        self.made_by: dict[str, None] = {}
        """The names of what says how they were made."""
        self.concepts = False
        """True if any row has concepts."""
        self.about: list[dict[str, Any]] = []
        """Provenance of each log, as `provenance` returns it."""

    def take(self, path: str, header: "EvalLog") -> None:
        """Read a log.

        Raises:
            UserError: See `log_rows`; or an explanation cannot be written.
        """
        name = path.rstrip("/").rpartition("/")[2]
        total = len(header.eval.dataset.sample_ids or []) * (header.eval.config.epochs or 1)
        console = Console(emoji=False, stderr=True)
        rows = track(log_rows(path, header, name), name, total, transient=True, console=console, disable=total < _MANY)
        made_by: dict[str, str] = {}
        values = ScoreValues()
        with self._file.open("a", encoding="ascii", newline="") as file:
            for row in rows:
                if isinstance(row.text, str) and not is_unicode(row.text):
                    raise UserError(f"{name}: {row.hookpoint}/{row.index} has half a surrogate pair in its explanation")
                file.write(json.dumps({name: getattr(row, name) for name in _FIELDS}) + "\n")
                self.n += 1
                self.concepts |= bool(row.concepts)
                values.add(f"{row.hookpoint}/{row.index}", row.scores)
                self.scores.update(dict.fromkeys(row.scores))
                made_by |= row.made_by
        self.made_by.update(dict.fromkeys(made_by))
        self.about.append(provenance(name, header, made_by, values.estimates()))

    def __iter__(self) -> Iterator[Row]:
        if self.n:
            with self._file.open(encoding="ascii", newline="") as file:
                for line in file:
                    yield Row(**json.loads(line))

    def remove(self) -> None:
        """It is needed no more."""
        self._file.unlink(missing_ok=True)


@dataclass(frozen=True)
class Own:
    """The rows with an explanation of their own latent: no floors, and nothing that is missing."""

    spool: Spool

    def __iter__(self) -> Iterator[Row]:
        return (row for row in self.spool if row.text and row.written_for is None)
