# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cluster leaves flyteadmin: the site without new executions on it, then the site without it; and what stands against it. No I/O.

The order (facts of flyteadmin v1.16.8): a disabled cluster still serves status and aborts, one that is not configured does not; a configured one whose
key is missing lets flyteadmin end at its start. So: labels lead elsewhere, it is disabled, its executions end, the configuration goes, then the keys.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.text import first, nearest
from .._inventory.labels import label_cluster_map
from .._inventory.reader import NOT_SHOWN, Fault, Reader
from .._labels.canary import is_canary_label
from .._labels.placement import weight_of
from .._labels.rows import describe

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from .._inventory.site import Cluster, Site
    from .._labels.rows import Key, Rows

    Entries = list[dict[str, t.Any]]

#: extra variables of the playbook
CLUSTER, LABELS = "cluster", "labels"
#: weights are written with so many digits, as a person copies them into the inventory
_DIGITS = 4


@dataclasses.dataclass(frozen=True)
class Target:
    """A cluster that is to be removed."""

    #: in clusterConfigs, and in the Secret's keys
    name: str
    #: None for one that the inventory does not have
    cluster: Cluster | None = None

    @property
    def host(self) -> str | None:
        """Its inventory host."""
        return self.cluster.host if self.cluster else None


def find_target(site: Site, given: str, configured: Collection[str], stored: Collection[str]) -> Target | Fault:
    """Return the cluster that a name says: of an inventory host, or of a cluster.

    :param configured: names in flyteadmin's clusterConfigs.
    :param stored: names that have keys in the control plane's Secret.
    """
    head = site.control_plane
    if given in (head.host, head.name):
        remedy = "is the control plane: flyte_control_plane_runs_workflows: false and site.yml take it out of clusterConfigs."
        return Fault(head.host, CLUSTER, given, remedy)
    of_host = [cluster for cluster in site.data_planes if cluster.host == given]
    of_name = [cluster for cluster in site.data_planes if cluster.name == given]
    if of_host and of_name and of_host != of_name:
        remedy = f"is an inventory host, and the flyte_cluster_name of {of_name[0].host}: give {of_host[0].name!r} or {of_name[0].host!r}."
        return Fault(head.host, CLUSTER, given, remedy)
    for cluster in (*of_host, *of_name):
        return Target(cluster.name, cluster)
    if given in configured or given in stored:
        return Target(given)
    known = [cluster.host for cluster in site.data_planes] + sorted({*configured, *stored} - {cluster.name for cluster in site.clusters})
    remedy = f"is no host of flyte_data_planes, no cluster of flyteadmin's configuration and none of the Secret's: {', '.join(known) or 'there is none'}."
    return Fault(head.host, CLUSTER, given, remedy + nearest(given, known))


@dataclasses.dataclass(frozen=True)
class Departure:
    """What becomes of the site."""

    #: flyteadmin's labels lead elsewhere, and the cluster is disabled
    drained: Site
    #: it is gone
    without: Site
    #: rows of execution cluster labels that go, since their label does
    rows: Rows
    #: labels of labelClusterMap that go
    labels: list[str]
    #: labels that lead elsewhere from now on
    moved: dict[str, Entries]


def depart(
    site: Site, target: Target, live: Mapping[str, t.Any], stored: Mapping[Key, str], given: Mapping[str, t.Any]
) -> tuple[Departure | None, list[Fault]]:
    """Return what becomes of the site, or what stands against it.

    :param live: the section ``clusters`` that flyteadmin reads.
    :param stored: the rows of execution cluster labels that flyteadmin has.
    :param given: labels that get other clusters, as ``flyte_labels`` has them; an empty list takes a label away.
    """
    host = site.control_plane.host
    labels = _labels_now(site, live)
    replaced, faults = _replacements(site, target, labels, given)
    used = _used(site, stored, live)
    enabled = _enabled(site, target, live)
    if not enabled:
        faults.append(Fault(host, CLUSTER, target.name, "is the only enabled cluster: flyteadmin does not start without one."))
    moved: dict[str, Entries] = {}
    gone: list[str] = []
    for label, entries in labels.items():
        if label in replaced:
            moved[label] = replaced[label]
            continue
        if not any(entry["cluster"] == target.name for entry in entries):
            continue
        left = _without(entries, target.name)
        if label in given and not given[label]:
            gone.append(label)
            faults += _of_inventory(site, label)
        elif any(entry["cluster"] in enabled and entry["weight"] > 0 for entry in left):
            moved[label] = left
        elif label not in site.labels and label not in used:
            gone.append(label)
        elif not any(fault.value == label for fault in faults):
            faults.append(_left_alone(site, target, label, used.get(label, []), sorted(enabled)))
    if faults:
        return None, faults
    rows: Rows = {key: label for key, label in stored.items() if label in gone}
    return Departure(_drained(site, target, moved), _gone(site, target, moved, gone), rows, gone, moved), []


def _labels_now(site: Site, live: Mapping[str, t.Any]) -> dict[str, Entries]:
    """Return all labels as ``flyte_labels`` writes them, those that flyteadmin alone has too."""
    found = {label: [dict(entry) for entry in entries] for label, entries in site.labels.items()}
    for label, entries in (live.get("labelClusterMap") or {}).items():
        if label not in found and not is_canary_label(label) and not site.settings["flyte_labels_prune"]:
            found[label] = [{"cluster": entry["id"], "weight": weight_of(entry)} for entry in entries or []]
    return found


def _replacements(site: Site, target: Target, labels: Mapping[str, t.Any], given: Mapping[str, t.Any]) -> tuple[dict[str, Entries], list[Fault]]:
    """Return what labels are given in their place, checked as ``flyte_labels`` is."""
    host = site.control_plane.host
    known = sorted(labels)
    faults = [
        Fault(host, f"{LABELS}.{label}", label, f"is no label: {', '.join(known) or 'there is none'}.{nearest(label, known)}")
        for label, entries in given.items()
        if label not in labels and entries != []  # one that was to be taken away is, by a run before
    ]
    wanted = {label: entries for label, entries in given.items() if label in labels and entries != []}
    reader = Reader(lambda _host, _name: None)
    others = [cluster for cluster in site.targets if cluster.name != target.name]
    found = label_cluster_map(reader, host, wanted, others)
    faults += [dataclasses.replace(fault, variable=fault.variable.replace("flyte_labels", LABELS)) for fault in reader.faults]
    enabled = {cluster.name for cluster in others if cluster.enabled}
    for label, entries in found.items():
        if not reader.faults and not any(entry["cluster"] in enabled and entry["weight"] > 0 for entry in entries):
            faults.append(Fault(host, f"{LABELS}.{label}", entries, "leads to no enabled cluster."))
    return found, faults


def _used(site: Site, stored: Mapping[Key, str], live: Mapping[str, t.Any]) -> dict[str, list[str]]:
    """Return where labels hold, for people."""
    found: dict[str, list[str]] = {}
    rows = {**stored, **{(row.project, row.domain, row.workflow): row.label for row in site.execution_cluster_labels}}
    for key, label in sorted(rows.items()):
        found.setdefault(label, []).append(describe(key))
    default = site.settings["flyte_default_execution_label"] or live.get("defaultExecutionLabel")
    if default:
        found.setdefault(default, []).append("executions without a label")
    return found


def _enabled(site: Site, target: Target, live: Mapping[str, t.Any]) -> set[str]:
    """Return the clusters that new executions run on without the target: of the inventory, as far as flyteadmin has them, and orphans."""
    wanted = {cluster.name: cluster.enabled for cluster in site.targets}
    configs = {entry["name"]: bool(entry.get("enabled")) for entry in live.get("clusterConfigs") or []}
    return {name for name, on in configs.items() if wanted.get(name, on)} - {target.name}


def _without(entries: Sequence[Mapping[str, t.Any]], name: str) -> Entries:
    """Return a label's entries without a cluster, with weights that sum to 1 again."""
    left = [dict(entry) for entry in entries if entry["cluster"] != name]
    total = sum(float(entry["weight"]) for entry in left)
    for entry in left if total and len(left) < len(entries) else []:
        weight = round(float(entry["weight"]) / total, _DIGITS)
        entry["weight"] = int(weight) if weight.is_integer() else weight
    return left


def _of_inventory(site: Site, label: str) -> list[Fault]:
    """Return why a label cannot be taken away: the next run would set what the inventory has of it."""
    places = [describe((row.project, row.domain, row.workflow)) for row in site.execution_cluster_labels if row.label == label]
    places += ["flyte_default_execution_label"] if site.settings["flyte_default_execution_label"] == label else []
    remedy = f"the inventory has it for {', '.join(places)}: take that out of the inventory first, or give the label another cluster."
    return [Fault(site.control_plane.host, f"{LABELS}.{label}", NOT_SHOWN, remedy)] if places else []


def _left_alone(site: Site, target: Target, label: str, places: Sequence[str], enabled: Sequence[str]) -> Fault:
    where = f" ({first(places, 3)})" if places else ""
    example = f'{{"{LABELS}": {{"{label}": [{{"cluster": "{(enabled or ["NAME"])[0]}", "weight": 1}}]}}}}'
    remedy = (
        f"would lead to no enabled cluster without {target.name}, and what it is for{where} would run on any, silently. Change flyte_labels in the inventory, "
        f"or give it another one: -e '{example}'. An empty list takes the label away, with the stored rows that name it."
    )
    return Fault(site.control_plane.host, f"flyte_labels.{label}", label, remedy)


def _drained(site: Site, target: Target, moved: Mapping[str, Entries]) -> Site:
    """Return the site with the cluster disabled. Labels that flyteadmin alone has count as the site's own where they are changed."""
    planes = [dataclasses.replace(cluster, enabled=False) if cluster.name == target.name else cluster for cluster in site.data_planes]
    return dataclasses.replace(site, labels={**site.labels, **moved}, data_planes=planes, leaving=[target.name])


def _gone(site: Site, target: Target, moved: Mapping[str, Entries], gone: Sequence[str]) -> Site:
    labels = {label: _without(entries, target.name) for label, entries in {**site.labels, **moved}.items() if label not in gone}
    planes = [cluster for cluster in site.data_planes if cluster.name != target.name]
    return dataclasses.replace(site, labels=labels, data_planes=planes, gone=[target.name], gone_labels=list(gone))


# -- the inventory afterwards


def inventory_lines(site: Site, target: Target, departure: Departure) -> list[str]:
    """Return what has to change in the inventory, so that site.yml leaves it at that."""
    lines = []
    if target.cluster:
        lines.append(
            f"Take the host {target.host} out of the inventory: site.yml would add the cluster {target.name} again. Where it has to stay, "
            "flyte_cluster_enabled: false keeps executions off it."
        )
    after = departure.without.labels
    changed = {label: after.get(label) for label in site.labels if site.labels[label] != after.get(label)}
    for label, entries in changed.items():
        shown = ", ".join(f"{{cluster: {entry['cluster']}, weight: {entry['weight']:g}}}" for entry in entries or [])
        lines.append(f"flyte_labels: {label}: [{shown}]" if entries else f"flyte_labels: take {label} out")
    return lines
