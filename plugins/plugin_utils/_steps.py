# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that concern many clusters at once: waiting for them, storing their credentials."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import method_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.each import PATIENCE, each
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.probe import UNPROBED, probe_result
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.restarts import announce, present, restart
from ansible_collections.flyte.multicluster.plugins.module_utils._common.progress import PROGRESS
from ansible_collections.flyte.multicluster.plugins.module_utils._common.text import visible
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.credentials import endpoint_of
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rotation import terms_of
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure, not_ready
from ansible_collections.flyte.multicluster.plugins.modules import flyte_cluster_credentials, flyte_cluster_info
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction, ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import (
    api_ca,
    cluster_options,
    observed_cluster,
    observed_control_plane,
)
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known, as_rows, from_rows
from ansible_collections.flyte.multicluster.plugins.plugin_utils._outcomes import Outcomes
from ansible_collections.flyte.multicluster.plugins.plugin_utils._plan_file import PlanFiles
from ansible_collections.flyte.multicluster.plugins.plugin_utils._probes import probed_there

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster, Site
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row

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

    def not_approved(self, step: str, rows: Sequence[Row]) -> Failure | None:
        """Return why something is not done that only this step could see: the approved plan does not say it. None where it does, or there is none."""
        return self.files.failure(self.known.site.control_plane.host, step, rows)

    @functools.cached_property
    def files(self) -> PlanFiles:
        """The files of plans of this run."""
        return PlanFiles(self.known.site, self.read)

    @property
    def unreadable(self) -> bool:
        """Whether a step before this one found that flyteadmin does not answer, which is a failure already."""
        return any((self.outcomes.of(name) or {}).get("unreadable") for name in ("ecl_result", "verify_result"))

    def many(self) -> dict[str, t.Any]:
        """Return the options of a module that asks many clusters."""
        settings = self.known.site.settings
        return {"concurrency": settings["flyte_concurrency"], "timeout": settings["flyte_request_timeout"]}


def control_plane_access(work: Work) -> dict[str, t.Any]:
    """Return the option ``control_plane`` of the modules that look into it."""
    cluster = work.known.site.control_plane
    return {**cluster_options(work.known.site, cluster, work.read), "namespace": cluster.namespace}


def ended(failures: Iterable[Failure | None], **more: t.Any) -> dict[str, t.Any]:
    """Return a step's result. With failures it is a failed one: the task ignores it, since the report shows them all."""
    found = [failure for failure in failures if failure]
    if not found:
        return {"failures": [], **more}
    # One text: of a list Ansible shows how Python writes it. Of a text it shows also what a screen obeys, and servers and Helm are quoted here.
    said = "\n".join(f"{row.host}: {row.problem.rstrip('.')}. {row.remedy}" for row in found)
    return {**more, "failed": True, "failures": as_rows(found), "msg": visible(said)}


def wait_until_ready(work: Work) -> dict[str, t.Any]:
    """Start anew what does not do its work, and wait until the given hosts' releases are ready and do theirs.

    After the control plane, which is the last that a run changes, all that was changed is observed along: the step verify judges that.
    """
    failed = {failure.host for failure in work.failures()}
    hosts = [host for host in work.hosts if host not in failed and _has_to_wait(work, host)]
    restarts = {host: names for host, names in work.plan["restarts"].items() if host in hosts}
    if not hosts or work.action.check_mode:
        return ended([], changed=bool(restarts))
    unable = restart_all(work, restarts)
    failed |= {failure.host for failure in unable}
    waiting = [host for host in hosts if host not in failed]
    last = work.known.site.control_plane.host in waiting
    failures, observed = wait_for(work, waiting, gather=[host for host in planned(work) if host not in failed] if last else None)
    return ended([*unable, *failures], changed=bool(restarts), observed=observed)


def planned(work: Work) -> list[str]:
    """Return every host that was to be changed, or that did not do its work when it was observed and so was waited for."""
    found = [host for key in ("identity", "rights", "releases", "marks", "credentials", "restarts", "rights_left") for host in work.plan.get(key) or []]
    found += [host for host, observation in work.known.observed.items() if not_ready(observation) or (observation or {}).get("not_working")]
    return list(dict.fromkeys(found))


def wait_for(work: Work, hosts: Collection[str], *, gather: Collection[str] | None = None) -> tuple[list[Failure], dict[str, dict[str, t.Any]]]:
    """Wait for the releases of hosts; return which of them did not get ready, and how the hosts are then where that is to be observed.

    :param gather: the hosts that are observed afterwards along with them, None where nothing is.
    """
    if not hosts:
        return [], {}
    wait = {"wait": work.known.site.settings["flyte_wait_timeout"], "gather": gather is not None}
    try:
        answer = observed_now(work, dict.fromkeys([*hosts, *(gather or [])]), **wait)
    except ModuleFailed as error:
        return [Failure(host, step_of(work, host), str(error), "Run again.") for host in hosts], {}
    ready = {host: one for host, one in answer["ready"].items() if host in hosts}
    failures = [Failure(host, step_of(work, host), one["error"], one["hint"]) for host, one in ready.items() if not one["ok"]]
    return failures, answer.get("clusters") or {}


def observed_now(work: Work, hosts: Iterable[str], **more: t.Any) -> dict[str, t.Any]:
    """Ask clusters how they are now.

    :param more: further options of the module.
    :raises ModuleFailed: they cannot be asked at all.
    """
    site = work.known.site
    clusters = [observed_cluster(site, cluster, work.read) for cluster in work.clusters(hosts)]
    asked = observed_control_plane(site, work.known.rights, work.read)
    return work.action.here(flyte_cluster_info.OPERATION, {"clusters": clusters, **asked, **work.many(), **more})


def on_clusters(
    work: Work, hosts: Iterable[str], do: Callable[[Kube, Cluster], _Result], *, seconds: float | None = None
) -> dict[str, _Result | Failure]:
    """Do something with the clusters of hosts, all at once; what goes wrong with one is its own failure.

    :param seconds: for one cluster, by default what two answers may take.
    """
    timeout = work.known.site.settings["flyte_request_timeout"]
    # Variables are read here: templates are no matter for threads.
    accesses = [(cluster, cluster_options(work.known.site, cluster, work.read)) for cluster in work.clusters(hosts)]

    def one(access: tuple[Cluster, dict[str, t.Any]]) -> _Result | Failure:
        cluster, options = access
        return do(method_of(options).connect(timeout), cluster)

    def failed(access: tuple[Cluster, dict[str, t.Any]], why: Mapping[str, t.Any]) -> _Result | Failure:
        host = access[0].host
        return Failure(host, step_of(work, host), why["message"], why["hint"] or "Run again.")

    return dict(zip([cluster.host for cluster, _options in accesses], each(one, accesses, seconds=seconds or PATIENCE * timeout, failed=failed)))


def restart_all(work: Work, restarts: Mapping[str, list[str]]) -> list[Failure]:
    """Start Deployments anew, by inventory host; return where that could not be done."""

    def one(kube: Kube, cluster: Cluster) -> None:
        for name in present(kube, cluster.namespace, restarts[cluster.host]):
            PROGRESS.say(cluster.host, f"{name} starts anew")
            restart(kube, cluster.namespace, name)

    return _unable(work, restarts, one)


def announce_all(work: Work, restarts: Mapping[str, list[str]]) -> list[Failure]:
    """Note what has to start anew, by inventory host, before what it reads is put right; return where that could not be done."""
    return _unable(work, restarts, lambda kube, cluster: announce(kube, cluster.namespace, restarts[cluster.host]))


def _unable(work: Work, hosts: Iterable[str], do: Callable[[Kube, Cluster], None]) -> list[Failure]:
    """Do something with the clusters of hosts; return where that could not be done."""
    return [found for found in on_clusters(work, hosts, do).values() if isinstance(found, Failure)]


def _has_to_wait(work: Work, host: str) -> bool:
    """Return whether something of a host was changed, by this run or one beside it, or was not ready when it was observed."""
    if host in [*work.plan["releases"], *work.plan["restarts"]] or work.outcomes.changed or work.outcomes.made_by_other:
        return True
    return bool(not_ready(work.known.observed.get(host)))


def step_of(work: Work, host: str) -> str:
    """Return the step that a cluster's release belongs to."""
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
        "rules": work.known.rights.needed,
        "backups": site.settings["flyte_backups"],
        **cluster_options(site, site.control_plane, work.read),
        **work.many(),
    }
    readers = work.plan["restarts"].get(site.control_plane.host) or []
    unable = announce_all(work, {site.control_plane.host: readers}) if readers and not work.action.check_mode else []
    if unable:
        return ended(unable)
    for plane in planes:
        PROGRESS.say(plane.host, "its token is made or read, stored, and tried as flyteadmin will use it")
    try:
        answer = work.action.here(flyte_cluster_credentials.OPERATION, arguments)
    except ModuleFailed as error:
        return ended([Failure(site.control_plane.host, "credentials", str(error), "Run again then; what was stored before stays.")])
    hosts = {plane.name: plane.host for plane in planes}
    failures = [Failure(hosts[entry["name"]], "credentials", entry["error"], entry["hint"]) for entry in answer["failed_clusters"]]
    probes = {**answer["probes"], **_probes_elsewhere(work, planes, answer["credentials"])}
    return ended(failures, probes=probes, **{key: answer[key] for key in ("changed", "diff", "credentials")})


def _credential_source(work: Work, plane: Cluster) -> dict[str, t.Any]:
    site = work.known.site
    endpoint = endpoint_of(plane, work.known.observed.get(plane.host)) if plane.probe_from == "controller" else None
    return {
        "name": plane.name,
        "namespace": plane.namespace,
        "token_secret": site.settings["flyte_token_secret"],
        **token_options(site),
        **({"endpoint": endpoint} if endpoint else {}),
        **api_ca(plane, work.read),
        **cluster_options(site, plane, work.read),
    }


def token_options(site: Site) -> dict[str, t.Any]:
    """Return the options that say what kind of token is made."""
    terms = terms_of(site)
    return {"token_kind": terms.kind, "token_lifetime": terms.lifetime, "token_least": terms.least}


def _probes_elsewhere(work: Work, planes: Iterable[Cluster], stored: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the probes of the data planes that are not tried from here: by the control plane, with what it has stored by now, or by nobody."""
    elsewhere = [plane for plane in planes if plane.probe_from != "controller" and plane.name in stored]
    private = {plane.name: endpoint_of(plane, work.known.observed.get(plane.host)) or "" for plane in elsewhere if plane.probe_from == "control_plane"}
    return {**{plane.name: probe_result(kind=UNPROBED) for plane in elsewhere}, **probed_there(work.action, work.known, private)}
