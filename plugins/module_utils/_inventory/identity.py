# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the variables of flytepropeller's identity and of private endpoints have to be. No I/O."""

from __future__ import annotations

import re
import typing as t

from .reader import NOT_SHOWN
from .variables import CERTIFICATE_VARIABLES, PROPELLER_VARIABLES

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .reader import Reader

_PREFIX = "flyte_propeller_"
#: what a header of HTTP may be called; gRPC takes no others
_HEADER = re.compile(r"[A-Za-z0-9_.-]+")
#: what OAuth2 takes as one scope (RFC 6749, 3.3)
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
_IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/@-]*")


def propeller_settings(values: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what a host sets of flytepropeller's login, by name without the prefix. None of it is a secret."""
    return {name.removeprefix(_PREFIX): value for name, value in values.items() if name.startswith(_PREFIX) and value is not None}


def check_identity(reader: Reader, host: str, values: Mapping[str, t.Any]) -> None:
    """Check what says who flytepropeller is. What is wrong with a secret is said without it."""
    given = {name: reader.raw(host, name) for name in PROPELLER_VARIABLES}
    for name, value in given.items():
        if value is not None and (not isinstance(value, str) or not value.strip() or value != value.strip()):
            reader.fault(host, name, "***", "has to be text, not empty and without white space around it.")
    if all(value is not None for value in given.values()):
        reader.fault(host, "flyte_propeller_client_secret_file", NOT_SHOWN, "stands beside flyte_propeller_client_secret: give one.")
    client = values["flyte_propeller_client_id"]
    if client is not None and not client.strip():
        reader.fault(host, "flyte_propeller_client_id", client, "must not be empty.")
    elif client is not None and all(value is None for value in given.values()):
        reader.fault(host, "flyte_propeller_client_id", client, "needs its secret: set flyte_propeller_client_secret or flyte_propeller_client_secret_file.")
    _check_login(reader, host, values)
    for name in CERTIFICATE_VARIABLES:
        value = reader.raw(host, name)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            reader.fault(host, name, NOT_SHOWN if isinstance(value, (dict, list)) else value, "has to be the path of a file, or a certificate as PEM.")


def check_admin_login(reader: Reader, host: str) -> None:
    """Check how this collection logs in to flyteadmin. What is given twice would be refused only where it is used, after other changes."""
    scopes, header = reader.raw(host, "flyte_token_scopes"), reader.raw(host, "flyte_authorization_header")
    # One text may name several, as the option of the modules takes it.
    _check_scopes(reader, host, "flyte_token_scopes", [scope.strip() for scope in scopes.split(",")] if isinstance(scopes, str) else scopes)
    _check_header(reader, host, "flyte_authorization_header", header or None)
    for names in (("flyte_admin_token", "flyte_admin_token_file", "flyte_client_id"), ("flyte_client_secret", "flyte_client_secret_file")):
        given = [name for name in names if reader.raw(host, name)]
        for name in given[1:]:
            reader.fault(host, name, NOT_SHOWN, f"stands beside {given[0]}: give one.")


def _check_scopes(reader: Reader, host: str, name: str, scopes: t.Any) -> None:
    for scope in scopes if isinstance(scopes, list) else []:
        if not isinstance(scope, str) or not _SCOPE.fullmatch(scope):
            reader.fault(host, name, scope, "is no scope: text without white space, one entry of the list for each.")


def _check_header(reader: Reader, host: str, name: str, header: t.Any) -> None:
    if isinstance(header, str) and not _HEADER.fullmatch(header):
        reader.fault(host, name, header, "is no name of a header: letters, digits, '-', '_' and '.'.")


def _check_login(reader: Reader, host: str, values: Mapping[str, t.Any]) -> None:
    _check_scopes(reader, host, "flyte_propeller_scopes", values["flyte_propeller_scopes"])
    _check_header(reader, host, "flyte_propeller_authorization_header", values["flyte_propeller_authorization_header"])
    if values["flyte_propeller_audience"] and values["flyte_propeller_audience_from_admin"]:
        reader.fault(
            host, "flyte_propeller_audience", values["flyte_propeller_audience"], "is not used with flyte_propeller_audience_from_admin: give one of them."
        )


def check_probe_image(reader: Reader, host: str, image: str) -> None:
    """Check the image of the Job that probes."""
    if not _IMAGE.fullmatch(image):
        reader.fault(host, "flyte_probe_image", image, "is no image, for example docker.io/curlimages/curl:8.12.1.")
