# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to Kubernetes API servers: one isolated client for each cluster."""

from __future__ import annotations

import base64
import datetime
import functools
import json
import re
import threading
import time
import typing as t
import urllib.parse

from .._common.explain import NOTES
from .._common.redaction import SECRETS
from .._common.times import ServerClock, moment
from .configuration import configuration_of, has_explicit_access, require_explicit_access
from .errors import TOO_LARGE, KubeError
from .remedies import remedy_of
from .settings import Connections

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: with what every user of this package needs
__all__ = ["READ_TIMEOUT", "Kube", "KubeError", "decode", "encode", "has_explicit_access"]

#: seconds to connect to an API server, and to wait for one answer
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 15.0

#: bytes of an answer: Helm's records of ten revisions have a tenth of it
MOST = 64 << 20

#: seconds before a request is sent again that was one too many, and that say nothing else
_FIRST_PAUSE = 0.5

MERGE_PATCH = "application/merge-patch+json"
#: a list as kubectl shows it: one line an object
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

_UNITS = {"y": 31536000, "d": 86400, "h": 3600, "m": 60, "s": 1}
_clock = time.monotonic


class _Bearer:
    """A bearer token that is made anew before it ends, and where it is not accepted any more. A secret."""

    def __init__(self, token: str, renew: Callable[[], str], renew_after: float) -> None:
        self._lock = threading.Lock()
        self._token, self._renew, self._renew_after = token, renew, renew_after
        self._made = _clock()

    def current(self) -> str:
        """Return a token that holds for a while."""
        with self._lock:
            if _clock() - self._made >= self._renew_after:
                self._make_anew()
            return self._token

    def refused(self, token: str) -> None:
        """Make a token in the place of one that was not accepted, unless another thread did already."""
        with self._lock:
            if self._token == token:
                self._make_anew()

    def _make_anew(self) -> None:
        started = _clock()
        self._token = self._renew()
        SECRETS.know(self._token)
        self._made = started


class Kube:
    """Requests to one API server. Objects are plain dicts."""

    def __init__(
        self,
        access: Mapping[str, t.Any],
        *,
        timeout: float = READ_TIMEOUT,
        ca_data: str | None = None,
        user: Mapping[str, str] | None = None,
        renew: Callable[[], str] | None = None,
        renew_after: float = float("inf"),
    ) -> None:
        """Make a client.

        :param ca_data: the CA certificate of the API server, PEM.
        :param user: what the command of the kubeconfig's user printed.
        :param renew: returns a new bearer token in the place of ``api_key``: called once after a 401, and each ``renew_after`` seconds.
        :raises KubeError: of the kind ``config``.
        """
        require_explicit_access(access)
        self._settings = configuration_of(access, user)
        if ca_data is not None:
            self._settings.ca_data, self._settings.ssl_ca_cert = ca_data, None
        SECRETS.know(*self._settings.secrets)
        self._timeout = timeout
        self._extra_headers = _impersonation(access)
        self._bearer = _Bearer(access["api_key"], renew, renew_after) if renew else None
        self._connections = Connections(self._settings)
        self._by = " by the proxy (flyte_kube_proxy, proxy-url of the kubeconfig, or HTTPS_PROXY)" if self._settings.proxy else ""
        self._time = ServerClock()

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._settings.host

    @property
    def now(self) -> datetime.datetime:
        """The API server's own time, by its newest answer."""
        return self._time.now

    def _authorization(self) -> str | None:
        """Return what says who asks. A secret."""
        if self._bearer:
            return f"Bearer {self._bearer.current()}"
        return self._settings.login

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: t.Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> t.Any:
        """Send one request and return the decoded answer.

        :param accept: the form of the answer, where it is not the object itself.
        :raises KubeError: ``unreachable`` where no answer came, ``api`` for an answer that is an error.
        """
        path += "?" + urllib.parse.urlencode(query) if query else ""
        url, authorization = self.server + path, self._authorization()
        status, data = self._asked(method, path, body, authorization, {"Accept": accept, "Content-Type": content_type})
        if status == 401 and self._bearer and authorization:
            # What was not accepted was not done: it may be sent again.
            self._bearer.refused(authorization.removeprefix("Bearer "))
            authorization = self._authorization()
            status, data = self._asked(method, path, body, authorization, {"Accept": accept, "Content-Type": content_type})
        if status >= 300:
            raise _api_error(method, url, status, data, authorization)
        return _decoded(method, url, data)

    def _asked(self, method: str, path: str, body: t.Any, authorization: str | None, forms: Mapping[str, str]) -> tuple[int, bytes]:
        """Send one request, again where the API server says that it has too many: it did nothing then. Not longer than for one answer."""
        ended, pause = _clock() + self._timeout, _FIRST_PAUSE
        while True:
            status, data, after = self._send(method, path, body, authorization, forms)
            wait = float(after) if after and after.isdecimal() else pause
            if status != 429 or _clock() + wait > ended:
                return status, data
            time.sleep(wait)
            pause *= 2

    def _send(self, method: str, path: str, body: t.Any, authorization: str | None, forms: Mapping[str, str]) -> tuple[int, bytes, str | None]:
        import urllib3
        from urllib3.exceptions import HTTPError

        headers = {"Accept": forms["Accept"], "User-Agent": "flyte.multicluster", **self._extra_headers}
        headers |= {"Authorization": authorization} if authorization else {}
        headers |= {"Content-Type": forms["Content-Type"]} if body is not None else {}
        encoded = json.dumps(body).encode() if body is not None else None
        timeout = urllib3.Timeout(connect=min(CONNECT_TIMEOUT, self._timeout), read=self._timeout)
        try:
            # A connection that the server closed while it was idle is opened again; nothing else is repeated.
            answer = self._connections.send(method, path, body=encoded, headers=headers, timeout=timeout)
            data = answer.read(MOST + 1)
            answer.close() if len(data) > MOST else answer.release_conn()
        except (HTTPError, OSError) as error:
            said, hint = _short(error), f"Check that the API server runs and can be reached from here{self._by}, and its CA certificate."
            if "certificate has expired" in said or "not yet valid" in said:
                hint = "Check the clock of this machine, and renew the API server's certificate if it is right."
            raise KubeError("unreachable", f"{self.server} does not answer: {said}", hint=hint) from error
        except Exception as error:
            NOTES.note(error)
            # The text of a header that cannot be sent, or of a CA that is none, quotes it.
            hint = "Check the address, token and CA certificate: line breaks and letters beyond ASCII cannot be sent."
            raise KubeError("access", f"{self.server} cannot be asked ({type(error).__name__})", hint=hint) from error
        if len(data) > MOST:
            hint = "Check that this is the API server itself: a proxy or a login page may stand in front of it."
            raise KubeError("api", f"{method} {self.server}{path}: the answer has more than {MOST >> 20} MiB", reason=TOO_LARGE, hint=hint)
        self._time.hear(answer.headers.get("Date"))
        return answer.status, data, answer.headers.get("Retry-After")

    def get(self, path: str, **query: str) -> t.Any:
        """Return an object or a list."""
        return self.request("GET", path, query=query)

    def ages(self, path: str) -> dict[str, float]:
        """Return the names of the objects of a list that are not going away, with their ages in seconds: as a table, without their contents."""
        answer = self.request("GET", path, query={"includeObject": "None"}, accept=_TABLE)
        if answer.get("kind") != "Table":  # something in front of the API server asks it for what it knows
            there = [item["metadata"] for item in answer.get("items") or [] if not item["metadata"].get("deletionTimestamp")]
            return {str(item["name"]): (self.now - moment(item["creationTimestamp"])).total_seconds() for item in there}
        columns = [column["name"] for column in answer["columnDefinitions"]]
        name, age = columns.index("Name"), columns.index("Age")
        status = columns.index("Status") if "Status" in columns else name  # no name has a capital letter
        rows = [row["cells"] for row in answer.get("rows") or []]
        return {str(cells[name]): _age(str(cells[age])) for cells in rows if cells[status] != "Terminating"}

    def find(self, path: str, **query: str) -> t.Any:
        """Return an object, or None where there is none."""
        try:
            return self.get(path, **query)
        except KubeError as error:
            if error.is_absent:
                return None
            raise

    def create(self, path: str, body: t.Any) -> t.Any:
        """Create an object."""
        return self.request("POST", path, body=body)

    def patch(self, path: str, body: t.Any) -> t.Any:
        """Merge a patch into an object: what the patch does not name stays."""
        return self.request("PATCH", path, body=body, content_type=MERGE_PATCH)

    def delete(self, path: str) -> None:
        """Delete an object; one that is absent is no error."""
        try:
            self.request("DELETE", path)
        except KubeError as error:
            if not error.is_absent:
                raise


@functools.lru_cache(maxsize=4096)  # the namespaces of many clusters are of few ages
def _age(shown: str) -> float:
    """Return the seconds of an age as kubectl shows it: 45s, 5m12s, 3d4h, 2y. One that is not known is a great one."""
    parts = re.findall(r"(\d+)([ydhms])", shown)
    return float(sum(int(number) * _UNITS[unit] for number, unit in parts)) if parts else float("inf")


def _decoded(method: str, url: str, data: bytes) -> t.Any:
    if not data and method != "GET":
        return None
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _no_object(method, url) from error
    # A Status in the place of an object says that there is none, whatever number it came with: taken for an empty list it would be installed over.
    if not isinstance(found, dict) or (method == "GET" and found.get("kind") == "Status"):
        raise _no_object(method, url)
    return found


def _no_object(method: str, url: str) -> KubeError:
    hint = "Check that this is the API server itself: a proxy or a login page may stand in front of it."
    return KubeError("api", f"{method} {url}: the answer is no Kubernetes object", hint=hint)


def _impersonation(access: Mapping[str, t.Any]) -> dict[str, str]:
    headers = {"Impersonate-User": access["impersonate_user"]} if access.get("impersonate_user") else {}
    if access.get("impersonate_groups"):
        # urllib3 sends one header a name: the API server takes the groups of one header as one group.
        if len(access["impersonate_groups"]) > 1:
            raise KubeError("config", "more than one of impersonate_groups", hint="Only one group can be impersonated here.")
        headers["Impersonate-Group"] = access["impersonate_groups"][0]
    return headers


def _short(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    text = str(reason if isinstance(reason, Exception) else error)
    # urllib3 puts the connection object in front: "<urllib3.connection.HTTPSConnection object at 0x…>: Failed to …"
    return text.rpartition(">: ")[2] or text


def _api_error(method: str, url: str, status: int, data: bytes, authorization: str | None) -> KubeError:
    text = data.decode("utf-8", "replace")
    if authorization:  # what stands in front of a server may show the request that it got
        text = text.replace(authorization.partition(" ")[2] or authorization, "***")
    reason, message = "", text[:300]
    try:
        answer = json.loads(text)
        reason, message = str(answer.get("reason") or ""), str(answer.get("message") or message)
    except (ValueError, AttributeError, RecursionError):
        pass
    hints = {
        401: "The credentials are not accepted: the token may have been deleted or belong to another cluster.",
        403: "Grant this account the right that the message names.",
        429: "The API server has too much to do: run again later, with a smaller flyte_concurrency.",
    }
    if 300 <= status < 400:
        hints[status] = "No API server sends one elsewhere: a proxy or a login page stands in front of it."
    known = remedy_of(message) if status in (400, 403, 409, 422) or (status == 500 and "webhook" in message) else None
    hint = known or hints.get(status) or ("The API server has a problem of its own: see its log." if status >= 500 else "See what the API server says.")
    said = ": ".join(part for part in (f"{method} {url}", str(status), reason, message) if part)
    return KubeError("api", said, status=status, reason=reason, hint=hint)


def decode(secret: Mapping[str, t.Any] | None) -> dict[str, bytes]:
    """Return the decoded data of a Secret.

    :raises ValueError: it is not what Kubernetes stores.
    """
    try:
        return {key: base64.b64decode(value, validate=True) for key, value in ((secret or {}).get("data") or {}).items()}
    except (TypeError, AttributeError) as error:
        raise ValueError("no data of a Secret") from error


def encode(value: str) -> str:
    """Return a value as a Secret's data hold it."""
    return base64.b64encode(value.encode()).decode()
