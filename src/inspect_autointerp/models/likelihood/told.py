"""What a likelihood model tells of many questions, where one that cannot be answered does not end the run."""

from collections.abc import Sequence

import anyio
from inspect_ai.util import LimitExceededError

from inspect_autointerp.inspect_support.model_call import provider_error
from inspect_autointerp.models.likelihood.interface import Likelihood, LikelihoodError, Pair

Told = tuple[list[list[float]] | None, str | None]
"""Of each pair of a question the log-probabilities of the continuation's tokens in nats; or None, and why."""


async def told(model: Likelihood, questions: Sequence[Sequence[Pair]]) -> list[Told]:
    """Ask all questions at once; the answers come in their order.

    Args:
        model: The likelihood model.
        questions: Pairs that are of use together alone.
    """
    found: dict[int, Told] = {}

    async def one(number: int, pairs: Sequence[Pair]) -> None:
        try:
            found[number] = await model.logprobs(pairs), None
        except LikelihoodError as error:
            found[number] = None, error.reason
        except LimitExceededError:
            raise  # the user's own limit on the sample
        except Exception as error:  # whatever a provider raises: one lost question must not end the run
            found[number] = None, provider_error(error)

    async with anyio.create_task_group() as group:
        for number, pairs in enumerate(questions):
            group.start_soon(one, number, pairs)
    return [found[number] for number in range(len(questions))]
