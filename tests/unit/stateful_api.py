# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An API server of Kubernetes that keeps what it is given: objects by path, with lists, label selectors and merge patches."""

from __future__ import annotations

import copy
import http.server
import json
import threading
import typing as t
import urllib.parse

Objects = dict[str, dict[str, t.Any]]


def merged(target: t.Any, patch: t.Any) -> t.Any:
    """Return an object with a merge patch."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


class StatefulApi:
    """Serves objects. Paths that end like a collection's are lists: what stands one step below."""

    def __init__(self, objects: Objects | None = None) -> None:
        self.objects: Objects = copy.deepcopy(objects or {})
        self.writes: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Answers from the objects."""

            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, content = outer.answer(self.command, self.path, json.loads(raw) if raw else None)
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = _answer

            def log_message(self, format: str, *args: t.Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def access(self) -> dict[str, t.Any]:
        """The options that reach it."""
        return {"host": self.url, "api_key": "the-token"}

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: t.Any) -> tuple[int, t.Any]:
        """Return the status and the answer to a request."""
        plain, _mark, query = path.partition("?")
        if method == "GET":
            return self._read(plain, dict(urllib.parse.parse_qsl(query)))
        self.writes.append(f"{method} {plain}")
        if method == "POST":
            place = f"{plain}/{body['metadata']['name']}" if "metadata" in body else plain
            if place in self.objects:
                return 409, {"reason": "AlreadyExists", "message": "exists"}
            self.objects[place] = body
            return 201, body
        if plain not in self.objects:
            return 404, {"reason": "NotFound", "message": "not there"}
        if method == "PATCH":
            self.objects[plain] = merged(self.objects[plain], body)
            return 200, self.objects[plain]
        return 200, self.objects.pop(plain)

    def _read(self, path: str, query: dict[str, str]) -> tuple[int, t.Any]:
        if path in self.objects:
            return 200, self.objects[path]
        items = [item for place, item in self.objects.items() if place.rpartition("/")[0] == path and _selected(item, query)]
        last = path.rpartition("/")[2]
        # An account may be called syncresources.
        if items or (last.endswith("s") and not path.split("/")[-2].endswith("s")):
            return 200, {"kind": "List", "items": items}
        return 404, {"reason": "NotFound", "message": "not there"}


def _selected(item: dict[str, t.Any], query: dict[str, str]) -> bool:
    labels = item.get("metadata", {}).get("labels") or {}
    fields = query.get("fieldSelector", "")
    if fields and item.get("type") != fields.partition("=")[2]:
        return False
    pairs = [part.partition("=") for part in query.get("labelSelector", "").split(",") if "=" in part]
    return all((labels.get(key.rstrip("!")) == value) is not key.endswith("!") for key, _equals, value in pairs)
