# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole inventory as typed objects. They hold no credentials. No I/O."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from .._helm.namespaces import DEFAULT_MAPPING, namespace_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping


@dataclasses.dataclass
class Cluster:
    """One cluster of the site."""

    host: str
    name: str
    is_control_plane: bool
    enabled: bool
    endpoint: str | None
    namespace: str
    release: str
    values_files: list[str]
    openshift: bool
    eks_cluster: str | None
    eks_region: str | None
    eks_assume_role_arn: str | None
    eks_create: bool
    #: ``flyte_eks_…`` without the prefix
    eks: dict[str, t.Any]
    #: ``bucket`` or ``bucket/prefix``; the first is Flyte's own
    buckets: list[str]
    #: that of the tasks, None where it is Flyte's own
    raw_data_bucket: str | None
    #: links from a task to its logs, each with ``name`` and ``uri``
    log_links: list[dict[str, t.Any]]
    #: ``qps``, ``burst`` and ``timeout`` of flyteadmin's client of this cluster
    kube_client: dict[str, t.Any]
    #: ``flyte_propeller_…`` without the prefix, what is set of it; the secret is not
    propeller: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    probe_from: str = "controller"
    #: paths of its release's values: those that a run may take away, and those that are secrets whatever they are called
    drop_values: list[str] = dataclasses.field(default_factory=list)
    secret_values: list[str] = dataclasses.field(default_factory=list)
    #: who gives flyteadmin its rights here: the chart, or we (``minimal``)
    rbac: str = "chart"
    #: name of the IAM role of flytepropeller and the tasks here, and the ARN of one that is not managed
    role: str = "flyte-dataplane-role"
    role_arn: str | None = None


@dataclasses.dataclass
class Label:
    """One row of the stored execution cluster labels: a project, a project-domain or a workflow, and its label."""

    project: str
    domain: str
    workflow: str
    label: str


@dataclasses.dataclass
class Site:
    """The whole inventory, checked. It holds no credentials."""

    settings: dict[str, t.Any]
    control_plane: Cluster
    data_planes: list[Cluster]
    labels: dict[str, list[dict[str, t.Any]]]
    execution_cluster_labels: list[Label]
    projects: list[str]
    domains: list[str]
    #: names of clusters that flyteadmin's configuration has disabled, whatever the inventory says: they are being removed
    leaving: list[str] = dataclasses.field(default_factory=list)
    #: names of clusters, and labels, that flyteadmin's configuration does not keep
    gone: list[str] = dataclasses.field(default_factory=list)
    gone_labels: list[str] = dataclasses.field(default_factory=list)

    def as_dict(self) -> dict[str, t.Any]:
        """Return plain data, for a fact."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, t.Any]) -> Site:
        """Return the site from :meth:`as_dict`'s data."""
        return cls(
            settings=dict(data["settings"]),
            control_plane=Cluster(**data["control_plane"]),
            data_planes=[Cluster(**entry) for entry in data["data_planes"]],
            labels={label: [dict(entry) for entry in entries] for label, entries in data["labels"].items()},
            execution_cluster_labels=[Label(**entry) for entry in data["execution_cluster_labels"]],
            projects=list(data["projects"]),
            domains=list(data["domains"]),
            **{name: list(data[name]) for name in ("leaving", "gone", "gone_labels")},
        )

    @property
    def mapping(self) -> str:
        """How flyteadmin makes namespaces of projects and domains: ``{project}-{domain}`` and the like."""
        return self.settings["flyte_namespace_mapping"] or DEFAULT_MAPPING

    @property
    def syncs_itself(self) -> bool:
        """Whether each data plane has a syncresources of its own, and the control plane none."""
        return bool(self.settings["flyte_sync"] == "data_plane")

    def namespace_of(self, project: str, domain: str) -> str:
        """Return the namespace of the tasks of a project-domain."""
        return namespace_of(self.mapping, project, domain)

    @property
    def buckets(self) -> list[str]:
        """The buckets of all clusters, those that stand in another one's prefix left out."""
        named = [bucket for cluster in self.clusters for bucket in (*cluster.buckets, *filter(None, [cluster.raw_data_bucket]))]
        found = list(dict.fromkeys(bucket.rstrip("/") for bucket in named))
        return [bucket for bucket in found if not any(bucket != other and bucket.startswith(f"{other}/") for other in found)]

    def cluster(self, host: str) -> Cluster:
        """Return the cluster of an inventory host."""
        return self._by_host[host]

    @functools.cached_property
    def _by_host(self) -> dict[str, Cluster]:
        return {cluster.host: cluster for cluster in self.clusters}

    @property
    def clusters(self) -> list[Cluster]:
        """All clusters, the control plane first."""
        return [self.control_plane, *self.data_planes]

    @property
    def targets(self) -> list[Cluster]:
        """The clusters that workflows can run on."""
        return [cluster for cluster in self.clusters if self.is_target(cluster)]

    def is_target(self, cluster: Cluster) -> bool:
        """Return whether workflows can run on a cluster of the site."""
        return not cluster.is_control_plane or bool(self.settings["flyte_control_plane_runs_workflows"])
