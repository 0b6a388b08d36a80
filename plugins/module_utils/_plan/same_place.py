# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts that turn out to be one cluster: two contexts, or two spellings of a path, may lead to one API server. No I/O."""

from __future__ import annotations

import typing as t

from .._inventory.reader import Fault
from .credentials import endpoint_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .._inventory.site import Site


def same_places(site: Site, observed: Mapping[str, Mapping[str, t.Any]]) -> list[Fault]:
    """Return a fault for each data plane that flyteadmin would call at the address of another one, in the same namespace.

    One server may stand for many clusters where a proxy tells them apart; flyteadmin calls addresses only.
    """
    found, seen = [], dict[tuple[str, str], str]()
    for cluster in site.data_planes:
        endpoint = endpoint_of(cluster, observed.get(cluster.host))
        if not endpoint:
            continue
        first = seen.setdefault((endpoint.lower().rstrip("/"), cluster.namespace), cluster.host)
        if first != cluster.host:
            remedy = (
                f"is what flyteadmin would call for {first} already: each host needs a cluster of its own. Where a proxy tells "
                "two clusters apart, set what flyteadmin calls instead."
            )
            found.append(Fault(cluster.host, "flyte_api_endpoint", endpoint, remedy))
    return found
