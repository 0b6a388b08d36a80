# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the inventory's execution cluster labels can be set now. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from .._helm.shown_values import Change
from .._labels.placement import Placement
from .._labels.rows import describe, plan
from .rows import Failure, Row

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .._inventory.site import Label, Site
    from .._labels.rows import Rows


#: stands for the label that somebody may have, where flyteadmin cannot be asked
NOT_KNOWN_YET = "not known yet"


@dataclasses.dataclass(frozen=True)
class LabelPlan:
    """Rows to set, rows that have to wait, and projects to purge."""

    ready: list[Label]
    #: their label leads to no enabled cluster: Flyte would run those workflows on any cluster, silently
    held: list[Label]
    purge: list[str]


def label_plan(site: Site, clusters: Mapping[str, t.Any]) -> LabelPlan:
    """Return what to set.

    :param clusters: the section ``clusters`` that flyteadmin reads.
    """
    placement = Placement.from_section(clusters)
    ready = [row for row in site.execution_cluster_labels if placement.shares(row.label)]
    held = [row for row in site.execution_cluster_labels if not placement.shares(row.label)]
    # A row that is held may be stored already: nothing of its project is purged.
    waiting = {row.project for row in held}
    return LabelPlan(ready, held, [project for project in site.settings["flyte_execution_cluster_labels_purge"] if project not in waiting])


def held_failure(site: Site, plan: LabelPlan) -> Failure | None:
    """Return the failure that names the labels that were not set, None where all can be."""
    if not plan.held:
        return None
    names = ", ".join(sorted({row.label for row in plan.held}))
    problem = f"not set, since they lead to no enabled cluster of flyteadmin's configuration: {names}"
    remedy = "See what failed for the clusters of these labels, then run again. Until then their workflows run on any enabled cluster."
    return Failure(site.control_plane.host, "ecl", problem, remedy)


def label_rows(site: Site, clusters: Mapping[str, t.Any], stored: Rows | None, journal: Rows | None = None) -> list[Row]:
    """Return the execution cluster labels that the step ecl will set or remove.

    :param clusters: the section ``clusters`` that flyteadmin will read then.
    :param stored: the rows that flyteadmin has, None where it cannot be asked: all are set then.
    :param journal: rows that a run deleted along with others, and was killed before it wrote them again.
    """
    wanted = label_plan(site, clusters)
    held = {(row.project, row.domain, row.workflow) for row in wanted.held}
    labels = {key: label for key, label in (journal or {}).items() if key not in {*(stored or {}), *held} and key[0] not in wanted.purge}
    labels |= {(row.project, row.domain, row.workflow): row.label for row in wanted.ready}
    reason = "flyteadmin has another one, or none" if stored is not None else "flyteadmin cannot be asked yet which it has"
    found = []
    for change in plan(stored or {}, labels, purge=wanted.purge):
        before = change.before if stored is not None else NOT_KNOWN_YET
        found.append(Row(site.control_plane.host, "ecl", f"label of {describe(change.key)}", reason, changes=(Change("label", before, change.after),)))
    return found
