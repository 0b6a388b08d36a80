# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flyteadmin's HTTP API, with its authentication. Facts of the API: recorded from flyteadmin v1.16.8."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import html
import re
import threading
import time
import typing as t
import urllib.parse

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESOURCE_TYPE = "EXECUTION_CLUSTER_LABEL"
#: a token is renewed this many seconds before it ends
RENEW_BEFORE = 30.0
#: at most this many seconds are waited on the word of one Retry-After
LONGEST_PAUSE = 30.0

ADMIN_OPTIONS: dict[str, dict[str, t.Any]] = {
    "url": {"type": "str", "required": True},
    "token": {"type": "str", "no_log": True},
    "client_id": {"type": "str"},
    "client_secret": {"type": "str", "no_log": True},
    "client_secret_file": {"type": "path", "no_log": False},
    "token_url": {"type": "str", "no_log": False},
    "scopes": {"type": "list", "elements": "str"},
    "audience": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "proxy": {"type": "str"},
    "timeout": {"type": "float", "default": 15.0},
    "retry_for": {"type": "float", "default": 30.0},
}
ADMIN_REQUIRED_TOGETHER = [("client_cert", "client_key")]
ADMIN_MUTUALLY_EXCLUSIVE = [("token", "client_id"), ("client_secret", "client_secret_file")]


class AdminError(Exception):
    """A request failed: what was tried, flyteadmin's own code and message, and what to do."""

    def __init__(self, message: str, *, status: int = 0, code: int | None = None, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.status = status
        self.code = code
        self.hint = hint


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to reach flyteadmin and who to be there. ``client_secret`` and ``token`` are secrets."""

    url: str
    token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    token_url: str | None = None
    scopes: tuple[str, ...] | None = None
    audience: str | None = None
    validate_certs: bool = True
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = None
    timeout: float = 15.0
    retry_for: float = 30.0

    @classmethod
    def from_params(cls, params: Mapping[str, t.Any]) -> Settings:
        """Return the settings from a module's options.

        :raises AdminError: an option is missing or its file cannot be read.
        """
        secret = params.get("client_secret")
        if params.get("client_secret_file"):
            try:
                with open(params["client_secret_file"], encoding="utf-8") as file:
                    secret = file.read().strip()
            except OSError as error:
                raise AdminError(f"client_secret_file {params['client_secret_file']}: {error.strerror}.") from error
        if params.get("client_id") and not secret:
            raise AdminError("client_id is given without a secret.", hint="Set client_secret or client_secret_file.")
        known = {field.name for field in dataclasses.fields(cls)} - {"client_secret", "scopes", "url"}
        scopes = params.get("scopes")
        return cls(
            url=params["url"].rstrip("/"),
            client_secret=secret,
            scopes=None if scopes is None else tuple(scopes),
            **{name: params[name] for name in known if params.get(name) is not None},
        )


class _Login:
    """Holds the token in memory; renews it before it ends."""

    def __init__(self, settings: Settings, send: Callable[..., t.Any]) -> None:
        self._settings = settings
        self._send = send
        self._lock = threading.Lock()
        self._token = settings.token
        self._ends = float("inf")
        self._header = "authorization"
        self._discovered: dict[str, t.Any] | None = None

    def header(self) -> dict[str, str]:
        """Return the header with the token, none where there is no authentication."""
        if self._settings.client_id:
            with self._lock:
                if self._token is None or time.monotonic() > self._ends - RENEW_BEFORE:
                    self._renew()
        return {self._header: f"Bearer {self._token}"} if self._token else {}

    def rejected(self, used: Mapping[str, str]) -> bool:
        """Forget a token that got a 401; return whether another try makes sense."""
        if not self._settings.client_id:
            return False
        with self._lock:
            if used.get(self._header) == f"Bearer {self._token}":
                self._token = None
        return True

    def _discover(self) -> dict[str, t.Any]:
        """Ask flyteadmin's metadata endpoints where to get a token and how to send it."""
        if self._discovered is None:
            server = self._metadata("/.well-known/oauth-authorization-server")
            client = self._metadata("/config/v1/flyte_client")
            self._discovered = {"token_url": server.get("token_endpoint"), **client}
        return self._discovered

    def _metadata(self, path: str) -> dict[str, t.Any]:
        answer = self._send("GET", self._settings.url + path, repeat=True)
        if answer.status_code == 501:
            raise AdminError(
                f"GET {self._settings.url}{path}: flyteadmin has authentication turned off.",
                status=501,
                hint="Leave client_id out, or turn it on with server.security.useAuth.",
            )
        return t.cast("dict[str, t.Any]", _decoded(answer, "GET", self._settings.url + path))

    def _renew(self) -> None:
        settings = self._settings
        found = self._discover()
        url = settings.token_url or found.get("token_url")
        if not url:
            raise AdminError(f"{settings.url} names no token endpoint.", hint="Set token_url.")
        self._header = (found.get("authorization_metadata_key") or "authorization").lower()
        scopes = settings.scopes if settings.scopes is not None else found.get("scopes") or []
        audience = settings.audience or found.get("audience")
        form = {"grant_type": "client_credentials"}
        if scopes:
            form["scope"] = " ".join(scopes)
        if audience:
            form["audience"] = audience
        # RFC 6749, 2.3.1: name and secret are form-encoded before they go into the Basic header.
        basic = (urllib.parse.quote_plus(settings.client_id or ""), urllib.parse.quote_plus(settings.client_secret or ""))
        answer = self._send("POST", url, data=form, auth=basic, repeat=True)
        if answer.status_code >= 300:
            raise _token_error(url, answer)
        content = answer.json()
        self._token = content["access_token"]
        self._ends = time.monotonic() + float(content.get("expires_in") or 3600)


def _token_error(url: str, answer: t.Any) -> AdminError:
    try:
        content = answer.json()
        reason = f"{content.get('error')}: {content.get('error_description', '')}".rstrip(": ")
    except (ValueError, AttributeError):
        reason = _page_title(answer.text) or answer.text[:200]
    hint = {
        "invalid_client": "Check client_id and client_secret.",
        "invalid_scope": "Check scopes; left out, flyteadmin's own are asked for.",
    }.get(reason.partition(":")[0], "")
    return AdminError(f"POST {url}: no token: {answer.status_code} {reason}", status=answer.status_code, hint=hint)


def _page_title(text: str) -> str:
    found = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    return html.unescape(found.group(1)).strip() if found else ""


def _decoded(answer: t.Any, method: str, url: str) -> t.Any:
    """Return the content of an answer; an error where it is one, or is not flyteadmin's."""
    kind = answer.headers.get("Content-Type", "")
    if "html" in kind or answer.text.lstrip()[:1] == "<":
        title = _page_title(answer.text)
        raise AdminError(
            f"{method} {url}: {answer.status_code}, an HTML page{f' ({title})' if title else ''} instead of flyteadmin's JSON.",
            status=answer.status_code,
            hint="The URL leads to a login page, to an ingress without a backend, or to the console: check url, and that flyteadmin's pods run.",
        )
    try:
        content = answer.json() if answer.content else {}
    except ValueError:
        raise AdminError(
            f"{method} {url}: {answer.status_code}, no JSON: {answer.text[:200]!r}.", status=answer.status_code, hint="Check that url is flyteadmin's."
        ) from None
    if answer.status_code >= 300:
        raise _answer_error(method, url, answer.status_code, content if isinstance(content, dict) else {})
    return content


def _answer_error(method: str, url: str, status: int, content: Mapping[str, t.Any]) -> AdminError:
    code, message = content.get("code"), content.get("message") or content.get("error") or ""
    hint = ""
    if status == 401:
        hint = "flyteadmin wants a token: set client_id and client_secret, or token."
        if "expired" in message:
            hint = "The token has expired: set a new one, or client_id and client_secret."
    elif "is unrecognized by system" in message:
        hint = "Correct the domain, or add it to flyteadmin's configmap.domain.domains."
    elif "project [" in message and "not found" in message:
        hint = "Create the project first (flytectl create project), or correct its name."
    return AdminError(f"{method} {url}: {status}, code {code}: {message}", status=status, code=code, hint=hint)


class Admin:
    """Requests to one flyteadmin."""

    def __init__(self, settings: Settings, *, concurrency: int = 8) -> None:
        import requests
        from requests.adapters import HTTPAdapter

        self._requests = requests
        self._settings = settings
        self._concurrency = concurrency
        self._session = requests.Session()
        self._session.mount("https://", HTTPAdapter(pool_maxsize=concurrency))
        self._session.mount("http://", HTTPAdapter(pool_maxsize=concurrency))
        # Both are needed for snake_case with unset fields; grpc-gateway answers camelCase otherwise.
        self._session.headers.update({"Accept": "application/json", "User-Agent": "flyte.multicluster"})
        # Given with each request: REQUESTS_CA_BUNDLE of the environment would win over the session's.
        self._verify = (settings.ca_cert or True) if settings.validate_certs else False
        if settings.client_cert:
            self._session.cert = (settings.client_cert, settings.client_key or settings.client_cert)
        if settings.proxy:
            self._session.proxies = {"http": settings.proxy, "https": settings.proxy}
        # No credentials out of a .netrc: requests would put them in the place of ours.
        self._session.auth = _no_netrc
        self._login = _Login(settings, self._send)

    def _send(self, method: str, url: str, *, repeat: bool, **arguments: t.Any) -> t.Any:
        """Send; repeat after a lost connection, 429 or 503 where that is safe, up to ``retry_for`` seconds."""
        ended, pause = time.monotonic() + self._settings.retry_for, 0.2
        arguments.setdefault("auth", _no_netrc)
        while True:
            answer, problem = None, None
            try:
                answer = self._session.request(method, url, timeout=self._settings.timeout, verify=self._verify, allow_redirects=False, **arguments)
            except self._requests.RequestException as error:
                problem = error
            # A 503 of the ingress and a 429 say that nothing was done: safe for every method.
            refused = answer is not None and answer.status_code in (429, 503)
            if not (refused or (problem is not None and repeat)) or time.monotonic() + pause > ended:
                break
            time.sleep(_retry_after(answer, pause))
            pause = min(pause * 2, 5.0)
        if problem is not None:
            raise AdminError(f"{method} {url}: {_reason(problem)}.", hint="Check url, that flyteadmin runs, and its certificate.") from problem
        return answer

    def call(self, method: str, path: str, body: t.Any = None, *, repeat: bool = True) -> t.Any:
        """Send a request with the token, renewed once where it is not accepted.

        :param repeat: whether sending it twice does the same as once.
        :raises AdminError: whatever went wrong.
        """
        url = self._settings.url + path
        for attempt in (1, 2):
            login = self._login.header()
            headers = {**login, "Content-Type": "application/json"}
            answer = self._send(method, url, repeat=repeat, headers=headers, json=body)
            if answer.status_code == 401 and attempt == 1 and self._login.rejected(login):
                continue
            if 300 <= answer.status_code < 400:
                where = answer.headers.get("Location", "")
                raise AdminError(f"{method} {url}: redirected to {where}.", status=answer.status_code, hint="Set url to the final address of flyteadmin.")
            return _decoded(answer, method, url)
        raise AssertionError("unreachable")

    def many(self, work: Callable[[t.Any], t.Any], items: Sequence[t.Any]) -> list[tuple[t.Any, t.Any, AdminError | None]]:
        """Do ``work`` for all items side by side; return item, result and error of each."""

        def one(item: t.Any) -> tuple[t.Any, t.Any, AdminError | None]:
            try:
                return item, work(item), None
            except AdminError as error:
                return item, None, error

        if not items:
            return []
        with concurrent.futures.ThreadPoolExecutor(max_workers=min(self._concurrency, len(items))) as pool:
            return list(pool.map(one, items))

    # -- execution cluster labels

    def label_rows(self) -> list[dict[str, t.Any]]:
        """Return the raw rows of all levels, in one request."""
        answer = self.call("GET", f"/api/v1/matchable_attributes?resource_type={RESOURCE_TYPE}")
        return t.cast("list[dict[str, t.Any]]", answer.get("configurations") or [])

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


def _label_path(key: tuple[str, str, str]) -> tuple[str, dict[str, str]]:
    project, domain, workflow = key
    parts = [urllib.parse.quote(part, safe="") for part in key if part]
    identity = {name: value for name, value in (("project", project), ("domain", domain), ("workflow", workflow)) if value}
    level = {1: "project_attributes", 2: "project_domain_attributes", 3: "workflow_attributes"}[len(parts)]
    return f"/api/v1/{level}/{'/'.join(parts)}", identity


def _no_netrc(request: t.Any) -> t.Any:
    return request


def _retry_after(answer: t.Any, pause: float) -> float:
    text = answer.headers.get("Retry-After", "") if answer is not None else ""
    return min(float(text), LONGEST_PAUSE) if text.isdigit() else pause


def _reason(error: Exception) -> str:
    text = str(error)
    found = re.search(r"(Name or service not known|Connection refused|timed out|certificate verify failed[^)\"']*)", text)
    return found.group(1) if found else text[:300]
