# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is still to be done, as far as it can be seen without the chart: releases, credentials, flyteadmin's configuration, stored labels. No I/O."""

from __future__ import annotations

import typing as t

from .._labels.placement import Placement
from .._labels.rows import describe
from .control_plane import differences, predicted_configuration, settings_lines
from .credentials import credentials_due
from .credentials import rows as credential_rows
from .rights import rights_failures
from .rows import Failure, Observations, Row, control_plane_of, is_reachable

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .._inventory.site import Cluster, Site

_STEP = "verify"
_RUN = "Run site.yml."


def unfinished(site: Site, observed: Observations) -> list[Failure]:
    """Return what is still to be done for the clusters that answered: a site on which nothing is deployed is none that works.

    Values and versions of releases are not compared: that needs the chart, which a verification alone does without.
    """
    failures = release_failures(site, observed)
    without = {failure.host for failure in failures}
    failures += [failure for failure in rights_failures(site, observed) if failure.host not in without]
    due = [host for host in credentials_due(site, observed, []) if host not in without]
    failures += [to_be_done(row) for row in credential_rows(site, observed, due)]
    if site.control_plane.host not in without:
        failures += _configuration_failures(site, observed, due)
    return failures


def release_failures(site: Site, observed: Observations) -> list[Failure]:
    """Return the clusters that answered without a release that is deployed."""
    return [failure for cluster in site.clusters if (failure := _release_failure(cluster, observed))]


def to_be_done(row: Row) -> Failure:
    """Return a row that nobody carried out as a failure."""
    return Failure(row.host, f"{_STEP}: {row.step}", f"still to be done: {row.action}: {row.reason}", _RUN)


def _release_failure(cluster: Cluster, observed: Observations) -> Failure | None:
    observation = observed.get(cluster.host)
    if observation is None or not is_reachable(observation):
        return None
    release = observation.get("release")
    where = f"{cluster.release} in the namespace {cluster.namespace}"
    if release is None:
        return Failure(cluster.host, _STEP, f"there is no release {where}", "Run site.yml: it installs it.")
    if release["status"] != "deployed":
        problem = f"the release {where} is {release['status']} (revision {release['revision']})"
        return Failure(cluster.host, _STEP, problem, "Run site.yml: it repairs what a run left half done.")
    return None


def _configuration_failures(site: Site, observed: Observations, due: Iterable[str]) -> list[Failure]:
    host = site.control_plane.host
    if not (control_plane_of(observed, host).get("clusters") or {}).get("clusterConfigs"):
        return [Failure(host, _STEP, "flyteadmin has no clusterConfigs: it knows no data plane", _RUN)]
    wanted = predicted_configuration(site, observed, due)
    # Others are notes, of what stays as it is.
    lines = settings_lines(differences(site, observed, wanted))
    # Of a cluster that does not answer that is said already, and this is what comes of it.
    dead = {cluster.name for cluster in site.targets if (found := observed.get(cluster.host)) is not None and not is_reachable(found)}
    lines += [f"clusterConfigs: {name}: is missing" for name in wanted.left_out if name not in dead]
    return [Failure(host, f"{_STEP}: controlplane", f"still to be done: {line}", _RUN) for line in lines]


def label_failures(site: Site, live: Mapping[str, t.Any], stored: Sequence[Mapping[str, t.Any]]) -> list[Failure]:
    """Return the inventory's execution cluster labels that flyteadmin does not have."""
    rows = {(row["project"], row["domain"], row["workflow"]): row["label"] for row in stored}
    placement = Placement.from_section(live)
    failures = []
    for row in site.execution_cluster_labels:
        key = (row.project, row.domain, row.workflow)
        if rows.get(key) != row.label:
            has = f"has the label {rows[key]!r}" if key in rows else "has no label"
            held = placement.problem(row.label)
            problem = f"{describe(key)} {has}, not {row.label!r}" + (f", which leads to no enabled cluster: {held}" if held else "")
            failures.append(Failure(site.control_plane.host, f"{_STEP}: ecl", problem, "Run site.yml with the tag ecl."))
    return failures
