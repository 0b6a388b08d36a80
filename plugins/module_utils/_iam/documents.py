# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM documents: the S3 policy, the statements of trust policies, what they mean and how long they are. Pure functions."""

from __future__ import annotations

import json
import typing as t

from .subjects import AUDIENCE, Grant, issuer_path

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Document = dict[str, t.Any]

VERSION = "2012-10-17"
WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
POD_IDENTITY = "pods.eks.amazonaws.com"
_POD_ACTIONS = ("sts:AssumeRole", "sts:TagSession")
S3_OBJECT_ACTIONS = ("s3:DeleteObject*", "s3:GetObject*", "s3:PutObject*")
S3_ACTIONS = ("s3:DeleteObject*", "s3:GetObject*", "s3:ListBucket", "s3:PutObject*")
#: ends an operator that passes over condition keys that a request does not have
EXISTS = "IfExists"


def s3_policy(buckets: Iterable[str], partition: str = "aws") -> Document:
    """Return the guide's policy: exactly its four actions, and two resources for each bucket.

    :param buckets: names of buckets. ``bucket/prefix`` grants that prefix alone, and to list nothing else.
    """
    arn = f"arn:{partition}:s3:::"
    given = sorted(set(buckets))
    whole = [bucket for bucket in given if "/" not in bucket]
    statements: list[Document] = []
    if whole:
        resources = [f"{arn}{bucket}{suffix}" for bucket in whole for suffix in ("*", "*/*")]
        statements.append({"Effect": "Allow", "Action": list(S3_ACTIONS), "Resource": resources})
    prefixes = [(bucket, prefix.strip("/")) for bucket, _slash, prefix in (entry.partition("/") for entry in given) if prefix]
    if prefixes:
        objects = [f"{arn}{bucket}/{prefix}/*" for bucket, prefix in prefixes]
        statements.append({"Effect": "Allow", "Action": list(S3_OBJECT_ACTIONS), "Resource": objects})
    for bucket in sorted({bucket for bucket, _prefix in prefixes}):
        within = [text for owner, prefix in prefixes if owner == bucket for text in (prefix, f"{prefix}/*")]
        condition = {"StringLike": {"s3:prefix": within}}
        statements.append({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"{arn}{bucket}", "Condition": condition})
    return {"Version": VERSION, "Statement": statements}


# -- statements


def _operator(subjects: Iterable[str]) -> str:
    """Return the operator for subjects: StringLike only where one has a wildcard, which StringEquals would never match."""
    return "StringLike" if any("*" in subject or "?" in subject for subject in subjects) else "StringEquals"


def _one_or_all(values: Sequence[str]) -> t.Any:
    return values[0] if len(values) == 1 else list(values)


def _conditions(issuer: str, subjects: Sequence[str]) -> dict[str, t.Any]:
    key = issuer_path(issuer)
    return {f"{key}:aud": AUDIENCE, f"{key}:sub": _one_or_all(subjects)}


def statement(provider: str, issuer: str, subjects: Sequence[str], operator: str = "") -> Document:
    """Return the statement that lets accounts of one cluster assume a role."""
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": WEB_IDENTITY,
        "Condition": {operator or _operator(subjects): _conditions(issuer, subjects)},
    }


def compact_statement(grants: Sequence[Grant]) -> Document:
    """Return one statement for all clusters, the shortest that means the same as one each.

    A token has the condition keys of its own issuer only: ``…IfExists`` passes over those of the others, and each provider that
    is named has both of its keys here.
    """
    if len(grants) == 1:
        return statement(*grants[0])
    conditions: dict[str, t.Any] = {}
    for _provider, issuer, subjects in grants:
        conditions.update(_conditions(issuer, subjects))
    operator = _operator(subject for _provider, _issuer, subjects in grants for subject in subjects) + EXISTS
    return {
        "Effect": "Allow",
        "Principal": {"Federated": [provider for provider, _issuer, _subjects in grants]},
        "Action": WEB_IDENTITY,
        "Condition": {operator: conditions},
    }


def pod_identity_statement() -> Document:
    """Return the statement that lets EKS Pod Identity assume a role; which pods do is said by associations."""
    return {"Effect": "Allow", "Principal": {"Service": POD_IDENTITY}, "Action": list(_POD_ACTIONS)}


# -- comparing


def listed(value: t.Any) -> list[t.Any]:
    """Return a policy element as a list: IAM stores a list of one as a string."""
    return list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]


def normal(item: t.Any) -> t.Any:
    """Return a policy element in one form: IAM stores a list of one as a string, in any order."""
    if isinstance(item, dict):
        return {key: normal(value) for key, value in item.items()}
    if isinstance(item, (list, tuple)):
        values = sorted((normal(value) for value in item), key=lambda value: json.dumps(value, sort_keys=True))
        return values[0] if len(values) == 1 else values
    return item


def same(left: t.Any, right: t.Any) -> bool:
    """Return whether two documents mean the same."""
    return bool(normal(left) == normal(right))


def loses(before: Mapping[str, t.Any] | None, after: Mapping[str, t.Any]) -> bool:
    """Return whether a document has a statement that another one does not have as it is."""
    left = listed(after.get("Statement"))
    return any(not any(same(entry, other) for other in left) for entry in listed((before or {}).get("Statement")))


def size(document: Mapping[str, t.Any]) -> int:
    """Return the length that IAM counts: characters without white space."""
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


# -- room


def room(document: Mapping[str, t.Any], wanted: Sequence[Grant], limit: int, *, compact: bool) -> int:
    """Return how many more clusters like the largest wanted one fit into a trust policy."""
    if not wanted:
        return 0
    largest = max(wanted, key=lambda grant: len(json.dumps(grant)))
    if compact:

        def like(letter: str) -> Grant:
            return largest[0] + letter, largest[1] + letter, largest[2]

        # The letters that make the issuers differ are in the ARN and in two condition keys.
        step = size(compact_statement([largest, like("x"), like("y")])) - size(compact_statement([largest, like("x")])) - 3
    else:
        step = size(statement(*largest)) + 1
    return max(0, (limit - size(document)) // step)
