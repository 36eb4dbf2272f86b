"""Our logs' explanations and scores, written in any of the formats."""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspect_autointerp import __version__
from inspect_autointerp.errors import UserError
from inspect_autointerp.formats import tables
from inspect_autointerp.formats.attribution_graph import read_graph, write_graph
from inspect_autointerp.formats.delphi import write_delphi
from inspect_autointerp.formats.delphi_scores import write_delphi_scores
from inspect_autointerp.formats.eleuther import write_eleuther
from inspect_autointerp.formats.neuronpedia import Names, write_neuronpedia
from inspect_autointerp.formats.row_buffer import Own, Spool
from inspect_autointerp.formats.saebench import write_saebench
from inspect_autointerp.inspect_support.log_samples import read_header
from inspect_autointerp.store.atomic import atomic_folder, put_file, reason, scratch_folder
from inspect_autointerp.store.folder_kind import Kind, files_in

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog

TABLES = {"jsonl": tables.write_jsonl, "csv": tables.write_csv, "parquet": tables.write_parquet}
GRAPH = "graph"
FILES = (*TABLES, GRAPH)
"""Formats that are one file."""
FORMATS = (*FILES, "neuronpedia", "delphi", "saebench", "eleuther")
PROVENANCE = "provenance.json"
_ROWS = "latents.jsonl"


@dataclass(frozen=True)
class Exported:
    """Outcome of an export."""

    written: int
    """Rows of a table, explanations, or nodes of a graph with a label."""
    left_out: int
    """Rows without an explanation of their own latent, where the format has no place for them."""
    notes: tuple[str, ...] = ()
    """Other things that were left out, and why."""


def export(
    logs: Sequence[str],
    to: str,
    output: Path,
    *,
    overwrite: bool = False,
    model_id: str | None = None,
    source_id: str | None = None,
    author_id: str = "inspect-autointerp",
    store: str | None = None,
    graph: str | None = None,
) -> Exported:
    """Write the explanations and scores of logs.

    A table and a graph are files, each with `FILE.provenance.json` beside it; everything else a folder with
    `provenance.json` and `latents.jsonl`, which have what the format has no place for. Samples are read some hundreds
    at a time and wait on disk, since a table's columns are known when all have been seen.

    Args:
        logs: Files or URLs.
        to: One of `FORMATS`.
        output: The file or folder; it appears whole or not at all.
        overwrite: Replace one that is there.
        model_id: Neuronpedia's name of the subject; the last part of the subject's name by default.
        source_id: Neuronpedia's name of the coder; the hookpoint by default.
        author_id: Neuronpedia's user who is to have written the explanations.
        store: Delphi: the store that the logs are over, for the texts of contexts; by default one at hand.
        graph: Graph: the attribution graph whose nodes are labelled, in a copy.

    Raises:
        UserError: A log is not readable or not of this project; the format cannot hold what they hold; there is
            something in the way.
    """
    if to not in FORMATS:
        raise UserError(f"--to {to}: unknown format; give one of {', '.join(FORMATS)}")
    if store is not None and to != "delphi":
        raise UserError(f"--store is for --to delphi only, whose files hold contexts; leave it out for {to}")
    if (graph is not None) != (to == GRAPH):
        raise UserError(f"--to {GRAPH} and --graph FILE go together: the graph's nodes are labelled in a copy")
    read = None if graph is None else read_graph(graph)
    if len(set(logs)) < len(logs):
        raise UserError("a log was given twice")
    _refuse(output, to, overwrite)
    headers = {path: read_header(path) for path in logs}
    first = next(iter(headers.values())) if to in FILES else _of_one_coder(list(headers.values()), to)
    with _staged(output, to, overwrite) as folder:
        spool = Spool(folder / ".rows")
        for path, header in headers.items():
            spool.take(path, header)
        columns = tables.columns(spool.scores, spool.made_by, spool.concepts)
        notes: list[str] = []
        if to in TABLES:
            written = spool.n
            TABLES[to](spool, folder / output.name, columns)
        elif read is not None:
            written, notes = write_graph(Own(spool), read, folder / output.name)
        else:
            own = Own(spool)
            written = sum(1 for _ in own)
            if not written:
                raise UserError(f"{to}: none of these logs' latents has its own explanation")
            _write(own, to, folder, first, model_id=model_id, source_id=source_id, author_id=author_id)
            notes = write_delphi_scores(headers, folder, store) if to == "delphi" else []
            tables.write_jsonl(spool, folder / _ROWS, columns)
        done = Exported(written, 0 if to == GRAPH else spool.n - written, tuple(notes))
        about: dict[str, Any] = {"format": to, "written_by": f"inspect-autointerp {__version__}"}
        about |= {"written": done.written, "left_out": done.left_out, "logs": spool.about}
        spool.remove()
        about["files"] = files_in(folder)
        (folder / PROVENANCE).write_text(json.dumps(about, indent=1, allow_nan=False) + "\n", encoding="ascii")
    return done


def _write(
    rows: Own, to: str, folder: Path, header: "EvalLog", *, model_id: str | None, source_id: str | None, author_id: str
) -> None:
    """Write one coder's explanations in a format of others; the header is of any of the logs."""
    about, created = header.eval.metadata or {}, str(header.eval.created)
    subject, coder, hookpoint = (str(about.get(name)) for name in ("subject", "coder", "hookpoint"))
    if to == "delphi":
        write_delphi(rows, folder)
    elif to == "eleuther":
        write_eleuther(rows, folder)
    elif to == "saebench":
        write_saebench(rows, folder, subject=subject, coder=coder, created=created)
    else:
        model = model_id or subject.rstrip("/").rpartition("/")[2]
        names = Names(model=model, source=source_id or hookpoint, author=author_id, created=created)
        write_neuronpedia(rows, folder, names)


def _of_one_coder(headers: list["EvalLog"], to: str) -> "EvalLog":
    """The first of these logs, if all are of one subject's coder."""
    names = ("subject", "hookpoint", "coder")
    coders = {" ".join(str((header.eval.metadata or {}).get(name)) for name in names) for header in headers}
    if len(coders) > 1:
        which = " and ".join(sorted(coders)[:2])
        raise UserError(f"{to}: it is of one coder, and these logs are of {which}; export those of each by themselves")
    return headers[0]


def _beside(output: Path) -> Path:
    return output.with_name(f"{output.name}.{PROVENANCE}")


def _refuse(output: Path, to: str, overwrite: bool) -> None:
    """Refuse, before anything is read, a place that will not be written to."""
    there = [path for path in (output, *([_beside(output)] if to in FILES else [])) if path.exists()]
    if there and not overwrite:
        raise UserError(f"{there[0]} exists; give another -o, or --overwrite")
    if to in FILES and output.is_dir():
        raise UserError(f"{output} is a folder, but {to} writes a file; give -o a file's name")
    if to not in FILES and there:
        EXPORT.check(output)


@contextmanager
def _staged(output: Path, to: str, overwrite: bool) -> Generator[Path]:
    """A folder to write into; what is in it takes its place when the block ends without an exception."""
    if to not in FILES:
        with atomic_folder(output, kind=EXPORT, overwrite=overwrite) as folder:
            yield folder
        return
    with scratch_folder(output) as folder:
        try:
            yield folder
            _refuse(output, to, overwrite)
            put_file(folder / output.name, output, overwrite=overwrite)
            put_file(folder / PROVENANCE, _beside(output), overwrite=overwrite)
        except OSError as error:
            raise UserError(f"{output}: cannot be written ({reason(error)})") from error


def _export_files(folder: Path) -> Callable[[str], bool]:
    about = json.loads((folder / PROVENANCE).read_text(encoding="ascii"))
    if not about["written_by"].startswith("inspect-autointerp "):
        raise ValueError("not an export of this package")
    return {PROVENANCE, *about["files"]}.__contains__


EXPORT = Kind("an export", _export_files, "-o")
"""Folders that `atomic_folder` may replace with an export."""
