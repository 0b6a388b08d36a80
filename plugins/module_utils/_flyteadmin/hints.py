# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What errors say to do, where that names an option. Each is registered, so that a report can name the inventory's variable instead.

``{option}`` stands for an option of the doc fragment flyte.multicluster.flyteadmin, or of a module.
"""

from __future__ import annotations

import re
import typing as t

_NAME = re.compile(r"\{(\w+)\}")


class Phrase(t.NamedTuple):
    """What is said about options: to the user of a module, and to the user of the playbooks, who sets variables."""

    of_module: str
    of_inventory: str


#: every phrase that names an option; see :func:`flyte.multicluster._flyteadmin.words.in_inventory_words`
PHRASES: list[Phrase] = []


def named(template: str, names: t.Callable[[str], str]) -> str:
    """Return a template with the names in their places."""
    return _NAME.sub(lambda found: names(found.group(1)), template)


def _phrase(template: str, of_inventory: str | None = None) -> str:
    """Register a phrase; return it as a module says it.

    :param of_inventory: what the user of the playbooks is told, where an option has no variable.
    """
    PHRASES.append(Phrase(template, of_inventory or template))
    return named(template, str)


# -- settings
GIVE_URL = _phrase("Set {url} to flyteadmin's, for example https://flyte.example.com.")
CREDENTIALS_IN_URL = _phrase("{url} must not hold credentials.")
USE_LOGIN = _phrase("Use {client_id} and {client_secret}, or {token}.")
NO_SECRET = _phrase("{client_id} is given without a secret.")
SET_SECRET = _phrase("Set {client_secret}, {client_secret_file}, or FLYTE_CLIENT_SECRET.")
#: how the messages about these files begin; nobody else uses these names
SECRET_FILES = {"token": _phrase("{token_file}"), "client_secret": _phrase("{client_secret_file}")}

# -- authentication
AUTHENTICATION_OFF = _phrase("Leave {client_id} out, or turn it on with server.security.useAuth.")
SET_TOKEN_URL = _phrase("Set {token_url}.")
TOKEN_URL_HTTPS = _phrase("Set {token_url} to an https URL.")
CHECK_TOKEN_URL = _phrase("Check {token_url}; left out, flyteadmin's metadata name it.")
CHECK_CLIENT = _phrase("Check {client_id} and {client_secret}.")
CHECK_SCOPES = _phrase("Check {scopes}; left out, flyteadmin's own are asked for.")

# -- answers
CHECK_URL = _phrase("Check that {url} is flyteadmin's.")
NO_BACKEND = _phrase("The URL leads to a login page, to an ingress without a backend, or to the console: check {url}, and that flyteadmin's pods run.")
FINAL_URL = _phrase("Set {url} to the final address of flyteadmin.")
SET_LOGIN = _phrase("flyteadmin wants a token: set {client_id} and {client_secret}, or {token}.")
TOKEN_EXPIRED = _phrase("The token has expired: set a new one ({token}), or {client_id} and {client_secret}.")
TOO_MANY_REQUESTS = _phrase(
    "flyteadmin or its ingress limits requests: lower {concurrency}, or raise {retry_for}.",
    "flyteadmin or its ingress limits requests: raise its limit, or run again later.",
)

# -- connections
CHECK_FILES = _phrase("Check {ca_cert}, {client_cert} and {client_key}.")
CHECK_PROXY = _phrase("Check {proxy}, HTTPS_PROXY and NO_PROXY.")
SET_CA = _phrase("Set {ca_cert} to flyteadmin's CA, and {client_cert} where it wants one.")
TOO_SLOW = _phrase("Check that flyteadmin and its database, and what stands in front of it, are not overloaded; {timeout} sets the time to wait.")
CHECK_REACHABLE = _phrase("Check {url}, and that flyteadmin runs and can be reached from here.")

# -- executions and the canary
UNKNOWN_PROJECT = _phrase("{projects}: flyteadmin has no")
MISFITS = _phrase("{inputs} that do not fit:")
CANARY_PLACE = _phrase(
    "Create it first (flytectl create project), or name another one in {own}.",
    "Create it first (flytectl create project), or set flyte_canary_project and flyte_canary_domain to another one.",
)
