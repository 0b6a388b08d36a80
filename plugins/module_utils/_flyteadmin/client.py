# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flyteadmin's HTTP API, with its authentication. Facts of the API: recorded from flyteadmin v1.16.8."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import email.utils
import html
import os
import re
import threading
import time
import typing as t
import urllib.parse

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESOURCE_TYPE = "EXECUTION_CLUSTER_LABEL"
#: a token is renewed this many seconds before it ends, a short one after half of its life
RENEW_BEFORE = 30.0
#: at most this many seconds are waited on the word of one Retry-After
LONGEST_PAUSE = 30.0

ADMIN_OPTIONS: dict[str, dict[str, t.Any]] = {
    "url": {"type": "str", "required": True},
    "token": {"type": "str", "no_log": True},
    "token_file": {"type": "path", "no_log": False},
    "client_id": {"type": "str"},
    "client_secret": {"type": "str", "no_log": True},
    "client_secret_file": {"type": "path", "no_log": False},
    "token_url": {"type": "str", "no_log": False},
    "token_ca_cert": {"type": "path", "no_log": False},
    "scopes": {"type": "list", "elements": "str"},
    "audience": {"type": "str"},
    "authorization_header": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "proxy": {"type": "str"},
    "timeout": {"type": "float", "default": 15.0},
    "retry_for": {"type": "float", "default": 30.0},
}
ADMIN_REQUIRED_TOGETHER = [("client_cert", "client_key")]
ADMIN_MUTUALLY_EXCLUSIVE = [("token", "token_file", "client_id"), ("client_secret", "client_secret_file")]
#: environment variables of the secrets, where neither the option nor its file is given
TOKEN_VARIABLE, SECRET_VARIABLE = "FLYTE_ADMIN_TOKEN", "FLYTE_CLIENT_SECRET"


class AdminError(Exception):
    """A request failed: what was tried, flyteadmin's own code and message, and what to do."""

    def __init__(
        self, message: str, *, status: int = 0, code: int | None = None, hint: str = "", result: Mapping[str, t.Any] | None = None
    ) -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.status = status
        self.code = code
        self.hint = hint
        #: what the module returns besides the message
        self.result = dict(result or {})


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to reach flyteadmin and who to be there. ``client_secret`` and ``token`` are secrets."""

    url: str
    token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    token_url: str | None = None
    token_ca_cert: str | None = None
    scopes: tuple[str, ...] | None = None
    audience: str | None = None
    authorization_header: str | None = None
    validate_certs: bool = True
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = None
    timeout: float = 15.0
    retry_for: float = 30.0

    @classmethod
    def from_params(cls, params: Mapping[str, t.Any], environ: Mapping[str, str] | None = None) -> Settings:
        """Return the settings from a module's options.

        :raises AdminError: an option is missing or wrong, or its file cannot be read.
        """
        environ = os.environ if environ is None else environ
        url = params["url"].rstrip("/")
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AdminError(f"url {params['url']!r} is no http or https URL.", hint="Give flyteadmin's, for example https://flyte.example.com.")
        if parts.username or parts.password:
            raise AdminError("url must not hold credentials.", hint="Use client_id and client_secret, or token.")
        secret = token = None
        if params.get("client_id"):
            secret = _secret(params, "client_secret", SECRET_VARIABLE, environ)
            if not secret:
                raise AdminError("client_id is given without a secret.", hint=f"Set client_secret, client_secret_file, or {SECRET_VARIABLE}.")
        else:
            token = _secret(params, "token", TOKEN_VARIABLE, environ)
        given = {"url": url, "client_secret": secret, "token": token}
        known = {field.name for field in dataclasses.fields(cls)} - {*given, "scopes"}
        scopes = params.get("scopes")
        return cls(
            **given,
            scopes=None if scopes is None else tuple(scopes),
            **{name: params[name] for name in known if params.get(name) is not None},
        )

    @property
    def secrets(self) -> list[str]:
        """What must never be shown."""
        return [value for value in (self.token, self.client_secret) if value]


def _secret(params: Mapping[str, t.Any], option: str, variable: str, environ: Mapping[str, str]) -> str | None:
    """Return a secret from its option, else its file, else the environment."""
    if params.get(option):
        return t.cast(str, params[option])
    path = params.get(f"{option}_file")
    if not path:
        return environ.get(variable) or None
    try:
        with open(path, encoding="utf-8") as file:
            content = file.read().strip()
    except (OSError, ValueError) as error:
        raise AdminError(f"{option}_file {path}: {getattr(error, 'strerror', None) or 'no text'}.") from error
    if not content:
        raise AdminError(f"{option}_file {path} is empty.")
    return content


class _Login:
    """Holds the token in memory; renews it before it ends."""

    def __init__(self, settings: Settings, send: Callable[..., t.Any]) -> None:
        self._settings = settings
        self._send = send
        self._lock = threading.Lock()
        self._token = settings.token
        self._renew_at = float("inf")
        self._header = (settings.authorization_header or "authorization").lower()
        self._discovered: dict[str, t.Any] | None = None

    def header(self) -> dict[str, str]:
        """Return the header with the token, none where there is no authentication."""
        with self._lock:
            if self._settings.client_id and (self._token is None or time.monotonic() >= self._renew_at):
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
        """Ask flyteadmin's metadata endpoints for what is not given: where to get a token and how to send it."""
        if self._discovered is None:
            settings = self._settings
            external = settings.token_url is not None
            found: dict[str, t.Any] = {}
            if not external:
                server = self._metadata("/.well-known/oauth-authorization-server")
                found.update(token_url=server.get("token_endpoint"), methods=server.get("token_endpoint_auth_methods_supported") or [])
            if None in (settings.scopes, settings.audience, settings.authorization_header):
                try:
                    found.update(self._metadata("/config/v1/flyte_client"))
                except AdminError:
                    # With an external token endpoint that is given, flyteadmin may keep its metadata to itself.
                    if not external:
                        raise
            self._discovered = found
        return self._discovered

    def _metadata(self, path: str) -> dict[str, t.Any]:
        url = self._settings.url + path
        answer = self._send("GET", url, repeat=True)
        if answer.status_code == 501:
            raise AdminError(
                f"GET {url}: flyteadmin has authentication turned off.",
                status=501,
                hint="Leave client_id out, or turn it on with server.security.useAuth.",
            )
        content = _decoded(answer, "GET", url)
        if not isinstance(content, dict):
            raise AdminError(f"GET {url}: no JSON object.", hint="Check that url is flyteadmin's.")
        return content

    def _renew(self) -> None:
        settings = self._settings
        found = self._discover()
        url = settings.token_url or found.get("token_url")
        if not url:
            raise AdminError(f"{settings.url} names no token endpoint.", hint="Set token_url.")
        if settings.url.startswith("https:") and not url.startswith("https:"):
            raise AdminError(f"the token endpoint {url} is not https: the secret is not sent there.", hint="Set token_url to an https URL.")
        self._header = (settings.authorization_header or found.get("authorization_metadata_key") or "authorization").lower()
        scopes = settings.scopes if settings.scopes is not None else found.get("scopes") or []
        audience = settings.audience if settings.audience is not None else found.get("audience")
        form = {"grant_type": "client_credentials"}
        if scopes:
            form["scope"] = " ".join(scopes)
        if audience:
            form["audience"] = audience
        arguments: dict[str, t.Any] = {}
        methods = found.get("methods") or []
        if "client_secret_basic" not in methods and "client_secret_post" in methods:
            form.update(client_id=settings.client_id or "", client_secret=settings.client_secret or "")
        else:
            # RFC 6749, 2.3.1: name and secret are form-encoded before they go into the Basic header.
            arguments["auth"] = (urllib.parse.quote_plus(settings.client_id or ""), urllib.parse.quote_plus(settings.client_secret or ""))
        if _host(url) != _host(settings.url):
            # flyteadmin's CA and client certificate are not those of another host.
            arguments.update(verify=settings.token_ca_cert or settings.validate_certs, cert=())
        elif settings.token_ca_cert:
            arguments["verify"] = settings.token_ca_cert
        answer = self._send("POST", url, data=form, repeat=True, **arguments)
        if answer.status_code >= 300:
            raise _token_error(url, answer)
        content = _decoded(answer, "POST", url)
        if not isinstance(content, dict) or not content.get("access_token"):
            raise AdminError(f"POST {url}: the answer has no access_token.", hint="Check token_url.")
        self._token = str(content["access_token"])
        lifetime = float(content.get("expires_in") or 3600)
        self._renew_at = time.monotonic() + max(lifetime - RENEW_BEFORE, lifetime / 2)


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc.lower()


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
    elif status == 403:
        hint = "This account may not do that: give it the right in flyteadmin's authorization."
    elif status == 429:
        hint = "flyteadmin or its ingress limits requests: lower concurrency, or raise retry_for."
    elif status in (502, 503, 504):
        hint = "Check that flyteadmin's pods run."
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
        self._login = _Login(settings, self._send)

    def _send(self, method: str, url: str, *, repeat: bool, **arguments: t.Any) -> t.Any:
        """Send; repeat after a lost connection, 429 or 503 where that is safe, up to ``retry_for`` seconds."""
        ended, pause = time.monotonic() + self._settings.retry_for, 0.2
        given = {**self._common, **arguments}
        while True:
            answer, problem = None, None
            try:
                answer = self._session.request(method, url, **given)
            except self._requests.RequestException as error:
                problem = error
            except (OSError, ValueError) as error:  # a CA or certificate file that is not there
                raise AdminError(f"{method} {url}: {error}.", hint="Check ca_cert, client_cert and client_key.") from error
            # A 503 of the ingress and a 429 say that nothing was done: safe for every method.
            status = answer.status_code if answer is not None else 0
            again = status in (429, 503) or (repeat and (problem is not None or status in (502, 504)))
            wait = _retry_after(answer, pause)
            if not again or time.monotonic() + wait > ended:
                break
            time.sleep(wait)
            pause = min(pause * 2, 5.0)
        if problem is not None:
            raise AdminError(f"{method} {url}: {_reason(problem)}.", hint=_connection_hint(problem)) from problem
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

    def project_domains(self) -> list[tuple[str, str]]:
        """Return all domains of all active projects, in one request."""
        answer = self.call("GET", "/api/v1/projects?limit=10000")
        return [(project["id"], domain["id"]) for project in answer.get("projects") or [] for domain in project.get("domains") or []]

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
    """Return how long to wait: the server's word (seconds or a date), else the pause."""
    text = answer.headers.get("Retry-After", "").strip() if answer is not None else ""
    if text.isdigit():
        return min(float(text), LONGEST_PAUSE)
    moment = email.utils.parsedate_tz(text) if text else None
    if moment is not None:
        return min(max(email.utils.mktime_tz(moment) - time.time(), pause), LONGEST_PAUSE)
    return pause


def _reason(error: Exception) -> str:
    text = str(error)
    found = re.search(r"(Name or service not known|Connection refused|timed out|certificate verify failed[^)\"']*)", text)
    return found.group(1) if found else re.sub(r"//[^/@\s]*@", "//***@", text)[:300]


def _connection_hint(error: Exception) -> str:
    text = str(error)
    if "ProxyError" in text or "Cannot connect to proxy" in text:
        return "Check proxy, HTTPS_PROXY and NO_PROXY."
    if "certificate" in text.lower() or "SSL" in text:
        return "Set ca_cert to flyteadmin's CA, and client_cert where it wants one."
    return "Check url, and that flyteadmin runs and can be reached from here."
