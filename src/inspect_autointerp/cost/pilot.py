"""A grader's accuracy on each latent, from finished logs."""

from collections.abc import Mapping

import numpy as np
from inspect_ai.log import read_eval_log_sample, read_eval_log_sample_summaries

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.verdicts import recorded_verdicts

_UNREAD = {"messages", "events", "attachments", "store"}
Right = dict[str, tuple[np.ndarray, np.ndarray]]
"""By latent, which of its activating and of its random contexts were labelled correctly, bool (context,) each."""


def right_labels(path: str, scorer: str) -> Right:
    """Read which contexts a log's grader labelled correctly; unscored contexts are left out.

    Args:
        path: The log's path or URL.
        scorer: Name of a score that labels contexts.

    Raises:
        UserError: The log has no verdicts of that score.
    """
    labels: Right = {}
    for summary in read_eval_log_sample_summaries(path):
        sample = read_eval_log_sample(path, summary.id, summary.epoch, exclude_fields=_UNREAD)
        score = (sample.scores or {}).get(scorer)
        metadata: Mapping[str, object] | None = score.metadata if score else None
        sides: dict[str, list[bool]] = {"activating": [], "random": []}
        for verdict in recorded_verdicts(metadata):
            if verdict.kind in sides and verdict.label is not None:
                sides[verdict.kind].append(verdict.label == (verdict.kind == "activating"))
        if all(sides.values()):
            labels[str(summary.id)] = (np.array(sides["activating"]), np.array(sides["random"]))
    if not labels:
        raise UserError(f"{path}: it holds no verdicts of {scorer} on activating and random contexts")
    return labels
