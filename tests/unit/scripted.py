# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server that answers by a script, and a client for it: for what flyteadmin, or something in its place, may answer."""

from __future__ import annotations

import http.server
import json
import threading
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.client import Admin
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.settings import Settings

Answer = tuple[int, dict[str, str], bytes]
EMPTY: Answer = (200, {"Content-Type": "application/json"}, b'{"configurations": []}')


def client(url: str, **settings: t.Any) -> Admin:
    """Return a client that gives up soon."""
    return Admin(Settings(url, **{"retry_for": 1, "timeout": 5, **settings}))


def as_json(status: int, content: t.Any, **headers: str) -> Answer:
    """Return an answer of JSON."""
    return status, {"Content-Type": "application/json", **headers}, json.dumps(content).encode()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would reach the client from outside. Import it, and it holds for all tests of a file."""
    for name in ("FLYTE_ADMIN_TOKEN", "FLYTE_CLIENT_SECRET", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


class Scripted:
    """An HTTP server that gives one answer after the other, the last one for ever, and notes the requests."""

    def __init__(self, *answers: Answer | None) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        script = list(answers)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Answers by the script; None is a connection that is closed without an answer."""

            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.seen.append((self.command, self.path, {key.lower(): value for key, value in self.headers.items()}, body))
                answer = script.pop(0) if len(script) > 1 else script[0]
                if answer is None:
                    self.close_connection = True
                    return
                (self.send_response_only if "Date" in answer[1] else self.send_response)(answer[0])
                for name, value in answer[1].items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer[2])))
                self.end_headers()
                self.wfile.write(answer[2])

            do_GET = do_PUT = do_POST = do_DELETE = _answer

            def log_message(self, format: str, *args: t.Any) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
