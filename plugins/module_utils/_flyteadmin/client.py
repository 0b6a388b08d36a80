# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flyteadmin's HTTP API: requests that do the same twice as once, and are repeated. Facts of the API: recorded from flyteadmin v1.16.8."""

from __future__ import annotations

import datetime
import re
import time
import typing as t
import urllib.parse

from .._common.threads import Overdue, in_threads, within
from .._common.times import ServerClock, date_of
from .answers import Answer, Json, decoded, listed, part, required, text
from .authentication import Login
from .errors import AdminError, ShapeError
from .hints import CHECK_FILES, CHECK_PROXY, CHECK_REACHABLE, CHECK_URL, FINAL_URL, SET_CA, TOO_SLOW

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .settings import Settings

RESOURCE_TYPE = "EXECUTION_CLUSTER_LABEL"
#: at most this many seconds are waited on the word of one Retry-After
LONGEST_PAUSE = 30.0
#: bytes of an answer: one with ten thousand rows has a hundredth of it
MOST = 64 << 20
#: so many timeouts one answer has, however slowly it comes
PATIENCE = 2
_CHUNK = 1 << 16

_Found = t.TypeVar("_Found")


class Admin:
    """Requests to one flyteadmin."""

    def __init__(self, settings: Settings, *, concurrency: int = 8) -> None:
        # Half of a module's start: only where something is asked.
        import requests
        from requests.adapters import HTTPAdapter

        if concurrency < 1:
            raise AdminError(f"concurrency {concurrency} is less than 1.", hint="Set it to 1 or more.")
        self._requests = requests
        self._settings = settings
        self._concurrency = concurrency
        self._session = requests.Session()
        self._session.mount("https://", HTTPAdapter(pool_maxsize=concurrency))
        self._session.mount("http://", HTTPAdapter(pool_maxsize=concurrency))
        # Both are needed for snake_case with unset fields; grpc-gateway answers camelCase otherwise.
        self._session.headers.update({"Accept": "application/json", "User-Agent": "flyte.multicluster"})
        # Given with each request: variables of the environment would win over the session's.
        self._common: dict[str, t.Any] = {
            "verify": (settings.ca_cert or True) if settings.validate_certs else False,
            "cert": (settings.client_cert, settings.client_key or settings.client_cert) if settings.client_cert else None,
            "proxies": {"http": settings.proxy, "https": settings.proxy} if settings.proxy else None,
            "timeout": settings.timeout,
            "allow_redirects": False,
            # No credentials out of a .netrc: requests would put them in the place of ours.
            "auth": _no_netrc,
        }
        self._login = Login(settings, self._send)
        self._time = ServerClock()

    @property
    def now(self) -> datetime.datetime:
        """flyteadmin's own time, by its newest answer."""
        return self._time.now

    def _exchange(self, method: str, url: str, given: dict[str, t.Any]) -> Answer:
        """Send one request and take its whole answer, which no server makes last for ever: libraries bound the time of each byte only."""

        def work() -> Answer:
            with self._session.request(method, url, stream=True, **given) as answer:
                body = bytearray()
                for part_of_it in answer.iter_content(_CHUNK):
                    body += part_of_it
                    if len(body) > MOST:
                        raise AdminError(f"{method} {url}: the answer has more than {MOST >> 20} MiB.", status=answer.status_code, hint=CHECK_URL)
                return Answer(answer.status_code, answer.headers, bytes(body))

        limit = PATIENCE * self._settings.timeout
        try:
            return within(limit, work)
        except Overdue as error:
            raise AdminError(f"{method} {url}: {error}.", hint=TOO_SLOW) from error

    def _send(self, method: str, url: str, **arguments: t.Any) -> Answer:
        """Send, again after a lost connection and what passes, up to ``retry_for`` seconds: whatever is sent here does the same twice as once."""
        ended, pause = time.monotonic() + self._settings.retry_for, 0.2
        given = {**self._common, **arguments}
        while True:
            answer: Answer | None = None
            problem: Exception | None = None
            try:
                answer = self._exchange(method, url, given)
            except self._requests.RequestException as error:
                problem = error
            except (OSError, ValueError) as error:  # a CA or certificate file that is not there
                raise AdminError(f"{method} {url}: {error}.", hint=CHECK_FILES) from error
            again = answer is None or answer.status_code in (429, 502, 503, 504)
            wait = _retry_after(answer, pause)
            if not again or time.monotonic() + wait > ended:
                break
            time.sleep(wait)
            pause = min(pause * 2, 5.0)
        if answer is None:
            said = problem or ValueError("no answer")
            raise AdminError(f"{method} {url}: {_reason(said)}.", hint=_connection_hint(said)) from problem
        return answer

    def call(self, method: str, path: str, body: t.Any = None) -> Json:
        """Send a request with the token, renewed once where it is not accepted.

        :raises AdminError: whatever went wrong.
        """
        url = self._settings.url + path
        for attempt in (1, 2):
            login = self._login.header()
            headers = {**login, "Content-Type": "application/json"}
            answer = self._send(method, url, headers=headers, json=body)
            self._time.hear(answer.headers.get("Date"))
            if answer.status_code == 401 and attempt == 1 and self._login.rejected(login):
                continue
            if 300 <= answer.status_code < 400:
                where = answer.headers.get("Location", "")
                raise AdminError(f"{method} {url}: redirected to {where}.", status=answer.status_code, hint=FINAL_URL)
            return decoded(answer, method, url)
        raise AssertionError("unreachable")

    def get(self, path: str, read: Callable[[Json], _Found]) -> _Found:
        """Return what ``read`` makes of the answer to a GET.

        :raises AdminError: whatever went wrong, also where the answer is not what ``read`` expects.
        """
        content = self.call("GET", path)
        try:
            return read(content)
        except ShapeError as error:
            raise ShapeError(f"GET {self._settings.url}{path}: {error.message}") from error

    def many(self, work: Callable[[t.Any], t.Any], items: Sequence[t.Any]) -> list[tuple[t.Any, t.Any, AdminError | None]]:
        """Do ``work`` for all items side by side; return item, result and error of each."""
        if not items:
            return []

        def one(item: t.Any) -> tuple[t.Any, t.Any, AdminError | None]:
            try:
                return item, work(item), None
            except AdminError as error:
                return item, None, error

        return in_threads(one, items, self._concurrency)

    # -- execution cluster labels

    def label_rows(self) -> list[Json]:
        """Return the raw rows of all levels, in one request."""
        return self.get(f"/api/v1/matchable_attributes?resource_type={RESOURCE_TYPE}", _configurations)

    def project_domains(self, *, archived: bool = False) -> list[tuple[str, str]]:
        """Return all domains of all active projects, in one request.

        :param archived: whether those of archived projects are asked for too: their executions run on.
        """
        found = self.get("/api/v1/projects?limit=10000", _project_domains)
        if archived:
            found += self.get("/api/v1/projects?limit=10000&filters=eq(state,1)", _project_domains)
        return list(dict.fromkeys(found))

    def put_label(self, key: tuple[str, str, str], label: str) -> None:
        """Write one row."""
        path, identity = _label_path(key)
        self.call("PUT", path, {"attributes": {**identity, "matching_attributes": {"execution_cluster_label": {"value": label}}}})

    def delete_label(self, key: tuple[str, str, str]) -> None:
        """Delete one row, and with it flyteadmin deletes every row below it.

        The resource type has to be in the body: in the query string it is ignored, and an empty body deletes the
        TASK_RESOURCE row instead.
        """
        path, identity = _label_path(key)
        self.call("DELETE", path, {**identity, "resource_type": RESOURCE_TYPE})


def _configurations(answer: Json) -> list[Json]:
    rows = listed(answer, "configurations")
    for row in rows:
        for key in ("project", "domain", "workflow", "launch_plan"):
            text(row, key)
        text(part(row, "attributes", "execution_cluster_label"), "value")
    return rows


def _project_domains(answer: Json) -> list[tuple[str, str]]:
    return [(required(project, "id"), required(domain, "id")) for project in listed(answer, "projects") for domain in listed(project, "domains")]


def _label_path(key: tuple[str, str, str]) -> tuple[str, dict[str, str]]:
    project, domain, workflow = key
    identity = {name: value for name, value in (("project", project), ("domain", domain), ("workflow", workflow)) if value}
    level = {1: "project_attributes", 2: "project_domain_attributes", 3: "workflow_attributes"}[len(identity)]
    return f"/api/v1/{level}/{path_of(*identity.values())}", identity


def path_of(*names: str) -> str:
    """Return names as parts of a path."""
    return "/".join(urllib.parse.quote(name, safe="") for name in names)


def _no_netrc(request: t.Any) -> t.Any:
    return request


def _retry_after(answer: Answer | None, pause: float) -> float:
    """Return how long to wait: the server's word (seconds or a date), else the pause."""
    said = answer.headers.get("Retry-After", "").strip() if answer is not None else ""
    if not said:
        return pause
    if said.isdecimal():
        return min(float(said), LONGEST_PAUSE)
    then, now = date_of(said), date_of(answer.headers.get("Date") if answer is not None else None)
    left = (then - (now or datetime.datetime.now(datetime.timezone.utc))).total_seconds() if then else 0.0
    return min(max(left, pause), LONGEST_PAUSE)


def _reason(error: Exception) -> str:
    found = re.search(r"(Name or service not known|Connection refused|timed out|certificate verify failed[^)\"']*)", str(error))
    return found.group(1) if found else re.sub(r"//[^/@\s]*@", "//***@", str(error))[:300]


def _connection_hint(error: Exception) -> str:
    said = str(error)
    if "ProxyError" in said or "Cannot connect to proxy" in said:
        return CHECK_PROXY
    if "certificate" in said.lower() or "SSL" in said:
        return SET_CA
    return CHECK_REACHABLE
