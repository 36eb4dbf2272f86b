"""Results as files for others to use: a row per explainer × score, and a row per explainer × score × latent."""

import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.load.merge_shards import values_of
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.store.atomic import atomic_file, reason
from inspect_autointerp.text.csv_text import cells
from inspect_autointerp.text.streams import data_output

FORMATS = ("csv", "parquet", "json")


def score_rows(results: Results, numbers: pd.DataFrame) -> pd.DataFrame:
    """A row per entry: `results.entries`, its `summary` (the best floor by its name), and every statistic of the log.

    The last are `STATISTIC_mean`, `STATISTIC_low`, `STATISTIC_high`, and `STATISTIC_n`, the latents that have one.
    """
    numbers = numbers.rename(columns={"floor_entry": "over_which"})
    numbers["over_which"] = numbers["over_which"].map(results.entries["explainer"])
    rows = results.entries.drop(columns=["series", "scorer"]).join(numbers)
    rows["log"] = [str(log).rpartition("/")[2] for log in rows["log"]]
    wide = results.estimates.pivot(index="entry", columns="statistic", values=["mean", "low", "high", "n"])
    order = dict.fromkeys(results.estimates["statistic"])
    wide = wide[[(part, statistic) for statistic in order for part in ("mean", "low", "high", "n")]]
    wide.columns = [f"{statistic}_{part}" for part, statistic in wide.columns]
    return rows.join(wide, rsuffix="_statistic")  # a statistic may be called as a column is


def latent_rows(results: Results) -> Iterator[pd.DataFrame]:
    """A row per entry × latent, an entry at a time: what it is of, and every statistic that any score here has."""
    statistics = list(dict.fromkeys(results.estimates["statistic"]))
    for entry, row in results.entries.iterrows():
        latents = results.latents.loc[results.values["latent"].iloc[results.rows(int(str(entry)))]]
        prefix = f"{row['scorer']}/"
        logs = results.logs_of(row["log"])
        values = values_of(logs, lambda name, prefix=prefix: name.startswith(prefix)).set_index("id")
        values = values.rename(columns=lambda name, prefix=prefix: name.removeprefix(prefix))
        values = values.reindex(latents["id"], columns=statistics)
        rows = latents[["id", "index", "firing_share", "max_activation"]].reset_index(drop=True)
        for place, name in enumerate(("table", "explainer", "floor", "score", "hookpoint", "store")):
            rows.insert(place, name, row[name])
        rows = rows.rename(columns={"id": "latent"})
        yield rows.join(values.reset_index(drop=True), rsuffix="_statistic")


def write_rows(parts: Iterator[pd.DataFrame], target: Path, format: str | None = None, **more: object) -> None:
    """Write frames of the same columns one after the other, so that one of them is held at a time.

    Args:
        parts: The frames.
        target: The file; `-` for standard output.
        format: One of `FORMATS`; by default what the file's name ends in, and CSV for standard output.
        more: Further members of a JSON file, next to `rows`.

    Raises:
        UserError: The format is unknown, or the file cannot be written.
    """
    format = format or ("csv" if str(target) == "-" else target.suffix.removeprefix("."))
    if format not in FORMATS:
        raise UserError(f"{target}: the name has to end in .csv, .parquet or .json")
    write: Callable[..., None] = {"csv": _csv, "parquet": _parquet, "json": _json}[format]
    if str(target) == "-":
        try:
            write(parts, sys.stdout.buffer if format == "parquet" else data_output(), **more)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise UserError(f"standard output: cannot be written ({reason(error)})") from error
        return
    with (
        atomic_file(target) as path,
        path.open("wb") if format == "parquet" else path.open("w", encoding="utf-8", newline="") as file,
    ):
        write(parts, file, **more)


def _csv(parts: Iterator[pd.DataFrame], file: IO[str], **more: object) -> None:
    for number, part in enumerate(parts):
        cells(_short(part)).to_csv(
            file, index=False, header=number == 0, lineterminator="\n", quoting=csv.QUOTE_MINIMAL
        )


def _json(parts: Iterator[pd.DataFrame], file: IO[str], **more: object) -> None:
    """Undefined numbers are null."""
    file.write('{"rows": [')
    between = "\n"
    for part in parts:
        for row in _short(part).to_json(orient="records", lines=True, double_precision=15).splitlines():
            file.write(f"{between}{row}")
            between = ",\n"
    file.write("\n]")
    for name, value in more.items():
        file.write(f', "{name}": {json.dumps(value, allow_nan=False)}')
    file.write("}\n")


def _short(part: pd.DataFrame) -> pd.DataFrame:
    """The same with numbers as long as they are precise: of a float32 seven digits, and not what it is in binary."""
    single = part.select_dtypes("float32")
    return part.assign(**{str(name): single[name].astype("f8").round(7) for name in single})


def _parquet(parts: Iterator[pd.DataFrame], file: IO[bytes], **more: object) -> None:
    writer: pq.ParquetWriter | None = None
    schema: pa.Schema | None = None
    for part in parts:
        table = pa.Table.from_pandas(part, schema, preserve_index=False)
        schema = table.schema
        writer = writer or pq.ParquetWriter(file, schema)
        writer.write_table(table)
    if writer:
        writer.close()
