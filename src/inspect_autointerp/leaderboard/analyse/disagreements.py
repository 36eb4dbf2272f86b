"""On which latents two scores of a log disagree most."""

import pandas as pd

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.log_samples import read_header, unreadable
from inspect_autointerp.leaderboard.load.header import scorers_of
from inspect_autointerp.leaderboard.load.log_values import log_values
from inspect_autointerp.scorers.shared.specs import SCORES


def disagreements(log: str, first: str, second: str, most: int = 20) -> pd.DataFrame:
    """Compare where latents stand among the log's latents by one score and by another.

    Scores have different scales and levels, so ranks are compared: a latent's percentile rank is the share of the
    latents that are not above it, in (0, 1]; latents that are equal share the mean of their ranks.

    Args:
        log: The log's path or URL.
        first: A score's name in the log. Its headline statistic counts.
        second: Another's.
        most: How many latents to return.

    Returns:
        A row per latent that has both statistics, the largest difference first: `latent` (str), `explanation` (str,
        missing where there is none or where it is too long for the log's summaries), `first`, `second` (float64, the
        statistics), `first_rank`, `second_rank`, and `difference` (first − second, of the ranks).

    Raises:
        UserError: The log cannot be read, is of another project, or has no such score.
    """
    header = read_header(log)
    names = scorers_of(header)
    wanted = {"first": first, "second": second}
    for name in wanted.values():
        if name not in names:
            raise UserError(f"{log}: it holds no score {name}; it holds {', '.join(names) or 'none'}")
    if first == second:
        raise UserError(f"{first}: give two different scores")
    columns = {side: f"{name}/{headline_of(name)}" for side, name in wanted.items()}
    try:
        values = log_values(log, lambda column: column in (*columns.values(), "explanation"))
    except Exception as error:  # a log cut short can fail in any layer
        raise unreadable(log, error) from error
    rows = values.rename(columns={column: side for side, column in columns.items()}).rename(columns={"id": "latent"})
    rows = rows.reindex(columns=["latent", "explanation", *columns])
    rows = rows.dropna(subset=list(columns)).astype(dict.fromkeys(columns, "float64"))
    for side in columns:
        rows[f"{side}_rank"] = rows[side].rank(pct=True)
    rows["difference"] = rows["first_rank"] - rows["second_rank"]
    order = rows["difference"].abs().sort_values(ascending=False, kind="stable").index
    return rows.loc[order[:most]].reset_index(drop=True)


def headline_of(score: str) -> str:
    """Return the statistic that a score is ordered by.

    Args:
        score: Its name in a log: Inspect numbers a scorer that is added a second time.

    Raises:
        UserError: It is no score of this package, nor of one that extends it.
    """
    spec = SCORES.get(score.rstrip("0123456789"))
    if spec is None:
        raise UserError(f"{score}: unknown score; give one of {', '.join(SCORES)}")
    return spec.headline
