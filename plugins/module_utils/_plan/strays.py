# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that left the inventory, but not flyteadmin: it still places work there. No I/O."""

from __future__ import annotations

import typing as t

from .._common.text import first
from .._labels.placement import Placement

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .._inventory.site import Site

#: so many labels are named
_NAMED = 6
REMEDY = "Put it back into the inventory, or remove it with the playbook flyte.multicluster.remove."


def strays(site: Site, live: Mapping[str, t.Any]) -> list[Mapping[str, t.Any]]:
    """Return the entries of clusterConfigs that no host of the inventory is.

    :param live: the section ``clusters`` that flyteadmin reads.
    """
    own = {cluster.name for cluster in site.clusters}
    return [entry for entry in live.get("clusterConfigs") or [] if entry["name"] not in own]


def stray_problem(live: Mapping[str, t.Any], entry: Mapping[str, t.Any], *, running: int | None = None) -> tuple[str, str]:
    """Return what is wrong with such a cluster, and what to do.

    :param running: executions there that have not ended, None where that is not known.
    """
    return f"it is in flyteadmin's configuration and not in the inventory: {_what_runs(live, entry, running)}", REMEDY


def _what_runs(live: Mapping[str, t.Any], entry: Mapping[str, t.Any], running: int | None) -> str:
    now = f"; {running} execution(s) there have not ended" if running else ""
    if not entry.get("enabled"):
        return f"it is disabled and gets nothing new{now}"
    placement = Placement.from_section(live)
    labels = sorted(label for label in placement.label_map if entry["name"] in placement.shares(label))
    said = f"the labels {first(labels, _NAMED)} lead there" if labels else "no label leads there, and what has no label runs on any enabled cluster"
    return f"it is enabled: {said}{now}"
