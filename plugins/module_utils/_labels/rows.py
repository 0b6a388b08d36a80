# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Execution cluster labels: what is stored, and what has to change. No I/O.

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
