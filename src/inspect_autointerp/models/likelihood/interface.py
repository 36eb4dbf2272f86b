"""What a likelihood model does, whoever it is."""

from collections.abc import Sequence
from typing import Protocol

Pair = tuple[str, str]
"""A prefix and its continuation, as text: nothing is put between them."""


class Likelihood(Protocol):
    """A language model that tells how probable a continuation is after a prefix.

    Prefix and continuation are tokenized together, as the model would have met them. A token that holds characters of
    both belongs to the continuation: what is asked is then how probable the continuation's beginning is together with
    the prefix's last characters. So two prefixes can be compared by the same continuation if they end alike.
    """

    async def logprobs(self, pairs: Sequence[Pair]) -> list[list[float]]:
        """Of each pair, the log-probability in nats of every token of the continuation.

        NaN of a token with nothing before it: the first of a model without BOS where the prefix is empty.

        Raises:
            LikelihoodError: One of the pairs cannot be answered.
        """
        ...


class LikelihoodError(Exception):
    """A pair cannot be answered. The message says why to a reader, and `reason` in one word to a log's counts."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
