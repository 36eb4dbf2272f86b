"""Explanations of one hookpoint's latents from any of the formats."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.collect import REPEATED, Collected
from inspect_autointerp.formats.delphi import read_delphi
from inspect_autointerp.formats.detect import FOLDERS, FORMATS, recognise
from inspect_autointerp.formats.eleuther import read_eleuther
from inspect_autointerp.formats.errors import Faults
from inspect_autointerp.formats.logs import log_rows
from inspect_autointerp.formats.neuronpedia import read_neuronpedia
from inspect_autointerp.formats.prism import read_prism
from inspect_autointerp.formats.records import Row, Supplied, headlines, short
from inspect_autointerp.formats.saebench import read_saebench
from inspect_autointerp.formats.sage import read_sage
from inspect_autointerp.formats.source import Source, opened
from inspect_autointerp.formats.tables import read_csv, read_jsonl, read_parquet
from inspect_autointerp.inspect_support.log_samples import read_header


def read_explanations(
    source: str,
    *,
    hookpoint: str,
    width: int,
    format: str | None = None,
    by: str | None = None,
    key: str | None = None,
    repeated: str | None = None,
) -> Supplied:
    """Read the explanations that a source has of a hookpoint's latents.

    An explanation that is empty, longer than `collect.LONGEST` or has a NUL in it is a problem of its latent alone.

    Args:
        source: A file, a folder or a URL.
        hookpoint: As the store calls it. Rows of others are passed over; rows that name none are taken to be of it.
        width: Latents of its coder.
        format: One of `FORMATS`; recognised by the content by default.
        by: Of whom, where the source has several explanations of a latent: an explainer, a method or an author by its
            name there.
        key: What the source calls this hookpoint, where that is another name: Neuronpedia's `6-res-jb`, or
            `gpt2-small/6-res-jb`.
        repeated: Which explanation to take of a latent that has several: one of `collect.REPEATED`. By default a source
            that has several is refused.

    Raises:
        UserError: It cannot be read; is of another format, encoding or hookpoint; a row of it is broken, its index
            outside of the coder, or a latent stands twice and `repeated` is not given. One line with the first fault's
            file and line.
    """
    if format is not None and format not in FORMATS:
        raise UserError(f"format={short(format)}: unknown format; give one of {', '.join(FORMATS)}")
    if repeated is not None and repeated not in REPEATED:
        raise UserError(f"repeated={short(repeated)}: unknown; give one of {', '.join(REPEATED)}")
    with opened(source) as place:
        form = format or recognise(place)
        if place.is_folder and form not in FOLDERS:
            raise UserError(f"{source}: this is a folder, but {form} is a file format; give the file")
        if not place.is_folder and form == "delphi":
            raise UserError(f"{source}: this is a file, but {form} is a folder format; give the folder")
        name = key or hookpoint
        names = {name, name.replace("/", "--")} if form == "delphi" else {name}
        collected = Collected(
            source=source, hookpoint=hookpoint, width=width, by=by, names=frozenset(names), repeated=repeated
        )
        faults = Faults()
        collected.collect(_READERS[form](place, faults), faults)
        return Supplied(
            source=source,
            format=form,
            sha256=place.sha256,
            texts=collected.texts,
            problems=collected.problems,
            passed_over=collected.passed_over,
        )


def _read_log(source: Source, faults: Faults) -> Iterator[Row]:
    """The rows of a log, each score by its headline alone; what is broken refuses it at once."""
    source.note()
    for row in log_rows(source.location, read_header(source.location), source.given):
        yield replace(row, scores=headlines(row.scores))


_READERS: dict[str, Callable[[Source, Faults], Iterable[Row]]] = {
    "jsonl": read_jsonl,
    "csv": read_csv,
    "parquet": read_parquet,
    "neuronpedia": read_neuronpedia,
    "delphi": read_delphi,
    "saebench": read_saebench,
    "eleuther": read_eleuther,
    "sage": read_sage,
    "prism": read_prism,
    "log": _read_log,
}
