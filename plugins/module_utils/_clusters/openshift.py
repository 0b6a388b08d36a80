# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenShift's login: a token for a user name and a password, as ``oc login`` gets it. The token stays in memory."""

from __future__ import annotations

import functools
import typing as t
import urllib.parse

from .._clusters.client import KubeError

_CLIENT = "openshift-challenging-client"


@functools.lru_cache(maxsize=64)
def login(host: str, username: str, password: str, verify: t.Any, timeout: float = 15.0) -> str:
    """Return a token. A secret.

    :param host: URL of the API server.
    :param verify: whether its certificate is verified, or the path of its CA.
    :raises KubeError: there is no OAuth server, or it does not accept the login.
    """
    import requests

    common: dict[str, t.Any] = {"verify": verify, "timeout": timeout, "allow_redirects": False}
    try:
        found = requests.get(f"{host.rstrip('/')}/.well-known/oauth-authorization-server", **common)
        endpoint = found.json().get("authorization_endpoint") if found.ok else None
        if not endpoint:
            raise KubeError("config", f"{host} has no OAuth server", hint="It is no OpenShift: set flyte_openshift: false, or another way of access.")
        query = urllib.parse.urlencode({"response_type": "token", "client_id": _CLIENT})
        answer = requests.get(f"{endpoint}?{query}", auth=(username, password), headers={"X-CSRF-Token": "1"}, **common)
    except (requests.RequestException, ValueError) as error:
        raise KubeError("unreachable", f"{host}: the OpenShift login failed: {type(error).__name__}", hint="Check flyte_kube_host and its CA.") from error
    fragment = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers.get("Location", "")).fragment)
    token = fragment.get("access_token", [""])[0]
    if not token:
        reason = fragment.get("error", [f"HTTP {answer.status_code}"])[0]
        raise KubeError("config", f"{host}: the OpenShift login of {username} was refused: {reason}", hint="Check flyte_kube_username and flyte_kube_password.")
    return token
