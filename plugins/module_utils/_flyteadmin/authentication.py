# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OAuth2 client credentials: a token from where flyteadmin's own metadata say, kept in memory and renewed before it ends."""

from __future__ import annotations

import math
import threading
import time
import typing as t
import urllib.parse

from .._common.redaction import SECRETS
from .answers import Answer, Json, decoded, page_title, text, texts
from .errors import AdminError
from .hints import AUTHENTICATION_OFF, CHECK_CLIENT, CHECK_SCOPES, CHECK_TOKEN_URL, SET_TOKEN_URL, TOKEN_URL_HTTPS

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .settings import Settings

#: a token is renewed this many seconds before it ends, a short one after half of its life
RENEW_BEFORE = 30.0
#: how long a token is taken to last whose answer does not say it
_LIFETIME = 3600.0


class Login:
    """Holds the token in memory; renews it before it ends."""

    def __init__(self, settings: Settings, send: Callable[..., Answer]) -> None:
        self._settings = settings
        self._send = send
        self._lock = threading.Lock()
        self._token = settings.token
        self._renew_at = float("inf")
        self._header = (settings.authorization_header or "authorization").lower()
        self._discovered: Json | None = None

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

    def _discover(self) -> Json:
        """Ask flyteadmin's metadata endpoints for what is not given: where to get a token and how to send it."""
        if self._discovered is None:
            settings = self._settings
            external = settings.token_url is not None
            found: Json = {}
            if not external:
                server = self._metadata("/.well-known/oauth-authorization-server")
                found.update(token_url=text(server, "token_endpoint"), methods=texts(server, "token_endpoint_auth_methods_supported"))
            if None in (settings.scopes, settings.audience, settings.authorization_header):
                try:
                    client = self._metadata("/config/v1/flyte_client")
                    found.update(scopes=texts(client, "scopes"), audience=text(client, "audience"), header=text(client, "authorization_metadata_key"))
                except AdminError:
                    # With an external token endpoint that is given, flyteadmin may keep its metadata to itself.
                    if not external:
                        raise
            self._discovered = found
        return self._discovered

    def _metadata(self, path: str) -> Json:
        url = self._settings.url + path
        answer = self._send("GET", url)
        if answer.status_code == 501:
            raise AdminError(f"GET {url}: flyteadmin has authentication turned off.", status=501, hint=AUTHENTICATION_OFF)
        return decoded(answer, "GET", url)

    def _renew(self) -> None:
        settings, found = self._settings, self._discover()
        url = settings.token_url or found.get("token_url")
        if not url:
            raise AdminError(f"{settings.url} names no token endpoint.", hint=SET_TOKEN_URL)
        if settings.url.startswith("https:") and not url.startswith("https:"):
            raise AdminError(f"the token endpoint {url} is not https: the secret is not sent there.", hint=TOKEN_URL_HTTPS)
        self._header = (settings.authorization_header or found.get("header") or "authorization").lower()
        form, arguments = self._request(url, found)
        answer = self._send("POST", url, data=form, **arguments)
        if answer.status_code >= 300:
            raise _token_error(url, answer)
        try:
            content = decoded(answer, "POST", url)
            token = text(content, "access_token")
        except AdminError:  # its message would show what stands in the token's place
            content, token = {}, ""
        if not token:
            raise AdminError(f"POST {url}: the answer has no access_token.", hint=CHECK_TOKEN_URL)
        SECRETS.know(token)
        self._token = token
        lifetime = _lifetime(content.get("expires_in"))
        self._renew_at = time.monotonic() + max(lifetime - RENEW_BEFORE, lifetime / 2)

    def _request(self, url: str, found: Json) -> tuple[dict[str, str], Json]:
        """Return the form that asks for a token, and what else the request needs."""
        settings = self._settings
        scopes = settings.scopes if settings.scopes is not None else found.get("scopes")
        audience = settings.audience if settings.audience is not None else found.get("audience")
        form = {"grant_type": "client_credentials"}
        if scopes:
            form["scope"] = " ".join(scopes)
        if audience:
            form["audience"] = audience
        arguments: Json = {}
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
        return form, arguments


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc.lower()


def _lifetime(value: t.Any) -> float:
    """Return for how many seconds a token holds: a number, or text as some servers write it."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return _LIFETIME
    return seconds if seconds > 0 and math.isfinite(seconds) else _LIFETIME


def _token_error(url: str, answer: Answer) -> AdminError:
    try:
        content = answer.json()
        reason = f"{content.get('error')}: {content.get('error_description', '')}".rstrip(": ")
    except (ValueError, AttributeError, RecursionError):
        reason = page_title(answer.text) or answer.text[:200]
    hint = {"invalid_client": CHECK_CLIENT, "invalid_scope": CHECK_SCOPES}.get(reason.partition(":")[0], CHECK_TOKEN_URL)
    return AdminError(f"POST {url}: no token: {answer.status_code} {reason}", status=answer.status_code, hint=hint)
