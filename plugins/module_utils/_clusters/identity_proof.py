# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the pair that each flytepropeller has gets a token, and flyteadmin takes it: with what its Deployment mounts, not with the user's own login."""

from __future__ import annotations

import typing as t

from .._common.names import PROPELLER
from .._common.redaction import SECRETS
from .._flyteadmin.errors import AdminError
from .._flyteadmin.metadata import log_in, wants_tokens
from .._helm.identity import AUTH_MOUNT, AUTH_SECRET, CLIENT_SECRET
from .access import access_of, method_of
from .client import Kube, KubeError
from .control_plane import mounted_sections
from .each import each
from .errors import reading
from .secrets import read_secret

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: so many timeouts of one answer a cluster, and flyteadmin, have for all of them
_PATIENCE = 6


def run(params: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Log in as each flytepropeller; return the module's result."""
    connection = {option: value for option, value in params["flyteadmin"].items() if value is not None}
    tokens = wants_tokens(connection)
    if not tokens:
        return {"changed": False, "authentication": tokens, "proofs": {}}

    def one(cluster: Mapping[str, t.Any]) -> dict[str, t.Any]:
        kube = method_of(access_of(cluster)).connect(params["timeout"])
        return _proof(kube, cluster["namespace"], connection)

    def failed(_cluster: Mapping[str, t.Any], why: Mapping[str, t.Any]) -> dict[str, t.Any]:
        return {"ok": False, "client_id": None, "error": why["message"], "hint": why["hint"]}

    # The cluster's API server is asked, and then flyteadmin, which may be starting.
    limit = _PATIENCE * params["timeout"] + float(connection.get("retry_for") or 0)
    found = each(one, params["clusters"], concurrency=params["concurrency"], seconds=limit, failed=failed)
    proofs = dict(zip([cluster["name"] for cluster in params["clusters"]], found))
    return {"changed": False, "authentication": True, "proofs": proofs}


def _proof(kube: Kube, namespace: str, connection: Mapping[str, t.Any]) -> dict[str, t.Any]:
    client = _client(kube, namespace)
    key = str(client.get("clientSecretLocation") or "").removeprefix(AUTH_MOUNT + "/") or CLIENT_SECRET
    data = read_secret(kube, namespace, AUTH_SECRET)[1]
    with reading(f"the key {key} of the Secret {namespace}/{AUTH_SECRET}", "Run site.yml with the tag dataplane."):
        secret = data.get(key, b"").decode().strip()  # flytepropeller takes the white space off, too
    if not secret:
        hint = "Run site.yml with the tag dataplane; its pods wait for it."
        raise KubeError("api", f"the Secret {namespace}/{AUTH_SECRET} has no key {key}", hint=hint)
    SECRETS.know(secret)
    login = login_of(str(client.get("clientId") or ""), secret, client)
    try:
        log_in(connection, login)
    except AdminError as error:
        return {"ok": False, "client_id": login["client_id"], "error": error.message, "hint": error.hint}
    return {"ok": True, "client_id": login["client_id"], "error": None, "hint": None}


def login_of(client_id: str, secret: str, client: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the options with which flytepropeller logs in. A secret.

    :param client: of the section admin of its configuration.
    """
    return {
        "client_id": client_id,
        "client_secret": secret,
        "token_url": client.get("tokenUrl") or None,
        "scopes": [str(scope) for scope in client.get("scopes") or []] or None,
        "audience": None if client.get("useAudienceFromAdmin") else str(client.get("audience") or ""),
        "authorization_header": client.get("authorizationHeader") or None,
    }


def _client(kube: Kube, namespace: str) -> dict[str, t.Any]:
    """Return the section admin that the Deployment of flytepropeller reads."""
    found = mounted_sections(kube, namespace, PROPELLER, ["admin"])
    if found is None:
        raise KubeError("api", f"{kube.server} has no Deployment {namespace}/flytepropeller", hint="Run site.yml with the tag dataplane.")
    return found.get("admin") or {}
