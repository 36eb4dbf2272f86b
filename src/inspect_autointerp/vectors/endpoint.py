"""HTTP endpoints that turn vectors into texts, or texts into vectors. docs/vectors.md has the JSON."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
from inspect_ai.util import concurrency
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.answer_reasons import invalid
from inspect_autointerp.models.shared_engines import lent
from inspect_autointerp.text.json_values import is_dict, is_finite_number, is_list

KEY = "INSPECT_AUTOINTERP_ENDPOINT_KEY"
"""Environment variable with a secret that is sent as `Authorization: Bearer …`; it is in no log."""
STAND_IN = ("endpoint",)
"""Key of a shared engine that answers in place of all endpoints, for `autointerp cost`."""
LONGEST_WAIT = 120.0
"""Seconds between two attempts at most, whatever `Retry-After` says."""
_BUSY = (408, 425, 429)
_LARGEST = 64_000_000
"""Bytes of an answer that are read at most."""


class EndpointError(Exception):
    """No usable answer: the message is the reason for the log."""


@dataclass(frozen=True)
class Usage:
    """Cost of an answer, as far as the endpoint reports it; NaN where it does not."""

    input_tokens: float = math.nan
    output_tokens: float = math.nan
    cost: float = math.nan
    """In dollars."""

    @property
    def tokens(self) -> int:
        """Return the tokens that are known."""
        return sum(int(n) for n in (self.input_tokens, self.output_tokens) if not math.isnan(n))

    def record(self) -> dict[str, float]:
        """Return what is known, for the log."""
        return {name: value for name, value in vars(self).items() if not math.isnan(value)}


@dataclass(frozen=True)
class Endpoint:
    """An endpoint that takes a JSON object by POST and answers with one.

    Args:
        url: Its address, http or https.
        timeout: Seconds that one attempt may take.
        connections: Requests at the same time.
        attempts: Attempts at a request; a connection that fails, a timeout, and the statuses 408, 425, 429 and 5xx
            are tried again, after a wait that grows.

    Raises:
        UserError: An argument, or the secret in `KEY`, cannot be used.
    """

    url: str
    timeout: float = 120.0
    connections: int = 8
    attempts: int = 5

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"url={self.url}: give the address of an endpoint, for instance http://localhost:8000")
        if parts.username or parts.password:
            raise UserError(f"url: it must not hold a user or a password, because logs name it; set {KEY} instead")
        for name in ("timeout", "connections", "attempts"):
            if not getattr(self, name) > 0:
                raise UserError(f"{name} must be above 0, got {getattr(self, name)}")
        _headers()

    async def post(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a request.

        Raises:
            EndpointError: There is none that is a JSON object, after all attempts.
        """
        if (stand_in := lent(STAND_IN)) is not None:
            return stand_in(content)
        retrying = AsyncRetrying(
            retry=retry_if_exception(_is_passing),
            wait=_wait,
            stop=stop_after_attempt(self.attempts),
            reraise=True,
        )
        try:
            async with concurrency(f"endpoint {self.url}", self.connections, visible=False):
                return await retrying(self._once, content)
        except (httpx.TimeoutException, TimeoutError) as error:
            raise EndpointError("endpoint_timeout") from error
        except httpx.HTTPStatusError as error:
            raise EndpointError(f"endpoint_error: HTTP {error.response.status_code}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EndpointError(f"endpoint_error: {type(error).__name__}") from error

    async def _once(self, content: Mapping[str, Any]) -> dict[str, Any]:
        body = bytearray()
        with anyio.fail_after(self.timeout):  # httpx limits each read alone, and an answer can come in drops
            async with (
                httpx.AsyncClient(timeout=self.timeout) as client,
                client.stream("POST", self.url, json=dict(content), headers=_headers()) as response,
            ):
                response.raise_for_status()
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST:
                        raise EndpointError(invalid(f"the answer has more than {_LARGEST:,} bytes"))
        try:
            answer = httpx.Response(200, content=bytes(body)).json()
        except (ValueError, RecursionError) as error:
            raise EndpointError(invalid("the answer is not JSON")) from error
        if not is_dict(answer):
            raise EndpointError(invalid("the answer is not a JSON object"))
        return answer


def _headers() -> dict[str, str]:
    """Return the headers of a request: the secret, if there is one.

    Raises:
        UserError: HTTP cannot carry the secret. The message does not show it.
    """
    key = os.environ.get(KEY)
    if key and not (key.isascii() and key.isprintable()):
        raise UserError(f"{KEY}: a header of HTTP cannot carry it; give a secret of printable ASCII characters")
    return {"Authorization": f"Bearer {key}"} if key else {}


def texts_in(answer: Mapping[str, Any], n: int) -> list[str]:
    """Return the texts in an answer.

    Raises:
        EndpointError: They are not n texts.
    """
    texts = answer.get("texts")
    if not is_list(texts) or len(texts) != n or not all(isinstance(text, str) for text in texts):
        raise EndpointError(invalid(f"`texts` must be a list of {n} texts"))
    return [str(text) for text in texts]


def vectors_in(answer: Mapping[str, Any], n: int, width: int) -> list[list[float]]:
    """Return the vectors in an answer.

    Raises:
        EndpointError: They are not n vectors of this width, of finite numbers.
    """
    vectors = answer.get("vectors")
    if not is_list(vectors) or len(vectors) != n or not all(is_list(vector) for vector in vectors):
        raise EndpointError(invalid(f"`vectors` must be a list of {n} lists of numbers"))
    for vector in vectors:
        if len(vector) != width:
            raise EndpointError(invalid(f"a vector has {len(vector)} numbers, and the latents' have {width}"))
        if not all(is_finite_number(value) for value in vector):
            raise EndpointError(invalid("a vector holds something else than finite numbers"))
    return [[float(value) for value in vector] for vector in vectors]


def usage_in(answer: Mapping[str, Any]) -> Usage:
    """Return what an answer says it cost; what is no number from 0 up is left out."""
    usage = answer.get("usage")
    given = usage if is_dict(usage) else {}
    numbers = {name: float(value) for name in vars(Usage()) if is_finite_number(value := given.get(name, -1))}
    known = {name: value for name, value in numbers.items() if value >= 0}
    return Usage(**known)


def _is_passing(error: BaseException) -> bool:
    """Return whether another attempt may succeed."""
    if isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        return status in _BUSY or status >= 500
    return isinstance(error, httpx.TransportError | TimeoutError) and not isinstance(error, httpx.UnsupportedProtocol)


_growing = wait_exponential_jitter(initial=0.5, max=30)


def _wait(state: RetryCallState) -> float:
    """Return the seconds before the next attempt: what the endpoint asks for, else a time that doubles."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.response.headers.get("Retry-After", "") if isinstance(error, httpx.HTTPStatusError) else ""
    try:
        seconds = float(asked) if asked.strip().isdigit() else parsedate_to_datetime(asked).timestamp() - time()
    except (TypeError, ValueError):
        return _growing(state)
    return min(max(seconds, 0.0), LONGEST_WAIT)
