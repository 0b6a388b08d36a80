# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole inventory as typed objects. They hold no credentials. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

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
    #: ``flyte_propeller_…`` without the prefix, what is set of it; the secret is not
    propeller: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    probe_from: str = "controller"


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
        )

    def cluster(self, host: str) -> Cluster:
        """Return the cluster of an inventory host."""
        return next(cluster for cluster in self.clusters if cluster.host == host)

    @property
    def clusters(self) -> list[Cluster]:
        """All clusters, the control plane first."""
        return [self.control_plane, *self.data_planes]

    @property
    def targets(self) -> list[Cluster]:
        """The clusters that workflows can run on."""
        own = [self.control_plane] if self.settings["flyte_control_plane_runs_workflows"] else []
        return own + self.data_planes
