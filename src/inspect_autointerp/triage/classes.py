"""Classes of latents by their input and output scores, or by the models that have them, and files that hold them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from inspect_autointerp.builtin.locate import located
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.atomic import atomic_file
from inspect_autointerp.text.csv_text import cells

Class = Literal["input", "output", "both", "neither"]
CLASSES: tuple[Class, ...] = get_args(Class)
SHARES = ("first", "shared", "second", "between")
"""Classes of a crosscoder's latents by their relative norm: of the first model (or place) alone, of both, of the second
alone, and others."""
EVERY = (*CLASSES, *SHARES)
UNKNOWN = ""
"""The class of a latent of which a score is undefined."""
COLUMNS = [
    *("latent", "class", "input_score", "output_score", "token_confidence_change"),
    *("contexts", "strength", "input_at_least", "output_at_least", "store"),
]
"""Columns of the file, in order."""
SUFFIXES = (".csv", ".parquet")
_TEXTS = dict.fromkeys(("latent", "class", "store"), str)
"""Columns that are text whatever they look like: a digest can read as a number."""


def classes_of(input_scores: pd.Series, output_scores: pd.Series, input_least: float, output_least: float) -> pd.Series:
    """Return the class of each latent, `UNKNOWN` where a score is NaN.

    Args:
        input_scores: Input scores, in [0, 1].
        output_scores: Output scores of the same latents, in [0, 1].
        input_least: Input score from which a latent counts as an input latent.
        output_least: The same of outputs.
    """
    names = {(True, True): "both", (True, False): "input", (False, True): "output", (False, False): "neither"}
    is_input, is_output = (input_scores >= input_least).tolist(), (output_scores >= output_least).tolist()
    known = (input_scores.notna() & output_scores.notna()).tolist()
    return pd.Series(
        [
            names[one, other] if is_known else UNKNOWN
            for one, other, is_known in zip(is_input, is_output, known, strict=True)
        ],
        index=input_scores.index,
        dtype=object,
    )


def write_triage(frame: pd.DataFrame, target: Path) -> None:
    """Write a table with the columns `COLUMNS`: see `write_classes`."""
    write_classes(frame, COLUMNS, target)


def write_classes(frame: pd.DataFrame, columns: Sequence[str], target: Path) -> None:
    """Write some columns of a table to a .csv or .parquet file; `latent`, `class` and `store` are among them.

    Raises:
        UserError: The name ends in something else, or it cannot be written; nothing is changed then.
    """
    check_suffix(target)
    kept = frame[list(columns)]
    with atomic_file(target) as path:
        if target.suffix == ".csv":
            cells(kept).to_csv(path, index=False)
        else:
            kept.to_parquet(path, index=False)


def check_suffix(target: Path) -> None:
    """Check that a file's name is one of a table of triage.

    Raises:
        UserError: It is not.
    """
    if target.suffix not in SUFFIXES:
        raise UserError(f"{target}: the file's name must end in {' or '.join(SUFFIXES)}")


def read_triage(source: Path) -> pd.DataFrame:
    """Read a table that `autointerp triage` or `autointerp diff` wrote.

    Returns:
        A row per latent, with its columns; `class` is one of `EVERY`, or `UNKNOWN`.

    Raises:
        UserError: It cannot be read, or is no such table.
    """
    check_suffix(source)
    try:
        frame = pd.read_csv(source, dtype=_TEXTS) if source.suffix == ".csv" else pd.read_parquet(source)
    except Exception as error:  # of a missing file, another format, damaged bytes
        raise UserError(f"{source}: cannot be read as a table of triage ({type(error).__name__}: {error})") from error
    if missing := [column for column in ("latent", "class", "store") if column not in frame]:
        raise UserError(
            f"{source}: has no column {missing[0]}; give a file that `autointerp triage -o` or"
            " `autointerp diff -o` wrote"
        )
    frame["class"] = frame["class"].fillna(UNKNOWN).astype(str)
    for column in ("latent", "store"):
        frame[column] = frame[column].fillna("").astype(str)
    if len(odd := frame.loc[~frame["latent"].str.fullmatch(r".+/[0-9]{1,18}"), "latent"]):
        raise UserError(f"{source}: {odd.iloc[0][:80]!r} is not a latent; give HOOKPOINT/INDEX")
    if unknown := sorted(set(frame["class"]) - {*EVERY, UNKNOWN}):
        raise UserError(f"{source}: unknown class {unknown[0]!r}; there are {', '.join(EVERY)}")
    if frame["latent"].duplicated().any():
        twice = frame.loc[frame["latent"].duplicated(), "latent"].iloc[0]
        raise UserError(f"{source}: names the latent {twice} twice; give each latent one row")
    return frame


def triaged_latents(source: str, hookpoint: str, store: str) -> list[int]:
    """Return the latents of a hookpoint in a table of triage, in order.

    Args:
        source: The file, or the file and a class: `triage.csv#output`.
        hookpoint: The hookpoint.
        store: Digest of the store that the latents are of.

    Raises:
        UserError: The file cannot be read, is of another store, or has no such latents.
    """
    path, _, wanted = source.partition("#")
    if wanted and wanted not in EVERY:
        raise UserError(f"latents={source}: unknown class {wanted!r}; give one of {', '.join(EVERY)}")
    frame = read_triage(located(path))
    if others := sorted(set(frame["store"]) - {store}):
        raise UserError(f"latents={source}: the file is of store {others[0]}, and this store is {store}")
    chosen = frame[frame["class"] == wanted] if wanted else frame
    names = [name.rpartition("/") for name in chosen["latent"]]
    indices = sorted(int(index) for place, _, index in names if place == hookpoint)
    if not indices:
        raise UserError(
            f"latents={source}: the file has no latent of {hookpoint}" + (f" in class {wanted}" if wanted else "")
        )
    return indices
