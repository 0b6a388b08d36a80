# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps on AWS: EKS clusters of the inventory, and IAM. By the modules of amazon.aws and community.aws, and ours where they have none."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._common.names import TAGS
from ansible_collections.flyte.multicluster.plugins.module_utils._common.progress import PROGRESS
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.documents import loses
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import MODULES, ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._backups import keep_backup
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import aws_options
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work, ended

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster

#: seconds that EKS may take for a cluster or a node group
_EKS_TIMEOUT = 1800


def _run(work: Work, step: str, host: str, name: str, arguments: Mapping[str, t.Any], **options: t.Any) -> tuple[bool, Failure | None]:
    """Run a module with the inventory's AWS options; return whether it changed something, and what failed."""
    try:
        answer = work.action.module(name, {**aws_options(work.known.site, work.read), **options, **arguments})
    except ModuleFailed as error:
        return False, Failure(host, step, str(error), "See what AWS says, then run again.")
    return bool(answer.get("changed")), None


def _of_iam(work: Work, name: str, arguments: Mapping[str, t.Any]) -> tuple[bool, Failure | None]:
    return _run(work, "iam", work.known.site.control_plane.host, name, arguments)


# -- EKS


def _eks(work: Work, cluster: Cluster, name: str, arguments: Mapping[str, t.Any]) -> tuple[bool, Failure | None]:
    region = {"region": cluster.eks_region} if cluster.eks_region else {}
    PROGRESS.say(cluster.host, f"AWS makes it ready, which takes minutes: {name.rpartition('.')[2]} {cluster.eks_cluster}")
    return _run(work, "eks_cluster", cluster.host, name, {**arguments, "wait": True, "wait_timeout": _EKS_TIMEOUT}, **region)


def create_eks_cluster(work: Work) -> dict[str, t.Any]:
    """Create the EKS clusters that are missing; wait for those that EKS is still creating."""
    changed, failures = False, list[t.Optional[Failure]]()
    for cluster in work.clusters(work.hosts):
        if not work.plan["eks"][cluster.host]["create"]:
            continue
        arguments = {
            "name": cluster.eks_cluster,
            "version": cluster.eks["version"],
            "role_arn": cluster.eks["role_arn"],
            "subnets": cluster.eks["subnets"],
            "security_groups": cluster.eks["security_groups"],
            "tags": TAGS,
        }
        made, failure = _eks(work, cluster, "community.aws.eks_cluster", arguments)
        changed, failures = changed or made, [*failures, failure]
    return ended(failures, changed=changed)


def create_node_group(work: Work) -> dict[str, t.Any]:
    """Create the node groups; one whose creation failed is deleted first, since EKS does not try again."""
    failed = {failure.host for failure in work.failures()}
    changed, failures = False, list[t.Optional[Failure]]()
    for cluster in work.clusters(host for host in work.hosts if host not in failed):
        if work.action.check_mode:  # it asks the cluster, which may not be there then
            changed = True
            continue
        made, failure = _node_group(work, cluster)
        changed, failures = changed or made, [*failures, failure]
    return ended(failures, changed=changed)


def _node_group(work: Work, cluster: Cluster) -> tuple[bool, Failure | None]:
    named = {"name": cluster.eks["nodegroup"], "cluster_name": cluster.eks_cluster}
    if work.plan["eks"][cluster.host]["replace_node_group"]:
        _gone, failure = _eks(work, cluster, "community.aws.eks_nodegroup", {**named, "state": "absent"})
        if failure:
            return False, failure
    sizes = {"min_size": "nodes_min", "max_size": "nodes_max", "desired_size": "nodes_desired"}
    arguments = {
        **named,
        "node_role": cluster.eks["node_role_arn"],
        "subnets": cluster.eks["subnets"],
        "instance_types": cluster.eks["instance_types"],
        "scaling_config": {option: cluster.eks[variable] for option, variable in sizes.items()},
        "tags": TAGS,
    }
    return _eks(work, cluster, "community.aws.eks_nodegroup", arguments)


# -- IAM


def associate_oidc_providers(work: Work) -> dict[str, t.Any]:
    """Make an OIDC provider of each EKS cluster's issuer."""
    iam = work.plan["iam"]
    if not iam["missing_issuers"]:
        return ended([])
    changed, failure = _of_iam(work, MODULES + "flyte_oidc_provider", {"issuers": iam["issuers"]})
    return ended([failure], changed=changed)


def create_policy(work: Work) -> dict[str, t.Any]:
    """Make the policy with the permissions that Flyte needs on its buckets."""
    iam = work.plan["iam"]
    if not iam["policy_differs"]:
        return ended([])
    wanted = {"name": iam["policy"]["name"], "policy": iam["policy"]["document"]}
    changed, failure = _of_iam(work, "amazon.aws.iam_managed_policy", wanted)
    return ended([failure], changed=changed)


def create_roles(work: Work) -> dict[str, t.Any]:
    """Make the roles, with the trust policies that the plan merged, and attach the policy."""
    changed, failures = False, list[t.Optional[Failure]]()
    try:
        keep_trust(work)
    except ModuleFailed as error:
        return ended([Failure(work.known.site.control_plane.host, "iam", str(error), "Run again then.")])
    for role in work.plan["iam"]["roles_due"]:
        arguments = {
            "name": role["name"],
            "assume_role_policy_document": role["trust"],
            "managed_policies": [role["policy_arn"]],
            "purge_policies": False,
            "create_instance_profile": False,
        }
        made, failure = _of_iam(work, "amazon.aws.iam_role", arguments)
        changed, failures = changed or made, [*failures, failure]
    return ended(failures, changed=changed)


def keep_trust(work: Work) -> None:
    """Keep the trust policies that lose a statement.

    :raises ModuleFailed: they cannot be kept.
    """
    present = (work.known.aws or {}).get("roles") or {}
    before = {role["name"]: (present.get(role["name"]) or {}).get("trust") for role in work.plan["iam"]["roles_due"]}
    losing = {role["name"]: before[role["name"]] for role in work.plan["iam"]["roles_due"] if loses(before[role["name"]], role["trust"])}
    if losing:
        keep_backup(work, "trust", losing)


def associate_pod_identity(work: Work) -> dict[str, t.Any]:
    """Let the accounts of each cluster take their roles through EKS Pod Identity."""
    rows = work.plan["iam"]["missing_associations"]
    if not rows:
        return ended([])
    changed, failure = _of_iam(work, MODULES + "flyte_pod_identity", {"associations": rows})
    return ended([failure], changed=changed)
