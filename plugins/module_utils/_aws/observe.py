# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS has: the account, EKS clusters with their node groups, OIDC providers, roles and the policy."""

from __future__ import annotations

import functools
import json
import typing as t
import urllib.parse

from .._common.threads import Overdue, in_threads, within
from .errors import AwsError, action, attempt, attempt_to_find
from .pod_identity import associations_of
from .session import shared_client

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Connect = Callable[..., t.Any]

_CONCURRENCY = 16
#: seconds for all answers together: the timeouts of boto3 are those of each byte
_LONGEST = 180.0
#: EKS does not answer for the associations of a cluster that it is still making, or deletes
_HAS_ASSOCIATIONS = ("ACTIVE", "UPDATING")


def account_and_partition(sts: t.Any) -> tuple[str, str]:
    """Return the account's number and the partition that it is in."""
    identity = attempt("find out whose credentials these are", sts.get_caller_identity)
    return identity["Account"], identity["Arn"].split(":")[1]


def observe(params: Mapping[str, t.Any], connect: Connect = shared_client) -> dict[str, t.Any]:
    """Return the result of the module flyte_aws_info.

    :param connect: makes a client; tests give one of their own.
    """
    try:
        return within(_LONGEST, lambda: _observed(params, connect))
    except Overdue as error:
        raise AwsError(f"Failed to read what AWS has: {error}.", "Check flyte_aws_endpoint_url, and what stands between this machine and AWS.") from error


@action("read what AWS has")
def _observed(params: Mapping[str, t.Any], connect: Connect) -> dict[str, t.Any]:
    iam = connect(params, "iam")
    account, partition = account_and_partition(connect(params, "sts"))
    arn = f"arn:{partition}:iam::{account}:policy/{params['policy']}"
    jobs: list[Callable[[], t.Any]] = [functools.partial(_role, iam, name) for name in params["roles"]]
    jobs += [
        lambda: in_threads(lambda entry: observe_cluster(params, entry, connect), params["eks_clusters"], _CONCURRENCY),
        lambda: _policy(iam, arn) if params["policy"] else None,
        lambda: oidc_providers(iam),
    ]
    *roles, clusters, policy, providers = in_threads(lambda job: job(), jobs, _CONCURRENCY)
    return {
        "changed": False,
        "account": account,
        "partition": partition,
        "clusters": {entry.get("key") or entry["name"]: found for entry, found in zip(params["eks_clusters"], clusters)},
        "roles": dict(zip(params["roles"], roles)),
        "policy": policy,
        "oidc_providers": providers,
    }


# -- EKS


def observe_cluster(params: Mapping[str, t.Any], entry: Mapping[str, t.Any], connect: Connect = shared_client) -> dict[str, t.Any]:
    """Return what EKS says of one cluster; what goes wrong is that cluster's ``error``.

    :param entry: an element of the option ``eks_clusters``.
    """
    name, nodegroup = entry["name"], entry.get("nodegroup")
    found: dict[str, t.Any] = {"missing": False, **dict.fromkeys(("issuer", "endpoint", "ca_data", "status", "associations", "error"))}
    if nodegroup:
        found["nodegroup"] = None
    try:
        eks = connect(params, "eks", region=entry.get("region"), assume_role_arn=entry.get("assume_role_arn"))
        cluster = attempt(f"describe the EKS cluster {name}", eks.describe_cluster, name=name)["cluster"]
        found |= {
            "issuer": ((cluster.get("identity") or {}).get("oidc") or {}).get("issuer"),
            "endpoint": cluster.get("endpoint"),
            "ca_data": (cluster.get("certificateAuthority") or {}).get("data"),
            "status": cluster.get("status"),
        }
        if params["pod_identity"]:
            found["associations"] = associations_of(eks, name) if found["status"] in _HAS_ASSOCIATIONS else []
        if nodegroup:
            found["nodegroup"] = _node_group(eks, name, nodegroup)
    except AwsError as error:
        return {**found, "missing": found["status"] is None and error.code == "ResourceNotFoundException", "error": error.message}
    return found


def _node_group(eks: t.Any, cluster: str, name: str) -> dict[str, t.Any] | None:
    answer = attempt_to_find(f"describe the node group {name} of the EKS cluster {cluster}", eks.describe_nodegroup, clusterName=cluster, nodegroupName=name)
    if answer is None:
        return None
    found = answer["nodegroup"]
    groups = (found.get("resources") or {}).get("autoScalingGroups") or []
    return {
        "name": found["nodegroupName"],
        "status": found.get("status"),
        "health": [_issue(issue) for issue in (found.get("health") or {}).get("issues") or []],
        "autoscaling_groups": [group["name"] for group in groups],
    }


def _issue(issue: Mapping[str, t.Any]) -> str:
    where = f" ({', '.join(issue['resourceIds'])})" if issue.get("resourceIds") else ""
    return f"{issue.get('code', 'unknown')}: {issue.get('message', 'no message')}{where}"


# -- IAM


def oidc_providers(iam: t.Any) -> list[str]:
    """Return the ARNs of the account's OIDC providers."""
    answer = attempt("list the OIDC providers", iam.list_open_id_connect_providers)
    return sorted(provider["Arn"] for provider in answer["OpenIDConnectProviderList"])


def _document(value: t.Any) -> t.Any:
    return value if isinstance(value, dict) else json.loads(urllib.parse.unquote(value))


def _role(iam: t.Any, name: str) -> dict[str, t.Any] | None:
    answer = attempt_to_find(f"read the role {name}", iam.get_role, RoleName=name)
    if answer is None:
        return None
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
    attached = attempt(f"list the policies of the role {name}", pages.build_full_result)["AttachedPolicies"]
    return {
        "arn": answer["Role"]["Arn"],
        "trust": _document(answer["Role"]["AssumeRolePolicyDocument"]),
        "policies": [policy["PolicyArn"] for policy in attached],
    }


def _policy(iam: t.Any, arn: str) -> dict[str, t.Any] | None:
    answer = attempt_to_find(f"read the policy {arn}", iam.get_policy, PolicyArn=arn)
    if answer is None:
        return None
    version = answer["Policy"]["DefaultVersionId"]
    found = attempt(f"read version {version} of the policy {arn}", iam.get_policy_version, PolicyArn=arn, VersionId=version)
    return {"arn": arn, "document": _document(found["PolicyVersion"]["Document"])}
