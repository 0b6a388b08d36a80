# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What EKS gets, by the state that it has a cluster and its node group in."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.cloud import eks_clusters_to_make, eks_row, not_reachable_yet
from conftest import Inventory, site_of

ROLE = "arn:aws:iam::123456789012:role/eks"
CREATED = {
    "flyte_eks_create": True,
    "flyte_eks_version": "1.34",
    "flyte_eks_role_arn": ROLE,
    "flyte_eks_node_role_arn": ROLE,
    "flyte_eks_subnets": ["subnet-1", "subnet-2"],
}
GROUP = {"status": "ACTIVE", "health": [], "autoscaling_groups": ["asg"]}


def planned(inventory: Inventory, answer: dict[str, t.Any], *, create: bool) -> tuple[str | None, dict[str, t.Any], t.Any]:
    if create:
        inventory["dataplane_1"].update(CREATED)
    site, aws = site_of(inventory), {"clusters": {"dataplane_1": answer}}
    cluster = site.cluster("dataplane_1")
    row = eks_row(cluster, aws)
    return row.action if row else None, eks_clusters_to_make(site, aws), not_reachable_yet(site, aws).get("dataplane_1", "reachable")


@pytest.mark.parametrize(
    ("answer", "action", "made"),
    [
        ({"missing": True, "nodegroup": None}, "create EKS cluster {}", {"create": True, "replace_node_group": False}),
        ({"status": "CREATING", "nodegroup": None}, "wait for EKS cluster {}", {"create": True, "replace_node_group": False}),
        ({"status": "ACTIVE", "nodegroup": None}, "create node group flyte", {"create": False, "replace_node_group": False}),
        ({"status": "ACTIVE", "nodegroup": {**GROUP, "status": "CREATING"}}, "wait for node group flyte", {"create": False, "replace_node_group": False}),
        ({"status": "ACTIVE", "nodegroup": {**GROUP, "status": "CREATE_FAILED"}}, "replace node group flyte", {"create": False, "replace_node_group": True}),
        ({"status": "ACTIVE", "nodegroup": GROUP}, None, None),
    ],
)
def test_what_a_cluster_that_the_inventory_creates_gets(inventory: Inventory, answer: dict[str, t.Any], action: str | None, made: t.Any) -> None:
    name = inventory["dataplane_1"]["flyte_eks_cluster"]
    found, rows, reachable = planned(inventory, answer, create=True)
    assert (found, rows.get("dataplane_1")) == (action.format(name) if action else None, made)
    # What is not there yet is not asked, and no failure: this run makes it.
    assert reachable == ("reachable" if answer.get("status") == "ACTIVE" else None)


def test_what_eks_is_given_is_held_of_a_row(inventory: Inventory) -> None:
    def held(answer: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
        inventory["dataplane_1"].update({**CREATED, **more})
        row = eks_row(site_of(inventory).cluster("dataplane_1"), {"clusters": {"dataplane_1": answer}})
        assert row is not None
        return {change.path: change.after for change in row.held}

    cluster, group = held({"missing": True, "nodegroup": None}), held({"status": "ACTIVE", "nodegroup": None})
    assert cluster["flyte_eks_version"] == '"1.34"' and cluster["flyte_eks_subnets"] == '["subnet-1", "subnet-2"]'
    assert cluster["flyte_eks_role_arn"] == f'"{ROLE}"'
    # What is left to be made of a cluster is a part of it.
    assert group.items() < cluster.items() and "flyte_eks_node_role_arn" in group and "flyte_eks_version" not in group
    assert held({"missing": True, "nodegroup": None}, flyte_eks_subnets=["subnet-1", "subnet-3"]) != cluster


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize(("status", "remedy"), [("FAILED", "aws eks describe-cluster"), ("DELETING", "Once it is gone, run again")])
def test_a_cluster_that_failed_or_goes_is_that_hosts_failure(inventory: Inventory, status: str, remedy: str, create: bool) -> None:
    action, made, failure = planned(inventory, {"status": status, "nodegroup": None}, create=create)
    assert action is None and not made
    assert failure.host == "dataplane_1" and status in failure.problem and remedy in failure.remedy


def test_a_cluster_that_somebody_else_creates_is_said(inventory: Inventory) -> None:
    _action, _made, failure = planned(inventory, {"status": "CREATING"}, create=False)
    assert "still creating" in failure.problem
