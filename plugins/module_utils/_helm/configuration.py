# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What flyteadmin's configuration has to say about clusters: its section ``clusters``. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping

SECRET_NAME = "cluster-credentials"
#: where the chart mounts the Secret into syncresources; not a setting there, so flyteadmin gets the same
MOUNT_PATH = "/var/run/credentials"
#: of the pods that read the Secret at their start: the checksum of what it had then
CHECKSUM_ANNOTATION = "flyte.multicluster/credentials-checksum"


@dataclasses.dataclass
class Configuration:
    """What the control plane's configuration has to be."""

    cluster_configs: list[dict[str, t.Any]]
    label_cluster_map: dict[str, list[dict[str, t.Any]]]
    #: of the credentials: as a pod annotation it restarts what reads them at its start only
    checksum: str
    #: clusters of the inventory that cannot be configured yet, since the Secret has no credentials of them
    left_out: list[str]
    #: entries and labels that the inventory does not have, kept
    kept: list[str]
    #: enabled clusters that do not answer to flyteadmin's credentials
    unreachable: list[str]
    #: clusters with whose stored credentials flyteadmin does not start, also where they are disabled
    unusable: list[str] = dataclasses.field(default_factory=list)
    #: the label of executions that no other one holds for
    default_label: str | None = None

    def section(self) -> dict[str, t.Any]:
        """Return it as flyteadmin reads it."""
        default = {"defaultExecutionLabel": self.default_label} if self.default_label else {}
        return {"labelClusterMap": self.label_cluster_map, "clusterConfigs": self.cluster_configs, **default}

    @classmethod
    def from_dict(cls, data: Mapping[str, t.Any]) -> Configuration:
        """Return it from :func:`dataclasses.asdict`'s data."""
        return cls(**{field.name: data[field.name] for field in dataclasses.fields(cls)})


def cluster_config(name: str, endpoint: str, enabled: bool, kube_client: Mapping[str, t.Any] | None = None) -> dict[str, t.Any]:
    """Return an entry of clusterConfigs; ``enabled`` is always written, since left out it means false.

    :param kube_client: all of ``qps``, ``burst`` and ``timeout`` of flyteadmin's client of the cluster: one left out means none, not the default.
    """
    found = {
        "name": name,
        "endpoint": endpoint,
        "enabled": enabled,
        "auth": {"type": "file_path", "tokenPath": f"{MOUNT_PATH}/{name}_token", "certPath": f"{MOUNT_PATH}/{name}_cacert"},
    }
    return {**found, "kubeClientConfig": dict(kube_client)} if kube_client else found


def in_cluster_config(name: str, enabled: bool) -> dict[str, t.Any]:
    """Return the clusterConfigs entry of the control plane itself."""
    return {"name": name, "enabled": enabled, "inCluster": True}
