"""Scores of a sheet's explanations from further logs."""

from collections.abc import Sequence

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.log_samples import read_header
from inspect_autointerp.ratings.key import Key
from inspect_autointerp.ratings.records import Explained
from inspect_autointerp.ratings.sources import log_explanations, logs_in, merge


def add_scores(key: Key, places: Sequence[str]) -> list[str]:
    """Give a key's explanations the scores that logs have of the same text of the same latent.

    A score that the key has already is replaced; where several logs have one, it is their mean.

    Args:
        key: Changed in place.
        places: Logs and folders of logs.

    Returns:
        Lines on logs that were left out.

    Raises:
        UserError: A log cannot be read, or none has a score of these explanations.
    """
    lines: list[str] = []
    rows: list[Explained] = []
    for log in logs_in(places):
        header = read_header(log)
        digest = str((header.eval.metadata or {}).get("store"))
        if digest.partition("/")[0] != key.store.partition("/")[0]:
            lines.append(f"{log}: over the store {digest}, and the sheet is about {key.store}; left out")
            continue
        rows += log_explanations(log, header)
    scores = {(one.latent, one.text): one.scores for one in merge(rows)}
    n = 0
    for one in key.explained:
        if more := scores.get((one.latent, one.text)):
            one.scores.update(more)
            n += 1
    if not n:
        raise UserError("; ".join([*lines, "--logs: no log has a score of an explanation of the sheet"]))
    return lines
