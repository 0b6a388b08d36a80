# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust policies of roles: statements of ours put into what is there. Pure functions.

The guide's example has ``<OIDC>.:aud`` (a stray dot), which never matches, and lets ``system:serviceaccount:*:default``,
the default account of every namespace of every listed cluster, take the data-plane role. Here the default is the refined
form: ``StringEquals`` with ``<project>-<domain>:default``. Statements that are not ours stay, in their place.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import typing as t

from .documents import EXISTS, VERSION, WEB_IDENTITY, Document, compact_statement, listed, pod_identity_statement, same, statement
from .subjects import Own, issuer_path

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .subjects import Grant


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
    if entry.get("Effect") != "Allow" or not isinstance(principal, dict) or set(principal) != {"Federated"} or listed(entry.get("Action")) != [WEB_IDENTITY]:
        return None
    if set(entry) - {"Sid", "Effect", "Principal", "Action", "Condition"}:
        return None
    parts = {part.issuer: part for part in (_Part(str(arn), [], "StringEquals") for arn in listed(principal["Federated"]))}
    if "" in parts:
        return None
    for name, pairs in (entry.get("Condition") or {}).items():
        plain = name.removesuffix(EXISTS)
        if plain not in ("StringEquals", "StringLike") or (len(parts) > 1 and plain == name):
            return None
        for condition, values in pairs.items():
            host, _colon, kind = condition.rpartition(":")
            part = parts.get(host.rstrip("."))
            if part is None or kind not in ("aud", "sub"):
                return None
            part.stray = part.stray or host.endswith(".")
            if kind == "sub":
                part.subjects += [str(value) for value in listed(values)]
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
    merge.run(listed((existing or {}).get("Statement")))
    document = {**(existing or {}), "Version": VERSION, "Statement": merge.statements}
    return Merged(document, merge.notes, existing is None or not same(existing, document))


def merge_pod_identity(existing: Mapping[str, t.Any] | None, *, own: Own | None = None, prune: bool = False) -> Merged:
    """Return the trust policy with EKS Pod Identity's statement in it; what it has of OIDC providers stays unless pruned."""
    merge = _Merge([], own or Own(), compact=False, prune=prune)
    present = listed((existing or {}).get("Statement"))
    ours = pod_identity_statement()
    merge.run(entry for entry in present if not same(entry, ours))
    place = next((number for number, entry in enumerate(present) if same(entry, ours)), len(merge.statements))
    merge.statements.insert(min(place, len(merge.statements)), ours)
    document = {**(existing or {}), "Version": VERSION, "Statement": merge.statements}
    return Merged(document, merge.notes, existing is None or not same(existing, document))


def trusted(document: Mapping[str, t.Any] | None, own: Own) -> set[tuple[str, str]]:
    """Return Flyte's own accounts that a trust policy names, each with its issuer. Wildcards, and conditions that never match, name none."""
    parts = [part for entry in listed((document or {}).get("Statement")) if isinstance(entry, dict) for part in _parts(entry) or []]
    return {(part.issuer, subject) for part in parts if not part.stray for subject in part.subjects if "*" not in subject and own.has(subject)}


def without_issuer(existing: Mapping[str, t.Any], issuer: str, own: Own) -> Merged:
    """Return a trust policy without Flyte's accounts of one cluster; everything else in it stays as it is, in its place.

    A policy has to have a statement: one that would be left without any stays as it is, and that is noted.

    :param issuer: of the cluster.
    """
    path, notes, statements = issuer_path(issuer), list[str](), list[Document]()
    present = listed(existing.get("Statement"))
    for entry in present:
        parts = (_parts(entry) if isinstance(entry, dict) else None) or []
        gone = [part for part in parts if part.issuer == path]
        foreign = [(part, [subject for subject in part.subjects if not own.has(subject)]) for part in gone]
        if not any(len(subjects) < len(part.subjects) for part, subjects in foreign):
            statements.append(entry)
            continue
        others = [part for part in parts if part.issuer != path]
        statements += [compact_statement([(part.provider, part.issuer, part.subjects) for part in others])] if others else []
        for part, subjects in foreign:
            notes.append(f"{path}: removed" + (f", but for subjects of others: {', '.join(subjects)}" if subjects else ""))
            statements += [statement(part.provider, part.issuer, subjects, part.operator)] if subjects else []
    if not statements and present:
        return Merged(dict(existing), [f"{path}: stays, since a trust policy has to have a statement: delete the role if nothing uses it"], False)
    return Merged({**existing, "Statement": statements}, notes, len(notes) > 0)


def names_issuer(document: Mapping[str, t.Any] | None, issuer: str) -> bool:
    """Return whether a trust policy says anything of a cluster."""
    return issuer_path(issuer) in json.dumps(document or {})
