"""Tests of answers of endpoints that are made to break whoever reads them."""

from functools import partial
from math import isnan
from time import sleep

import anyio
import pytest
from tests.local_server import JsonHandler, running

from inspect_autointerp.errors import UserError
from inspect_autointerp.vectors.endpoint import KEY, Endpoint, EndpointError, Usage, usage_in, vectors_in

HUGE = 10**400
"""A whole number that no float holds; JSON allows it."""


class Dripping(JsonHandler):
    """Sends a byte every 50 ms, for 5 seconds."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        try:
            for _ in range(100):
                self.wfile.write(b" ")
                self.wfile.flush()
                sleep(0.05)
        except OSError:  # nobody listens any more
            self.close_connection = True


class Nested(JsonHandler):
    """Answers with JSON that is nested too deeply for Python."""

    def do_POST(self) -> None:
        self.send_data(200, b'{"texts":' * 50_000)


def test_numbers_that_no_float_holds_are_no_numbers() -> None:
    with pytest.raises(EndpointError, match="something else than finite numbers"):
        vectors_in({"vectors": [[HUGE, 1]]}, 1, 2)
    assert isnan(usage_in({"usage": {"input_tokens": HUGE}}).input_tokens)
    assert Usage(input_tokens=1e308, output_tokens=1e308).tokens == 2 * int(1e308)


def test_an_answer_that_comes_in_drops_is_a_timeout() -> None:
    with running(Dripping) as url, pytest.raises(EndpointError, match=r"^endpoint_timeout$"):
        anyio.run(partial(Endpoint(url, timeout=0.3, attempts=1).post, {}))


def test_an_answer_nested_too_deeply_is_no_json() -> None:
    with running(Nested) as url, pytest.raises(EndpointError, match="the answer is not JSON"):
        anyio.run(partial(Endpoint(url, attempts=1).post, {}))


@pytest.mark.parametrize("secret", ["schlüssel", "two\nlines", "日本"])
def test_a_secret_that_no_header_carries_is_refused(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, secret)
    with pytest.raises(UserError, match=KEY) as refused:
        Endpoint("http://localhost:8000")
    assert secret not in str(refused.value)
