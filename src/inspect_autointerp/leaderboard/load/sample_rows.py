"""The samples of a log as a table of numbers, and what they say of how they were made."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from inspect_autointerp.inspect_support.explanation import LENGTH, length_of
from inspect_autointerp.models.spending import FIELDS
from inspect_autointerp.text.json_values import is_list, is_mapping

FACTS = ("firing_share", "max_activation")
"""Facts about a latent in a sample's metadata."""
COSTS = tuple(f"cost_{field}" for field in FIELDS)
"""Columns of the explainer's spending on the latent, see `models.spending`."""
LENGTHS = ("words", "characters")
"""Columns of the length of the explanation, see `explanation.length_of`."""
_COST = "explanation_cost"
TEXT = "#text"
"""The column, of each scorer, that holds a checksum of how its answer and report begin; it is not kept."""
_HUGE = 1e38
"""Larger numbers do not fit a float32 and do not count as scores."""
_BLOCK = 1000
"""Samples that are held at once."""
_BEGINNING = 100
"""Characters of a text, without white space, that its checksum covers: a summary holds about ten times as many."""
_OWN_ANSWER = "intruder"
"""The score whose answer is not the explanation that was scored."""
_SHORTENED = "..."
"""End of a text that Inspect shortened for a summary."""


_Source = tuple[str | None, str | None, str | None]


@dataclass
class Origins:
    """Record of how the samples of a log were made. A sample without one is not counted."""

    explanations: Counter[_Source] = field(default_factory=Counter[_Source])
    """Number of explanations by source, model and store."""
    own: int = 0
    """Explanations that were written for the latent of their sample."""
    other: int = 0
    """Explanations that were written for another latent."""
    made: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    """By scorer, how many scores were made by this grader, prompt and options, as one text."""
    odd_index: list[str] = field(default_factory=list[str])
    """Ids of samples whose metadata has another index than their id."""
    odd_answer: list[str] = field(default_factory=list[str])
    """Ids of samples that have a score of another explanation than theirs."""

    def add(self, id: str, metadata: Mapping[str, Any], scores: Mapping[str, Mapping[str, Any]]) -> None:
        """Count a sample."""
        index = metadata.get("index")
        if isinstance(index, int) and id.rpartition("/")[2] != str(index):
            self.odd_index.append(id)
        explanation = metadata.get("explanation")
        if is_mapping(explanation):
            source, model, store = (_text(explanation.get(name)) for name in ("source", "model", "store"))
            self.explanations[source, model, store] += 1
            if isinstance(latent := explanation.get("latent"), str) and explanation.get("text") is not None:
                self.own += latent == id
                self.other += latent != id
        text = _explanation(metadata)
        for name, score in scores.items():
            made = score.get("metadata")
            if is_mapping(made) and made.keys() >= {"grader", "prompt", "options"}:
                origin = f"grader {made['grader']}, prompt {made['prompt']}, options {made['options']}"
                self.made.setdefault(name, Counter())[origin] += 1
                of_explanation = not name.startswith(_OWN_ANSWER)
                if of_explanation and text is not None and not _is_answer(score.get("answer"), text):
                    self.odd_answer.append(id)


def sample_rows(samples: Iterable[Mapping[str, Any]], texts: bool = False) -> tuple[pd.DataFrame, Origins]:
    """Read samples, or their summaries.

    Args:
        samples: Each with `id`, `epoch`, `metadata`, `scores`, `error`, as Inspect has them in JSON.
        texts: Whether to add the columns `SCORER/#text`.

    Returns:
        A row per sample: `id` (str), `epoch` (int), `failed` (bool), `explanation` (str), the `FACTS`,
        `COSTS` and `LENGTHS` (float64; NaN where the sample does not say), and for each scorer and statistic
        `SCORER/STATISTIC` (float32; NaN where undefined). And what they say of how they were made.
    """
    origins = Origins()
    iterator = iter(samples)
    blocks: list[pd.DataFrame] = []
    while block := list(islice(iterator, _BLOCK)):
        blocks.append(_frame(block, texts))
        for sample in block:
            origins.add(str(sample["id"]), sample.get("metadata") or {}, sample.get("scores") or {})
    return (pd.concat(blocks, ignore_index=True) if blocks else _frame([], texts)), origins


def _is_answer(answer: object, text: str) -> bool:
    """Return whether a score's answer is an explanation; a summary has white space collapsed, and no long answer."""
    if not isinstance(answer, str) or answer == text:
        return True
    return answer.split() == text.split() or answer.endswith(_SHORTENED)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _frame(block: Sequence[Mapping[str, Any]], texts: bool) -> pd.DataFrame:
    metadata: list[dict[str, Any]] = [sample.get("metadata") or {} for sample in block]
    scores: list[dict[str, Any]] = [sample.get("scores") or {} for sample in block]
    columns: dict[str, Any] = {
        "id": pd.Series([str(sample["id"]) for sample in block], dtype="str"),
        "epoch": np.array([sample.get("epoch") or 1 for sample in block], dtype=np.int64),
        "failed": np.array([bool(sample.get("error")) for sample in block], dtype=bool),
        "explanation": pd.Series([_explanation(about) for about in metadata], dtype="str"),
    }
    columns |= {name: numbers([about.get(name) for about in metadata]) for name in FACTS}
    costs: list[Mapping[str, Any]] = [cost if is_mapping(cost := about.get(_COST)) else {} for about in metadata]
    columns |= {f"cost_{name}": numbers([cost.get(name) for cost in costs]) for name in FIELDS}
    lengths = [_length(about) for about in metadata]
    columns |= {name: numbers([length.get(name) for length in lengths]) for name in LENGTHS}
    for scorer in dict.fromkeys(name for by_scorer in scores for name in by_scorer):
        of_scorer: list[dict[str, Any]] = [by_scorer.get(scorer) or {} for by_scorer in scores]
        values = [score.get("value") for score in of_scorer]
        columns |= value_columns(scorer, values)
        if texts:
            columns[f"{scorer}/{TEXT}"] = np.array([text_checksum(score) for score in of_scorer], dtype=np.float64)
    return pd.DataFrame(columns)


def value_columns(scorer: str, values: Sequence[Any]) -> dict[str, np.ndarray]:
    """The columns `SCORER/STATISTIC` of a score's values; a value that is no mapping of names to numbers has none."""
    mappings: list[Mapping[str, Any]] = [value if is_mapping(value) else {} for value in values]
    statistics = list(dict.fromkeys(name for value in mappings for name in value))
    matrix = numbers([[value.get(name) for name in statistics] for value in mappings]).astype(np.float32)
    return {f"{scorer}/{name}": matrix[:, i] for i, name in enumerate(statistics)}


def numbers(values: list[Any]) -> np.ndarray:
    """float64: numbers as they are, NaN of infinite or huge ones and of anything else."""
    try:
        array = np.array(values)
    except ValueError:  # lists among the values
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "biuf":
        rows = [[_number(value) for value in row] if is_list(row) else _number(row) for row in values]
        array = np.array(rows, dtype=np.float64)
    array = array.astype(np.float64)
    array[~(np.abs(array) < _HUGE)] = np.nan
    return array


def _number(value: Any) -> float:
    try:
        return float(value) if isinstance(value, int | float) else np.nan
    except OverflowError:
        return np.nan


def _explanation(metadata: Mapping[str, Any]) -> str | None:
    """Return what the solver left; of a long explanation a summary says only that it was removed."""
    content = metadata.get("explanation")
    text = content.get("text") if is_mapping(content) else None
    return text if isinstance(text, str) else None


def _length(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the length of an explanation, as the solver left it or of its text; empty where neither is known."""
    if is_mapping(length := metadata.get(LENGTH)):
        return length
    text = _explanation(metadata)
    return {} if text is None else length_of(text)


def text_checksum(score: Mapping[str, Any]) -> float:
    """A checksum of how a score's answer and report begin; NaN where a summary holds too little of either."""
    begins = [_beginning(score.get(name)) for name in ("answer", "explanation")]
    return np.nan if None in begins else float(crc32("\0".join(map(str, begins)).encode("utf-8", "surrogatepass")))


def _beginning(text: object) -> str | None:
    text = text if isinstance(text, str) else ""
    begins = re.sub(r"\s+", "", text[: 20 * _BEGINNING])[:_BEGINNING]
    return None if len(begins) < _BEGINNING and text.endswith(_SHORTENED) else begins


def over_epochs(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per id: of a sample that was run again the last counts, and epochs are averaged, NaN left out."""
    rows = rows.drop(columns=["failed", *(name for name in rows if str(name).endswith(f"/{TEXT}"))])
    if not rows["id"].is_unique:
        rows = rows.drop_duplicates(["id", "epoch"], keep="last")
    if rows["id"].is_unique:
        return rows.drop(columns="epoch").reset_index(drop=True)
    grouped = rows.groupby("id", sort=False)
    means = (
        grouped.mean(numeric_only=True)
        .drop(columns="epoch")
        .astype({name: "f4" for name in map(str, rows) if "/" in name})
    )
    return means.join(grouped["explanation"].first()).reset_index()


def value_names(rows: pd.DataFrame, scorer: str) -> Iterator[str]:
    """The statistics of a scorer that a table has columns of."""
    prefix = f"{scorer}/"
    for name in map(str, rows):
        if name.startswith(prefix) and not name.endswith(TEXT):
            yield name.removeprefix(prefix)


def score_values(rows: pd.DataFrame, scorer: str) -> pd.DataFrame:
    """Return the values of one scorer, a column per statistic, as float64.

    Values are kept as float32, so 0.6584 is 0.65840000… in float64; six decimals take that off.
    """
    names = list(value_names(rows, scorer))
    values = rows[[f"{scorer}/{name}" for name in names]].astype(np.float64).round(6)
    return values.set_axis(names, axis="columns")
