"""Interface of likelihood models."""

from collections.abc import Sequence
from math import fsum, inf, nan
from typing import Protocol

import anyio
from inspect_ai.util import LimitExceededError

from inspect_autointerp.inspect_support.model_call import provider_error

Pair = tuple[str, str]
"""A prefix and its continuation, as text: nothing is put between them."""
Choice = tuple[str, tuple[str, ...]]
"""A prefix and the continuations to choose from. No continuation begins with another one."""
LogprobsOrReason = tuple[list[list[float]] | None, str | None]
"""Log-probabilities, in nats, of the continuation's tokens of each pair of a question; or None and the reason."""
ChoiceOrReason = tuple[list[float] | None, str | None]
"""Log-probabilities, in nats, of a question's continuations, each up to the same constant; or None and the reason."""

UNDEFINED = "undefined_probability"
"""The reason of a question to which a model gives NaN, as one does whose float16 overflows, or only impossible
answers."""


class Likelihood(Protocol):
    """A language model that tells how probable a continuation is after a prefix.

    Prefix and continuation are tokenized together, as the model would have met them. A token that holds characters of
    both belongs to the continuation: what is asked is then how probable the continuation's beginning is together with
    the prefix's last characters. So two prefixes can be compared by the same continuation if they end alike.
    """

    async def logprobs(self, pairs: Sequence[Pair]) -> list[list[float]]:
        """Return, for each pair, the log-probability in nats of every token of the continuation.

        NaN of a token with nothing before it: the first of a model without BOS where the prefix is empty.

        Raises:
            LikelihoodError: One of the pairs cannot be answered.
        """
        ...


class Choosing(Protocol):
    """A language model that tells how much more probable one continuation of a prefix is than another.

    Each whole text is tokenized as the model would have met it. Texts are compared from the first token in which they
    differ: everything before it is the same for all of them. So it does not matter whether a continuation is one token
    or several, or shares a token with the prefix.
    """

    async def choices(self, questions: Sequence[Choice]) -> list[ChoiceOrReason]:
        """Return, for each question, the log-probability of each continuation, or the reason why there is none."""
        ...


class LikelihoodError(Exception):
    """A pair cannot be answered. The message says why to a reader, and `reason` in one word to a log's counts."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def common_length(sequences: Sequence[Sequence[object]]) -> int:
    """Return how many items all sequences begin with alike."""
    return next(
        (i for i, items in enumerate(zip(*sequences, strict=False)) if any(item != items[0] for item in items)),
        min(map(len, sequences)),
    )


def total(logprobs: Sequence[float]) -> float:
    """Return the log-probability of tokens together, in nats; NaN where that of one is NaN or +inf, which none is."""
    return nan if inf in logprobs else fsum(logprobs)


async def logprobs_or_reason(model: Likelihood, questions: Sequence[Sequence[Pair]]) -> list[LogprobsOrReason]:
    """Ask all questions at once; the answers come in their order. One that cannot be answered does not end the run.

    Args:
        model: The likelihood model.
        questions: Pairs that are of use together alone.
    """
    answers: dict[int, LogprobsOrReason] = {}

    async def one(number: int, pairs: Sequence[Pair]) -> None:
        try:
            answers[number] = await model.logprobs(pairs), None
        except LikelihoodError as error:
            answers[number] = None, error.reason
        except LimitExceededError:
            raise  # the user's own limit on the sample
        except Exception as error:  # whatever a provider raises: one lost question must not end the run
            answers[number] = None, provider_error(error)

    async with anyio.create_task_group() as group:
        for number, pairs in enumerate(questions):
            group.start_soon(one, number, pairs)
    return [answers[number] for number in range(len(questions))]
