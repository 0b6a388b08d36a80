# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found of an installation that somebody made, as plain data. No I/O. It holds secrets: it is used, and returned nowhere."""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from .._helm.values import Values


@dataclasses.dataclass(frozen=True)
class FoundRelease:
    """A Helm release as Helm's newest record of it says. ``values`` are those that it was given (``helm get values``), secrets among them."""

    name: str
    namespace: str
    chart: str
    version: str
    values: Values = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Credential:
    """What flyteadmin has of one cluster, by the paths of its entry in clusterConfigs."""

    #: ``Secret/key``, None where nothing is mounted there
    token_key: str | None = None
    ca_key: str | None = None
    #: of what that key holds, None where it holds nothing
    token: str | None = None
    ca: str | None = None
    #: the CA certificate itself
    ca_cert: str | None = None


@dataclasses.dataclass
class FoundCluster:
    """What was found in one cluster, of a host of the inventory of accesses."""

    host: str
    server: str | None = None
    #: where Flyte's own Deployment is, None where there is none
    namespace: str | None = None
    release: FoundRelease | None = None
    #: other releases of the chart in that namespace
    others: tuple[str, ...] = ()
    #: fingerprints of the tokens of the account flyteadmin, by the name of their Secret
    tokens: dict[str, str] = dataclasses.field(default_factory=dict)
    #: fingerprint of the CA certificate that the cluster gives its pods
    ca: str | None = None
    #: annotations of Flyte's own accounts, by account
    accounts: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    #: why it could not be asked: ``message`` and ``hint``
    error: dict[str, t.Any] | None = None


@dataclasses.dataclass
class FoundControlPlane(FoundCluster):
    """What was found in the control plane's cluster."""

    #: clusterConfigs, labelClusterMap and defaultExecutionLabel as flyteadmin reads them
    clusters: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    #: by the name in clusterConfigs
    credentials: dict[str, Credential] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class FoundAdmin:
    """What flyteadmin has stored."""

    #: by project, domain and workflow
    rows: dict[tuple[str, str, str], str]
    #: all domains of all active projects
    places: list[tuple[str, str]]
    #: what it says of who may log in and how, nothing where it wants no tokens
    login: tuple[str, ...] = ()
