# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the inventory and what was observed to what has to be done. Pure: no I/O, no credentials, only fingerprints.

An observation is what the module flyte_cluster_info returns for a cluster.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._helm import values as _values

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .._inventory.site import Cluster, Site

Observation = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of the plan."""

    host: str
    step: str
    action: str
    detail: str

    def __str__(self) -> str:
        return f"{self.host}: {self.step}: {self.action}: {self.detail}"


@dataclasses.dataclass(frozen=True)
class Failure:
    """One line of the closing table: what failed, at what, and what to do."""

    host: str
    step: str
    problem: str
    remedy: str


def is_reachable(observation: Observation | None) -> bool:
    """Return whether a cluster was asked and answered."""
    return bool(observation and observation.get("reachable"))


# -- releases


def release_reason(observation: Observation, *, chart: str, version: str, digest: str, pending_timeout: int) -> str | None:
    """Return why Helm has to run for a release, None where it is as wanted.

    :param digest: of the values that we would give it.
    :param pending_timeout: seconds after which a pending release is one that a killed run left behind.
    """
    release = observation.get("release")
    if release is None:
        return f"install {chart} {version}"
    if release["status"].startswith("pending"):
        if release["age"] < pending_timeout:
            return f"wait for {release['status']} of another run, then take over"
        return f"take over from a run that was killed in {release['status']}"
    if release["status"] != "deployed":
        return f"repair: revision {release['revision']} is {release['status']}"
    if release["chart"] != chart or release["version"] != version:
        return f"upgrade {release['chart']} {release['version']} to {chart} {version}"
    if release["values_digest"] != digest:
        return f"values differ ({release['values_digest'][:8]} -> {digest[:8]})"
    missing = observation.get("missing") or []
    if missing:
        return f"{', '.join(missing)} is gone from the cluster"
    return None


# -- credentials


def fingerprints(token: Mapping[str, t.Any]) -> dict[str, str]:
    """Return an observed token's fingerprints as an observation of the hub's Secret has them."""
    return {"token": token["fingerprint"], "ca_cert": token["ca_fingerprint"]}


def credentials_due(site: Site, observations: Mapping[str, Observation], renewed: Iterable[str]) -> list[str]:
    """Return the hosts whose token has to be made, whose entry in the hub's Secret is missing or old, or was never tried.

    They are tried with the endpoint of clusterConfigs. A cluster that is not there yet, though its keys are stored (by a run that was
    killed then), or that is there with another endpoint, is tried as if they were stored now: the control plane's rollout depends on it.

    :param renewed: hosts whose release is installed in this run, so that their ServiceAccount may be new.
    """
    hub = (observations.get(site.control_plane.host) or {}).get("hub") or {}
    stored = hub.get("credentials") or {}
    endpoints = {entry["name"]: entry.get("endpoint") for entry in (hub.get("clusters") or {}).get("clusterConfigs") or []}
    due = []
    for cluster in site.data_planes:
        observation = observations.get(cluster.host)
        if observation is None or not is_reachable(observation):
            continue
        token = observation.get("token")
        if cluster.host in renewed or token is None or stored.get(cluster.name) != fingerprints(token):
            due.append(cluster.host)
        elif endpoints.get(cluster.name) != (cluster.endpoint or observation["server"]):
            due.append(cluster.host)
    return due


# -- the control plane


@dataclasses.dataclass
class HubPlan:
    """What the control plane's configuration has to be."""

    cluster_configs: list[dict[str, t.Any]]
    label_cluster_map: dict[str, list[dict[str, t.Any]]]
    checksum: str
    #: clusters of the inventory that cannot be configured yet, since the Secret has no credentials of them
    left_out: list[str]
    #: entries and labels that the inventory does not have, kept
    kept: list[str]
    #: labels of the inventory that lead to no configured cluster
    unserved: list[str]
    #: enabled clusters that do not answer to flyteadmin's credentials: new hub pods would not start
    unreachable: list[str]


def _entry(cluster: Cluster, observation: Observation | None, live: Mapping[str, t.Any] | None) -> dict[str, t.Any] | None:
    """Return a data plane's clusterConfigs entry; of one that does not answer, the one that it had."""
    endpoint = cluster.endpoint or (observation["server"] if is_reachable(observation) and observation else None)
    if not is_reachable(observation) and live is not None:
        return {**live, "enabled": cluster.enabled}
    if endpoint is None:
        return None
    return _values.cluster_config(cluster.name, endpoint, cluster.enabled)


def hub_plan(
    site: Site,
    observations: Mapping[str, Observation],
    *,
    credentials: Mapping[str, Mapping[str, str]],
    probes: Mapping[str, Mapping[str, t.Any]],
) -> HubPlan:
    """Return what flyteadmin's configuration has to be.

    :param credentials: fingerprints of the credentials in the hub's Secret, by cluster name, as they are by now. A
        configured cluster without them makes flyteadmin panic at start, even if it is disabled.
    :param probes: whether each cluster answers to flyteadmin's credentials, by cluster name; ``ok`` and ``error``.
    """
    hub = (observations.get(site.control_plane.host) or {}).get("hub") or {}
    live = hub.get("clusters") or {}
    live_configs = {entry["name"]: entry for entry in live.get("clusterConfigs") or []}
    configs: dict[str, dict[str, t.Any]] = {}
    left_out, kept = [], []
    for cluster in site.targets:
        if cluster.is_control_plane:
            configs[cluster.name] = _values.in_cluster_config(cluster.name, cluster.enabled)
            continue
        entry = _entry(cluster, observations.get(cluster.host), live_configs.get(cluster.name)) if cluster.name in credentials else None
        if entry is None:
            left_out.append(cluster.name)
        else:
            configs[cluster.name] = entry
    own = {cluster.name for cluster in site.targets}
    for name, entry in live_configs.items():
        if name not in own and not (name == site.control_plane.name and entry.get("inCluster")) and (name in credentials or entry.get("inCluster")):
            configs[name] = dict(entry)
            kept.append(f"cluster {name}")
    label_map, unserved = _label_map(site, configs)
    if not site.settings["flyte_labels_prune"]:
        for label, entries in (live.get("labelClusterMap") or {}).items():
            if label not in site.labels:
                label_map[label] = [dict(entry) for entry in entries or [] if entry.get("id") in configs]
                kept.append(f"label {label}")
    used = {name: credentials[name] for name in configs if name in credentials}
    unreachable = sorted(
        name for name, entry in configs.items() if entry.get("enabled") and not entry.get("inCluster") and not (probes.get(name) or {}).get("ok", False)
    )
    return HubPlan(list(configs.values()), label_map, _values.credentials_checksum(used), left_out, kept, unserved, unreachable)


def _label_map(site: Site, configs: Mapping[str, t.Any]) -> tuple[dict[str, list[dict[str, t.Any]]], list[str]]:
    label_map, unserved = {}, []
    for label, entries in site.labels.items():
        served = [{"id": entry["cluster"], "weight": entry["weight"]} for entry in entries if entry["cluster"] in configs]
        if any(configs[entry["id"]].get("enabled") and entry["weight"] > 0 for entry in served):
            label_map[label] = served
        else:
            if served:
                label_map[label] = served
            unserved.append(label)
    return label_map, unserved


# -- verifying


def cluster_failures(site: Site, observations: Mapping[str, Observation]) -> list[Failure]:
    """Return what an observation after the run still has against the clusters.

    A cluster that did not answer when the run began is not named again.
    """
    hub = (observations.get(site.control_plane.host) or {}).get("hub") or {}
    hosts = {cluster.name: cluster.host for cluster in site.targets}
    failures = []
    for entry in (hub.get("clusters") or {}).get("clusterConfigs") or []:
        probe = (hub.get("probes") or {}).get(entry["name"]) or {"ok": True}
        observation = observations.get(hosts.get(entry["name"], ""))
        dead = observation is not None and not observation.get("reachable")
        if entry.get("enabled") and not probe["ok"] and not dead:
            failures.append(Failure(hosts.get(entry["name"], entry["name"]), "verify: as flyteadmin", probe["error"], probe["hint"]))
    for cluster in site.clusters:
        observation = observations.get(cluster.host)
        if not is_reachable(observation) or observation is None:
            continue
        for pod in (observation.get("pods") or {}).get("not_ready") or []:
            failures.append(Failure(cluster.host, "verify: pods", f"{pod['name']}: {pod['reason']}", "kubectl describe it, then run again."))
        for what in observation.get("missing") or []:
            failures.append(Failure(cluster.host, "verify", f"{what} is missing", "Run again with the tag dataplane."))
    return failures
