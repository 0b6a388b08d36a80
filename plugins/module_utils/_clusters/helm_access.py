# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs as Helm gets them. kubernetes.core writes them to a temporary file: those that are made here hold no secret."""

from __future__ import annotations

import base64
import copy
import os
import typing as t
import urllib.parse

from .._common.files import expanded
from .settings import bypassed

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "flyte"


def kubeconfig_for(server: str, options: Mapping[str, t.Any], *, ca_data: str | None = None) -> dict[str, t.Any]:
    """Return a kubeconfig of one cluster, without a token: that is kubernetes.core's ``api_key``.

    :param ca_data: the CA certificate of the API server, PEM, where the options name no file of it.
    """
    cluster: dict[str, t.Any] = {"server": server}
    if options.get("validate_certs") is False:
        cluster["insecure-skip-tls-verify"] = True  # Helm refuses a CA beside it
    elif options.get("ca_cert"):
        cluster["certificate-authority"] = expanded(options["ca_cert"])
    elif ca_data:
        cluster["certificate-authority-data"] = base64.b64encode(ca_data.encode()).decode()
    if options.get("proxy") and not bypassed(server, options.get("no_proxy")):
        cluster["proxy-url"] = options["proxy"]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": _NAME,
        "clusters": [{"name": _NAME, "cluster": cluster}],
        "users": [{"name": _NAME, "user": _user(options)}],
        "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": _NAME}}],
    }


def _user(options: Mapping[str, t.Any]) -> dict[str, t.Any]:
    user: dict[str, t.Any] = {}
    if options.get("client_cert"):
        user["client-certificate"] = expanded(options["client_cert"])
        user["client-key"] = expanded(options.get("client_key") or options["client_cert"])  # one file may hold both
    for option, key in (("impersonate_user", "as"), ("impersonate_groups", "as-groups")):
        if options.get(option):
            user[key] = options[option]
    return user


def has_password(url: str | None) -> bool:
    """Return whether a URL holds credentials."""
    try:
        parts = urllib.parse.urlsplit(url or "")
        return bool(parts.username or parts.password)
    except ValueError:
        return False


def without_token(kubeconfig: Mapping[str, t.Any], context: str | None) -> tuple[dict[str, t.Any], str | None]:
    """Return a kubeconfig without its users' tokens, and the token of the user of the context."""
    found = copy.deepcopy(dict(kubeconfig))
    contexts = {entry.get("name"): entry.get("context") for entry in found.get("contexts") or []}
    wanted = (contexts.get(context or found.get("current-context")) or {}).get("user")
    token = None
    for entry in found.get("users") or []:
        user = entry.get("user")
        taken = user.pop("token", None) if isinstance(user, dict) else None
        token = taken.strip() if isinstance(taken, str) and entry.get("name") == wanted else token
    return found, token


def relative_files(cluster: Mapping[str, t.Any], user: Mapping[str, t.Any]) -> list[str]:
    """Return the files that a kubeconfig's context names relative to the kubeconfig."""
    command = str((user.get("exec") or {}).get("command") or "")
    named = [cluster.get("certificate-authority"), *(user.get(key) for key in ("client-certificate", "client-key", "tokenFile"))]
    named += [command] if os.sep in command else []
    return [str(path) for path in named if path and not os.path.isabs(str(path))]
