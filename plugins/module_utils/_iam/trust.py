# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM documents: the S3 policy and the trust policies of the roles. Pure functions.

The guide's example has ``<OIDC>.:aud`` (a stray dot), which never matches, and lets ``system:serviceaccount:*:default``,
the default account of every namespace of every listed cluster, take the data-plane role. Here the default is the refined
form: ``StringEquals`` with ``<project>-<domain>:default``. Statements that are not ours stay, in their place.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

Document = dict[str, t.Any]
#: provider ARN, issuer, and the accounts of that cluster that may assume the role
Grant = tuple[str, str, t.Sequence[str]]

AUDIENCE = "sts.amazonaws.com"
VERSION = "2012-10-17"
WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
POD_IDENTITY = "pods.eks.amazonaws.com"
_POD_ACTIONS = ("sts:AssumeRole", "sts:TagSession")
S3_OBJECT_ACTIONS = ("s3:DeleteObject*", "s3:GetObject*", "s3:PutObject*")
S3_ACTIONS = ("s3:DeleteObject*", "s3:GetObject*", "s3:ListBucket", "s3:PutObject*")
_ACCOUNT = "system:serviceaccount:"
_COMPONENTS = ("flytepropeller", "flyteadmin", "datacatalog")
_EXISTS = "IfExists"


def issuer_path(issuer: str) -> str:
    """Return an OIDC issuer as condition keys and ARNs name it: without ``https://``."""
    return re.sub(r"^https?://", "", issuer).rstrip("/")


def provider_arn(account: str, issuer: str, partition: str = "aws") -> str:
    """Return the ARN of the account's OIDC provider of an issuer.

    :param partition: ``aws``, ``aws-cn`` or ``aws-us-gov``.
    """
    return f"arn:{partition}:iam::{account}:oidc-provider/{issuer_path(issuer)}"


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
        listed = [text for owner, prefix in prefixes if owner == bucket for text in (prefix, f"{prefix}/*")]
        condition = {"StringLike": {"s3:prefix": listed}}
        statements.append({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"{arn}{bucket}", "Condition": condition})
    return {"Version": VERSION, "Statement": statements}


# -- subjects


def control_plane_subjects(namespace: str) -> list[str]:
    """Return the accounts of the control plane that read and write the buckets."""
    return [f"{_ACCOUNT}{namespace}:flyteadmin", f"{_ACCOUNT}{namespace}:datacatalog"]


def propeller_subject(namespace: str) -> str:
    """Return the account of flytepropeller."""
    return f"{_ACCOUNT}{namespace}:flytepropeller"


def task_subjects(projects: Iterable[str], domains: Iterable[str], *, wildcard: bool) -> list[str]:
    """Return the accounts of the tasks' pods.

    :param wildcard: the guide's ``*:default`` instead of the enumerated namespaces; of one domain ``*-<domain>:default``.
    """
    ordered = list(domains)
    if wildcard:
        return [f"{_ACCOUNT}*-{ordered[0]}:default"] if len(ordered) == 1 else [f"{_ACCOUNT}*:default"]
    return [f"{_ACCOUNT}{project}-{domain}:default" for project in sorted(set(projects)) for domain in ordered]


def data_plane_subjects(namespace: str, projects: Iterable[str], domains: Iterable[str], *, wildcard: bool) -> list[str]:
    """Return the accounts of a data plane: flytepropeller and those of the tasks' pods."""
    tasks = [f"{_ACCOUNT}*:default"] if wildcard else task_subjects(projects, domains, wildcard=False)
    return [propeller_subject(namespace), *tasks]


@dataclasses.dataclass(frozen=True)
class Own:
    """What accounts of Flyte's look like in a trust policy that this collection, or the guide, wrote.

    :param namespaces: Flyte's namespaces.
    :param domains: Flyte's domains: ``<project>-<domain>:default`` is an account of Flyte's tasks.
    """

    namespaces: Collection[str] = ("flyte",)
    domains: Collection[str] = ("development", "staging", "production")

    def has(self, subject: str) -> bool:
        """Return whether a subject is one of Flyte's own accounts."""
        place, _colon, account = subject.removeprefix(_ACCOUNT).rpartition(":")
        if account == "default":
            return place == "*" or any(place.endswith(f"-{domain}") and len(place) > len(domain) + 1 for domain in self.domains)
        return place in self.namespaces and account in _COMPONENTS


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
    operator = _operator(subject for _provider, _issuer, subjects in grants for subject in subjects) + _EXISTS
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


def size(document: Mapping[str, t.Any]) -> int:
    """Return the length that IAM counts: characters without white space."""
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


# -- recognising


@dataclasses.dataclass
class _Part:
    """What a statement says of one provider."""

    provider: str
    subjects: list[str]
    operator: str
    stray: bool = False

    @property
    def issuer(self) -> str:
        """The issuer, without ``https://``."""
        return self.provider.partition(":oidc-provider/")[2]


def _parts(entry: Mapping[str, t.Any]) -> list[_Part] | None:
    """Return what a statement of the guide's form, or of ours, says of each provider; None for any other statement."""
    principal = entry.get("Principal")
    if entry.get("Effect") != "Allow" or not isinstance(principal, dict) or set(principal) != {"Federated"} or _listed(entry.get("Action")) != [WEB_IDENTITY]:
        return None
    if set(entry) - {"Sid", "Effect", "Principal", "Action", "Condition"}:
        return None
    parts = {part.issuer: part for part in (_Part(str(arn), [], "StringEquals") for arn in _listed(principal["Federated"]))}
    if "" in parts:
        return None
    for name, pairs in (entry.get("Condition") or {}).items():
        plain = name.removesuffix(_EXISTS)
        if plain not in ("StringEquals", "StringLike") or (len(parts) > 1 and plain == name):
            return None
        for condition, values in pairs.items():
            host, _colon, kind = condition.rpartition(":")
            part = parts.get(host.rstrip("."))
            if part is None or kind not in ("aud", "sub"):
                return None
            part.stray = part.stray or host.endswith(".")
            if kind == "sub":
                part.subjects += [str(value) for value in _listed(values)]
                part.operator = plain
    # Without subjects every account of the cluster may assume the role: neither we nor the guide write that.
    return list(parts.values()) if all(part.subjects for part in parts.values()) else None


# -- merging


@dataclasses.dataclass
class Merged:
    """A merged trust policy, what was changed on the way, and whether it differs from the one before."""

    document: Document
    notes: list[str]
    changed: bool


class _Merge:
    """One merge: goes through the statements that are there and puts ours in their places."""

    def __init__(self, wanted: Sequence[Grant], own: Own, *, compact: bool, prune: bool) -> None:
        self.wanted = {provider: (provider, issuer, subjects) for provider, issuer, subjects in wanted}
        self.own = own
        self.compact = compact
        self.prune = prune
        self.notes: list[str] = []
        self.statements: list[Document] = []
        self.placed: set[str] = set()

    def run(self, statements: Iterable[Mapping[str, t.Any]]) -> None:
        """Go through all statements, then append what had no place yet."""
        for entry in statements:
            parts = _parts(entry)
            if parts is None:
                self._keep(dict(entry))
            else:
                for part in parts:
                    self._part(part, entry if len(parts) == 1 else None)
        for provider in self.wanted:
            self._place(provider)

    def _keep(self, entry: Document) -> None:
        if not any(same(entry, other) for other in self.statements):
            self.statements.append(entry)

    def _place(self, provider: str) -> None:
        """Put our statement for a provider, or the one for all, where its first one was."""
        if provider in self.placed:
            return
        if self.compact:
            self.statements.append(compact_statement(list(self.wanted.values())))
            self.placed.update(self.wanted)
        else:
            self.statements.append(statement(*self.wanted[provider]))
            self.placed.add(provider)

    def _part(self, part: _Part, entry: Mapping[str, t.Any] | None) -> None:
        """Deal with what a statement says of one provider. ``entry`` is the whole statement where it has no other."""
        foreign = [subject for subject in part.subjects if not self.own.has(subject)]
        if part.provider not in self.wanted:
            self._stranger(part, entry, foreign)
            return
        own = statement(*self.wanted[part.provider])
        self._place(part.provider)
        if foreign:
            self._keep(statement(part.provider, part.issuer, foreign, part.operator))
            self.notes.append(f"{part.issuer}: kept subjects of others: {', '.join(foreign)}")
        left = [subject for subject in part.subjects if subject not in foreign and not _covers(self.wanted[part.provider][2], subject)]
        if part.stray:
            self.notes.append(f"{part.issuer}: repaired condition keys with the guide's stray dot, which never matched")
        elif left:
            self.notes.append(f"{part.issuer}: no longer trusted: {', '.join(left)}")
        elif entry is not None and not self.compact and not same(dict(entry), own) and not foreign:
            self.notes.append(f"{part.issuer}: statement taken over")

    def _stranger(self, part: _Part, entry: Mapping[str, t.Any] | None, foreign: Sequence[str]) -> None:
        """Deal with a provider that is none of the inventory's clusters: only a prune removes it, and only if it is wholly Flyte's."""
        if self.prune and not foreign:
            self.notes.append(f"{part.issuer}: removed, it is no cluster of the inventory")
            return
        if not foreign:
            self.notes.append(f"{part.issuer}: kept, though it is no cluster of the inventory; flyte_iam_prune: true removes it")
        self._keep(dict(entry) if entry is not None else statement(part.provider, part.issuer, part.subjects, part.operator))


def _covers(subjects: Iterable[str], subject: str) -> bool:
    return any(subject == own or ("*" in own and fnmatch.fnmatchcase(subject, own)) for own in subjects)


def merge_trust(
    existing: Mapping[str, t.Any] | None, wanted: Sequence[Grant], *, own: Own | None = None, compact: bool = False, prune: bool = False
) -> Merged:
    """Return the trust policy with the statements of ours for each OIDC provider, in the place where they were.

    A statement that was made by hand from the guide is taken over. Statements of others, and subjects in ours that are no
    accounts of Flyte, are kept.

    :param existing: the role's trust policy, None for a new role.
    :param wanted: provider ARN, issuer and subjects for each cluster.
    :param compact: one statement for all clusters instead of one each.
    :param prune: whether statements of Flyte's for clusters that are not wanted are removed.
    """
    merge = _Merge(wanted, own or Own(), compact=compact, prune=prune)
    merge.run(_listed((existing or {}).get("Statement")))
    document = {**(existing or {}), "Version": VERSION, "Statement": merge.statements}
    return Merged(document, merge.notes, existing is None or not same(existing, document))


def merge_pod_identity(existing: Mapping[str, t.Any] | None, *, own: Own | None = None, prune: bool = False) -> Merged:
    """Return the trust policy with EKS Pod Identity's statement in it; what it has of OIDC providers stays unless pruned."""
    merge = _Merge([], own or Own(), compact=False, prune=prune)
    present = _listed((existing or {}).get("Statement"))
    ours = pod_identity_statement()
    merge.run(entry for entry in present if not same(entry, ours))
    place = next((number for number, entry in enumerate(present) if same(entry, ours)), len(merge.statements))
    merge.statements.insert(min(place, len(merge.statements)), ours)
    document = {**(existing or {}), "Version": VERSION, "Statement": merge.statements}
    return Merged(document, merge.notes, existing is None or not same(existing, document))


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
