# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which roles of IAM, or service accounts of Google, an installation uses, and how the inventory says so. No I/O."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._common.names import FLYTEADMIN, PROPELLER
from .._helm.overrides import EKS_ROLE_ANNOTATION, GCP_ACCOUNT_ANNOTATION
from .._iam.documents import POD_IDENTITY, S3_ACTIONS, listed

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .found import FoundCluster

DEFAULT_CONTROL_ROLE, DEFAULT_DATA_ROLE = "flyte-controlplane-role", "flyte-dataplane-role"
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/(?:[\w+=,.@-]+/)*([\w+=,.@-]{1,64})", re.ASCII)
#: of a policy that lies at no path, which is called by its name
_POLICY_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:policy/([\w+=,.@-]{1,128})", re.ASCII)
_CONTROL_ACCOUNTS = (FLYTEADMIN, "datacatalog")


@dataclasses.dataclass(frozen=True)
class Identities:
    """Who the programs of an installation are to its cloud: ARNs, or service accounts."""

    control: tuple[str, ...]
    propellers: tuple[str, ...]
    #: of the tasks, by domain
    tasks: dict[str, str]

    @property
    def arns(self) -> list[str]:
        """All of them."""
        return list(dict.fromkeys([*self.control, *self.propellers, *self.tasks.values()]))


def identities(control: FoundCluster, planes: Iterable[FoundCluster], tasks: Mapping[str, str], annotation: str) -> Identities:
    """Return who is who, by the annotations of the accounts."""

    def of(cluster: FoundCluster, names: Iterable[str]) -> list[str]:
        return [found for name in names if (found := cluster.accounts.get(name, {}).get(annotation))]

    propellers = [found for plane in planes for found in of(plane, [PROPELLER])]
    return Identities(tuple(dict.fromkeys(of(control, _CONTROL_ACCOUNTS))), tuple(dict.fromkeys(propellers)), dict(tasks))


def associated(
    answers: Mapping[str, Iterable[Mapping[str, t.Any]]], control: FoundCluster, planes: Mapping[str, FoundCluster], domains: Mapping[str, str]
) -> Identities:
    """Return who is who by EKS Pod Identity, which leaves no trace in the clusters.

    :param answers: the associations of the EKS cluster of each host.
    :param domains: of projects, by namespace.
    """

    def of(host: str, cluster: FoundCluster, names: Iterable[str]) -> list[str]:
        place = cluster.namespace or "flyte"
        return [str(entry["role_arn"]) for entry in answers.get(host, []) if entry["namespace"] == place and entry["service_account"] in names]

    tasks = {domains[entry["namespace"]]: str(entry["role_arn"]) for own in answers.values() for entry in own if _is_of_tasks(entry, domains)}
    propellers = [role for host, plane in planes.items() for role in of(host, plane, [PROPELLER])]
    return Identities(tuple(dict.fromkeys(of(control.host, control, _CONTROL_ACCOUNTS))), tuple(dict.fromkeys(propellers)), tasks)


def _is_of_tasks(association: Mapping[str, t.Any], domains: Mapping[str, str]) -> bool:
    return association["service_account"] == "default" and association["namespace"] in domains


def annotation_of(provider: str) -> str:
    """Return the annotation that says who an account is."""
    return GCP_ACCOUNT_ANNOTATION if provider == "gcp" else EKS_ROLE_ANNOTATION


def role_name(arn: str) -> str | None:
    """Return the name of a role, None where this is no ARN of one."""
    found = _ROLE_ARN.fullmatch(arn)
    return found.group(1) if found else None


def names_to_ask(found: Identities, given: Mapping[str, t.Any]) -> list[str]:
    """Return the names of the roles that may be Flyte's: those that the inventory of accesses names, those of the annotations, the guide's."""
    named = [given.get("flyte_iam_control_plane_role"), given.get("flyte_iam_data_plane_role"), *map(role_name, found.arns)]
    return list(dict.fromkeys([name for name in (*named, DEFAULT_CONTROL_ROLE, DEFAULT_DATA_ROLE) if name]))


@dataclasses.dataclass
class FoundIam:
    """Variables of the inventory, and comments of them."""

    variables: dict[str, t.Any]
    comments: dict[str, list[str]]
    #: the names of the roles that the inventory names
    roles: tuple[str, ...] = ()


def unmanaged(found: Identities, why: str | None) -> FoundIam:
    """Return what says who is who where IAM is not managed."""
    variables: dict[str, t.Any] = {"flyte_iam_manage": False}
    comments = {"flyte_iam_manage": [why]} if why else {}
    if len(found.control) == 1 and role_name(found.control[0]):
        variables["flyte_control_plane_role_arn"] = found.control[0]
    data = {*found.propellers, *found.tasks.values()}
    if len(data) == 1 and found.propellers and role_name(next(iter(data))):
        variables["flyte_data_plane_role_arn"] = data.pop()
    elif len(data) > 1:
        comments.setdefault("flyte_iam_manage", []).append("The roles of flytepropeller and of the tasks differ: they stay in the values.")
    return FoundIam(variables, comments)


def managed(found: Identities, given: Mapping[str, t.Any], roles: Mapping[str, t.Any]) -> FoundIam:
    """Return what says which roles this collection manages from now on.

    :param given: what the inventory of accesses says.
    :param roles: what IAM has of the roles of :func:`names_to_ask`, None where it has none.
    """
    comments: dict[str, list[str]] = {}
    controls, datas = _existing(found.control, roles), _existing(found.propellers, roles)
    tasks = {domain: role_name(arn) or "" for domain, arn in found.tasks.items()}
    there = {domain: name for domain, name in tasks.items() if roles.get(name)}
    control = given.get("flyte_iam_control_plane_role") or (controls[0] if controls else DEFAULT_CONTROL_ROLE)
    data = given.get("flyte_iam_data_plane_role") or next(iter([*datas, *there.values()]), DEFAULT_DATA_ROLE)
    variables: dict[str, t.Any] = {"flyte_iam_control_plane_role": control, "flyte_iam_data_plane_role": data}
    others = {name for name in (*datas, *there.values()) if name != data}
    if others and all(name == f"{data}-{domain}" for domain, name in there.items()) and len(datas) <= 1:
        variables["flyte_iam_domain_roles"] = True
    elif others and not given.get("flyte_iam_data_plane_role"):
        return unmanaged(found, f"Data planes use more than one role ({', '.join(sorted({data, *others}))}): one role for all of them cannot be managed.")
    if control == data or len(controls) > 1:
        return unmanaged(
            found,
            f"The control plane's role is {', '.join(controls) or control}, and that of the data planes {data}: a role of its own for each can be managed.",
        )
    for name, role in (("flyte_iam_control_plane_role", control), ("flyte_iam_data_plane_role", data)):
        if not roles.get(role):
            comments[name] = ["IAM has no such role: it will be made."]
    annotated = {role_name(arn) for arn in found.arns} - {control, data, *there.values(), None}
    if annotated:
        names = ", ".join(sorted(str(name) for name in annotated))
        comments.setdefault("flyte_iam_data_plane_role", []).append(
            f"Accounts are annotated with roles that IAM does not have: {names}. They get those of here."
        )
    trust = (roles.get(data) or {}).get("trust") or {}
    statements = [entry for entry in listed(trust.get("Statement")) if isinstance(entry, dict)]
    principals = [entry["Principal"] for entry in statements if isinstance(entry.get("Principal"), dict)]
    if any(POD_IDENTITY in listed(principal.get("Service")) for principal in principals):
        variables["flyte_iam_mode"] = "pod_identity"
    elif any(len(listed(principal.get("Federated"))) > 1 for principal in principals):
        variables["flyte_iam_compact"] = True
    return FoundIam(variables, comments, (control, data))


def _existing(arns: Iterable[str], roles: Mapping[str, t.Any]) -> list[str]:
    return list(dict.fromkeys(name for name in map(role_name, arns) if name and roles.get(name)))


def policy_names(iam: FoundIam, roles: Mapping[str, t.Any]) -> list[str]:
    """Return the names of the account's own policies that the roles have, those of both first."""
    attached = [[match.group(1) for match in map(_POLICY_ARN.fullmatch, (roles.get(role) or {}).get("policies") or []) if match] for role in iam.roles]
    names = list(dict.fromkeys(name for own in attached for name in own))
    return sorted(names, key=lambda name: sum(name not in own for own in attached))


def is_s3_policy(policy: Mapping[str, t.Any] | None) -> bool:
    """Return whether a policy grants what Flyte does with its buckets."""
    statements = listed(((policy or {}).get("document") or {}).get("Statement"))
    granted = {str(action) for entry in statements if isinstance(entry, dict) for action in listed(entry.get("Action"))}
    return bool(granted & {*S3_ACTIONS, "s3:*", "*"}) or any(action.startswith("s3:") for action in granted)
