"""A folder of logs as tables of entries, latents and values, from which the leaderboard is computed.

A *table* is a set of entries that may be compared: the same score, suite, store, hookpoint, latents, grader, prompt
and options. All entries of a table have a value, or none, for each of the same latents, so a table is a dense matrix.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from inspect_autointerp.latent import DECILES
from inspect_autointerp.models.spending import FIELDS

DECILE_COLUMNS = [f"decile_{i}" for i in range(1, DECILES + 1)]
COST_COLUMNS = tuple(f"{name}_per_explanation" for name in FIELDS)
ENTRY_COLUMNS = (
    *("table", "series", "explainer", "floor", "trained", "score", "statistic", "hookpoint", "store", "suite"),
    *("subject", "coder", "grader", "prompt", "options"),
    *("n_latents", "identical", "words", "characters", "tokens_per_latent", "cost_per_latent"),
    *("created", "log", "scorer"),
    *COST_COLUMNS,
)
VALUE_COLUMNS = ["value", "unscored", *DECILE_COLUMNS]


@dataclass(frozen=True)
class Results:
    """The comparable entries of a folder of logs, with their values per latent."""

    entries: pd.DataFrame
    """A row per explainer × score, by table, in it explainers before floors, best first; those that were trained on the
    score are behind the other explainers. The index, `entry`, is 0, 1, …

    - `table`: int, from 1; rows with the same number may be compared, no others.
    - `series`: int, from 1; tables with the same number differ in hookpoint and latents only.
    - `explainer`: str, the model and its settings, or a floor's name.
    - `floor`: bool, an explainer that is a floor, or any on a random coder.
    - `trained`: bool, an explainer that was trained on the score, and is not ranked by it.
    - `score`: str, `detection`, `fuzzing`, …
    - `statistic`: str, the score's headline: `balanced_accuracy`, `correlation`, …
    - `hookpoint`, `store`, `suite` (empty if none), `subject`, `coder`, `grader`, `prompt`: str.
    - `options`: str, the scorer's options as JSON.
    - `n_latents`: int, latents evaluated, unscored ones included.
    - `identical`: float, share of the latents with an explanation that have one which another latent has, too; NaN
      where there are no explanations to compare.
    - `words`, `characters`: float, length of an explanation, the mean over the latents that have one; NaN if unknown.
    - `tokens_per_latent`, `cost_per_latent`: float, of the whole log: all models, and all scores that it holds. Cost in
      dollars; NaN where Inspect knows no price.
    - `created`: str, ISO 8601.
    - `log`: str, the log's path or URL. `scorer`: str, the score's name in it.
    - `explainer_tokens_per_explanation`, `grader_tokens_…`, `subject_tokens_…`, `calls_…`, `tool_calls_…`, `seconds_…`:
      float, what the explainer spent on a latent, the mean over latents, see `models.spending`; NaN where unknown.
    """
    values: pd.DataFrame
    """A row per entry × latent, by `entry`, then `latent`: the index is 0, 1, … and means nothing.

    - `entry`: int32, of `entries`. `latent`: int32, of `latents`.
    - `value`: float32, the entry's headline statistic; NaN where undefined.
    - `unscored`: float32, share of the latent's contexts without a verdict; 1 where the log has no score at all.
    - `decile_1` … `decile_10`: float32, the score's statistic by decile, 10 the strongest; NaN where it has none. Of
      detection and fuzzing the share of activating contexts found, so not on the scale of `value`.
    """
    latents: pd.DataFrame
    """A row per latent of a store, by store, hookpoint, coordinate. The index, `latent`, is 0, 1, …

    - `store`: category, digest. `id`: str, `hookpoint/index`, also the id of the sample in a log.
    - `hookpoint`: category. `index`: int64, the coordinate.
    - `firing_share`: float64, share of the corpus's windows on which it fires; NaN where the log does not say.
    - `max_activation`: float64.
    - `band`: ordered category, powers of ten of the firing share, rarest first; missing where that is.
    """
    estimates: pd.DataFrame
    """Estimates of every statistic of every entry: `entry`, `statistic`, `mean`, `low`, `high`, `n`."""
    apart: pd.DataFrame
    """Entries that stand in no table: `explainer`, `log`, `reason`."""
    shards: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The logs of each sharded evaluation, by its entry's `log`, which is the first of them."""

    def logs_of(self, log: str) -> tuple[str, ...]:
        """All logs of the entries that have this `log`."""
        return self.shards.get(log, (log,))

    @cached_property
    def tables(self) -> list[int]:
        """The tables' numbers."""
        return [int(table) for table in self.entries["table"].unique()]

    def of(self, table: int) -> pd.DataFrame:
        """The entries of a table."""
        return self.entries[self.entries["table"] == table]

    def latents_of(self, table: int) -> pd.DataFrame:
        """The latents of a table, in the order of the rows of `matrix`."""
        return self.latents.loc[self.values["latent"].iloc[self.rows(int(self.of(table).index[0]))]]

    def matrix(self, table: int, column: str = "value") -> np.ndarray:
        """A column of `values` for a whole table: float32 (latent, entry), entries as in `of(table)`."""
        first, last = (int(self.of(table).index[i]) for i in (0, -1))
        rows = slice(self.rows(first).start, self.rows(last).stop)
        return self.values[column].to_numpy()[rows].reshape(last - first + 1, -1).T

    @cached_property
    def _bounds(self) -> np.ndarray:
        return np.searchsorted(self.values["entry"].to_numpy(), np.arange(len(self.entries) + 1))

    def rows(self, entry: int) -> slice:
        """Return where an entry's rows stand in `values`."""
        return slice(int(self._bounds[entry]), int(self._bounds[entry + 1]))


def band(firing_share: pd.Series) -> pd.Series:
    """The density band of latents: which power of ten their firing share lies in, as an ordered category.

    Of 0.004 it is `0.001–0.01`; of 1 it is `0.1–1`.
    """
    with np.errstate(divide="ignore"):
        power = np.floor(np.log10(firing_share.to_numpy(dtype=float)) + 1e-9)
    power = np.where(np.isfinite(power), np.minimum(power, -1), np.nan)
    held = np.unique(power[~np.isnan(power)])
    labels = [f"{_plain(10**low)}–{_plain(10 ** (low + 1))}" for low in held]
    codes = np.where(np.isnan(power), -1, np.searchsorted(held, power))
    return pd.Series(
        pd.Categorical.from_codes(codes.tolist(), pd.Index(labels), ordered=True), index=firing_share.index
    )


def _plain(number: float) -> str:
    return f"{number:.0e}".replace("e-0", "e-") if number < 5e-4 else f"{number:g}"
