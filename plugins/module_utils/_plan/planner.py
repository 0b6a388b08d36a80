# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the site and what was observed to rows: what will be done, where, and why. No I/O, no credentials, only fingerprints."""

from __future__ import annotations

import dataclasses
import typing as t

from .._iam import required
from .cloud import eks_clusters_to_make, eks_row, iam_rows, not_reachable_yet
from .control_plane import CHANGED_BY_HAND, READERS, changed_by_hand, differences, predicted_configuration, replaced_readers, what_holds_it
from .credentials import credentials_due
from .credentials import rows as credential_rows
from .identity import identities_due
from .identity import rows as identity_rows
from .releases import MARK, mark_rows, release_reason
from .rights import Rights, rights_due, rights_left
from .rights import rows as rights_rows
from .rotation import as_released
from .rows import (
    MAY_HAVE_READ,
    RELEASE,
    Failure,
    Observation,
    Observations,
    Row,
    control_plane_of,
    idle_restarts,
    is_reachable,
    not_ready,
    owed_restarts,
    restart_rows,
    restarts_of,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from .._helm.configuration import Configuration
    from .._helm.identity import Identity
    from .._inventory.site import Cluster, Site


@dataclasses.dataclass(frozen=True)
class Chart:
    """The chart that all releases have to be of."""

    path: str
    name: str
    version: str


@dataclasses.dataclass
class Plan:
    """What will be done, in the order in which it will be carried out."""

    rows: list[Row]
    failures: list[Failure]
    #: inventory hosts by what the roles do for them
    releases: list[str]
    waiting: list[str]
    #: Deployments to start anew, since they are ready and do not do their work, by inventory host
    restarts: dict[str, list[str]]
    credentials: list[str]
    eks: dict[str, dict[str, bool]]
    iam: dict[str, t.Any] | None
    #: what flyteadmin's configuration will be, None where the control plane was not asked
    configuration: Configuration | None
    #: whether the role controlplane has something to do
    controlplane: bool
    #: inventory hosts whose Secret of flytepropeller's identity is written
    identity: list[str]
    #: inventory hosts whose release is as wanted and gets our label
    marks: list[str] = dataclasses.field(default_factory=list)
    #: the rules of accounts that are written, and the accounts whose rights go, by inventory host
    rights: dict[str, dict[str, list[dict[str, t.Any]]]] = dataclasses.field(default_factory=dict)
    rights_left: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def groups(self, control_plane: str, hosts: Collection[str]) -> list[dict[str, str]]:
        """Return which hosts have something to do at which step, as groups of the inventory.

        :param hosts: the hosts of this run, as ``--limit`` left them.
        """
        planes = list(dict.fromkeys([*self.identity, *self.rights, *self.releases, *self.marks, *self.waiting, *self.restarts, *self.rights_left]))
        chosen = {"eks_cluster": list(self.eks), "dataplane": [host for host in planes if host != control_plane]}
        for step, due in (("iam", bool(self.iam and self.iam["due"])), ("credentials", bool(self.credentials)), ("controlplane", self.controlplane)):
            chosen[step] = [control_plane] if due and control_plane in hosts else []
        return [{"host": host, "group": f"flyte_todo_{step}"} for step, found in chosen.items() for host in found]


def make_plan(
    site: Site,
    observed: Observations,
    *,
    chart: Chart | None,
    digest: Callable[[Cluster, Configuration | None], str] | None,
    aws: Mapping[str, t.Any] | None,
    identities: Mapping[str, Identity] | None = None,
    rights: Rights | None = None,
) -> Plan:
    """Return the plan.

    :param observed: what flyte_cluster_info returned, by inventory host; hosts that are not in it are left alone.
    :param chart: None where no cluster was observed, so that no release is planned.
    :param digest: returns the digest of all values that a release has to be given.
    :param aws: what flyte_aws_info returned, None where it was not asked.
    :param identities: who each flytepropeller has to be, by inventory host.
    :param rights: what Flyte's accounts in the data planes need.
    """
    absent = not_reachable_yet(site, aws)
    failures = [failure for failure in absent.values() if failure]
    releases: dict[str, Row] = {}
    waiting: dict[str, list[Row]] = {}
    marks: list[Row] = []
    for cluster in site.data_planes:
        observation = observed.get(cluster.host)
        if observation is None or cluster.host in absent:
            continue
        if not is_reachable(observation):
            failures.append(_unreachable(cluster, observation))
            continue
        reason = _reason(site, observation, chart, digest, cluster, None)
        if reason:
            releases[cluster.host] = Row(cluster.host, "dataplane", f"{RELEASE}{cluster.release}", reason)
            waiting[cluster.host] = restart_rows(cluster.host, "dataplane", owed_restarts(observation))
        else:
            marks += mark_rows(cluster, observation)
            waits = [Row(cluster.host, "dataplane", "wait", f"{entry['name']}: {entry['reason']}") for entry in not_ready(observation)]
            waiting[cluster.host] = waits + restart_rows(cluster.host, "dataplane", idle_restarts(observation) | owed_restarts(observation))
    given = {host: accounts for host, accounts in rights_due(observed, rights or Rights()).items() if host not in absent}
    left = {host: accounts for host, accounts in rights_left(site, observed, rights or Rights()).items() if host not in absent}
    due = credentials_due(site, observed, [*releases, *given])
    iam = required.plan(site, aws) if aws and site.settings["flyte_iam_manage"] else None
    eks = [row for row in (eks_row(cluster, aws) for cluster in site.data_planes) if row]
    identity = [host for host in identities_due(observed, identities or {}) if host not in absent]
    of_identity = identity_rows(site, observed, identities or {}, identity)
    configuration, rollout = _control_plane(site, observed, chart, digest, due)
    rows = [
        *eks,
        *iam_rows(site, iam, aws),
        *(row for row in of_identity if row.step == "dataplane"),
        *rights_rows(observed, given, {}),
        *releases.values(),
        *marks,
        *(row for found in waiting.values() for row in found),
        *rights_rows(observed, {}, left),
        *credential_rows(site, observed, due),
        *(row for row in of_identity if row.step == "controlplane"),
        *rollout,
    ]
    nothing_configured = configuration is not None and not configuration.cluster_configs
    return Plan(
        rows=rows,
        failures=failures,
        releases=list(releases),
        waiting=[host for host, found in waiting.items() if any(row.action == "wait" for row in found)],
        restarts=restarts_of(rows),
        credentials=due,
        eks=eks_clusters_to_make(site, aws),
        iam=iam,
        configuration=configuration,
        controlplane=configuration is not None and (bool(rollout) or bool(due) or nothing_configured or site.control_plane.host in identity),
        identity=identity,
        marks=[row.host for row in rows if row.action.startswith(MARK)],
        rights=given,
        rights_left=left,
    )


def _unreachable(cluster: Cluster, observation: Observation) -> Failure:
    error = observation["error"]
    return Failure(cluster.host, "observe", error["message"], f"{error['hint']} What is stored for it stays as it was; run again then.".strip())


def _reason(
    site: Site,
    observation: Observation,
    chart: Chart | None,
    digest: Callable[[Cluster, Configuration | None], str] | None,
    cluster: Cluster,
    configuration: Configuration | None,
) -> str | None:
    if chart is None or digest is None:
        raise ValueError("releases are planned with a chart only")
    return _compared(site, observation, chart, digest, cluster, configuration)


def _compared(
    site: Site,
    observation: Observation,
    chart: Chart,
    digest: Callable[[Cluster, Configuration | None], str],
    cluster: Cluster,
    configuration: Configuration | None,
) -> str | None:
    released = as_released(observation, configuration) if configuration else None
    if released is not configuration and reason_of(site, observation, chart, digest(cluster, released)) is None:
        return None
    # Last, since the function of digests remembers what a release gets.
    return reason_of(site, observation, chart, digest(cluster, configuration))


def reason_of(site: Site, observation: Observation, chart: Chart, digest: str) -> str | None:
    """Return why Helm has to run for a release, None where it is as wanted."""
    timeout = site.settings["flyte_pending_release_timeout"]
    return release_reason(observation, chart=chart.name, version=chart.version, digest=digest, pending_timeout=timeout)


def _control_plane(
    site: Site, observed: Observations, chart: Chart | None, digest: Callable[[Cluster, Configuration | None], str] | None, due: list[str]
) -> tuple[Configuration | None, list[Row]]:
    cluster = site.control_plane
    observation = observed.get(cluster.host)
    if observation is None:
        return None, []
    wanted = predicted_configuration(site, observed, due)
    if not wanted.cluster_configs:
        return wanted, []
    reason = _reason(site, observation, chart, digest, cluster, wanted) or changed_by_hand(site, observed, wanted)
    # Helm starts nothing anew for a configuration that it had rendered before, or for credentials that its pods were started for once.
    misread = [*(READERS if reason == CHANGED_BY_HAND else ()), *replaced_readers(site, observed, due, wanted)]
    restarts = {**owed_restarts(observation), **dict.fromkeys(misread, MAY_HAVE_READ)}
    if reason:
        action = f"{RELEASE}{cluster.release}"
        rollout = Row(cluster.host, "controlplane", action, reason, tuple(differences(site, observed, wanted)))
        return wanted, [rollout, *restart_rows(cluster.host, "controlplane", restarts)]
    marks = mark_rows(cluster, observation)
    if control_plane_of(observed, cluster.host).get("clusters"):
        waits = [Row(cluster.host, "controlplane", "wait", f"{entry['name']}: {entry['reason']}") for entry in not_ready(observation)]
        return wanted, marks + waits + restart_rows(cluster.host, "controlplane", idle_restarts(observation) | restarts)
    return wanted, marks


@dataclasses.dataclass(frozen=True)
class Rollout:
    """What the role controlplane does now that the credentials are stored."""

    configuration: Configuration
    #: why Helm has to run, None where it has not, or must not
    reason: str | None
    failure: Failure | None


def rollout_reason(
    site: Site, observation: Observation, configuration: Configuration, *, chart: Chart, digest: Callable[[Cluster, Configuration | None], str]
) -> str | None:
    """Return why Helm has to run for the control plane's release, None where it has not."""
    cluster = site.control_plane
    if not configuration.cluster_configs:
        return None
    return _compared(site, observation, chart, digest, cluster, configuration) or changed_by_hand(site, {cluster.host: observation}, configuration)


def plan_rollout(
    site: Site,
    observation: Observation,
    configuration: Configuration,
    *,
    chart: Chart,
    digest: Callable[[Cluster, Configuration | None], str],
) -> Rollout:
    """Return what the control plane's release gets.

    :param configuration: what flyteadmin's configuration has to be, with the credentials that are stored by now.
    """
    reason = rollout_reason(site, observation, configuration, chart=chart, digest=digest)
    failure = what_holds_it(site, configuration, reason)
    return Rollout(configuration, None if failure else reason, failure)
