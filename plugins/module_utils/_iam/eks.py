# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What state EKS has a cluster and its node group in. Pure.

What AWS has is the result of the module flyte_aws_info, with EKS clusters by inventory host.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    ClusterState = t.Literal["missing", "creating", "active", "failed", "unknown"]
    NodeGroupState = t.Literal["missing", "creating", "active", "failed", "none asked"]

# A cluster that is being deleted is of as little use as one that failed: both have to be gone before there can be another.
_CLUSTER_STATES: dict[str, ClusterState] = {
    "PENDING": "creating",
    "CREATING": "creating",
    "ACTIVE": "active",
    "UPDATING": "active",
    "FAILED": "failed",
    "DELETING": "failed",
}
_NODE_GROUP_STATES: dict[str, NodeGroupState] = {
    "CREATING": "creating",
    "ACTIVE": "active",
    "UPDATING": "active",
    "CREATE_FAILED": "failed",
    "DELETING": "failed",
    "DELETE_FAILED": "failed",
}


def answer_of(aws: Mapping[str, t.Any] | None, host: str) -> Mapping[str, t.Any]:
    """Return what EKS said of a host's cluster, an empty mapping where it was not asked."""
    return ((aws or {}).get("clusters") or {}).get(host) or {}


def cluster_state(aws: Mapping[str, t.Any] | None, host: str) -> ClusterState:
    """Return the state of a host's cluster; ``unknown`` where EKS was not asked, or did not say."""
    answer = answer_of(aws, host)
    if answer.get("missing"):
        return "missing"
    return _CLUSTER_STATES.get(answer.get("status") or "", "unknown")


def node_group_state(aws: Mapping[str, t.Any] | None, host: str) -> NodeGroupState:
    """Return the state of the node group of a host's cluster; ``none asked`` also where EKS did not answer.

    A degraded node group that still has an Auto Scaling group may have nodes, with pods on them: it counts as active, so that nobody replaces it.
    """
    answer = answer_of(aws, host)
    if "nodegroup" not in answer or (answer.get("error") and not answer.get("missing")):
        return "none asked"
    group = answer["nodegroup"]
    if group is None:
        return "missing"
    if group["status"] == "DEGRADED":
        return "active" if group.get("autoscaling_groups") else "failed"
    return _NODE_GROUP_STATES.get(group["status"], "active")
