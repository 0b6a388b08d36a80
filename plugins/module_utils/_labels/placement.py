# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What flyteadmin's configuration makes of an execution cluster label: the clusters that it leads to. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from .rows import Key, as_dict

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Effective(t.NamedTuple):
    """The label that holds somewhere, the level that it comes from, and the enabled clusters that it leads to, with their share."""

    label: str | None
    level: str | None
    clusters: dict[str, float]


def weight_of(entry: Mapping[str, t.Any]) -> float:
    """Return the weight of an entry of labelClusterMap as flyteadmin reads it: without one, or with an empty one, it is 0.

    :raises TypeError, ValueError: it is no number, with which flyteadmin does not start.
    """
    return float(entry.get("weight") or 0)


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
        entries = [(entry["id"], weight_of(entry)) for entry in self.label_map.get(label or "") or [] if entry["id"] in self.enabled]
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
