# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What flyteadmin's configuration has to be, and what changes in it. No I/O, only fingerprints."""

from __future__ import annotations

import typing as t

from .._common.fingerprints import credentials_checksum
from .._common.names import FLYTEADMIN, SYNCRESOURCES
from .._helm.configuration import Configuration, cluster_config, in_cluster_config
from .._labels.canary import is_canary_label
from .canary import canary_labels
from .credentials import TO_BE_MADE, endpoint_of, fingerprints
from .rows import Failure, Observation, Observations, control_plane_of, is_reachable

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._inventory.site import Cluster, Site


def _entry(cluster: Cluster, observation: Observation | None, live: Mapping[str, t.Any] | None) -> dict[str, t.Any] | None:
    """Return a data plane's clusterConfigs entry; of one that does not answer, the one that it had."""
    endpoint = endpoint_of(cluster, observation)
    if not is_reachable(observation) and live is not None:
        # How long flyteadmin waits for it counts just now.
        return {**live, "enabled": cluster.enabled, "kubeClientConfig": cluster.kube_client}
    if endpoint is None:
        return None
    return cluster_config(cluster.name, endpoint, cluster.enabled, cluster.kube_client)


def wanted_configuration(
    site: Site,
    observed: Observations,
    *,
    credentials: Mapping[str, Mapping[str, str]],
    probes: Mapping[str, Mapping[str, t.Any]],
) -> Configuration:
    """Return what flyteadmin's configuration has to be.

    :param credentials: fingerprints of the credentials in the control plane's Secret, by cluster name, as they are by now. A
        configured cluster without them makes flyteadmin panic at start, even if it is disabled.
    :param probes: whether each cluster answers to flyteadmin's credentials, by cluster name; ``ok`` and ``error``.
    """
    live = control_plane_of(observed, site.control_plane.host).get("clusters") or {}
    live_configs = {entry["name"]: entry for entry in live.get("clusterConfigs") or []}
    configs: dict[str, dict[str, t.Any]] = {}
    left_out, kept = [], []
    for cluster in site.targets:
        if cluster.is_control_plane:
            configs[cluster.name] = in_cluster_config(cluster.name, cluster.enabled)
            continue
        entry = _entry(cluster, observed.get(cluster.host), live_configs.get(cluster.name)) if cluster.name in credentials else None
        if entry is None:
            left_out.append(cluster.name)
        else:
            configs[cluster.name] = entry
    own = {cluster.name for cluster in site.targets}
    for name, entry in live_configs.items():
        if name in site.gone:
            continue
        if name not in own and not (name == site.control_plane.name and entry.get("inCluster")) and (name in credentials or entry.get("inCluster")):
            configs[name] = {**entry, "enabled": False} if name in site.leaving else dict(entry)
            kept += [] if name in site.leaving else [f"cluster {name}"]
    label_map = _label_map(site, configs)
    if not site.settings["flyte_labels_prune"]:
        for label, entries in (live.get("labelClusterMap") or {}).items():
            if label not in (*site.labels, *site.gone_labels) and not is_canary_label(label):
                label_map[label] = [dict(entry) for entry in entries or [] if entry.get("id") in configs]
                kept.append(f"label {label}")
    default, note = _default_label(site, live.get("defaultExecutionLabel"), label_map)
    kept += note
    label_map |= canary_labels(site, configs, label_map)
    used = {name: credentials[name] for name in configs if name in credentials}
    unreachable = sorted(
        name for name, entry in configs.items() if entry.get("enabled") and not entry.get("inCluster") and not (probes.get(name) or {}).get("ok", False)
    )
    unusable = sorted(name for name in configs if (probes.get(name) or {}).get("kind") == "unusable")
    return Configuration(list(configs.values()), label_map, credentials_checksum(used), left_out, kept, unreachable, unusable, default)


def _default_label(site: Site, live: str | None, label_map: Mapping[str, t.Any]) -> tuple[str | None, list[str]]:
    """Return the label of executions that no other one holds for, and that it was kept where the inventory does not have it."""
    wanted = site.settings["flyte_default_execution_label"]
    if wanted or not live or live not in label_map or site.settings["flyte_labels_prune"]:
        return wanted, []
    return live, [f"default execution label {live}"]


def _label_map(site: Site, configs: Mapping[str, t.Any]) -> dict[str, list[dict[str, t.Any]]]:
    """Return the labels of the inventory that lead to a configured cluster, with those."""
    label_map = {}
    for label, entries in site.labels.items():
        if served := [{"id": entry["cluster"], "weight": entry["weight"]} for entry in entries if entry["cluster"] in configs]:
            label_map[label] = served
    return label_map


def predicted_configuration(site: Site, observed: Observations, due: Iterable[str]) -> Configuration:
    """Return the configuration as it will be when the credentials that are due are stored and answer."""
    known = control_plane_of(observed, site.control_plane.host)
    tokens = {site.cluster(host).name: (observed.get(host) or {}).get("token") for host in due}
    # One that is there is the one that will be stored: where it is already, nothing starts anew for it.
    credentials = {**(known.get("credentials") or {}), **{name: fingerprints(token) if token else TO_BE_MADE for name, token in tokens.items()}}
    probes = {**(known.get("probes") or {}), **{name: {"ok": True} for name in tokens}}
    return wanted_configuration(site, observed, credentials=credentials, probes=probes)


def differences(site: Site, observed: Observations, wanted: Configuration) -> list[str]:
    """Return what changes in what people care about: clusters and labels; and what stays though the inventory does not have it."""
    live = control_plane_of(observed, site.control_plane.host).get("clusters") or {}
    before = {entry["name"]: entry for entry in live.get("clusterConfigs") or []}
    labels = live.get("labelClusterMap") or {}
    found = [_cluster_line(entry) for entry in wanted.cluster_configs if before.get(entry["name"]) != entry]
    stays = {entry["name"] for entry in wanted.cluster_configs} | {cluster.name for cluster in site.targets}
    found += [f"clusterConfigs: {name}: removed" for name in before if name not in stays]
    for label, targets in wanted.label_cluster_map.items():
        if labels.get(label) != targets:
            shares = ", ".join(f"{target['id']} {target['weight']:g}" for target in targets)
            found.append(f"labelClusterMap: {label}: {shares}")
    found += [f"labelClusterMap: {label}: removed" for label in labels if label not in wanted.label_cluster_map]
    if wanted.default_label != live.get("defaultExecutionLabel"):
        found.append(f"defaultExecutionLabel: {wanted.default_label or 'removed'}")
    if not site.settings["flyte_sync_at_start"]:
        found += [f"{name} does not answer to flyteadmin's credentials: it gets nothing new until it does" for name in wanted.unreachable]
    return found + [f"kept: {what}, which the inventory does not have" for what in wanted.kept]


CHANGED_BY_HAND = "flyteadmin's configuration was changed by hand"
#: the Deployments that read it at their start
READERS = (FLYTEADMIN, SYNCRESOURCES)
#: how the differences begin that Helm takes away; the others say what stays
_SETTINGS = ("clusterConfigs: ", "labelClusterMap: ", "defaultExecutionLabel: ")


def settings_lines(lines: Iterable[str]) -> list[str]:
    """Return those of :func:`differences` that a rollout takes away."""
    return [line for line in lines if line.startswith(_SETTINGS)]


def changed_by_hand(site: Site, observed: Observations, wanted: Configuration) -> str | None:
    """Return why Helm has to run for a release whose values are as wanted: flyteadmin does not read what they say. None where it does."""
    live = control_plane_of(observed, site.control_plane.host).get("clusters")
    if live and settings_lines(differences(site, observed, wanted)):
        return CHANGED_BY_HAND
    return None


def _cluster_line(entry: Mapping[str, t.Any]) -> str:
    place = "this cluster itself" if entry.get("inCluster") else entry["endpoint"]
    return f"clusterConfigs: {entry['name']}: {place}, enabled {str(entry['enabled']).lower()}"


def replaced_readers(site: Site, observed: Observations, due: Iterable[str], wanted: Configuration) -> list[str]:
    """Return the Deployments that may have read a token or a CA that is put right, and that Helm does not start anew: their pods have the right checksum.

    :param due: inventory hosts whose credentials are stored.
    """
    known = control_plane_of(observed, site.control_plane.host)
    stored, configured = known.get("credentials") or {}, [entry["name"] for entry in (known.get("clusters") or {}).get("clusterConfigs") or []]
    pairs = {site.cluster(host).name: (observed.get(host) or {}).get("token") for host in due}
    replaced = [name for name, token in pairs.items() if token and name in configured and stored.get(name) not in (None, fingerprints(token))]
    return [name for name, checksum in (known.get("readers") or {}).items() if checksum == wanted.checksum] if replaced else []


def what_holds_it(site: Site, wanted: Configuration, reason: str | None) -> Failure | None:
    """Return what keeps the control plane from being rolled out, None where nothing does.

    :param reason: why Helm has to run, None where it has not.
    """
    host = site.control_plane.host
    if not wanted.cluster_configs:
        return Failure(host, "controlplane", "no data plane has credentials yet", "See what the table says of the data planes, then run again.")
    if reason and wanted.unusable:
        problem = f"not rolled out: the stored CA certificate of the data plane {', '.join(wanted.unusable)} is none"
        remedy = "flyteadmin's new pods would not start with it. Make it answer and run again: its credentials are renewed."
        return Failure(host, "controlplane", problem, remedy)
    if reason and wanted.unreachable and site.settings["flyte_sync_at_start"]:
        problem = f"not rolled out: the enabled data plane {', '.join(wanted.unreachable)} does not answer to flyteadmin's credentials"
        remedy = (
            "flyteadmin's new pods would not start (flyte_sync_at_start: init container sync-cluster-resources). Make it answer, or drain it with "
            "flyte_cluster_enabled: false."
        )
        return Failure(host, "controlplane", problem, remedy)
    return None
