"""For formats with one explanation per latent: several logs' rows of one latent are one, or they disagree."""

from collections.abc import Iterable, Iterator

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.records import Row, headlines

ADVICE = "export each explainer and each grader to a separate place"


def once_each(rows: Iterable[Row], scores: dict[str, dict[int, float]] | None = None) -> Iterator[Row]:
    """The first row of each latent; the others have to say the same, and may add other scores.

    Args:
        rows: Of one hookpoint.
        scores: Filled with each score's headline, by score and latent, where that is wanted.

    Raises:
        UserError: A latent has two explanations, or two values of one score.
    """
    first: dict[int, tuple[str, int]] = {}
    for row in rows:
        is_new = row.index not in first
        place, text_hash = first.setdefault(row.index, (row.place, hash(row.text)))
        if text_hash != hash(row.text):
            raise UserError(
                f"{row.place}: {row.hookpoint}/{row.index} has a different explanation in {place}; {ADVICE}"
            )
        for name, value in headlines(row.scores).items():
            score = score_of(name)
            if scores is not None and scores.setdefault(score, {}).setdefault(row.index, value) != value:
                raise UserError(
                    f"{row.place}: {row.hookpoint}/{row.index} has a different {score} than before; {ADVICE}"
                )
        if is_new:
            yield row


def score_of(name: str) -> str:
    """The score of a statistic, `SCORE.STATISTIC`; Inspect numbers one that is added to a log again."""
    return name.partition(".")[0].rstrip("0123456789")
