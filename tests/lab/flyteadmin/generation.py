# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one process of flyteadmin read at its start, and its connections to the clusters."""

from __future__ import annotations

import dataclasses
import random
import re
import typing as t

import requests
from kubernetes import client


def seconds(interval: t.Any) -> float:
    """Return an interval of Go's form (5m, 1m30s) in seconds."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h)", str(interval or "5m"))) or 300.0


@dataclasses.dataclass(frozen=True)
class Cluster:
    """One entry of clusterConfigs, with the credentials that were in its files at start."""

    name: str
    enabled: bool
    endpoint: str
    token: str
    ca_file: str
    in_cluster: bool = False


@dataclasses.dataclass(frozen=True)
class Generation:
    """What one pod of flyteadmin read at its start."""

    clusters: dict[str, Cluster]
    labels: dict[str, list[tuple[str, float]]]
    domains: tuple[str, ...]
    resources: dict[str, t.Any]
    templates: dict[str, str]
    default_label: str | None = None
    task_resources: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    namespace_template: str = "{{ project }}-{{ domain }}"
    event_version: int = 0

    def select(self, label: str | None) -> Cluster:
        """Select a cluster for a label by weight; any enabled one where the label leads to none."""
        entries = [(name, weight) for name, weight in self.labels.get(label or "", []) if name in self.clusters and self.clusters[name].enabled]
        if sum(weight for _name, weight in entries) > 0:
            chosen = random.choices([name for name, _weight in entries], [weight for _name, weight in entries])[0]
            return self.clusters[chosen]
        return random.choice([cluster for cluster in self.clusters.values() if cluster.enabled])

    def namespace(self, project: str, domain: str) -> str:
        """Return the namespace of a project-domain."""
        return re.sub(r"{{\s*(project|domain)\s*}}", lambda match: {"project": project, "domain": domain}[match[1]], self.namespace_template)


class DataPlane:
    """Requests to one cluster with the credentials that flyteadmin has for it."""

    def __init__(self, cluster: Cluster, own: client.ApiClient | None) -> None:
        self._cluster = cluster
        self._session = requests.Session()
        self._session.trust_env = False
        if cluster.in_cluster and own is not None:
            settings = own.configuration
            self._base, self._session.verify = settings.host, settings.ssl_ca_cert
            self._session.cert = (settings.cert_file, settings.key_file)
        else:
            self._base, self._session.verify = cluster.endpoint, cluster.ca_file or False
            self._session.headers["Authorization"] = f"Bearer {cluster.token}"

    def call(self, method: str, path: str, body: t.Any = None, content_type: str = "application/json") -> requests.Response:
        """Send one request; errors of the connection come as requests' exceptions."""
        return self._session.request(method, self._base + path, json=body, headers={"Content-Type": content_type}, timeout=10)
