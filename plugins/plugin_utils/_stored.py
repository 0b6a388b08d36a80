# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What flyteadmin has stored, asked before the first change where it answers already: labels, projects and domains."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._common.threads import Overdue, in_threads
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.drain import described, unfinished
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import users_values
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import lookup, merge
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.reader import NOT_SHOWN, Fault
from ansible_collections.flyte.multicluster.plugins.module_utils._labels.places import unknown_places
from ansible_collections.flyte.multicluster.plugins.module_utils._labels.rows import from_api
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.orphans import drained, drained_line
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import control_plane_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import admin_of

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.client import Admin
    from ansible_collections.flyte.multicluster.plugins.module_utils._labels.rows import Rows
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Plan
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known

    Read = Callable[[str, str], t.Any]

_Answer = t.TypeVar("_Answer")

#: seconds for one answer, and for all
_ASK_TIMEOUT, _LONGEST = 5.0, 15.0


class Stored(t.NamedTuple):
    """What flyteadmin has."""

    labels: Rows
    #: all domains of all active projects
    places: list[tuple[str, str]]


def stored_now(known: Known, plan: Plan, read: Read, *, needed: bool = False) -> Stored | None:
    """Return what flyteadmin has where a run depends on it, None where it does not answer, which the step ecl says.

    With nothing to do before the labels, they are compared there.

    :param needed: whether it is asked in any case.
    """
    site = known.site
    purge = site.settings["flyte_execution_cluster_labels_purge"]
    if not (needed or purge or (plan.rows and site.execution_cluster_labels)):
        return None
    return _briefly(known, read, _ask)


def _briefly(known: Known, read: Read, ask: Callable[[Admin], _Answer]) -> _Answer | None:
    """Return what flyteadmin says, None where it did not answer before, or does not in a short time: a run does not depend on it."""
    if control_plane_of(known.observed, known.site.control_plane.host).get("authentication") is None:
        return None
    try:
        admin = admin_of(known.site, read, timeout=_ASK_TIMEOUT, retry_for=0.0)
        return in_threads(ask, [admin], 1, seconds=_LONGEST)[0]
    except (AdminError, Overdue):
        return None


def _ask(admin: Admin) -> Stored:
    return Stored(from_api(admin.label_rows()), admin.project_domains())


def stored_journal(known: Known) -> Rows:
    """Return the rows of labels that a run deleted along with others, and was killed before it wrote them again."""
    rows = control_plane_of(known.observed, known.site.control_plane.host).get("journal") or []
    return {(row["project"], row["domain"] or "", row["workflow"] or ""): row["label"] for row in rows}


def drained_lines(known: Known, read: Read) -> list[str]:
    """Return what is said of the clusters that are drained, with the executions that have not ended there."""
    clusters = drained(known.site, known.observed)

    def ask(admin: Admin) -> list[list[dict[str, t.Any]]]:
        places = admin.project_domains(archived=True)
        return [unfinished(admin, cluster.name, places=places) for cluster in clusters]

    found = _briefly(known, read, ask) if clusters else None
    lefts: list[t.Any] = [None] * len(clusters) if found is None else found
    return [drained_line(cluster, left, described(left or [])) for cluster, left in zip(clusters, lefts)]


def place_faults(known: Known, plan: Plan, stored: Stored, read: Read) -> list[Fault]:
    """Return a fault for each project and domain of the inventory's labels that flyteadmin does not have, and that this run does not make."""
    site = known.site
    places = list(stored.places)
    if any(row.step == "controlplane" for row in plan.rows):
        # flyteadmin makes these when its pods start.
        sources = known.values_reader(read).sources(site.control_plane)
        values = merge([sources.defaults, users_values(sources)])
        named = [str(domain.get("id")) for domain in lookup(values, "configmap.domain.domains", []) if isinstance(domain, dict)]
        domains = dict.fromkeys([*named, *(domain for _project, domain in places)])
        projects = dict.fromkeys([*map(str, lookup(values, "flyteadmin.initialProjects", [])), *(project for project, _domain in places)])
        places += [(project, domain) for project in projects for domain in domains]
    keys = [(row.project, row.domain, row.workflow) for row in site.execution_cluster_labels]
    wrong = unknown_places([key for key in keys if key not in stored.labels], places)
    remedy = "Create it first (flytectl create project, or flyteadmin.initialProjects in flyte_values), or correct its name."
    return [Fault(site.control_plane.host, "flyte_execution_cluster_labels", NOT_SHOWN, f"{problem} {remedy}") for problem in wrong]
