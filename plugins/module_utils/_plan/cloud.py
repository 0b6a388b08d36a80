# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What IAM and EKS get. No I/O."""

from __future__ import annotations

import json
import typing as t

from .._helm.shown_values import Change
from .._iam.eks import answer_of, cluster_state, node_group_state
from .._iam.required import association_role
from .._iam.statements import statement_changes
from .rows import Failure, Row

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._inventory.site import Cluster, Site

_Aws = t.Optional[t.Mapping[str, t.Any]]


def iam_rows(site: Site, iam: Mapping[str, t.Any] | None, aws: _Aws = None) -> list[Row]:
    """Return what IAM gets, statement by statement, and what to know of its trust policies.

    :param iam: the documents that have to be, from ``_iam.required.plan``; None where IAM is not managed.
    :param aws: what AWS has.
    """
    if iam is None:
        return []
    host, there = site.control_plane.host, aws or {}
    rows = [Row(host, "iam", f"OIDC provider {issuer}", "EKS has this cluster, and IAM does not know it") for issuer in iam["missing_issuers"]]
    if iam["policy_differs"]:
        before, name = there.get("policy"), iam["policy"]["name"]
        changes = statement_changes(before["document"] if before else None, iam["policy"]["document"])
        rows.append(Row(host, "iam", f"policy {name}", "differs" if before else "is not there", changes=tuple(changes)))
    for entry in iam["missing_associations"]:
        account = f"{entry['namespace']}:{entry['service_account']}"
        change = Change("role", association_role(there, entry), entry["role_arn"])
        rows.append(Row(entry["host"], "iam", f"Pod Identity {account}", f"takes {entry['role_arn']}", changes=(change,)))
    for name, role in iam["roles"].items():
        if role["differs"]:
            rows.append(_role_row(site, name, role, (there.get("roles") or {}).get(name), iam["policy"]["arn"]))
        elif role["notes"]:
            rows += [Row(host, "iam", f"role {name}", note) for note in role["notes"]]
    return rows


def _role_row(site: Site, name: str, role: Mapping[str, t.Any], present: Mapping[str, t.Any] | None, policy: str) -> Row:
    fits = "" if role["room"] is None else f", {role['room']} more clusters fit"
    reason = f"trust policy of {role['size']} of {site.settings['flyte_iam_policy_size_limit']} characters{fits}"
    changes = statement_changes((present or {}).get("trust"), role["trust"])
    if policy not in (present or {}).get("policies", []):
        changes.append(Change("attached policy", None, policy))
    # A row without a change is a note.
    changes += [] if changes else [Change("trust policy", "in another form", "as this collection writes it")]
    return Row(site.control_plane.host, "iam", f"role {name}", reason, tuple(role["notes"]), tuple(changes))


#: what has to be done for an EKS cluster in these states: of the cluster, and of its node group where the cluster is there
_CLUSTER_ACTIONS = {"missing": "create EKS cluster", "creating": "wait for EKS cluster"}
_NODE_GROUP_ACTIONS = {"missing": "create node group", "creating": "wait for node group", "failed": "replace node group"}


def eks_row(cluster: Cluster, aws: _Aws) -> Row | None:
    """Return what has to be done to have a data plane's EKS cluster, None where nothing has, or the inventory does not create it."""
    if not cluster.eks_create or aws is None:
        return None
    state = cluster_state(aws, cluster.host)
    if state in ("missing", "creating"):
        action, reason = f"{_CLUSTER_ACTIONS[state]} {cluster.eks_cluster}", f"{_described(cluster)}; {_THEN}"
        return Row(cluster.host, "eks_cluster", action, reason, held=_given(cluster, cluster.eks))
    nodes = node_group_state(aws, cluster.host)
    if state == "active" and nodes in _NODE_GROUP_ACTIONS:
        health = "; ".join(((aws["clusters"][cluster.host].get("nodegroup") or {}).get("health")) or [])
        reason = f"of {cluster.eks_cluster}: {health or nodes}; {_THEN}"
        held = _given(cluster, [name for name in cluster.eks if name.startswith(_OF_NODES)])
        return Row(cluster.host, "eks_cluster", f"{_NODE_GROUP_ACTIONS[nodes]} {cluster.eks['nodegroup']}", reason, held=held)
    return None


_THEN = "then it is planned anew: what it needs besides is in no plan before, and a run that is held to one ends there"
#: how the settings begin that a node group is made of
_OF_NODES = ("node", "instance", "subnets")


def _given(cluster: Cluster, names: Iterable[str]) -> tuple[Change, ...]:
    """Return what EKS is given."""
    return tuple(Change(f"flyte_eks_{name}", None, json.dumps(cluster.eks[name])) for name in sorted(names) if cluster.eks[name] not in (None, []))


_GONE = "Once it is gone, run again with flyte_eks_create: true, or take the host out of the inventory."


def _described(cluster: Cluster) -> str:
    nodes = f"{cluster.eks['nodes_min']} to {cluster.eks['nodes_max']} nodes {', '.join(cluster.eks['instance_types'])}"
    return f"version {cluster.eks['version']}, subnets {', '.join(str(subnet) for subnet in cluster.eks['subnets'])}, {nodes}"


def eks_clusters_to_make(site: Site, aws: _Aws) -> dict[str, dict[str, bool]]:
    """Return what the role eks_cluster does, by inventory host: ``create``, ``node_group`` and ``replace_node_group``."""
    found = {}
    for cluster in site.data_planes:
        if aws is not None and eks_row(cluster, aws) is not None:
            nodes = node_group_state(aws, cluster.host)
            create = cluster_state(aws, cluster.host) in ("missing", "creating")
            found[cluster.host] = {"create": create, "replace_node_group": not create and nodes == "failed"}
    return found


def not_reachable_yet(site: Site, aws: _Aws) -> dict[str, Failure | None]:
    """Return the hosts that cannot be asked since EKS does not have their cluster ready; with a failure where this run does not make it."""
    found: dict[str, Failure | None] = {}
    for cluster in site.clusters:
        state = cluster_state(aws, cluster.host) if aws is not None and cluster.eks_cluster else "active"
        if state in ("missing", "creating") and cluster.eks_create:
            found[cluster.host] = None
        elif state == "creating":
            remedy = "EKS takes about ten minutes; run again when it is ACTIVE."
            found[cluster.host] = Failure(cluster.host, "observe", f"EKS is still creating the cluster {cluster.eks_cluster}", remedy)
        elif state == "failed":
            status = answer_of(aws, cluster.host)["status"]
            why = "" if status == "DELETING" else f"See why: aws eks describe-cluster --name {cluster.eks_cluster}. Then delete it. "
            found[cluster.host] = Failure(cluster.host, "observe", f"EKS shows the cluster {cluster.eks_cluster} as {status}", why + _GONE)
    return found
