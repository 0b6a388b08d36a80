# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that concern many clusters at once: waiting for them, storing their credentials, reporting what failed."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import method_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import failure_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.propeller import restart
from ansible_collections.flyte.multicluster.plugins.module_utils._common.threads import WIDE, in_threads
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.credentials import endpoint_of
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure, not_ready
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.show import failure_text
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import MODULES, InventoryAction, ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import cluster_options, observed_cluster, writes_service_accounts
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known, as_rows, from_rows
from ansible_collections.flyte.multicluster.plugins.plugin_utils._outcomes import Outcomes

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster

_Result = t.TypeVar("_Result")


@dataclasses.dataclass
class Work:
    """What a step works with."""

    action: InventoryAction
    known: Known
    #: flyte_plan's result
    plan: Mapping[str, t.Any]
    #: the inventory hosts that the step is for, where it takes some
    hosts: list[str]
    #: what the steps before it gave
    outcomes: Outcomes

    def read(self, host: str, name: str) -> t.Any:
        """Return a variable of a host."""
        return self.action.variables.read(host, name)

    def clusters(self, hosts: Iterable[str]) -> list[Cluster]:
        """Return the clusters of hosts."""
        return [self.known.site.cluster(host) for host in hosts]

    def failures(self) -> list[Failure]:
        """Return what failed until now, in the plan and in the steps."""
        return list(dict.fromkeys([*from_rows(self.plan.get("failures") or []), *self.outcomes.failures()]))

    def many(self) -> dict[str, t.Any]:
        """Return the options of a module that asks many clusters."""
        settings = self.known.site.settings
        return {"concurrency": settings["flyte_concurrency"], "timeout": settings["flyte_request_timeout"]}


def ended(failures: Iterable[Failure | None], **more: t.Any) -> dict[str, t.Any]:
    """Return a step's result. With failures it is a failed one: the task ignores it, since the report shows them all."""
    found = [failure for failure in failures if failure]
    if not found:
        return {"failures": [], **more}
    return {**more, "failed": True, "failures": as_rows(found), "msg": [f"{row.host}: {row.problem}. {row.remedy}" for row in found]}


def wait_until_ready(work: Work) -> dict[str, t.Any]:
    """Start anew what does not do its work, and wait until the given hosts' releases are ready and do theirs."""
    failed = {failure.host for failure in work.failures()}
    hosts = [host for host in work.hosts if host not in failed and _has_to_wait(work, host)]
    restarts = {host: names for host, names in work.plan["restarts"].items() if host in hosts}
    if not hosts or work.action.check_mode:
        return ended([], changed=bool(restarts))
    unable = restart_all(work, restarts)
    waiting = [host for host in hosts if host not in {failure.host for failure in unable}]
    return ended([*unable, *wait_for(work, waiting)], changed=bool(restarts))


def wait_for(work: Work, hosts: list[str]) -> list[Failure]:
    """Wait for the releases of hosts; return which of them did not get ready."""
    site = work.known.site
    if not hosts:
        return []
    clusters = [observed_cluster(site, cluster, work.read) for cluster in work.clusters(hosts)]
    try:
        answer = work.action.module(MODULES + "flyte_cluster_info", {"clusters": clusters, "wait": site.settings["flyte_wait_timeout"], **work.many()})
    except ModuleFailed as error:
        return [Failure(host, _step_of(work, host), str(error), "Run again.") for host in hosts]
    return [Failure(host, _step_of(work, host), one["error"], one["hint"]) for host, one in answer["ready"].items() if not one["ok"]]


def on_clusters(work: Work, hosts: Iterable[str], do: Callable[[Kube, Cluster], _Result]) -> dict[str, _Result | Failure]:
    """Do something with the clusters of hosts, all at once; what goes wrong with one is its own failure."""
    timeout = work.known.site.settings["flyte_request_timeout"]
    # Variables are read here: templates are no matter for threads.
    accesses = [(cluster, cluster_options(work.known.site, cluster, work.read)) for cluster in work.clusters(hosts)]

    def one(access: tuple[Cluster, dict[str, t.Any]]) -> _Result | Failure:
        cluster, options = access
        try:
            return do(method_of(options).connect(timeout), cluster)
        except Exception as error:  # pylint: disable=broad-except  # one cluster's failure, whatever it is
            found = failure_of(error)
            return Failure(cluster.host, _step_of(work, cluster.host), found["message"], found["hint"] or "Run again.")

    return dict(zip([cluster.host for cluster, _options in accesses], in_threads(one, accesses, WIDE)))


def restart_all(work: Work, restarts: Mapping[str, list[str]]) -> list[Failure]:
    """Start Deployments anew, by inventory host; return where that could not be done."""

    def one(kube: Kube, cluster: Cluster) -> None:
        for name in restarts[cluster.host]:
            restart(kube, cluster.namespace, name)

    return [found for found in on_clusters(work, restarts, one).values() if isinstance(found, Failure)]


def _has_to_wait(work: Work, host: str) -> bool:
    """Return whether something of a host was changed, or was not ready when it was observed."""
    return host in [*work.plan["releases"], *work.plan["restarts"]] or work.outcomes.changed or bool(not_ready(work.known.observed.get(host)))


def _step_of(work: Work, host: str) -> str:
    return "controlplane" if host == work.known.site.control_plane.host else "dataplane"


def store_credentials(work: Work) -> dict[str, t.Any]:
    """Make the tokens that are missing, store all of them in the control plane's Secret, and try each as flyteadmin will use it."""
    failed = {failure.host for failure in work.failures()}
    site = work.known.site
    planes = [cluster for cluster in work.clusters(work.plan["credentials"]) if cluster.host not in failed]
    if not planes:
        return ended([])
    arguments = {
        "clusters": [_credential_source(work, plane) for plane in planes],
        "namespace": site.control_plane.namespace,
        "allow_partial": True,
        "service_accounts": writes_service_accounts(site),
        **work.many(),
    }
    try:
        arguments |= method_of(cluster_options(site, site.control_plane, work.read)).for_helm()
        answer = work.action.module(MODULES + "flyte_cluster_credentials", arguments)
    except ModuleFailed as error:
        return ended([Failure(site.control_plane.host, "credentials", str(error), "Run again then; what was stored before stays.")])
    except KubeError as error:
        return ended([Failure(site.control_plane.host, "credentials", error.message, error.hint)])
    hosts = {plane.name: plane.host for plane in planes}
    failures = [Failure(hosts[entry["name"]], "credentials", entry["error"], entry["hint"]) for entry in answer["failed_clusters"]]
    return ended(failures, **{key: answer[key] for key in ("changed", "diff", "credentials", "probes")})


def _credential_source(work: Work, plane: Cluster) -> dict[str, t.Any]:
    site = work.known.site
    return {
        "name": plane.name,
        "namespace": plane.namespace,
        "token_secret": site.settings["flyte_token_secret"],
        "endpoint": endpoint_of(plane, work.known.observed.get(plane.host)),
        **cluster_options(site, plane, work.read),
    }


def report(work: Work) -> dict[str, t.Any]:
    """Fail with one table of everything that failed; succeed where nothing did."""
    failures = work.failures()
    if not failures:
        return {"failures": []}
    return {"failed": True, "failures": as_rows(failures), "msg": failure_text(failures)}
