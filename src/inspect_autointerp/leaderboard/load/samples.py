"""The samples behind a number: explanations and contexts, read from the logs on demand."""

import pandas as pd
from inspect_ai.log import EvalSample, read_eval_log_sample

from inspect_autointerp.leaderboard.load.log_values import log_values
from inspect_autointerp.leaderboard.load.merge_shards import values_of
from inspect_autointerp.leaderboard.results import Results

UNREAD = {"messages", "events", "attachments", "store"}
"""Fields of a sample that scores and reports are not told from."""


def explanations(results: Results) -> pd.DataFrame:
    """Return what each log's explainer said of each latent.

    Returns:
        A row per log × latent: `log` (category), `latent` (int, of `results.latents`), `explanation` (str; missing
        where there is none, or where it is too long for a summary, about 1,000 characters: `read_sample` has it).
    """
    parts: list[pd.DataFrame] = []
    for (log, store), _ in results.entries.groupby(["log", "store"], sort=False):
        texts = values_of(results.logs_of(str(log)), lambda column: column == "explanation")
        ids = results.latents[results.latents["store"] == store].reset_index().set_index("id")["latent"]
        rows = texts.assign(log=str(log), latent=texts["id"].map(ids)).dropna(subset="latent")
        parts.append(rows.astype({"latent": int})[["log", "latent", "explanation"]])
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["log", "latent", "explanation"])
    return rows.astype({"log": "category"})


def read_sample(results: Results, entry: int, latent: int) -> EvalSample:
    """The sample of a latent in an entry's log: its explanation, scores and their reports, without messages and events.

    Raises:
        IndexError: The log has none, for instance since it failed.
    """
    log, id = str(results.entries["log"][entry]), results.latents["id"][latent]
    logs = results.logs_of(log)
    if len(logs) > 1:
        log = next((one for one in logs if (log_values(one, lambda _: False)["id"] == id).any()), log)
    return read_eval_log_sample(log, id, exclude_fields=UNREAD)
