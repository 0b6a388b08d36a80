# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenShift's login: a token for a user name and a password, as ``oc login`` gets it. The token stays in memory."""

from __future__ import annotations

import typing as t
import urllib.parse

from .errors import KubeError

_CLIENT = "openshift-challenging-client"


def login(host: str, username: str, password: str, verify: bool | str, timeout: float = 15.0, *, proxy: str | None = None) -> str:
    """Return a token, a new one each time. A secret.

    :param host: URL of the API server.
    :param verify: whether its certificate is verified, or the path of its CA.
    :raises KubeError: there is no OAuth server, or it does not accept the login.
    """
    try:
        import requests
    except ImportError as error:
        hint = "Install it beside Ansible, or set flyte_kube_api_key."
        raise KubeError("config", "the login to OpenShift needs the Python library requests", hint=hint) from error
    common: dict[str, t.Any] = {"verify": verify, "timeout": timeout, "allow_redirects": False}
    if proxy:
        common["proxies"] = {"http": proxy, "https": proxy}
    try:
        endpoint = _authorization_endpoint(requests.get(f"{host.rstrip('/')}/.well-known/oauth-authorization-server", **common))
        if not endpoint:
            raise KubeError("config", f"{host} has no OAuth server", hint="It is no OpenShift: set flyte_openshift: false, or another way of access.")
        # As bytes: requests would take letters beyond Latin-1 for an error.
        login_of = requests.auth.HTTPBasicAuth(username.encode(), password.encode())
        query = urllib.parse.urlencode({"response_type": "token", "client_id": _CLIENT})
        answer = requests.get(f"{endpoint}?{query}", auth=login_of, headers={"X-CSRF-Token": "1"}, **common)
    except (requests.RequestException, OSError, ValueError) as error:
        raise KubeError("unreachable", f"{host}: the OpenShift login failed: {type(error).__name__}", hint="Check flyte_kube_host and its CA.") from error
    fragment = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers.get("Location", "")).fragment)
    token = fragment.get("access_token", [""])[0]
    if not token:
        reason = fragment.get("error", [f"HTTP {answer.status_code}"])[0]
        raise KubeError("config", f"{host}: the OpenShift login of {username} was refused: {reason}", hint="Check flyte_kube_username and flyte_kube_password.")
    return token


def _authorization_endpoint(answer: t.Any) -> str | None:
    """Return where OpenShift logs in, None where this is none."""
    found = answer.json() if answer.ok else None
    endpoint = found.get("authorization_endpoint") if isinstance(found, dict) else None
    return endpoint if isinstance(endpoint, str) else None
