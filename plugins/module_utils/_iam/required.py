# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the site and what AWS has to what IAM and EKS have to have. Pure.

What AWS has is the result of the module flyte_aws_info, with EKS clusters by inventory host.
"""

from __future__ import annotations

import typing as t

from .._inventory.reader import Fault
from .documents import room, s3_policy, same, size
from .eks import answer_of, cluster_state
from .subjects import Own, control_plane_subjects, data_plane_subjects, propeller_subject, provider_arn, task_namespaces, task_subjects
from .trust import Merged, merge_pod_identity, merge_trust, trusted

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .._inventory.site import Cluster, Site
    from .subjects import Grant

#: IAM's largest quota for a trust policy, in characters
LARGEST_QUOTA = 8192


def uses_pod_identity(site: Site) -> bool:
    """Return whether roles are taken through EKS Pod Identity instead of OIDC providers."""
    return bool(site.settings["flyte_iam_mode"] == "pod_identity")


def issuer_of(aws: Mapping[str, t.Any], host: str) -> str | None:
    """Return the OIDC issuer of a host's cluster; one that is still being created may have none yet."""
    return answer_of(aws, host).get("issuer") or None


def faults(site: Site, aws: Mapping[str, t.Any]) -> list[Fault]:
    """Return what AWS says against the inventory: an EKS cluster that is not there or has no issuer, a policy that is too long."""
    found = [fault for fault in (_cluster_fault(site, aws, cluster) for cluster in site.clusters) if fault]
    found += _elsewhere(site, str(aws["partition"]))
    if not found and site.settings["flyte_iam_manage"]:
        found += _too_long(site, aws)
    return found


def _elsewhere(site: Site, partition: str) -> list[Fault]:
    """Return a fault for each role of another partition of AWS (China, GovCloud): none of this one's accounts can take it."""
    named = [(site.control_plane.host, "flyte_control_plane_role_arn", site.settings["flyte_control_plane_role_arn"])]
    named += [(cluster.host, "flyte_data_plane_role_arn", cluster.role_arn) for cluster in site.targets]
    remedy = f"is of another partition than this account (arn:{partition}:…): give one of it."
    wrong: dict[str, Fault] = {}
    for host, variable, arn in named:
        if arn and not arn.startswith(f"arn:{partition}:"):
            wrong.setdefault(arn, Fault(host, variable, arn, remedy))
    return list(wrong.values())


def _cluster_fault(site: Site, aws: Mapping[str, t.Any], cluster: Cluster) -> Fault | None:
    state, answer = cluster_state(aws, cluster.host), answer_of(aws, cluster.host)
    if cluster.eks_cluster is None or state == "creating" or (cluster.eks_create and state == "missing"):
        return None
    region = cluster.eks_region or site.settings["flyte_aws_region"]
    remedy = None
    if answer.get("error"):
        what = "EKS does not have it in" if state == "missing" else "EKS cannot be asked for it in"
        remedy = f"{what} {region}: {str(answer['error']).rstrip('.')}."
    elif site.settings["flyte_iam_manage"] and not uses_pod_identity(site) and not answer.get("issuer"):
        remedy = "this EKS cluster has no OIDC issuer: no role can trust its accounts. Update the cluster, or set flyte_iam_manage: false."
        if state == "failed":
            remedy = f"EKS has it in status {answer['status']}, without an OIDC issuer. Run again when EKS has deleted it: delete it, or take it out."
    return Fault(cluster.host, "flyte_eks_cluster", cluster.eks_cluster, remedy) if remedy else None


def _too_long(site: Site, aws: Mapping[str, t.Any]) -> list[Fault]:
    limit = site.settings["flyte_iam_policy_size_limit"]
    helps = [f"raise the quota (at most {LARGEST_QUOTA}) and set flyte_iam_policy_size_limit"]
    if not site.settings["flyte_iam_domain_roles"]:
        helps.append("a role for each domain (flyte_iam_domain_roles: true)")
    if not site.settings["flyte_iam_compact"]:
        helps.append("the compact form (flyte_iam_compact: true)")
    if len(site.targets) > 1 and not _roles_differ(site):
        helps.append("a role for each cluster (flyte_iam_data_plane_role of each host, with flyte_sync: data_plane)")
    helps.append("EKS Pod Identity, which does not grow (flyte_iam_mode: pod_identity)")
    return [
        Fault(
            "inventory",
            "flyte_iam_policy_size_limit",
            limit,
            f"the trust policy of {name} would have {role['size']} characters for {_counted(role['clusters'])}, IAM's quota is {limit}. "
            f"What helps: {', '.join(helps)}, or flyte_iam_wildcard: true, which trusts every namespace.",
        )
        for name, role in plan(site, aws)["roles"].items()
        if role["size"] > limit
    ]


def _counted(clusters: int) -> str:
    return f"{clusters} cluster{'' if clusters == 1 else 's'}"


# -- roles


def domain_role(site: Site, cluster: Cluster, domain: str) -> str:
    """Return the name of the role of a domain's tasks in a cluster; that of all domains where they have none of their own."""
    return f"{cluster.role}-{domain}" if site.settings["flyte_iam_domain_roles"] else cluster.role


def _data_roles(site: Site) -> dict[str, list[Cluster]]:
    """Return the clusters that workflows run on by their role."""
    found: dict[str, list[Cluster]] = {}
    for cluster in site.targets:
        found.setdefault(cluster.role, []).append(cluster)
    return found


def _roles_differ(site: Site) -> bool:
    return len(_data_roles(site)) > 1


def role_arn(aws: Mapping[str, t.Any], name: str) -> str:
    """Return the ARN of a role, also of one that does not exist yet."""
    present = (aws.get("roles") or {}).get(name)
    return present["arn"] if present else f"arn:{aws['partition']}:iam::{aws['account']}:role/{name}"


def role_names(site: Site) -> list[str]:
    """Return the names of all roles of the site."""
    names = [site.settings["flyte_iam_control_plane_role"]]
    for role, clusters in _data_roles(site).items():
        names += [role, *(domain_role(site, clusters[0], domain) for domain in site.domains)]
    return list(dict.fromkeys(names))


def grants(site: Site, aws: Mapping[str, t.Any]) -> dict[str, list[Grant]]:
    """Return which accounts of which clusters have to be able to assume each role, through OIDC providers; of those that have an issuer by now."""
    settings, account, partition = site.settings, aws["account"], aws["partition"]

    def grant(cluster: Cluster, subjects: list[str]) -> Grant:
        issuer = str(issuer_of(aws, cluster.host))
        return provider_arn(account, issuer, partition), issuer, subjects

    def known(clusters: list[Cluster]) -> list[Cluster]:
        return [cluster for cluster in clusters if issuer_of(aws, cluster.host)]

    how: dict[str, t.Any] = {"wildcard": settings["flyte_iam_wildcard"], "mapping": site.mapping}
    found = {
        settings["flyte_iam_control_plane_role"]: [
            grant(cluster, control_plane_subjects(cluster.namespace)) for cluster in known([site.control_plane])
        ]
    }
    for role, clusters in _data_roles(site).items():
        targets = known(clusters)
        if not settings["flyte_iam_domain_roles"]:
            found[role] = [grant(cluster, data_plane_subjects(cluster.namespace, site.projects, site.domains, **how)) for cluster in targets]
            continue
        found[role] = [grant(cluster, [propeller_subject(cluster.namespace)]) for cluster in targets]
        for domain in site.domains:
            found[domain_role(site, clusters[0], domain)] = [grant(cluster, task_subjects(site.projects, [domain], **how)) for cluster in targets]
    # A trust policy without a statement is none that IAM takes: such a role comes when EKS has the first cluster.
    return {name: given for name, given in found.items() if given and all(subjects for _provider, _issuer, subjects in given)}


def associations(site: Site, aws: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return the EKS Pod Identity associations that have to be: one for each cluster, namespace and account.

    Each is an element of the option ``associations`` of flyte_pod_identity. A cluster that EKS is still creating can have none yet.
    """
    control = role_arn(aws, site.settings["flyte_iam_control_plane_role"])
    rows = [(site.control_plane, site.control_plane.namespace, account, control) for account in ("flyteadmin", "datacatalog")]
    for cluster in site.targets:
        rows.append((cluster, cluster.namespace, "flytepropeller", role_arn(aws, cluster.role)))
        for domain in site.domains:
            names = task_namespaces(site.projects, [domain], site.mapping)
            rows += [(cluster, name, "default", role_arn(aws, domain_role(site, cluster, domain))) for name in names]
    # A namespace that domains share has one association.
    rows = list({(row[0].host, *row[1:3]): row for row in rows}.values())
    return [
        {
            "cluster": str(cluster.eks_cluster),
            "host": cluster.host,
            "namespace": namespace,
            "service_account": account,
            "role_arn": role,
            "region": cluster.eks_region,
            "assume_role_arn": cluster.eks_assume_role_arn,
        }
        for cluster, namespace, account, role in rows
        if cluster_state(aws, cluster.host) in ("active", "unknown")
    ]


def association_role(aws: Mapping[str, t.Any], row: Mapping[str, t.Any]) -> str | None:
    """Return the role that an account takes now through Pod Identity, None where it takes none."""
    present = answer_of(aws, row["host"]).get("associations") or []
    account = (row["namespace"], row["service_account"])
    return next((str(entry["role_arn"]) for entry in present if (entry["namespace"], entry["service_account"]) == account), None)


# -- the plan


def plan(site: Site, aws: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the wanted documents and associations, which of them differ (``missing_…``, ``…_differs``, ``roles_due``), and whether any does (``due``)."""
    account, partition = aws["account"], aws["partition"]
    name = site.settings["flyte_iam_policy_name"]
    arn = f"arn:{partition}:iam::{account}:policy/{name}"
    policy = s3_policy(site.buckets, partition)
    issuers: list[str] = []
    rows: list[dict[str, t.Any]] = []
    if uses_pod_identity(site):
        rows = associations(site, aws)
        roles = {role: _pod_role(site, aws, role, arn) for role in role_names(site)}
    else:
        issuers = [issuer for issuer in (issuer_of(aws, cluster.host) for cluster in site.clusters) if issuer]
        roles = {role: _role(site, aws, role, given, arn) for role, given in grants(site, aws).items()}
    found: dict[str, t.Any] = {
        "policy": {"name": name, "arn": arn, "document": policy},
        "policy_differs": aws["policy"] is None or not same(aws["policy"]["document"], policy),
        "issuers": issuers,
        "missing_issuers": [issuer for issuer in issuers if provider_arn(account, issuer, partition) not in aws["oidc_providers"]],
        "associations": rows,
        "missing_associations": [row for row in rows if association_role(aws, row) != row["role_arn"]],
        "roles": roles,
        "roles_due": [{"name": role, "trust": wanted["trust"], "policy_arn": arn} for role, wanted in roles.items() if wanted["differs"]],
    }
    return {**found, "due": any(bool(found[key]) for key in ("policy_differs", "missing_issuers", "missing_associations", "roles_due"))}


def vanishing_accounts(site: Site, aws: Mapping[str, t.Any], planned: Mapping[str, t.Any]) -> tuple[tuple[str, ...], int]:
    """Return the accounts of Flyte's that no role will trust any more, and how many there are now. One that another role takes over is none of them.

    :param planned: of :func:`plan`.
    """
    own = own_accounts(site)
    before = {found for name in planned["roles"] for found in trusted((aws["roles"].get(name) or {}).get("trust"), own)}
    after = {found for role in planned["roles"].values() for found in trusted(role["trust"], own)}
    return tuple(f"{subject.removeprefix('system:serviceaccount:')} of {issuer}" for issuer, subject in sorted(before - after)), len(before)


def own_accounts(site: Site) -> Own:
    """Return what accounts of Flyte look like in the trust policies of a site."""
    return Own(frozenset(cluster.namespace for cluster in site.clusters), tuple(site.domains), site.mapping, tuple(site.projects))


def _role(site: Site, aws: Mapping[str, t.Any], name: str, given: list[Grant], policy_arn: str) -> dict[str, t.Any]:
    settings = site.settings
    compact, limit = settings["flyte_iam_compact"], settings["flyte_iam_policy_size_limit"]
    existing = (aws["roles"].get(name) or {}).get("trust")
    merged = merge_trust(existing, given, own=own_accounts(site), compact=compact, prune=settings["flyte_iam_prune"])
    # One that clusters do not share does not grow.
    grows = name != settings["flyte_iam_control_plane_role"] and not _roles_differ(site)
    return _described(aws, name, merged, policy_arn, room(merged.document, given, limit, compact=compact) if grows else None, len(given))


def _pod_role(site: Site, aws: Mapping[str, t.Any], name: str, policy_arn: str) -> dict[str, t.Any]:
    existing = (aws["roles"].get(name) or {}).get("trust")
    return _described(aws, name, merge_pod_identity(existing, own=own_accounts(site), prune=site.settings["flyte_iam_prune"]), policy_arn, None, 0)


def _described(aws: Mapping[str, t.Any], name: str, merged: Merged, policy_arn: str, fitting: int | None, clusters: int) -> dict[str, t.Any]:
    present = aws["roles"].get(name)
    attached = bool(present) and policy_arn in (present or {}).get("policies", [])
    return {
        "trust": merged.document,
        "notes": merged.notes,
        "differs": merged.changed or not attached,
        "size": size(merged.document),
        # how many more clusters like the largest fit; None where it does not grow with them
        "room": fitting,
        # how many clusters' accounts it trusts through their OIDC providers
        "clusters": clusters,
    }
