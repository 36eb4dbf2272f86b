"""A log's verdicts as one table, for the command `autointerp verdicts` and for notebooks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd

from inspect_autointerp.builtin.stores_at_hand import as_wide_as, store_of
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.log_samples import read_header, read_samples
from inspect_autointerp.inspect_support.verdicts import Verdict, recorded_verdicts
from inspect_autointerp.store.store import Store

FIELDS = tuple(field.name for field in fields(Verdict))
COLUMNS = (
    *("latent", "epoch", "score", "start", "document", "kind", "decile", "weight", "neighbour", "cosine", "in_other"),
    *("label", "probability", "value", "rating", "reason", "partner", "question", "text", "values", "continuations"),
)
_WHOLE = ("start", "document", "decile", "neighbour", "in_other", "label", "rating", "partner", "question")


def verdict_frame(
    log: str,
    latents: Sequence[str] | None = None,
    scores: Sequence[str] | None = None,
    store: str | None = None,
) -> pd.DataFrame:
    """Read the verdicts that the scores of a log rest on.

    Example:
        Contexts on which graders of detection were sure, and wrong:

        >>> rows = verdict_frame("logs/x.eval", scores=["detection"], store="demo")  # doctest: +SKIP
        >>> rows[(rows["kind"] == "random") & (rows["probability"] > 0.9)]  # doctest: +SKIP

    Args:
        log: Its path or URL.
        latents: Ids of latents, `hookpoint/index`; by default all. Of a few latents no other sample is read.
        scores: Names of scores, as the log has them; by default all that have verdicts.
        store: The store that the log is over: its folder, URL, or a built-in one's name. Gives the contexts' texts.

    Returns:
        A row per verdict, in the order of the log: of one score of a latent in the order in which its verdicts are
        recorded, so that `partner` and `question` count from 0 there. The columns are always these:

        - `latent`, `score`: str. `epoch`: int, from 1.
        - `start`, `document`, `decile`, `neighbour`, `in_other`, `label`, `rating`, `partner`, `question`: Int64,
          missing where there is none.
        - `probability`, `value`, `weight`, `cosine`: float64, NaN where there is none.
        - `kind`, `reason`: str, missing where there is none.
        - `text`: str; the text of the context where a store is given, else only what was written for the score.
        - `values`, `continuations`: a list and a dict of a verdict, or None. What each holds: see `Verdict`.

    Raises:
        UserError: The log cannot be read, is of another project, or has no such latent or score; it has no verdicts, or
            some that cannot be read; the store is another one than the log's.
    """
    header = read_header(log)
    opened = None if store is None else store_of(store, str((header.eval.metadata or {}).get("store")))
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    known: dict[str, None] = {}
    for sample in read_samples(log, header, latents):
        for name, score in (sample.scores or {}).items():
            known[name] = None
            if scores is not None and name not in scores:
                continue
            verdicts = recorded_verdicts(score.metadata, f"{log}: the verdicts of {name} of {sample.id}")
            for field in FIELDS:
                columns[field] += [getattr(verdict, field) for verdict in verdicts]
            shared = {"latent": str(sample.id), "epoch": sample.epoch, "score": name}
            for key, value in shared.items():
                columns[key] += [value] * len(verdicts)
            if opened is not None:
                columns["text"][len(columns["text"]) - len(verdicts) :] = _texts(opened, verdicts, score.metadata or {})
    names = ", ".join(known) or "none"
    if unknown := [name for name in scores or () if name not in known]:
        raise UserError(f"{log}: it holds no score {unknown[0]}; it holds {names}")
    if not columns["kind"]:
        raise UserError(f"{log}: it holds no verdicts for these latents and scores (its scores: {names})")
    return _typed(columns)


def context_texts(store: Store, starts: Sequence[int]) -> list[str]:
    """Return the texts of contexts by where they start.

    Raises:
        UserError: The store holds no context that starts there.
    """
    last = len(store.tokens) - store.window
    if odd := [start for start in starts if not 0 <= start <= last]:
        raise UserError(f"{store.folder}: it holds no context that starts at {odd[0]}")
    if not starts:
        return []
    ids = store.ids(np.array(starts, dtype=np.int64))
    return [text for text, _ in store.detokenizer.windows(ids)]


def _texts(store: Store, verdicts: Sequence[Verdict], metadata: Mapping[str, Any]) -> Iterator[str | None]:
    """Return for each verdict its own text, or that of its context, as wide as its score was told to cut contexts."""
    store = as_wide_as(store, metadata)
    texts = iter(context_texts(store, [verdict.start for verdict in verdicts if verdict.start is not None]))
    for verdict in verdicts:
        text = None if verdict.start is None else next(texts)
        yield text if verdict.text is None else verdict.text


def _typed(columns: dict[str, list[Any]]) -> pd.DataFrame:
    typed: dict[str, Any] = {name: pd.Series(values, dtype=object) for name, values in columns.items()}
    typed |= {name: pd.array(columns[name], dtype="Int64") for name in _WHOLE}
    typed |= {name: np.array(columns[name], dtype=np.float64) for name in ("probability", "value", "weight", "cosine")}
    typed |= {name: pd.Series(columns[name], dtype="str") for name in ("latent", "score", "kind", "reason", "text")}
    return pd.DataFrame(typed | {"epoch": np.array(columns["epoch"], dtype=np.int64)})
