# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the site and what AWS has to what IAM and EKS have to have. Pure.

What AWS has is the result of the module flyte_aws_info, with EKS clusters by inventory host.
"""

from __future__ import annotations

import typing as t

from .._iam import trust as _trust
from .._inventory.site import Cluster, Fault, Site

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: IAM's largest quota for a trust policy, in characters
LARGEST_QUOTA = 8192


def uses_pod_identity(site: Site) -> bool:
    """Return whether roles are taken through EKS Pod Identity instead of OIDC providers."""
    return bool(site.settings["flyte_iam_mode"] == "pod_identity")


def is_missing(aws: Mapping[str, t.Any] | None, host: str) -> bool:
    """Return whether EKS was asked for a host's cluster and does not have it."""
    return bool(((aws or {}).get("clusters") or {}).get(host, {}).get("missing"))


def faults(site: Site, aws: Mapping[str, t.Any]) -> list[Fault]:
    """Return what AWS says against the inventory: an EKS cluster that is not there or has no issuer, a policy that is too long."""
    found = []
    for cluster in site.clusters:
        if cluster.eks_cluster is None or (cluster.eks_create and is_missing(aws, cluster.host)):
            continue
        answer = aws["clusters"].get(cluster.host) or {}
        if answer.get("error"):
            remedy = f"EKS does not have it in {cluster.eks_region or site.settings['flyte_aws_region']}: {answer['error']}."
            found.append(Fault(cluster.host, "flyte_eks_cluster", cluster.eks_cluster, remedy))
        elif site.settings["flyte_iam_manage"] and not uses_pod_identity(site) and not answer.get("issuer"):
            remedy = "this EKS cluster has no OIDC issuer: no role can trust its accounts. Update the cluster, or set flyte_iam_manage: false."
            found.append(Fault(cluster.host, "flyte_eks_cluster", cluster.eks_cluster, remedy))
    if not found and site.settings["flyte_iam_manage"]:
        found += _too_long(site, aws)
    return found


def _too_long(site: Site, aws: Mapping[str, t.Any]) -> list[Fault]:
    limit = site.settings["flyte_iam_policy_size_limit"]
    helps = [f"raise the quota (at most {LARGEST_QUOTA}) and set flyte_iam_policy_size_limit"]
    if not site.settings["flyte_iam_domain_roles"]:
        helps.append("a role for each domain (flyte_iam_domain_roles: true)")
    if not site.settings["flyte_iam_compact"]:
        helps.append("the compact form (flyte_iam_compact: true)")
    helps.append("EKS Pod Identity, which does not grow (flyte_iam_mode: pod_identity)")
    return [
        Fault(
            "inventory",
            "flyte_iam_policy_size_limit",
            limit,
            f"the trust policy of {name} would have {role['size']} characters for {len(site.targets)} clusters, IAM's quota is {limit}. "
            f"What helps: {', '.join(helps)}, or flyte_iam_wildcard: true, which trusts every namespace.",
        )
        for name, role in plan(site, aws)["roles"].items()
        if role["size"] > limit
    ]


# -- roles


def domain_role(site: Site, domain: str) -> str:
    """Return the name of the data-plane role of a domain; that of all where domains have none of their own."""
    base: str = site.settings["flyte_iam_data_plane_role"]
    return f"{base}-{domain}" if site.settings["flyte_iam_domain_roles"] else base


def role_arn(aws: Mapping[str, t.Any], name: str) -> str:
    """Return the ARN of a role, also of one that does not exist yet."""
    present = (aws.get("roles") or {}).get(name)
    return present["arn"] if present else f"arn:{aws['partition']}:iam::{aws['account']}:role/{name}"


def role_names(site: Site) -> list[str]:
    """Return the names of all roles of the site."""
    names = [site.settings["flyte_iam_control_plane_role"], site.settings["flyte_iam_data_plane_role"]]
    return names + [domain_role(site, domain) for domain in site.domains if site.settings["flyte_iam_domain_roles"]]


def grants(site: Site, aws: Mapping[str, t.Any]) -> dict[str, list[_trust.Grant]]:
    """Return which accounts of which clusters have to be able to assume each role, through OIDC providers."""
    settings, account, partition = site.settings, aws["account"], aws["partition"]

    def grant(cluster: Cluster, subjects: list[str]) -> _trust.Grant:
        issuer = aws["clusters"][cluster.host]["issuer"]
        return _trust.provider_arn(account, issuer, partition), issuer, subjects

    def known(clusters: list[Cluster]) -> list[Cluster]:
        return [cluster for cluster in clusters if (aws["clusters"].get(cluster.host) or {}).get("issuer")]

    targets, wildcard = known(site.targets), settings["flyte_iam_wildcard"]
    found = {
        settings["flyte_iam_control_plane_role"]: [
            grant(cluster, _trust.control_plane_subjects(cluster.namespace)) for cluster in known([site.control_plane])
        ]
    }
    data: str = settings["flyte_iam_data_plane_role"]
    if not settings["flyte_iam_domain_roles"]:
        found[data] = [
            grant(cluster, _trust.data_plane_subjects(cluster.namespace, site.projects, site.domains, wildcard=wildcard)) for cluster in targets
        ]
        return found
    found[data] = [grant(cluster, [_trust.propeller_subject(cluster.namespace)]) for cluster in targets]
    for domain in site.domains:
        found[domain_role(site, domain)] = [grant(cluster, _trust.task_subjects(site.projects, [domain], wildcard=wildcard)) for cluster in targets]
    return {name: given for name, given in found.items() if all(subjects for _provider, _issuer, subjects in given)}


def associations(site: Site, aws: Mapping[str, t.Any]) -> list[dict[str, str]]:
    """Return the EKS Pod Identity associations that have to be: one for each cluster, namespace and account."""
    control = role_arn(aws, site.settings["flyte_iam_control_plane_role"])
    data = role_arn(aws, site.settings["flyte_iam_data_plane_role"])
    rows = [(site.control_plane, site.control_plane.namespace, account, control) for account in ("flyteadmin", "datacatalog")]
    for cluster in site.targets:
        rows.append((cluster, cluster.namespace, "flytepropeller", data))
        for project in site.projects:
            rows += [(cluster, f"{project}-{domain}", "default", role_arn(aws, domain_role(site, domain))) for domain in site.domains]
    return [
        {"cluster": str(cluster.eks_cluster), "host": cluster.host, "namespace": namespace, "service_account": account, "role_arn": role}
        for cluster, namespace, account, role in rows
        if not is_missing(aws, cluster.host)
    ]


def _association_due(row: Mapping[str, str], aws: Mapping[str, t.Any]) -> bool:
    present = (aws["clusters"].get(row["host"]) or {}).get("associations") or []
    wanted = (row["namespace"], row["service_account"], row["role_arn"])
    return not any((entry["namespace"], entry["service_account"], entry["role_arn"]) == wanted for entry in present)


# -- the plan


def plan(site: Site, aws: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the wanted documents and associations, and which of them differ."""
    settings, account, partition = site.settings, aws["account"], aws["partition"]
    policy = _trust.s3_policy(settings["flyte_buckets"], partition)
    policy_arn = f"arn:{partition}:iam::{account}:policy/{settings['flyte_iam_policy_name']}"
    present = aws["policy"]
    found = {
        "policy": {"name": settings["flyte_iam_policy_name"], "arn": policy_arn, "document": policy},
        "policy_differs": present is None or not _trust.same(present["document"], policy),
        "issuers": [],
        "missing_issuers": [],
        "associations": [],
        "missing_associations": [],
    }
    if uses_pod_identity(site):
        wanted = associations(site, aws)
        found["associations"] = wanted
        found["missing_associations"] = [row for row in wanted if _association_due(row, aws)]
        found["roles"] = {name: _pod_role(site, aws, name, policy_arn) for name in role_names(site)}
        return found
    issuers = [aws["clusters"][cluster.host]["issuer"] for cluster in site.clusters if (aws["clusters"].get(cluster.host) or {}).get("issuer")]
    found["issuers"] = issuers
    found["missing_issuers"] = [issuer for issuer in issuers if _trust.provider_arn(account, issuer, partition) not in aws["oidc_providers"]]
    found["roles"] = {name: _role(site, aws, name, given, policy_arn) for name, given in grants(site, aws).items()}
    return found


def _own(site: Site) -> _trust.Own:
    return _trust.Own(frozenset(cluster.namespace for cluster in site.clusters), tuple(site.domains))


def _role(site: Site, aws: Mapping[str, t.Any], name: str, given: list[_trust.Grant], policy_arn: str) -> dict[str, t.Any]:
    settings = site.settings
    compact, limit = settings["flyte_iam_compact"], settings["flyte_iam_policy_size_limit"]
    existing = (aws["roles"].get(name) or {}).get("trust")
    merged = _trust.merge_trust(existing, given, own=_own(site), compact=compact, prune=settings["flyte_iam_prune"])
    grows = name != settings["flyte_iam_control_plane_role"]
    return _described(aws, name, merged, policy_arn, _trust.room(merged.document, given, limit, compact=compact) if grows else None)


def _pod_role(site: Site, aws: Mapping[str, t.Any], name: str, policy_arn: str) -> dict[str, t.Any]:
    existing = (aws["roles"].get(name) or {}).get("trust")
    return _described(aws, name, _trust.merge_pod_identity(existing, own=_own(site), prune=site.settings["flyte_iam_prune"]), policy_arn, None)


def _described(aws: Mapping[str, t.Any], name: str, merged: _trust.Merged, policy_arn: str, room: int | None) -> dict[str, t.Any]:
    present = aws["roles"].get(name)
    attached = bool(present) and policy_arn in (present or {}).get("policies", [])
    return {
        "trust": merged.document,
        "notes": merged.notes,
        "differs": merged.changed or not attached,
        "size": _trust.size(merged.document),
        # how many more clusters like the largest fit; None where it does not grow with them
        "room": room,
    }
