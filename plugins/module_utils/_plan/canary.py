# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the canary of our own is launched: on every enabled cluster, by a label that leads to it alone. No I/O."""

from __future__ import annotations

import typing as t

from .._labels.canary import canary_label
from .._labels.placement import Placement
from .rows import Failure, Observations, is_reachable

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .._inventory.site import Site

_REMEDY = "Set flyte_canary_labels: true and run site.yml, or give flyte_labels a label that leads to this cluster alone."


def canary_labels(site: Site, configs: Mapping[str, Mapping[str, t.Any]], others: Mapping[str, t.Any]) -> dict[str, list[dict[str, t.Any]]]:
    """Return our part of labelClusterMap: a label for each cluster of the inventory that is enabled, empty where it is not wanted.

    Without any label they are made in any case: the chart gives syncresources the credentials only where labelClusterMap has one, and without them it ends
    at its start.

    :param configs: clusterConfigs as it will be, by name.
    :param others: the other labels.
    """
    without_credentials = not others and not all(entry.get("inCluster") for entry in configs.values())
    if not site.settings["flyte_canary_labels"] and not without_credentials:
        return {}
    names = [cluster.name for cluster in site.targets if (configs.get(cluster.name) or {}).get("enabled")]
    return {canary_label(name): [{"id": name, "weight": 1}] for name in names}


def own_canaries(site: Site, observed: Observations, live: Mapping[str, t.Any]) -> tuple[dict[str, str], list[Failure]]:
    """Return the label by which the canary gets to each cluster, by its name; and the clusters that no label leads to alone.

    Clusters that did not answer are left out: what is wrong with them is said already.

    :param live: the section ``clusters`` that flyteadmin reads.
    """
    placement = Placement.from_section(live)
    labels: dict[str, str] = {}
    failures = []
    for cluster in site.targets:
        if cluster.name not in placement.enabled or not is_reachable(observed.get(cluster.host)):
            continue
        ours = canary_label(cluster.name)
        leading = [label for label in sorted(placement.label_map, key=lambda label: (label != ours, label)) if set(placement.shares(label)) == {cluster.name}]
        if leading:
            labels[cluster.name] = leading[0]
        else:
            problem = "no label leads to it alone, so that no canary can be launched there"
            failures.append(Failure(cluster.host, "verify: canary", problem, _REMEDY))
    return labels, failures
