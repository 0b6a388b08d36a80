# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees of a plan, of failures and of the state of the site. No I/O."""

from __future__ import annotations

import typing as t

from .._common.text import age, table, wrapped
from .._labels.canary import is_canary_label
from .rows import Failure, Observations, control_plane_of, not_ready

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .._inventory.site import Cluster, Site
    from .rows import Row

NOTHING_TO_DO = "Every cluster is as wanted; execution cluster labels and namespaces are compared next."


def plan_lines(rows: Iterable[Row]) -> list[str]:
    """Return the plan as lines of text."""
    return [line for row in rows for line in row.lines()] or [NOTHING_TO_DO]


def unprobed_lines(site: Site) -> list[str]:
    """Return a line for each data plane whose API server is never tried as flyteadmin uses it."""
    return [
        f"{cluster.host}: flyteadmin's token and CA certificate are not tried there (flyte_probe_from: none)"
        for cluster in site.data_planes
        if cluster.probe_from == "none"
    ]


def failure_summary(failures: Sequence[Failure]) -> str:
    """Return what the run comes to, in one line."""
    return f"{len(failures)} thing(s) could not be done; everything else was."


def failure_table(failures: Sequence[Failure]) -> list[str]:
    """Return the closing table as lines of text: Ansible's own callback shows a text of several lines as one."""
    rows = [{"cluster": row.host, "failed at": row.step, "what": row.problem, "what to do": row.remedy} for row in failures]
    columns = {"cluster": 24, "failed at": 20, "what": 50, "what to do": 44}
    return table(wrapped(rows, columns), tuple(columns))


_STATUS = ("cluster", "enabled", "endpoint", "release", "chart", "token_age", "labels", "executions", "state")


def status_text(site: Site, observed: Observations, executions: Sequence[Mapping[str, t.Any]] | None) -> str:
    """Return one line for each cluster that workflows can run on. ``executions`` are None where they are not known."""
    live = control_plane_of(observed, site.control_plane.host).get("clusters") or {}
    configs = {entry["name"]: entry for entry in live.get("clusterConfigs") or []}
    placed = [execution.get("cluster") for execution in executions or []]
    rows = []
    for cluster in site.targets:
        row = _status_row(cluster, observed.get(cluster.host) or {}, configs.get(cluster.name) or {})
        labels = {label: entries for label, entries in (live.get("labelClusterMap") or {}).items() if not is_canary_label(label)}
        row["labels"] = ", ".join(sorted(label for label, entries in labels.items() if _leads_to(entries, cluster.name)))
        row["executions"] = None if executions is None else str(placed.count(cluster.name))
        rows.append(row)
    return "\n".join(table(rows, _STATUS)) + "\n"


def _leads_to(entries: Iterable[Mapping[str, t.Any]] | None, name: str) -> bool:
    return any(entry["id"] == name for entry in entries or [])


def _status_row(cluster: Cluster, observation: Mapping[str, t.Any], config: Mapping[str, t.Any]) -> dict[str, t.Any]:
    installed, token = observation.get("release"), observation.get("token")
    is_ready = bool(observation.get("reachable")) and not (not_ready(observation) or observation.get("missing") or observation.get("not_working"))
    return {
        "cluster": cluster.name,
        "enabled": "yes" if config.get("enabled") else "no" if config else "not configured",
        "endpoint": "in cluster" if config.get("inCluster") else config.get("endpoint"),
        "release": f"{installed['name']} r{installed['revision']} {installed['status']}" if installed else None,
        "chart": f"{installed['chart']} {installed['version']}" if installed else None,
        "token_age": age(token["age"]) if token else None,
        "state": "ready" if is_ready else "not ready",
    }
