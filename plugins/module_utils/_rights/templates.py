# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What syncresources does with its templates, as rules of RBAC. No I/O.

For each template it creates the object, and gets and patches it where it is there (``clusterresource/controller.go``). Kubernetes lets nobody give rights that
they have not: for a Role it has to hold the Role's rules itself, for a RoleBinding it needs ``bind`` on the role that is bound. Neither ``escalate`` nor ``*``
is given for it: either is in effect every right.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._helm.values import lookup, parse
from .rules import FLYTEWORKFLOWS, Rule, rule

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TEMPLATES = "cluster_resource_manager.templates"
_RBAC = "rbac.authorization.k8s.io"
#: API group and kind to resource: Kubernetes has no rule for it
_RESOURCES: dict[tuple[str, str], str] = {
    **{("", kind): f"{kind.lower()}s" for kind in ("Namespace", "ResourceQuota", "ServiceAccount", "LimitRange", "ConfigMap", "Secret", "Service")},
    **{("", kind): f"{kind.lower()}s" for kind in ("PodTemplate", "PersistentVolumeClaim")},
    ("networking.k8s.io", "NetworkPolicy"): "networkpolicies",
    ("policy", "PodDisruptionBudget"): "poddisruptionbudgets",
    **{(_RBAC, kind): f"{kind.lower()}s" for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")},
}
_PLACEHOLDER = re.compile(r"\{\{[^{}\n]*\}\}")
#: stands in the place of what is filled in, so that a template can be read as YAML
_FILLED_IN = "flyte-multicluster-filled-in"
#: the templates of the chart's values files, for who has no chart at hand: group, kind and name of the object
_OF_CHART = (("", "Namespace", _FILLED_IN), ("", "ResourceQuota", "project-quota"))
_OF_PROVIDER_FILES = (*_OF_CHART, ("", "ServiceAccount", "default"))


@dataclasses.dataclass(frozen=True)
class Synced:
    """The rights that templates need."""

    #: to create, get and patch their objects
    rules: list[Rule]
    #: to give the rights that their objects give
    escalation: list[Rule]
    #: what is no template of which that can be said, by its key
    problems: dict[str, str]

    @property
    def all(self) -> list[Rule]:
        """Both kinds of rules."""
        return self.rules + [one for one in self.escalation if one not in self.rules]


def synced(templates: Sequence[t.Any]) -> Synced:
    """Return the rights that templates need.

    :param templates: ``cluster_resource_manager.templates``: mappings with ``key`` and ``value``.
    """
    objects: list[tuple[str, str, str]] = []
    escalation: list[Rule] = []
    problems: dict[str, str] = {}
    for number, template in enumerate(templates):
        key = str(template.get("key") or number) if isinstance(template, dict) else str(number)
        try:
            found = _read(template.get("value") if isinstance(template, dict) else None)
            group = str(found["apiVersion"]).rpartition("/")[0]
            objects.append((group, _kind_of(group, found), str((found.get("metadata") or {}).get("name") or _FILLED_IN)))
            escalation += _escalation(found)
        except _Unknown as problem:
            problems[key] = str(problem)
    return Synced(_rules(objects), escalation, problems)


def synced_of_chart(*, provider_files: bool) -> Synced:
    """Return the rights that the chart's own templates need.

    :param provider_files: whether they are those of values-eks.yaml and values-gcp.yaml, which have one for the ServiceAccounts of tasks.
    """
    return Synced(_rules(_OF_PROVIDER_FILES if provider_files else _OF_CHART), [], {})


def templates_of(values: Mapping[str, t.Any]) -> list[t.Any] | None:
    """Return the templates of merged values, None where they have none at all: those of the chart have."""
    found = lookup(values, TEMPLATES)
    return found if isinstance(found, list) else None


def flyteadmin_rules(rules: Sequence[Rule], *, syncs: bool) -> list[Rule]:
    """Return what flyteadmin's account needs in a data plane.

    :param rules: what the templates need.
    :param syncs: whether the control plane's syncresources writes there, with flyteadmin's account.
    """
    return [FLYTEWORKFLOWS, *(rules if syncs else [])]


class _Unknown(Exception):
    """It cannot be said what a template needs."""


def _read(text: t.Any) -> dict[str, t.Any]:
    try:
        found = parse(_PLACEHOLDER.sub(_FILLED_IN, str(text or "")))
    except ValueError as error:
        raise _Unknown(f"is no object of Kubernetes ({error})") from error
    if not found.get("apiVersion") or not found.get("kind"):
        raise _Unknown("is no object of Kubernetes: it has no apiVersion and kind")
    return found


def _kind_of(group: str, found: Mapping[str, t.Any]) -> str:
    kind = str(found["kind"])
    if _FILLED_IN in kind or _FILLED_IN in group:
        raise _Unknown("has a kind that is filled in only by syncresources")
    if (group, kind) not in _RESOURCES:
        known = ", ".join(sorted({name for _group, name in _RESOURCES}))
        raise _Unknown(f"is a {kind} ({found['apiVersion']}), of which it is not known what Kubernetes calls it in rules; known are {known}")
    return kind


def _rules(objects: Iterable[tuple[str, str, str]]) -> list[Rule]:
    """Return the rules for objects: to get and patch them by their names alone, where these are the same in every namespace."""
    names: dict[tuple[str, str], list[str]] = {}
    for group, kind, name in objects:
        names.setdefault((group, _RESOURCES[group, kind]), []).append(name)
    found: list[Rule] = []
    for (group, resource), given in names.items():
        if any(_FILLED_IN in name for name in given):
            found.append(rule(group, resource, ("create", "get", "patch")))
        else:
            found += [rule(group, resource, ("create",)), rule(group, resource, ("get", "patch"), given)]
    return found


def _escalation(found: Mapping[str, t.Any]) -> list[Rule]:
    """Return what has to be held to give the rights that an object gives."""
    kind = str(found["kind"])
    if kind in ("RoleBinding", "ClusterRoleBinding"):
        reference = found.get("roleRef") or {}
        role, name = str(reference.get("kind")), str(reference.get("name") or _FILLED_IN)
        if _FILLED_IN in name or (_RBAC, role) not in _RESOURCES:
            raise _Unknown(f"is a {kind} of a role whose kind or name is filled in only by syncresources: it would need the right to bind every role")
        return [rule(_RBAC, _RESOURCES[_RBAC, role], ("bind",), [name])]
    if kind in ("Role", "ClusterRole"):
        rules = found.get("rules") or []
        if _FILLED_IN in str(rules) or found.get("aggregationRule"):
            raise _Unknown(f"is a {kind} whose rules are not all written out: who makes it has to hold each of them")
        return [dict(one) for one in rules]
    return []
