"""Base of the tests' local HTTP servers: they run in a thread, read JSON and answer with it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class JsonHandler(BaseHTTPRequestHandler):
    """Connections stay open between requests, as with the servers that are stood in for."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits for the acknowledgement of its headers

    def body(self) -> dict[str, Any]:
        """Return what was sent."""
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def send_json(self, status: int, content: dict[str, Any], headers: Mapping[str, str] = {}) -> None:
        """Answer."""
        self.send_data(status, json.dumps(content, ensure_ascii=False).encode(), headers=headers)

    def send_data(self, status: int, data: bytes, length: int | None = None, headers: Mapping[str, str] = {}) -> None:
        """Answer with bytes that are called JSON, and that `length` may lie about."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that time out or are killed hang up; that is what the tests are about."""


@contextmanager
def running(handler: type[JsonHandler]) -> Iterator[str]:
    """The address under which the handler answers, as clients of the OpenAI protocol want it."""
    server = _Server(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
