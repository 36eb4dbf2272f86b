"""The choice of an intruder by a grader that does not write: which of the five numbers is the most probable answer."""

from collections.abc import Sequence

from inspect_ai.model import Model

from inspect_autointerp.scorers.intruder.lineups import SHOWN
from inspect_autointerp.scorers.intruder.prompt import intruder_messages
from inspect_autointerp.scorers.shared.ask import Reply
from inspect_autointerp.scorers.shared.judge_by_probability import CONTENT_FREE, shares

NUMBERS = tuple(map(str, range(1, SHOWN + 1)))
TIE = "tie"
"""The reason of a question in which two numbers are the most probable ones."""


async def choose(
    model: Model, questions: Sequence[Sequence[str]], pair: tuple[str, str], content_free: bool = False
) -> tuple[list[Reply[int]], list[list[float] | None]]:
    """Return, for each question, the place from 0 of the likeliest intruder, and the probability of each place.

    Args:
        model: The grader.
        questions: Each with its five marked texts.
        pair: The delimiters of marks.
        content_free: Measure against a question of five texts without content.

    Returns:
        The replies, without a value where the question could not be answered, or two places are the likeliest; and the
        probabilities, None where the question could not be answered.
    """
    reference = intruder_messages([CONTENT_FREE] * SHOWN, pair) if content_free else None
    answers = await shares(model, [intruder_messages(texts, pair) for texts in questions], NUMBERS, reference)
    return [_reply(own, reason) for own, reason in answers], [own for own, _ in answers]


def _reply(probabilities: Sequence[float] | None, reason: str | None) -> Reply[int]:
    if probabilities is None:
        return Reply(None, reason)
    likeliest = [place for place, share in enumerate(probabilities) if share == max(probabilities)]
    return Reply(likeliest[0]) if len(likeliest) == 1 else Reply(None, TIE)
