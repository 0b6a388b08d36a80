# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether flyteadmin wants tokens, by its own metadata; and whether a pair of a client and its secret gets one that it takes."""

from __future__ import annotations

import typing as t

from .client import Admin
from .errors import AdminError
from .settings import Settings

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_METADATA, _CLIENT = "/.well-known/oauth-authorization-server", "/config/v1/flyte_client"


def wants_tokens(connection: Mapping[str, t.Any]) -> bool | None:
    """Return whether flyteadmin wants tokens: it answers 501 there where it does not. None where it does not answer, or something else does.

    :param connection: options that say how it is reached (settings.ADMIN_CONNECTION).
    """
    try:
        answer = Admin(Settings.from_params(dict(connection), {}), concurrency=1).call("GET", _METADATA)
    except AdminError as error:
        return False if error.status == 501 else None
    return True if answer.get("token_endpoint") else None


def said_of_login(connection: Mapping[str, t.Any]) -> list[str]:
    """Return what flyteadmin itself says of who may log in and how, as words; nothing where it does not say. No secret is in it.

    :param connection: options that say how it is reached (settings.ADMIN_CONNECTION).
    """
    admin = Admin(Settings.from_params(dict(connection), {}), concurrency=1)
    try:
        server, client = admin.call("GET", _METADATA), admin.call("GET", _CLIENT)
    except AdminError:
        return []
    said = {
        "issuer": server.get("issuer"),
        "token endpoint": server.get("token_endpoint"),
        "its public client": client.get("client_id"),
        "scopes": ", ".join(map(str, client.get("scopes") or [])),
        "audience": client.get("audience"),
        "header": client.get("authorization_metadata_key"),
    }
    return [f"{name} {value}" for name, value in said.items() if value]


def log_in(connection: Mapping[str, t.Any], login: Mapping[str, t.Any]) -> None:
    """Get a token as a client and call flyteadmin with it.

    :param login: options that say who asks: client_id, client_secret and more.
    :raises AdminError: no token, or flyteadmin does not take it.
    """
    Admin(Settings.from_params({**connection, **login}, {}), concurrency=1).call("GET", "/api/v1/projects?limit=1")
