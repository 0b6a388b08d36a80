# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that flyteadmin has and the inventory has not, and those that are drained: what they are, for people. No I/O."""

from __future__ import annotations

import typing as t

from .._helm.shown_values import Change
from .rows import Observations, Row, control_plane_of
from .strays import stray_problem, strays

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._inventory.site import Cluster, Site


#: what is wrong with a cluster that only has keys
ONLY_STORED = "it has keys in the Secret cluster-credentials and is not in the inventory"


def orphans(site: Site, observed: Observations) -> list[str]:
    """Return the names of clusters that flyteadmin's configuration, or the control plane's Secret, has and the inventory has not."""
    live = _head(site, observed).get("clusters") or {}
    return list(dict.fromkeys([*(str(entry["name"]) for entry in strays(site, live)), *only_stored(site, observed)]))


def _head(site: Site, observed: Observations) -> Mapping[str, t.Any]:
    return control_plane_of(observed, site.control_plane.host)


def only_stored(site: Site, observed: Observations) -> list[str]:
    """Return those that only have keys: a removal that was stopped leaves them so, too."""
    head = _head(site, observed)
    configured = {entry["name"] for entry in (head.get("clusters") or {}).get("clusterConfigs") or []}
    known = configured | {cluster.name for cluster in site.clusters}
    return [name for name in head.get("credentials") or {} if configured and name not in known]


def prune_rows(site: Site, names: Sequence[str]) -> list[Row]:
    """Return that clusters are removed from flyteadmin at the end of a run, as remove.yml removes one that the inventory does not have."""
    how = {"abort": "its executions are aborted"}.get(site.settings["flyte_remove_executions"], "its executions are waited for")
    left = ", and left if they do not end" if site.settings["flyte_remove_force"] else ""
    reason = f"it is not in the inventory: labels lead to their other clusters, {how}{left}, its configuration and its keys go"
    return [prune_row(site, name, reason) for name in names]


def prune_row(site: Site, name: str, reason: str = "") -> Row:
    """Return that one cluster is removed."""
    settings = site.settings
    held = tuple(Change(name, None, str(settings[name]).lower()) for name in ("flyte_remove_executions", "flyte_remove_force"))
    return Row(site.control_plane.host, "prune", f"remove the cluster {name}", reason, held=held)


def orphan_lines(site: Site, observed: Observations) -> list[str]:
    """Return what is said of them."""
    host, live = site.control_plane.host, _head(site, observed).get("clusters") or {}
    what = {str(entry["name"]): stray_problem(live, entry)[0] for entry in strays(site, live)}
    what |= dict.fromkeys(only_stored(site, observed), ONLY_STORED)
    return [f"{host}: {name}: {said}; {_what_comes(site, name)}" for name, said in what.items()]


def _what_comes(site: Site, name: str) -> str:
    if site.settings["flyte_prune"]:
        return "it is removed at the end of this run (flyte_prune)"
    return f"playbooks/remove.yml -e cluster={name} removes it, flyte_prune: true all of them"


def drained(site: Site, observed: Observations) -> list[Cluster]:
    """Return the clusters that the inventory drains and flyteadmin has."""
    configured = {entry["name"] for entry in (_head(site, observed).get("clusters") or {}).get("clusterConfigs") or []}
    return [cluster for cluster in site.targets if not cluster.enabled and cluster.name in configured]


def drained_line(cluster: Cluster, executions: Sequence[Mapping[str, t.Any]] | None, described: str) -> str:
    """Return what is said of a drained cluster.

    :param executions: that have not ended, None where flyteadmin does not say it.
    :param described: how many, for people.
    """
    if executions is None:
        return f"{cluster.host}: drained (flyte_cluster_enabled: false): how many executions still run there is not known, flyteadmin does not say it"
    if executions:
        return f"{cluster.host}: drained (flyte_cluster_enabled: false): {described} still there"
    return f"{cluster.host}: drained (flyte_cluster_enabled: false): no execution is left there; playbooks/remove.yml -e cluster={cluster.host} removes it"
