# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the site and what AWS has to what IAM has to have. Pure."""

from __future__ import annotations

import typing as t

from . import _trust
from ._site import Cluster, Fault, Site

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def faults(site: Site, aws: Mapping[str, t.Any]) -> list[Fault]:
    """Return what AWS says against the inventory: an EKS cluster that is not there or has no issuer."""
    found = []
    for cluster in site.clusters:
        if cluster.eks_cluster is None:
            continue
        answer = aws["clusters"].get(cluster.eks_cluster) or {}
        if answer.get("error"):
            remedy = f"EKS does not have it in {site.settings['flyte_aws_region']}: {answer['error']}."
            found.append(Fault(cluster.host, "flyte_eks_cluster", cluster.eks_cluster, remedy))
        elif not answer.get("issuer"):
            remedy = "this EKS cluster has no OIDC issuer: no role can trust its accounts. Update the cluster, or set flyte_iam_manage: false."
            found.append(Fault(cluster.host, "flyte_eks_cluster", cluster.eks_cluster, remedy))
    limit = site.settings["flyte_iam_policy_size_limit"]
    if not found:
        for name, role in plan(site, aws)["roles"].items():
            if role["size"] > limit:
                remedy = (
                    f"the trust policy of {name} would have {role['size']} characters, IAM's quota is {limit}. Raise the quota (at most 8192) and set "
                    "flyte_iam_policy_size_limit, list fewer projects, or set flyte_iam_wildcard: true, which trusts every namespace."
                )
                found.append(Fault("inventory", "flyte_iam_policy_size_limit", limit, remedy))
    return found


def role_arn(aws: Mapping[str, t.Any], name: str) -> str:
    """Return the ARN of a role, also of one that does not exist yet."""
    present = (aws.get("roles") or {}).get(name)
    return present["arn"] if present else f"arn:{aws['partition']}:iam::{aws['account']}:role/{name}"


def plan(site: Site, aws: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the wanted IAM documents, and which of them differ."""
    settings, account, partition = site.settings, aws["account"], aws["partition"]
    namespace = site.control_plane.namespace

    def provider(eks_cluster: str | None) -> tuple[str, str]:
        issuer = aws["clusters"][eks_cluster]["issuer"]
        return _trust.provider_arn(account, issuer, partition), issuer

    def task_subjects(cluster: Cluster) -> list[str]:
        return _trust.data_plane_subjects(cluster.namespace, site.projects, site.domains, wildcard=settings["flyte_iam_wildcard"])

    wanted = {
        settings["flyte_iam_control_plane_role"]: [(*provider(site.control_plane.eks_cluster), _trust.control_plane_subjects(namespace))],
        settings["flyte_iam_data_plane_role"]: [(*provider(cluster.eks_cluster), task_subjects(cluster)) for cluster in site.targets],
    }
    issuers = [aws["clusters"][cluster.eks_cluster]["issuer"] for cluster in site.clusters]
    missing = [issuer for issuer in issuers if _trust.provider_arn(account, issuer, partition) not in aws["oidc_providers"]]
    policy = _trust.s3_policy(settings["flyte_buckets"], partition)
    policy_arn = f"arn:{partition}:iam::{account}:policy/{settings['flyte_iam_policy_name']}"
    present = aws["policy"]
    return {
        "policy": {"name": settings["flyte_iam_policy_name"], "arn": policy_arn, "document": policy},
        "policy_differs": present is None or not _trust.same(present["document"], policy),
        "issuers": issuers,
        "missing_issuers": missing,
        "roles": {name: _role(aws["roles"].get(name), statements, namespace, policy_arn) for name, statements in wanted.items()},
    }


def _role(present: Mapping[str, t.Any] | None, statements: t.Any, namespace: str, policy_arn: str) -> dict[str, t.Any]:
    merged = _trust.merge_trust(present["trust"] if present else None, statements, namespace=namespace)
    attached = bool(present) and policy_arn in (present or {}).get("policies", [])
    return {
        "trust": merged.document,
        "notes": merged.notes,
        "differs": merged.changed or not attached,
        "size": _trust.size(merged.document),
    }
