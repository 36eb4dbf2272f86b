"""Summary of each entry: mean and quartiles over latents, rank, and the comparison with its floors.

Places are by the verdicts on paired differences and not by resampling: an explainer's rank is 1 + the number of those
that are significantly better, and those that cannot be told apart share it. The interval reaches from there to the last
place among those that are not significantly worse; since Holm's correction keeps all verdicts of a table right at once
with 95 %, so are all the intervals (Mogstad, Romano, Shaikh and Wilhelm, "Inference for ranks", Review of Economic
Studies 91, 2024). The bootstrap's rank intervals are too narrow just where explainers are equals, as they show.
"""

import numpy as np
import pandas as pd

from inspect_autointerp.leaderboard.analyse.differences import differences
from inspect_autointerp.leaderboard.analyse.random_coder import over_random
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.statistics.intervals import bootstrap_intervals

SUMMARY_COLUMNS = (
    *("n", "mean", "low", "high", "q25", "median", "q75", "unscored", "rank_low", "rank_high"),
    *("floor_entry", "over_floor", "over_floor_low", "over_floor_high"),
    *("random_entry", "over_random", "over_random_low", "over_random_high", "above_floor"),
)


def summary(results: Results, pairs: pd.DataFrame | None = None) -> pd.DataFrame:
    """The numbers of every entry.

    Args:
        results: The entries.
        pairs: Their `differences`, where they are at hand.

    Returns:
        A row per entry, with the index of `results.entries`:

        - `n`: int, latents with a value. `mean`, `low`, `high`: float, over those, with the 95 % interval of bootstrap
          over latents. `q25`, `median`, `q75`: float. NaN where undefined.
        - `unscored`: float, mean share of unscored contexts, over all latents of the table.
        - `rank_low`, `rank_high`: Int64, the rank among the table's explainers, which equals share, and the last place
          that it could be; 1 is the best. Missing for floors, for explainers that were trained on the score, which
          do not count in the ranks of others either, and where there is no mean.
        - `floor_entry`: Int64, the floor that the entry is least sure to be above. `over_floor`, `over_floor_low`,
          `over_floor_high`: float, the paired difference from it.
        - `random_entry`, `over_random`, `over_random_low`, `over_random_high`: see `random_coder.over_random`.
        - `above_floor`: boolean, whether both differences' intervals are above 0, so that the entry is above all its
          floors; missing for floors and where there is none.
    """
    if results.entries.empty:
        return pd.DataFrame(columns=SUMMARY_COLUMNS, index=results.entries.index)
    pairs = differences(results) if pairs is None else pairs
    both_ways = pd.concat([pairs, _turned(pairs)], ignore_index=True)
    numbers = pd.concat([_over_latents(results, table) for table in results.tables])
    numbers = numbers.join(_ranks(results, both_ways)).join(_over_floors(results, both_ways)).join(over_random(results))
    numbers["above_floor"] = _above(numbers, results.entries["floor"])
    return numbers.loc[results.entries.index, list(SUMMARY_COLUMNS)]


def _above(numbers: pd.DataFrame, floor: pd.Series) -> pd.Series:
    paired, random = numbers["floor_entry"].notna(), numbers["random_entry"].notna()
    above = (~paired | (numbers["over_floor_low"] > 0)) & (~random | (numbers["over_random_low"] > 0))
    return above.astype("boolean").where((paired | random) & ~floor)


def _turned(pairs: pd.DataFrame) -> pd.DataFrame:
    other = {"higher": "lower", "lower": "higher", "tied": "tied"}
    return pairs.assign(
        first=pairs["second"],
        second=pairs["first"],
        difference=-pairs["difference"],
        low=-pairs["high"],
        high=-pairs["low"],
        verdict=pairs["verdict"].map(other),
    )


def _over_latents(results: Results, table: int) -> pd.DataFrame:
    values = results.matrix(table).astype(np.float64)
    low, high = bootstrap_intervals(values)
    q25, median, q75 = quartiles(values)
    n, mean = mean_of(values)
    return pd.DataFrame(
        {
            "n": n,
            "mean": mean,
            "low": low,
            "high": high,
            "q25": q25,
            "median": median,
            "q75": q75,
            "unscored": mean_of(results.matrix(table, "unscored"))[1],
        },
        index=results.of(table).index,
    )


def mean_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many values each column of (latent, entry) has, and their mean; NaN of none."""
    frame = pd.DataFrame(values)
    return frame.count().to_numpy(), frame.mean().to_numpy(np.float64)


def quartiles(values: np.ndarray) -> np.ndarray:
    """Return the quartiles of each column of (latent, entry): float64 (3, entry), NaN of none.

    They are interpolated, as numpy does by default, and pandas leaves out NaN.
    """
    return pd.DataFrame(values).quantile([0.25, 0.5, 0.75]).to_numpy(np.float64)


def _ranks(results: Results, both_ways: pd.DataFrame) -> pd.DataFrame:
    unranked = results.entries["floor"] | results.entries["trained"]
    among = both_ways[~both_ways["first"].map(unranked).astype(bool) & ~both_ways["second"].map(unranked).astype(bool)]
    among = among[among["n"] > 0]
    counts = {
        verdict: among[among["verdict"] == verdict].groupby("first").size().reindex(results.entries.index, fill_value=0)
        for verdict in ("higher", "lower", "tied")
    }
    low, high = 1 + counts["lower"], 1 + counts["lower"] + counts["tied"]
    has_mean = results.values["value"].notna().groupby(results.values["entry"]).any()
    placed = ~unranked & has_mean.reindex(results.entries.index, fill_value=False)
    ranks = pd.DataFrame({"rank_low": low, "rank_high": high}).astype("Int64")
    return ranks.where(placed)


def _over_floors(results: Results, both_ways: pd.DataFrame) -> pd.DataFrame:
    floor = results.entries["floor"]
    against = both_ways[~both_ways["first"].map(floor).astype(bool) & both_ways["second"].map(floor).astype(bool)]
    hardest = against.sort_values("low", na_position="first").groupby("first").head(1).set_index("first")
    comparison = pd.DataFrame(
        {
            "floor_entry": hardest["second"].astype("Int64"),
            "over_floor": hardest["difference"],
            "over_floor_low": hardest["low"],
            "over_floor_high": hardest["high"],
        }
    )
    return comparison.reindex(results.entries.index)
