"""Likelihood by a model behind a server that tells the log-probabilities of a prompt's tokens, through Inspect."""

from collections.abc import Sequence
from copy import copy
from math import nan

import anyio
from inspect_ai.model import ChatMessageUser, GenerateConfig, Logprob, Model
from inspect_ai.util import LimitExceededError

from inspect_autointerp.inspect_support.model_call import provider_error
from inspect_autointerp.models.likelihood.interface import (
    Choice,
    ChoiceOrReason,
    LikelihoodError,
    Pair,
    common_length,
    total,
)

PROVIDERS = ("vllm-completions", "openai-api-completions")
"""Inspect's providers that send a text as it is and read what the server says of its tokens."""

_RETRIES = 4
"""Retries of a call that fails for a while, if the user has set no number: Inspect alone would never give up. They
take about a minute."""
_PARTIAL = "\ufffd"
_FARTHEST = 8
"""Characters that tokens of unfinished characters in a row may stand for."""


class ServedLikelihood:
    """A model of one of `PROVIDERS`, as a `Likelihood`. Each pair is a call; which tokens a text has, the server says.

    What a server says of the prefix is thrown away, also from the log. Prefixes that pairs share cost it little where
    it keeps them (vLLM does, though not for prompts whose log-probabilities are asked for).
    """

    def __init__(self, model: Model) -> None:
        self._model = copy(model)  # which may be the explainer as well
        self._model.config = GenerateConfig(max_retries=_RETRIES).merge(model.config)  # --max-retries beats both

    async def logprobs(self, pairs: Sequence[Pair]) -> list[list[float]]:
        """See `Likelihood`.

        Raises:
            LikelihoodError: The server gives none (`no_prompt_logprobs`), or of another text (`not_spelled`).
            Exception: Whatever the provider raises.
        """
        answers: list[list[float]] = [[] for _ in pairs]
        failed: list[Exception] = []

        async def one(number: int, pair: Pair) -> None:
            try:
                answers[number] = await self._one(*pair)
            except Exception as error:  # a task group would wrap it
                failed.append(error)

        async with anyio.create_task_group() as group:
            for number, pair in enumerate(pairs):
                group.start_soon(one, number, pair)
        if failed:
            raise failed[0]
        return answers

    async def choices(self, questions: Sequence[Choice]) -> list[ChoiceOrReason]:
        """See `Choosing`; each continuation is a call. Reasons: those of `logprobs`, and of errors of the provider."""
        answers: dict[int, ChoiceOrReason] = {}

        async def one(number: int, question: Choice) -> None:
            try:
                answers[number] = await self._choose(*question), None
            except LikelihoodError as error:
                answers[number] = None, error.reason
            except LimitExceededError:
                raise  # the user's own limit on the sample
            except Exception as error:  # whatever a provider raises: one lost question must not end the run
                answers[number] = None, provider_error(error)

        try:
            async with anyio.create_task_group() as group:
                for number, question in enumerate(questions):
                    group.start_soon(one, number, question)
        except ExceptionGroup as errors:  # what ends a run, which Inspect knows by its type
            raise errors.exceptions[0] from None
        return [answers[number] for number in range(len(questions))]

    async def _choose(self, prefix: str, continuations: tuple[str, ...]) -> list[float]:
        tokens = [await self._read(prefix + continuation) for continuation in continuations]
        first = common_length([[token.token for token in one] for one in tokens])
        for continuation, one in zip(continuations, tokens, strict=True):
            if continuation.strip() not in "".join(token.token for token in one[first:]):
                message = f"the server's last tokens, from {first} on, do not hold {continuation!r}"
                raise LikelihoodError("not_spelled", message)
        return [total([token.logprob for token in one[first:]]) for one in tokens]

    async def _one(self, prefix: str, continuation: str) -> list[float]:
        if not continuation:
            return []
        text = prefix + continuation
        return behind(text, len(prefix), await self._read(text))

    async def _read(self, text: str) -> list[Logprob]:
        """Return the tokens of a text but the very first, with their log-probabilities."""
        output = await self._model.generate(
            [ChatMessageUser(content=text)], config=GenerateConfig(prompt_logprobs=1, max_tokens=1, temperature=0)
        )
        prompt_logprobs = output.choices[0].prompt_logprobs if output.choices else None
        if prompt_logprobs is None:
            raise LikelihoodError("no_prompt_logprobs", f"{self._model} gave no log-probabilities of the prompt")
        tokens = prompt_logprobs.content
        # The log's event has the same object: thousands of numbers a call that nobody reads.
        prompt_logprobs.content = []
        return tokens


def behind(text: str, boundary: int, tokens: Sequence[Logprob]) -> list[float]:
    """The log-probabilities of the tokens that hold anything of a text from a place on.

    Servers name a token by its own characters: without the space in front (SentencePiece), or with a replacement for
    what is only part of a character. So they are matched from the text's end on: spaces between two tokens are the
    later one's, and partial ones stand for what lies between whole ones (all of them count, where the place is there).

    Args:
        text: The prompt.
        boundary: The place, in characters.
        tokens: Of the prompt, in order. The very first, which has no log-probability, is not among them.

    Raises:
        LikelihoodError: The tokens do not spell the text (`not_spelled`).
    """
    begin, i, partial = len(text), len(tokens), False
    while i:
        piece = tokens[i - 1].token
        if not piece or (_PARTIAL in piece and not text.endswith(piece, 0, begin)):
            partial |= bool(piece)
            i -= 1
            continue
        if begin == 0 and not partial:
            break  # a special token before the text
        end = _end(text, begin, piece, partial)
        if end <= boundary:
            return [token.logprob for token in tokens[i:]]
        begin, partial = end - len(piece), False
        i -= 1
        if begin <= boundary:
            while i and not tokens[i - 1].token:  # nameless parts of the character that comes next
                i -= 1
            return [token.logprob for token in tokens[i:]]
    first = [nan] if begin > boundary and not partial else []
    return [*first, *(token.logprob for token in tokens[i:])]


def _end(text: str, limit: int, piece: str, partial: bool) -> int:
    """Return the end of a token that is followed by the text at the limit, or by partial tokens before that."""
    if not partial:
        for end in (limit, len(text[:limit].rstrip())):
            if text.endswith(piece, 0, end):
                return end
    else:
        for end in range(limit - 1, max(0, limit - 1 - _FARTHEST), -1):
            if text.endswith(piece, 0, end) and not text[end:limit].isascii():
                return end
    raise LikelihoodError("not_spelled", f"the server's token {piece!r} does not end the text {text[:limit][-40:]!r}")
