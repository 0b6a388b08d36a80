# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of RBAC as plain data: made, compared, asked about, said. No I/O."""

from __future__ import annotations

import hashlib
import itertools
import json
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: as a ClusterRole has it: ``apiGroups``, ``resources``, ``verbs``, and ``resourceNames`` where it holds for these alone
Rule = dict[str, t.Any]
#: API group, resource, verb, and the name of an object or nothing
Question = tuple[str, str, str, str]

#: what every account may ask: what it may do itself
_OF_EVERYBODY = ("authorization.k8s.io", "authentication.k8s.io")


def rule(group: str, resource: str, verbs: Sequence[str], names: Iterable[str] = ()) -> Rule:
    """Return a rule for one resource."""
    found: Rule = {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
    named = sorted(set(names))
    return {**found, "resourceNames": named} if named else found


#: what flyteadmin does with executions: ``workflowengine/impl/k8s_executor.go`` creates and deletes, and nothing else of flyteadmin asks a data plane
FLYTEWORKFLOWS = rule("flyte.lyft.com", "flyteworkflows", ("create", "delete"))


def questions(rules: Iterable[Mapping[str, t.Any]]) -> list[Question]:
    """Return each single right that rules give."""
    return [
        (group, resource, verb, name)
        for one in rules
        for group, resource, verb, name in itertools.product(one["apiGroups"], one["resources"], one["verbs"], one.get("resourceNames") or [""])
    ]


def granted(rules: Iterable[Mapping[str, t.Any]], question: Question) -> bool:
    """Return whether rules give a right."""
    group, resource, verb, name = question

    def among(value: str, values: Sequence[str] | None) -> bool:
        return value in (values or []) or "*" in (values or [])

    return any(
        among(group, one.get("apiGroups"))
        and among(resource, one.get("resources"))
        and among(verb, one.get("verbs"))
        and (not one.get("resourceNames") or (name and name in one["resourceNames"]))
        for one in rules
    )


def excess(held: Iterable[Mapping[str, t.Any]], wanted: Iterable[Mapping[str, t.Any]]) -> list[str]:
    """Return what is held besides what is wanted, in words; what Kubernetes gives everybody is left out."""
    allowed = list(wanted)
    found: dict[str, None] = {}
    for group, resource, verb, name in questions(one for one in held if one.get("apiGroups") and one.get("resources")):
        if group not in _OF_EVERYBODY and not granted(allowed, (group, resource, verb, name)):
            found[said((group, resource, verb, name))] = None
    return list(found)


def said(question: Question) -> str:
    """Return a right in words: ``patch serviceaccounts/default``."""
    _group, resource, verb, name = question
    return f"{verb} {resource}{f'/{name}' if name else ''}"


def same(left: Iterable[Mapping[str, t.Any]], right: Iterable[Mapping[str, t.Any]]) -> bool:
    """Return whether rules give the same rights."""
    return set(questions(left)) == set(questions(right))


def checksum(rules: Iterable[Mapping[str, t.Any]]) -> str:
    """Return what changes with any right that rules give."""
    return hashlib.sha256(json.dumps(sorted(questions(rules))).encode()).hexdigest()
