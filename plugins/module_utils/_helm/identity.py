# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who flytepropeller is to flyteadmin: what the values say of it, and what a release has to be given. No I/O, only fingerprints.

The chart mounts the Secret flyte-secret-auth into flytepropeller and the native scheduler. Here it is an object of its own, so that no release holds a
secret: the release gets ``clientSecret: null``, with which the chart only mounts it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

from .values import Values, lookup

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: its name is written out in two of the chart's templates
AUTH_SECRET = "flyte-secret-auth"
AUTH_MOUNT = "/etc/secrets"
CLIENT_SECRET, ADMIN_CA, TOKEN_CA = "client_secret", "flyteadmin_ca.crt", "token_ca.crt"
#: the keys of the Secret that are ours; others stay
AUTH_KEYS = (CLIENT_SECRET, ADMIN_CA, TOKEN_CA)
#: what the chart has as the secret where nobody set one
CHART_SECRET = "foobar"
#: flytepropeller reads its secret once, at its start: a change of this restarts it
IDENTITY_ANNOTATION = "flyte.multicluster/identity-checksum"
#: Go reads its system's file of CAs and every file of these folders: caCertFilePath counts for gRPC only, not for the token endpoint
_CA_FOLDERS = f"/etc/ssl/certs:/etc/pki/tls/certs:{AUTH_MOUNT}"
_CREDENTIALS = "secrets.adminOauthClientCredentials"
_CLIENT = "configmap.admin.admin"
#: the sections of values that say something of it
SECTIONS = ("secrets", "configmap", "flytepropeller", "workflow_scheduler")
#: of flytepropeller's settings, by variable without its prefix: key of configmap.admin.admin
LOGIN_KEYS = {
    "scopes": "scopes",
    "audience": "audience",
    "audience_from_admin": "useAudienceFromAdmin",
    "token_url": "tokenUrl",
    "authorization_header": "authorizationHeader",
}


@dataclasses.dataclass(frozen=True)
class Identity:
    """What a cluster's flytepropeller has to be. No secret is in it."""

    client_id: str
    #: where the secret is from, in words
    source: str
    #: whether the secret is that of the control plane's own Secret, read from its API server
    copied: bool
    #: fingerprints of what the Secret has to have, by its keys
    keys: dict[str, str]
    #: of configmap.admin.admin
    login: dict[str, t.Any]

    @property
    def checksum(self) -> str:
        """What changes with any of the Secret's keys."""
        return hashlib.sha256("\n".join(f"{key} {value}" for key, value in sorted(self.keys.items())).encode()).hexdigest()

    @classmethod
    def from_dict(cls, data: Mapping[str, t.Any]) -> Identity:
        """Return it from :func:`dataclasses.asdict`'s data."""
        return cls(**{field.name: data[field.name] for field in dataclasses.fields(cls)})


@dataclasses.dataclass(frozen=True)
class Credentials:
    """What values say of flytepropeller's client. ``secret`` is one."""

    #: whether the chart mounts the Secret
    enabled: bool
    client_id: str
    #: None where the values have none, or a template of one: then it is up to the user to make the Secret
    secret: str | None = dataclasses.field(repr=False)
    #: keys of configmap.admin.admin that say how to log in
    login: dict[str, t.Any]
    #: whether flyteadmin wants tokens
    wants_tokens: bool
    #: whether flytepropeller or the native scheduler runs
    used: bool


def login_of(propeller: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the keys of configmap.admin.admin that a host's settings of flytepropeller are."""
    return {LOGIN_KEYS[name]: value for name, value in propeller.items() if name in LOGIN_KEYS}


def login_override(propeller: Mapping[str, t.Any]) -> Values:
    """Return our values of a release whose flytepropeller has a Secret that is not ours: how it logs in with it."""
    login = login_of(propeller)
    return {"configmap": {"admin": {"admin": login}}} if login else {}


def credentials_of(values: Mapping[str, t.Any]) -> Credentials:
    """Return what merged values, the chart's defaults among them, say; those of :data:`SECTIONS` are enough."""
    secret = lookup(values, f"{_CREDENTIALS}.clientSecret")
    client = lookup(values, f"{_CLIENT}.clientId")
    given = client if isinstance(client, str) and client and "{{" not in client else lookup(values, f"{_CREDENTIALS}.clientId", "")
    scheduler = lookup(values, "workflow_scheduler.enabled", False) and lookup(values, "workflow_scheduler.type") == "native"
    return Credentials(
        enabled=bool(lookup(values, f"{_CREDENTIALS}.enabled", False)),
        client_id=str(given),
        secret=str(secret) if secret not in (None, "") and "{{" not in str(secret) else None,
        login={key: value for key in LOGIN_KEYS.values() if (value := lookup(values, f"{_CLIENT}.{key}")) is not None},
        wants_tokens=lookup(values, "configmap.adminServer.server.security.useAuth", False) is True,
        used=bool(scheduler or lookup(values, "flytepropeller.enabled", False)),
    )


def identity_override(identity: Identity, base: Mapping[str, t.Any], *, is_control_plane: bool, syncs: bool = False) -> Values:
    """Return our values of a release whose flytepropeller has an identity of ours.

    :param base: what is below ours of flytepropeller, merged; lists in it are carried along, since Helm replaces lists whole.
    :param syncs: whether syncresources of this release asks flyteadmin too, as the same client.
    """
    client: Values = {"clientId": identity.client_id, "clientSecretLocation": f"{AUTH_MOUNT}/{CLIENT_SECRET}", **identity.login}
    propeller: Values = {"podAnnotations": {IDENTITY_ANNOTATION: identity.checksum}}
    if ADMIN_CA in identity.keys:
        client["caCertFilePath"] = f"{AUTH_MOUNT}/{ADMIN_CA}"
    parts = {"flytepropeller": propeller}
    if syncs:
        parts["cluster_resource_manager"] = {"podAnnotations": dict(propeller["podAnnotations"])}
    if {ADMIN_CA, TOKEN_CA} & set(identity.keys):
        for name, part in parts.items():
            given = lookup(base, f"{name}.podEnv", [])
            kept = [dict(entry) for entry in given if entry.get("name") != "SSL_CERT_DIR"] if isinstance(given, list) else []
            part["podEnv"] = [*kept, {"name": "SSL_CERT_DIR", "value": _CA_FOLDERS}]
    override: Values = {
        "secrets": {"adminOauthClientCredentials": {"enabled": True, "secretName": AUTH_SECRET, "clientId": identity.client_id, "clientSecret": None}},
        "configmap": {"admin": {"admin": client}},
        **parts,
    }
    if is_control_plane:
        override["flytescheduler"] = {"podAnnotations": {IDENTITY_ANNOTATION: identity.checksum}}
    return override
