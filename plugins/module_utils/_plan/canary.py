# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the canary of our own is launched: on every enabled cluster, by a label that leads to it alone. No I/O."""

from __future__ import annotations

import typing as t

from .._helm.shown_values import Change, Shower, changes
from .._labels.canary import canary_label
from .._labels.placement import Placement
from .rows import Failure, Observations, Row, is_reachable

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

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


def users_canary_rows(site: Site, key: str | None) -> list[Row]:
    """Return that the user's canary is launched, where the inventory has one.

    :param key: of the fingerprints of secrets in its inputs.
    """
    settings = site.settings
    workflow = settings["flyte_canary_workflow"]
    if not workflow:
        return []
    given = {name: settings[f"flyte_canary_{name}"] for name in ("version", "inputs", "projects") if settings[f"flyte_canary_{name}"]}
    where = "in each project-domain for which a label holds"
    return [Row(site.control_plane.host, "verify", f"launch {workflow}", where, changes=tuple(changes({}, given, Shower(key))))]


def own_canary_rows(site: Site, hosts: Collection[str]) -> list[Row]:
    """Return that our own canary is registered and launched on clusters, where the inventory wants it.

    :param hosts: of this run.
    """
    project, domain = site.settings["flyte_canary_project"], site.settings["flyte_canary_domain"]
    clusters = [cluster for cluster in site.targets if cluster.enabled and cluster.host in hosts] if project else []
    place = (Change("project", None, f"{project}/{domain}"),)
    return [Row(cluster.host, "verify", "launch the canary", f"in {project}/{domain}, where it is registered", held=place) for cluster in clusters]


def launched_nowhere(site: Site, canaries: Sequence[Mapping[str, t.Any]]) -> Failure | None:
    """Return that the user's canary was wanted and proved nothing, since no label holds anywhere; None where it was launched, or is not wanted.

    :param canaries: all that were launched, our own too.
    """
    workflow, projects = site.settings["flyte_canary_workflow"], site.settings["flyte_canary_projects"]
    if not workflow or any(entry["level"] != "execution" for entry in canaries):
        return None
    where = f"the projects {', '.join(map(str, projects))} have" if projects else "flyteadmin has"
    problem = f"{workflow} was launched nowhere: {where} no project-domain for which a label holds"
    remedy = "Set flyte_execution_cluster_labels and run site.yml with the tag ecl; flyte_canary_project needs no label of a project."
    return Failure(site.control_plane.host, "verify: canary", problem, remedy)
