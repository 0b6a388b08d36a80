# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM documents: the S3 policy and the trust policies of the two roles. Pure functions.

The guide's example has ``<OIDC>.:aud`` (a stray dot), which never matches, and lets ``system:serviceaccount:*:default``,
the default account of every namespace of every listed cluster, take the data-plane role. Here the default is the refined
form: ``StringEquals`` with ``<project>-<domain>:default``. Statements that are not ours stay, in their place.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Document = dict[str, t.Any]

AUDIENCE = "sts.amazonaws.com"
VERSION = "2012-10-17"
WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
S3_ACTIONS = ("s3:DeleteObject*", "s3:GetObject*", "s3:ListBucket", "s3:PutObject*")
_ACCOUNT = "system:serviceaccount:"


def issuer_path(issuer: str) -> str:
    """Return an OIDC issuer as condition keys and ARNs name it: without ``https://``."""
    return re.sub(r"^https?://", "", issuer).rstrip("/")


def provider_arn(account: str, issuer: str, partition: str = "aws") -> str:
    """Return the ARN of the account's OIDC provider of an issuer."""
    return f"arn:{partition}:iam::{account}:oidc-provider/{issuer_path(issuer)}"


def s3_policy(buckets: Iterable[str], partition: str = "aws") -> Document:
    """Return the guide's policy: exactly its four actions, and two resources for each bucket."""
    resources = [f"arn:{partition}:s3:::{bucket}{suffix}" for bucket in sorted(set(buckets)) for suffix in ("*", "*/*")]
    return {"Version": VERSION, "Statement": [{"Effect": "Allow", "Action": list(S3_ACTIONS), "Resource": resources}]}


def control_plane_subjects(namespace: str) -> list[str]:
    """Return the accounts of the control plane that read and write the buckets."""
    return [f"{_ACCOUNT}{namespace}:flyteadmin", f"{_ACCOUNT}{namespace}:datacatalog"]


def data_plane_subjects(namespace: str, projects: Iterable[str], domains: Iterable[str], *, wildcard: bool) -> list[str]:
    """Return the accounts of a data plane: flytepropeller and those of the tasks' pods.

    :param wildcard: the guide's ``*:default`` instead of the enumerated namespaces.
    """
    propeller = f"{_ACCOUNT}{namespace}:flytepropeller"
    if wildcard:
        return [propeller, f"{_ACCOUNT}*:default"]
    ordered = list(domains)
    return [propeller, *(f"{_ACCOUNT}{project}-{domain}:default" for project in sorted(set(projects)) for domain in ordered)]


def statement(provider: str, issuer: str, subjects: Sequence[str]) -> Document:
    """Return the statement that lets accounts of one cluster assume a role; StringLike only where a subject has a ``*``."""
    key = issuer_path(issuer)
    operator = "StringLike" if any("*" in subject or "?" in subject for subject in subjects) else "StringEquals"
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": WEB_IDENTITY,
        "Condition": {operator: {f"{key}:aud": AUDIENCE, f"{key}:sub": list(subjects) if len(subjects) != 1 else subjects[0]}},
    }


@dataclasses.dataclass
class Merged:
    """A merged trust policy, what was changed on the way, and whether it differs from the one before."""

    document: Document
    notes: list[str]
    changed: bool


def _listed(value: t.Any) -> list[t.Any]:
    return list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]


def _normal(item: t.Any) -> t.Any:
    """Return a policy element in one form: IAM stores a list of one as a string, in any order."""
    if isinstance(item, dict):
        return {key: _normal(value) for key, value in item.items()}
    if isinstance(item, (list, tuple)):
        values = sorted((_normal(value) for value in item), key=lambda value: json.dumps(value, sort_keys=True))
        return values[0] if len(values) == 1 else values
    return item


def same(left: t.Any, right: t.Any) -> bool:
    """Return whether two documents mean the same."""
    return bool(_normal(left) == _normal(right))


def _is_for(entry: Mapping[str, t.Any], provider: str) -> bool:
    principal = entry.get("Principal")
    federated = _listed(principal.get("Federated")) if isinstance(principal, dict) and set(principal) == {"Federated"} else []
    return entry.get("Effect") == "Allow" and federated == [provider] and _listed(entry.get("Action")) == [WEB_IDENTITY]


def _conditions(entry: Mapping[str, t.Any], issuer: str) -> tuple[list[str], str, bool] | None:
    """Return subjects, operator and whether a key has the guide's stray dot; None where there is any other condition."""
    key = issuer_path(issuer)
    subjects: list[str] = []
    operator, stray = "StringEquals", False
    for name, pairs in (entry.get("Condition") or {}).items():
        if name not in ("StringEquals", "StringLike"):
            return None
        for condition, values in pairs.items():
            host, _colon, kind = condition.rpartition(":")
            if host.rstrip(".") != key or kind not in ("aud", "sub"):
                return None
            stray = stray or host.endswith(".")
            if kind == "sub":
                subjects += [str(value) for value in _listed(values)]
                operator = name
    return subjects, operator, stray


def _is_flytes(subject: str, namespace: str) -> bool:
    """Return whether this collection or the guide writes such a subject: Flyte's own accounts and ``…:default``."""
    place, _colon, account = subject.removeprefix(_ACCOUNT).rpartition(":")
    return account == "default" or (place == namespace and account in ("flytepropeller", "flyteadmin", "datacatalog"))


def merge_trust(existing: Mapping[str, t.Any] | None, wanted: Sequence[tuple[str, str, Sequence[str]]], *, namespace: str) -> Merged:
    """Return the trust policy with one statement of ours for each OIDC provider, in the place where it was.

    A statement that was made by hand from the guide is taken over. Statements of others, and subjects in ours that
    are no accounts of Flyte, are kept.

    :param existing: the role's trust policy, None for a new role.
    :param wanted: provider ARN, issuer and subjects for each cluster.
    """
    statements = [dict(entry) for entry in _listed((existing or {}).get("Statement"))]
    notes: list[str] = []
    for provider, issuer, subjects in wanted:
        own = statement(provider, issuer, subjects)
        mine = []
        strangers: list[Document] = []
        for number, entry in enumerate(statements):
            found = _conditions(entry, issuer) if _is_for(entry, provider) else None
            if found is None:
                continue
            mine.append(number)
            present, operator, stray = found
            foreign = [subject for subject in present if not _is_flytes(subject, namespace)]
            if foreign:
                stranger = statement(provider, issuer, foreign)
                stranger["Condition"] = {operator: next(iter(stranger["Condition"].values()))}
                strangers.append(stranger)
                notes.append(f"{issuer_path(issuer)}: kept subjects of others: {', '.join(foreign)}")
            if stray:
                notes.append(f"{issuer_path(issuer)}: repaired condition keys with the guide's stray dot, which never matched")
            elif not same(statements[number], own) and not foreign:
                notes.append(f"{issuer_path(issuer)}: statement taken over")
        if mine:
            statements[mine[0]] = own
            for number in reversed(mine[1:]):
                del statements[number]
            statements[mine[0] + 1 : mine[0] + 1] = [entry for entry in strangers if not any(same(entry, other) for other in statements)]
        else:
            statements.append(own)
    document = {**(existing or {}), "Version": VERSION, "Statement": statements}
    return Merged(document, notes, existing is None or not same(existing, document))


def size(document: Mapping[str, t.Any]) -> int:
    """Return the length that IAM counts: characters without white space."""
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False))
