# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Execution cluster labels: what is stored, what has to change, what a label leads to. No I/O.

A row is identified by ``(project, domain, workflow)``, with ``""`` for a level that it does not have.
"""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Key = tuple[str, str, str]
Rows = dict[Key, str]


@dataclasses.dataclass(frozen=True)
class Change:
    """One row to write or to delete. ``restores`` are the rows that a delete takes along and that have to come back."""

    key: Key
    before: str | None
    after: str | None
    restores: tuple[tuple[Key, str], ...] = ()


def from_api(configurations: Iterable[Mapping[str, t.Any]]) -> Rows:
    """Return the rows of flyteadmin's ``matchable_attributes`` answer.

    Rows of a launch plan, and of all projects (no project), are none that this collection reads or writes.
    """
    rows: Rows = {}
    for row in configurations:
        label = ((row.get("attributes") or {}).get("execution_cluster_label") or {}).get("value")
        if label is not None and row.get("project") and not row.get("launch_plan"):
            rows[(row["project"], row.get("domain") or "", row.get("workflow") or "")] = label
    return rows


def describe(key: Key) -> str:
    """Return a row's place as a person writes it."""
    return "/".join(part for part in key if part)


def as_dict(key: Key, label: str | None) -> dict[str, t.Any]:
    """Return a row as the modules return it."""
    project, domain, workflow = key
    return {"project": project, "domain": domain, "workflow": workflow, "label": label}


def below(key: Key, rows: Iterable[Key]) -> list[Key]:
    """Return the rows that flyteadmin deletes along with this one (recorded: every row below it)."""
    project, domain, _workflow = key
    if key[2]:
        return []
    return sorted(row for row in rows if row != key and row[0] == project and (not domain or row[1] == domain))


def plan(current: Mapping[Key, str], wanted: Mapping[Key, str], absent: Iterable[Key] = (), *, purge: Sequence[str] = ()) -> list[Change]:
    """Return the changes from the current to the wanted rows, deletes first.

    :param absent: rows that have to go.
    :param purge: projects in which every row that is not wanted has to go.
    """
    gone = {key for key in absent if key in current and key not in wanted}
    gone |= {key for key in current if key[0] in purge and key not in wanted}
    changes: list[Change] = []
    handled: set[Key] = set()
    # The highest level first: its delete takes the others along.
    for key in sorted(gone, key=lambda row: (bool(row[2]), bool(row[1]), row)):
        if key in handled:
            continue
        taken = below(key, current)
        lost = [row for row in taken if row in gone]
        kept = tuple((row, wanted.get(row, current[row])) for row in taken if row not in gone)
        handled.update(taken)
        changes.append(Change(key, current[key], None, kept))
        changes.extend(Change(row, current[row], None) for row in lost)
    for key in sorted(wanted):
        if current.get(key) != wanted[key]:
            changes.append(Change(key, current.get(key), wanted[key]))
    return changes


def deletes(changes: Sequence[Change]) -> list[Change]:
    """Return the deletes to send: those that another delete takes along are left out."""
    gone = {change.key for change in changes if change.after is None}
    return [
        change
        for change in changes
        if change.after is None and not any(level in gone and level != change.key for level in ((change.key[0], "", ""), (*change.key[:2], "")))
    ]


def lost_by(changes: Sequence[Change]) -> Rows:
    """Return the rows that the deletes take along and that have to be written again."""
    return {key: label for change in changes for key, label in change.restores}


# -- what a label leads to


class Effective(t.NamedTuple):
    """The label that holds somewhere, the level that it comes from, and the enabled clusters that it leads to, with their share."""

    label: str | None
    level: str | None
    clusters: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Placement:
    """What flyteadmin's configuration makes of a label. Where it leads to no cluster, any enabled one is taken, silently."""

    label_map: Mapping[str, Sequence[Mapping[str, t.Any]]]
    enabled: frozenset[str]
    default_label: str | None = None

    @classmethod
    def from_section(cls, clusters: Mapping[str, t.Any]) -> Placement:
        """Return it from the section ``clusters`` of flyteadmin's configuration."""
        enabled = frozenset(entry["name"] for entry in clusters.get("clusterConfigs") or [] if entry.get("enabled"))
        return cls(clusters.get("labelClusterMap") or {}, enabled, clusters.get("defaultExecutionLabel") or None)

    def shares(self, label: str | None) -> dict[str, float]:
        """Return the enabled clusters that a label leads to, with their share; empty means any enabled cluster."""
        entries = [(entry["id"], float(entry.get("weight", 0))) for entry in self.label_map.get(label or "") or [] if entry["id"] in self.enabled]
        total = sum(weight for _name, weight in entries)
        return {name: weight / total for name, weight in entries if weight > 0} if total else {}

    def problem(self, label: str) -> str | None:
        """Return why a label leads to no enabled cluster, None where it does."""
        if self.shares(label):
            return None
        if label not in self.label_map:
            return "labelClusterMap has no such label"
        usable = any(entry["id"] in self.enabled for entry in self.label_map[label] or [])
        return "its enabled clusters have the weight 0" if usable else "all of its clusters are disabled"

    def effective(self, rows: Mapping[Key, str], key: Key) -> Effective:
        """Return what holds for a workflow, a project-domain or a project."""
        project, domain, workflow = key
        levels = [("workflow", (project, domain, workflow))] if workflow else []
        levels += [("project-domain", (project, domain, ""))] if domain else []
        levels += [("project", (project, "", ""))]
        for level, row in levels:
            if row in rows:
                return Effective(rows[row], level, self.shares(rows[row]))
        if self.default_label:
            return Effective(self.default_label, "default", self.shares(self.default_label))
        return Effective(None, None, {})

    def astray(self, rows: Mapping[Key, str]) -> list[dict[str, t.Any]]:
        """Return the stored rows whose label leads to no enabled cluster, each with the reason."""
        found = [(key, label, self.problem(label)) for key, label in sorted(rows.items())]
        return [{**as_dict(key, label), "reason": reason} for key, label, reason in found if reason]

    def unlabelled(self, rows: Mapping[Key, str], places: Iterable[tuple[str, str]]) -> list[str]:
        """Return the project-domains for which no label holds: they run on any enabled cluster."""
        return [f"{project}/{domain}" for project, domain in places if self.effective(rows, (project, domain, "")).label is None]
