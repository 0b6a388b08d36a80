# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts that turn out to be one cluster: two contexts, two names, or two spellings of a path, may lead to one API server. No I/O."""

from __future__ import annotations

import typing as t

from .._inventory.endpoints import called_twice
from .._inventory.reader import Fault
from .credentials import endpoint_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .._inventory.site import Site


def same_places(site: Site, observed: Mapping[str, Mapping[str, t.Any]]) -> list[Fault]:
    """Return a fault for each host that has the cluster and the namespace of one before it, or that flyteadmin would call at the address of another.

    One server may stand for many clusters where a proxy tells them apart; flyteadmin calls addresses only.
    """
    remedy = (
        "is what flyteadmin would call for {} already: each host needs a cluster of its own. Where a proxy tells two clusters apart, set what flyteadmin calls "
        "instead."
    )
    addresses = ((plane, endpoint_of(plane, observed.get(plane.host))) for plane in site.data_planes)
    found = {plane.host: Fault(plane.host, "flyte_api_endpoint", endpoint, remedy.format(first)) for plane, endpoint, first in called_twice(addresses)}
    seen: dict[tuple[str, str], str] = {}
    for cluster in site.clusters:
        entry = observed.get(cluster.host) or {}
        place = entry.get("place")
        first = seen.setdefault((place, cluster.namespace), cluster.host) if place else cluster.host
        if first != cluster.host:
            said = f"is the namespace of {first} in this cluster ({entry['server']}) already: correct how one of them is reached."
            found.setdefault(cluster.host, Fault(cluster.host, "flyte_namespace", cluster.namespace, f"{said} Each host needs a cluster of its own."))
    return list(found.values())
