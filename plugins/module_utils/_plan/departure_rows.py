# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to remove a cluster, in its order, as rows of a plan. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.names import TAGS
from .._helm.configuration import CHECKSUM_ANNOTATION
from .._helm.ours import CONFIGURATION
from .._helm.paths import is_any_below
from .._helm.shown_values import Change
from .._iam.eks import answer_of
from .._iam.required import own_accounts, role_names
from .._iam.statements import statement_changes
from .._iam.subjects import issuer_path, provider_arn
from .._iam.trust import names_issuer, without_issuer
from .._labels.rows import describe
from .control_plane import differences
from .namespaces import namespace_of
from .rows import RELEASE, WAIT_FOR_EXECUTIONS, Row, is_reachable

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._helm.configuration import Configuration
    from .._inventory.site import Cluster, Site
    from .._labels.rows import Rows
    from .decommission import Departure, Target
    from .rows import Observation, Observations

#: the step in which flyteadmin is configured without the cluster
AWAY = "configuration"


class Stage(t.NamedTuple):
    """One rollout of the control plane's release."""

    site: Site
    configuration: Configuration
    #: why Helm has to run, None where it has not
    reason: str | None


def label_rows(site: Site, rows: Rows) -> list[Row]:
    """Return the rows of execution cluster labels that go."""
    host, reason = site.control_plane.host, "its label is taken away"
    return [Row(host, "labels", f"remove {describe(key)}", reason, changes=(Change("label", label, None),)) for key, label in sorted(rows.items())]


def rollout_rows(observed: Observations, name: str, *, disable: Stage | None, remove: Stage) -> list[Row]:
    """Return what flyteadmin's configuration gets. ``disable`` is None where it does not have the cluster any more."""
    found = []
    if disable is not None and disable.reason:
        head = disable.site.control_plane
        details = tuple(differences(disable.site, observed, disable.configuration))
        found.append(Row(head.host, "disable", f"{RELEASE}{head.release}", f"no new execution on {name}; {disable.reason}", details))
    if remove.reason:
        head = remove.site.control_plane
        details = tuple(differences(remove.site, observed, remove.configuration))
        found.append(Row(head.host, AWAY, f"{RELEASE}{head.release}", f"without {name}; {remove.reason}", details))
    return found


def beyond_configuration(rows: Sequence[Row]) -> list[Row]:
    """Return what the rollouts of a removal change besides flyteadmin's clusters and labels, as what it would be in a run of site.yml."""
    found = []
    for row in rows:
        changes = tuple(change for change in row.changes if not is_any_below(change.path, CONFIGURATION) and CHECKSUM_ANNOTATION not in change.path)
        if row.step in ("disable", AWAY) and changes:
            found.append(dataclasses.replace(row, step="controlplane", details=(), changes=changes))
    return found


def drain_row(host: str, name: str, executions: str, how: str, timeout: int) -> Row:
    """Return what is done about the executions that have not ended.

    :param executions: how many, for people; nothing where there is none yet.
    :param how: ``wait`` or ``abort``.
    """
    aborts = how == "abort"
    reason = f"{name}: {executions or 'those that begin until it is disabled'}, {timeout} s at most"
    return Row(host, "drain", "abort executions" if aborts else WAIT_FOR_EXECUTIONS, reason, held=(Change("cluster", None, name),) if aborts else ())


def left_row(host: str, name: str) -> Row:
    """Return that what does not end is left behind."""
    reason = "flyte_remove_force: what has not ended then is left, FlyteWorkflows too, and so is what is in a cluster that does not answer"
    return Row(host, "drain", f"leave what runs on {name}", reason)


def plane_rows(cluster: Cluster, observation: Observation | None, left: Sequence[str]) -> list[Row]:
    """Return what goes in the cluster itself.

    :param left: what is there besides the release, each with its kind.
    """
    if not is_reachable(observation) or observation is None:
        return []
    rows = []
    release = observation.get("release")
    for token in observation.get("tokens") or []:
        shown = token["fingerprint"][:8]
        held = (Change("token", shown, None),)
        rows.append(Row(cluster.host, "dataplane", f"delete the token Secret {token['secret']}", f"token {shown}", held=held))
    if release:
        reason = f"revision {release['revision']} of {release['chart']} {release['version']}, with its rights, the FlyteWorkflow CRD and the webhook"
        rows.append(Row(cluster.host, "dataplane", f"uninstall the Helm release {cluster.release}", reason))
    rows += [Row(cluster.host, "dataplane", f"delete the {what}", "no release has it") for what in left]
    if (observation.get("identity") or {}).get("managed"):
        rows.append(Row(cluster.host, "dataplane", "delete the Secret flyte-secret-auth", "made here, for flytepropeller's login"))
    return rows


def aws_departure(site: Site, aws: Mapping[str, t.Any] | None, cluster: Cluster | None) -> dict[str, t.Any]:
    """Return what goes in AWS: ``roles`` (each with ``name``, ``trust``, ``before`` and ``notes``), ``associations``, ``provider`` (the issuer), ``notes``.

    :param site: with the cluster in it.
    """
    nothing: dict[str, t.Any] = {"roles": [], "associations": [], "provider": None, "notes": []}
    if aws is None or cluster is None or not cluster.eks_cluster or not site.settings["flyte_iam_manage"]:
        return nothing
    answer = answer_of(aws, cluster.host)
    issuer, notes = answer.get("issuer"), []
    if not issuer:
        notes.append(f"EKS does not say the issuer of {cluster.eks_cluster}: flyte_iam_prune: true lets site.yml remove what trust policies have of it")
    shared = [other.host for other in site.clusters if other.host != cluster.host and issuer and answer_of(aws, other.host).get("issuer") == issuer]
    if shared:
        notes.append(f"{', '.join(shared)} has the same EKS cluster: what roles trust of it, and its OIDC provider, stay")
        issuer = None
    roles = []
    for name in role_names(site) if issuer else []:
        before = (aws["roles"].get(name) or {}).get("trust")
        if before and name != site.settings["flyte_iam_control_plane_role"]:
            merged = without_issuer(before, str(issuer), own_accounts(site))
            notes += [f"{name}: {note}" for note in merged.notes if not merged.changed]
            roles += [{"name": name, "trust": merged.document, "before": before, "notes": merged.notes}] if merged.changed else []
    left = [entry["trust"] for entry in roles] + [(role or {}).get("trust") for name, role in aws["roles"].items() if name not in [e["name"] for e in roles]]
    held = issuer and any(names_issuer(document, issuer) for document in left)
    there = issuer and provider_arn(aws["account"], issuer, aws["partition"]) in aws["oidc_providers"]
    if there and held:
        notes.append(f"the OIDC provider {issuer_path(str(issuer))} stays: a role trusts other accounts of this cluster")
    provider = issuer if there and not held and site.settings["flyte_remove_oidc_provider"] else None
    return {"roles": roles, "associations": _associations(cluster, answer, bool(shared)), "provider": provider, "notes": notes}


def _associations(cluster: Cluster, answer: Mapping[str, t.Any], shared: bool) -> list[dict[str, t.Any]]:
    """Return the Pod Identity associations of ours; in an EKS cluster that another host has too, those of this one's own namespace."""
    ours = [entry for entry in answer.get("associations") or [] if TAGS.items() <= entry["tags"].items()]
    return [
        {
            "cluster": str(cluster.eks_cluster),
            "host": cluster.host,
            **{key: entry[key] for key in ("namespace", "service_account", "role_arn")},
            "region": cluster.eks_region,
            "assume_role_arn": cluster.eks_assume_role_arn,
        }
        for entry in ours
        if not shared or entry["namespace"] == cluster.namespace
    ]


def aws_rows(host: str, departure: Mapping[str, t.Any]) -> list[Row]:
    """Return what goes in AWS as rows.

    :param host: the control plane's.
    """
    rows = [
        Row(host, "iam", f"trust policy of {role['name']}", "; ".join(role["notes"]), changes=tuple(statement_changes(role["before"], role["trust"])))
        for role in departure["roles"]
    ]
    for entry in departure["associations"]:
        action, held = f"remove Pod Identity {entry['namespace']}:{entry['service_account']}", (Change("role", entry["role_arn"], None),)
        rows.append(Row(entry["host"], "iam", action, f"its role is {entry['role_arn']}", held=held))
    provider = departure["provider"]
    return rows + ([Row(host, "iam", f"delete OIDC provider {issuer_path(provider)}", "if it was made here (tag managed-by)")] if provider else [])


def own_namespaces(
    site: Site, cluster: Cluster, observed: Observations, places: Sequence[tuple[str, str]], template: str | None
) -> tuple[list[str], str | None]:
    """Return the namespaces of projects that a cluster has, and why they stay where they do.

    :param places: all domains of all projects.
    :param template: flyteadmin's, of namespaces.
    """
    observation = observed.get(cluster.host) or {}
    head = site.control_plane
    same = observation.get("server") and observation.get("server") == (observed.get(head.host) or {}).get("server")
    if same and site.settings["flyte_control_plane_runs_workflows"]:
        return [], f"namespaces of projects stay: {head.host} runs workflows in the same cluster"
    named = {namespace_of(template, project, domain) for project, domain in places} - {cluster.namespace, head.namespace, "default"}
    return [name for name in observation.get("namespaces") or [] if name in named and not name.startswith("kube-")], None


def key_row(host: str, target: Target, keys: Sequence[str]) -> Row:
    """Return which keys of the Secret go."""
    return Row(host, "credentials", f"cluster-credentials: remove {', '.join(keys)}", f"of {target.name}, after the rollout without it")


def ending_lines(departure: Departure) -> list[str]:
    """Return what becomes of labels, for people."""
    lines = []
    for label, entries in departure.moved.items():
        shares = ", ".join(f"{entry['cluster']} {entry['weight']:g}" for entry in entries)
        lines.append(f"label {label}: {shares}")
    return lines + [f"label {label}: taken away" for label in departure.labels]
