# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS has: clusters with their node groups, roles and policies, on moto; states that moto has not, by botocore's Stubber."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.observe import observe, observe_cluster
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.session import client
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.eks import cluster_state, node_group_state
from aws_double import ACCOUNT, KEYS, Call, create_cluster, moto_server, stubbed

PARAMS: dict[str, t.Any] = {**KEYS, "eks_clusters": [], "roles": [], "policy": None, "pod_identity": False}


@pytest.fixture(name="moto", scope="module")
def _moto() -> t.Iterator[str]:
    with moto_server() as url:
        yield url


def test_everything_is_read_at_once(moto: str) -> None:
    params = {**PARAMS, "endpoint_url": moto}
    iam = client(params, "iam")
    trust = {"Version": "2012-10-17", "Statement": []}
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    iam.create_role(RoleName="flyte-role", AssumeRolePolicyDocument=json.dumps(trust))
    arn = iam.create_policy(PolicyName="flyte-s3", PolicyDocument=json.dumps(policy))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="flyte-role", PolicyArn=arn)
    create_cluster(moto, "eu-west-1", "dp1", {})
    clusters = [{"name": "dp1", "key": "host_1", "region": "eu-west-1"}, {"name": "dp1", "key": "host_2"}]
    found = observe({**params, "eks_clusters": clusters, "roles": ["flyte-role", "absent"], "policy": "flyte-s3"})
    assert (found["account"], found["partition"], found["changed"]) == (ACCOUNT, "aws", False)
    assert found["roles"] == {"flyte-role": {"arn": f"arn:aws:iam::{ACCOUNT}:role/flyte-role", "trust": trust, "policies": [arn]}, "absent": None}
    assert found["policy"] == {"arn": arn, "document": policy}
    there, missing = found["clusters"]["host_1"], found["clusters"]["host_2"]
    assert not there["missing"] and there["status"] == "ACTIVE" and there["endpoint"] and there["ca_data"] and there["error"] is None
    assert missing["missing"] and missing["error"].startswith("Failed to describe the EKS cluster dp1: ResourceNotFoundException: ")
    assert "nodegroup" not in there and observe({**params, "policy": "absent"})["policy"] is None


def test_a_node_group_is_read_and_missed(moto: str) -> None:
    eks = create_cluster(moto, "us-east-2", "with-nodes", {})
    params = {**PARAMS, "endpoint_url": moto}
    missed = observe_cluster(params, {"name": "with-nodes", "nodegroup": "flyte"})
    assert missed["nodegroup"] is None and not missed["missing"] and missed["error"] is None
    eks.create_nodegroup(clusterName="with-nodes", nodegroupName="flyte", subnets=["subnet-1"], nodeRole=f"arn:aws:iam::{ACCOUNT}:role/nodes")
    found = observe_cluster(params, {"name": "with-nodes", "nodegroup": "flyte"})["nodegroup"]
    assert (found["name"], found["status"], found["health"]) == ("flyte", "ACTIVE", [])
    absent = observe_cluster(params, {"name": "absent", "nodegroup": "flyte"})
    assert absent["missing"] and absent["nodegroup"] is None


def _observed(pod_identity: bool, *calls: Call, **more: t.Any) -> dict[str, t.Any]:
    stubber, eks = stubbed("eks", *calls)
    found = observe_cluster({**PARAMS, "pod_identity": pod_identity}, {"name": "dp1", **more}, lambda *_arguments, **_options: eks)
    stubber.assert_no_pending_responses()
    return found


def _described(**cluster: t.Any) -> Call:
    return "describe_cluster", {"name": "dp1"}, {"cluster": {"name": "dp1", **cluster}}


def test_a_cluster_that_eks_is_creating_is_not_asked_for_associations() -> None:
    no_group: Call = ("describe_nodegroup", {"clusterName": "dp1", "nodegroupName": "n"}, "ResourceNotFoundException")
    found = _observed(True, _described(status="CREATING"), no_group, nodegroup="n")
    assert (found["status"], found["issuer"], found["endpoint"], found["associations"], found["error"]) == ("CREATING", None, None, [], None)
    aws = {"clusters": {"host": found}}
    assert (cluster_state(aws, "host"), node_group_state(aws, "host")) == ("creating", "missing")


def test_what_ails_a_node_group_is_said() -> None:
    issues = [{"code": "AsgInstanceLaunchFailures", "message": "Could not launch instances", "resourceIds": ["asg-1"]}]
    group = {"nodegroupName": "n", "status": "CREATE_FAILED", "health": {"issues": issues}, "resources": {"autoScalingGroups": [{"name": "asg-1"}]}}
    calls: tuple[Call, ...] = (_described(status="ACTIVE"), ("describe_nodegroup", {"clusterName": "dp1", "nodegroupName": "n"}, {"nodegroup": group}))
    found = _observed(False, *calls, nodegroup="n")
    assert found["nodegroup"] == {
        "name": "n",
        "status": "CREATE_FAILED",
        "health": ["AsgInstanceLaunchFailures: Could not launch instances (asg-1)"],
        "autoscaling_groups": ["asg-1"],
    }
    assert node_group_state({"clusters": {"host": found}}, "host") == "failed"


def test_one_clusters_error_is_its_own() -> None:
    found = _observed(False, ("describe_cluster", {"name": "dp1"}, "AccessDeniedException"))
    assert not found["missing"] and found["error"] == "Failed to describe the EKS cluster dp1: AccessDeniedException: said AWS."
    assert cluster_state({"clusters": {"host": found}}, "host") == "unknown"
    late = _observed(True, _described(status="ACTIVE"), ("list_pod_identity_associations", {"clusterName": "dp1"}, "ResourceNotFoundException"))
    assert not late["missing"] and "Failed to list the Pod Identity associations" in late["error"]
