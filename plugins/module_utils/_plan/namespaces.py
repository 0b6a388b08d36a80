# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespaces of flyteadmin's projects: which data planes lack some, and whether they only have to be waited for. No I/O.

syncresources takes a template as applied once any data plane took it. One that was dead when a project was made does not get that
project's namespaces until syncresources starts anew. Where each data plane has a syncresources of its own (``flyte_sync: data_plane``), that catches up by
itself; what somebody deletes it does not make again either.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._common.names import SYNCRESOURCES
from .._common.text import first
from .rows import Failure, Observations, Row, control_plane_of, is_reachable

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._inventory.site import Cluster, Site

#: flyteadmin's own defaults
_TEMPLATE = "{{ project }}-{{ domain }}"
_INTERVAL = 300.0
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
#: so many are named
_NAMED = 6


def namespace_of(template: str | None, project: str, domain: str) -> str:
    """Return the namespace of a project-domain, as flyteadmin makes it of its template."""
    return (template or _TEMPLATE).replace("{{ project }}", project).replace("{{ domain }}", domain)


def seconds_of(duration: t.Any) -> float:
    """Return the seconds of a duration as Go writes it, 5m or 1h30m; flyteadmin's own default where it is none."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", str(duration or ""))
    return sum(float(number) * _UNITS[unit] for number, unit in parts) or _INTERVAL


@dataclasses.dataclass(frozen=True)
class Lacking:
    """The namespaces that data planes lack, by inventory host."""

    #: of projects that other planes have had for a while
    overdue: dict[str, list[str]]
    #: of projects that may be younger than syncresources' interval
    young: dict[str, list[str]]

    @property
    def all(self) -> dict[str, list[str]]:
        """Both."""
        hosts = dict.fromkeys([*self.overdue, *self.young])
        return {host: sorted([*self.overdue.get(host, []), *self.young.get(host, [])]) for host in hosts}


def lacking(site: Site, observed: Observations, live: Mapping[str, t.Any], project_domains: Iterable[Mapping[str, t.Any]]) -> Lacking:
    """Return what the enabled data planes that answered lack. One that had no release when it was asked has none of them.

    :param live: the section ``clusters`` that flyteadmin reads: what is not in it gets no namespaces.
    """
    enabled = {entry["name"] for entry in live.get("clusterConfigs") or [] if entry.get("enabled")}
    asked = {cluster.host: observed.get(cluster.host) or {} for cluster in site.targets if cluster.name in enabled}
    there = {host: set(found.get("namespaces") or []) for host, found in asked.items() if is_reachable(found)}
    settled = {name for host, names in there.items() for name in names - set(asked[host].get("new_namespaces") or [])}
    template = control_plane_of(observed, site.control_plane.host).get("namespace_mapping")
    wanted = sorted({namespace_of(template, place["project"], place["domain"]) for place in project_domains})
    missing = {host: [name for name in wanted if name not in names] for host, names in there.items()}

    def chosen(old: bool) -> dict[str, list[str]]:
        found = {host: [name for name in names if (name in settled) is old] for host, names in missing.items()}
        return {host: names for host, names in found.items() if names}

    return Lacking(overdue=chosen(True), young=chosen(False))


def makers(site: Site, hosts: Iterable[str]) -> list[Cluster]:
    """Return the clusters whose syncresources makes the namespaces of the data planes of these hosts."""
    return [site.cluster(host) for host in hosts] if site.syncs_itself else [site.control_plane]


def sync_interval(site: Site, observed: Observations, hosts: Iterable[str]) -> float:
    """Return after how many seconds a new project has its namespaces on the data planes of these hosts at the latest."""
    if not site.syncs_itself:
        return seconds_of(control_plane_of(observed, site.control_plane.host).get("refresh_interval"))
    return max((seconds_of((observed.get(host) or {}).get("refresh_interval")) for host in hosts), default=_INTERVAL)


def restart_rows(site: Site, missing: Mapping[str, list[str]]) -> list[Row]:
    """Return what is done for planes that lack namespaces."""
    lacks = {host: f"{host} lacks {first(names, _NAMED)}" for host, names in missing.items()}
    action = f"restart {SYNCRESOURCES}"
    if site.syncs_itself:
        return [Row(host, "namespaces", action, f"{said} (it does not look again at what it made)") for host, said in lacks.items()]
    return [Row(site.control_plane.host, "namespaces", action, f"{'; '.join(lacks.values())} (it does not look again at what any data plane took)")]


def planned_restarts(
    site: Site, observed: Observations, live: Mapping[str, t.Any], places: Iterable[tuple[str, str]] | None, *, new_projects: bool
) -> list[Row]:
    """Return what may have to be started anew once everything else is done: for what lacks a namespace then, whatever syncresources did until then.

    :param live: the section ``clusters`` that flyteadmin will read then.
    :param places: all domains of all projects, None where flyteadmin cannot be asked yet.
    :param new_projects: whether flyteadmin starts anew, and may make projects.
    """
    found = lacking(site, observed, live, [{"project": project, "domain": domain} for project, domain in places or []]).all
    rows = restart_rows(site, found) if found else []
    if not new_projects and places is not None:
        return rows
    said = {row.host for row in rows}
    hosts = [cluster.host for cluster in makers(site, [cluster.host for cluster in site.targets if cluster.enabled]) if cluster.host not in said]
    reason = "where a data plane lacks a namespace once this is done"
    return rows + [Row(host, "namespaces", f"restart {SYNCRESOURCES}", reason) for host in dict.fromkeys(hosts)]


def lacking_failures(site: Site, missing: Mapping[str, list[str]]) -> list[Failure]:
    """Return the failures of planes that lack namespaces."""
    failures = []
    for host, names in missing.items():
        maker = makers(site, [host])[0]
        where = f" (in {host})" if maker.host == host else ""
        remedy = (
            f"Run site.yml: it restarts {SYNCRESOURCES}. If they are missing still, see what it says: "
            f"kubectl -n {maker.namespace} logs deployment/{SYNCRESOURCES}{where}"
        )
        failures.append(Failure(host, "verify: namespaces", f"{first(names, _NAMED)} is missing: no execution of it can run here", remedy))
    return failures
