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
    sent: list[Change] = []
    for change in changes:
        if change.after is None and not any(change.key in below(other.key, [change.key]) for other in sent):
            sent.append(change)
    return sent


def effective(rows: Mapping[Key, str], key: Key) -> tuple[str | None, str | None]:
    """Return the label that holds for a workflow or project-domain, and the level that it comes from."""
    project, domain, workflow = key
    levels = [("workflow", (project, domain, workflow))] if workflow else []
    levels += [("project-domain", (project, domain, "")), ("project", (project, "", ""))]
    for level, row in levels:
        if row in rows:
            return rows[row], level
    return None, None


def shares(label: str | None, label_map: Mapping[str, Sequence[Mapping[str, t.Any]]], enabled: Iterable[str]) -> dict[str, float]:
    """Return the enabled clusters that a label leads to, with their share; empty means any enabled cluster, silently.

    :param label_map: labelClusterMap: label to entries with ``id`` and ``weight``.
    """
    usable = set(enabled)
    entries = [(entry["id"], float(entry.get("weight", 0))) for entry in label_map.get(label or "", []) if entry["id"] in usable]
    total = sum(weight for _name, weight in entries)
    return {name: weight / total for name, weight in entries if weight > 0} if total else {}


def astray(rows: Mapping[Key, str], label_map: Mapping[str, Sequence[Mapping[str, t.Any]]], enabled: Iterable[str]) -> list[dict[str, t.Any]]:
    """Return the stored rows whose label leads to no enabled cluster, each with the reason."""
    usable = list(enabled)
    found = []
    for key, label in sorted(rows.items()):
        if not shares(label, label_map, usable):
            reason = "all of its clusters are disabled" if label in label_map else "labelClusterMap has no such label"
            found.append({**as_dict(key, label), "reason": reason})
    return found
