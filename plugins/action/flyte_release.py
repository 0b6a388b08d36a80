# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install or upgrade one Helm release of the plan. The documentation is that of the module of the same name."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.credentials import secrets_path
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.ownership import give_back
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.probe import UNPROBED
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.records import record_name, write_label
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.releases import find_release
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.remedies import is_other_run, remedy_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.restarts import announce
from ansible_collections.flyte.multicluster.plugins.module_utils._common.progress import PROGRESS
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.label import is_ours, label_before, label_value
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shown_values import know_secrets
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import digest
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.credentials import TO_BE_MADE
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.control_plane import wanted_configuration
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Rollout, plan_rollout, reason_of
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rendered import rendering_failure
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import RELEASE, Failure, Row, control_plane_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction, ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import connected
from ansible_collections.flyte.multicluster.plugins.plugin_utils._helm import helm_said, run_helm
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known, as_rows
from ansible_collections.flyte.multicluster.plugins.plugin_utils._plan_file import PlanFiles
from ansible_collections.flyte.multicluster.plugins.plugin_utils._own_workflows import SETTLE, unended
from ansible_collections.flyte.multicluster.plugins.plugin_utils._probes import private_endpoints, probed_there
from ansible_collections.flyte.multicluster.plugins.plugin_utils._release_changes import ReleaseChanges
from ansible_collections.flyte.multicluster.plugins.plugin_utils._rendering import rendered_clusters

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import Configuration
    from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import Values
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster, Site

with contextlib.suppress(ImportError):
    # This file is loaded before the tasks' processes are made: what most of them need after a change is imported once for all of them.
    import requests  # noqa: F401  pylint: disable=unused-import

_PENDING = ("pending-install", "pending-upgrade", "pending-rollback")


class ActionModule(InventoryAction):
    """Values are built in memory and handed to kubernetes.core.helm. They are in no result."""

    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "plan": {"type": "str", "required": True},
        "credentials": {"type": "dict", "default": {}},
    }

    def act(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Bring the release of this host to what the plan wants."""
        plan, host = self.plan_named(arguments["plan"]), self.task_vars["inventory_hostname"]
        if host not in (*plan["releases"], *plan["marks"], *self.task_vars["groups"]["flyte_control_plane"]):
            return {"changed": False, "failures": []}
        known = Known.from_result(plan)
        cluster = known.site.cluster(host)
        if not cluster.is_control_plane:
            if cluster.host not in plan["releases"]:
                return self._marked(known, cluster, plan)
            return self._deployed(known, cluster, None, planned=plan.get("digests", {}).get(cluster.host))
        rollout = self._rollout(known, arguments["credentials"])
        failure = rollout.failure or (self._not_approved(known, cluster, rollout) if rollout.reason and "removal" not in plan else None)
        if failure:
            return self._failed(failure)
        if rollout.reason is None:
            return self._marked(known, cluster, plan)
        # A removal compares nothing anew: its rollouts have what its plan says of them.
        planned = plan["digests"].get(cluster.host) if "removal" in plan else None
        expected = plan["removal"]["releases"] if "removal" in plan else None
        restarts = plan["restarts"].get(cluster.host) or []
        result = self._deployed(known, cluster, rollout.configuration, planned=planned, restarts=restarts, expected=expected)
        return result if result.get("failed") else {**result, "live": rollout.configuration.section()}

    def _rollout(self, known: Known, stored: Mapping[str, t.Any]) -> Rollout:
        """Plan the control plane's release with the credentials that are stored by now."""
        site, host = known.site, known.site.control_plane.host
        before = control_plane_of(known.observed, host)
        credentials = stored.get("credentials") or before.get("credentials") or {}
        probes = {**(before.get("probes") or {}), **(stored.get("probes") or {})}
        # In check mode a token that would be made cannot be tried.
        probes |= {name: {"ok": True} for name, pair in credentials.items() if pair == TO_BE_MADE}
        digest_of = known.digest_of(self.variables.read)

        def planned(tried: Mapping[str, t.Any]) -> Rollout:
            configuration = wanted_configuration(site, known.observed, credentials=credentials, probes={**probes, **tried})
            return plan_rollout(site, known.observed[host], configuration, chart=known.planned_chart, digest=digest_of)

        rollout = planned({})
        tried = probed_there(self, known, self._untried(site, rollout.configuration, probes)) if rollout.reason else {}
        return planned(tried) if tried else rollout

    def _untried(self, site: Site, configuration: Configuration, probes: Mapping[str, t.Any]) -> dict[str, str]:
        """Return the endpoints that only the control plane's network reaches and that were not tried in this run: a rollout depends on them."""
        endpoints = private_endpoints(site, configuration.cluster_configs)
        return {name: endpoint for name, endpoint in endpoints.items() if (probes.get(name) or {}).get("kind") == UNPROBED}

    def _not_approved(self, known: Known, cluster: Cluster, rollout: Rollout) -> Failure | None:
        """Return why the release is not touched though its plan was approved: with the credentials that could be stored it would be another change."""
        files = PlanFiles(known.site, self.variables.read)
        if not files.holds:
            return None
        changes, row = ReleaseChanges(known, self.variables.read), Row(cluster.host, "controlplane", f"{RELEASE}{cluster.release}", str(rollout.reason))
        changes(cluster, rollout.configuration)
        broken = changes.read_records([row], [cluster.host], objects=False)
        if broken:
            return Failure(cluster.host, row.step, broken[cluster.host]["message"], f"{broken[cluster.host]['hint']} Run again then.".strip())
        rows, _lost = changes.judged([row], [cluster.host], objects=False, new=True, key=files.key)
        return files.failure(cluster.host, row.step, rows)

    def _failed(self, failure: Failure) -> dict[str, t.Any]:
        return {"failed": True, "changed": False, "msg": f"{failure.problem}. {failure.remedy}", "failures": as_rows([failure])}

    def _deployed(
        self,
        known: Known,
        cluster: Cluster,
        configuration: Configuration | None,
        planned: str | None = None,
        restarts: Sequence[str] = (),
        expected: Collection[str] | None = None,
    ) -> dict[str, t.Any]:
        """Run Helm; a failure is this cluster's.

        :param planned: the digest of the values that were planned, where they are not compared anew.
        :param restarts: the Deployments that start anew afterwards, also where this run does not come to it.
        :param expected: digests of the values that it may have by now, None where those of any run of ours may come and go.
        """
        step = "controlplane" if cluster.is_control_plane else "dataplane"
        values = known.values_of(self.variables.read)(cluster, configuration)
        # What Helm could not do it shows whole, with the passwords that files of values put into it.
        know_secrets(values, cluster.secret_values)
        try:
            failure = self._replanned(known, cluster, step, values, planned)
            failure = failure or (self._misread(known, cluster, configuration, values) if configuration else None)
            if failure:
                return self._failed(failure)
            if not self.check_mode:
                failure = self._left_running(known) if configuration else None
                if failure:
                    return self._failed(failure)
                self._end_pending(known, cluster, known.observed[cluster.host]["release"])
                announce(self._kube(known, cluster), cluster.namespace, restarts)
                failure = self._changed_meanwhile(known, cluster, step, values, expected)
                return self._failed(failure) if failure else self._labelled(known, cluster, values)
        except ModuleFailed as error:
            said = helm_said(error)
            return self._failed(Failure(cluster.host, step, f"Helm: {said}", remedy_of(said) or "See what Helm says, then run again."))
        except KubeError as error:
            return self._failed(Failure(cluster.host, step, error.message, f"{error.hint} Run again then.".strip()))
        return {"changed": True, "failures": []}

    def _replanned(self, known: Known, cluster: Cluster, step: str, values: Values, planned: str | None) -> Failure | None:
        """Return why a release is not touched though its plan was approved: its values are others by now."""
        if planned is None or not known.site.settings["flyte_approved_plan"] or digest(values) == planned:
            return None
        problem = "not done, since flyte_approved_plan does not say it: a file, a variable or a look-up gives other values than when this run planned"
        return Failure(cluster.host, step, problem, "Run again: the plan is compared anew.")

    def _changed_meanwhile(self, known: Known, cluster: Cluster, step: str, values: Values, expected: Collection[str] | None) -> Failure | None:
        """Return why a release is not touched that somebody made or changed since this run looked: what would be lost by that was not looked at."""
        seen = known.observed[cluster.host]["release"]
        if seen is not None and seen["status"] in _PENDING:
            return None
        found = find_release(self._kube(known, cluster), cluster.namespace, cluster.release)
        if found is None or (is_ours(found.given, found.values_digest) and (expected is None or found.values_digest in (*expected, digest(values)))):
            return None
        # A first run of ours beside this one has not labelled it yet.
        if found.secret == seen["secret"] if seen else (found.status in _PENDING or found.values_digest == digest(values)):
            return None
        since = f"revision {seen['revision'] if seen else 'none'} -> {found.revision}"
        problem = f"the release {cluster.release} was changed since this run looked at it ({since})"
        return Failure(cluster.host, step, problem, "Run again: what was changed is compared with the inventory.")

    def _marked(self, known: Known, cluster: Cluster, plan: Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Put our label on a release that is as wanted, where the plan says so; a failure is this cluster's."""
        if cluster.host not in plan["marks"]:
            return {"changed": False, "failures": []}
        release = known.observed[cluster.host]["release"]
        try:
            if not self.check_mode:
                write_label(self._kube(known, cluster), cluster.namespace, release["secret"], label_value(release["values_digest"]))
        except KubeError as error:
            step = "controlplane" if cluster.is_control_plane else "dataplane"
            return self._failed(Failure(cluster.host, step, error.message, f"{error.hint} Run again then.".strip()))
        return {"changed": True, "failures": []}

    def _labelled(self, known: Known, cluster: Cluster, values: Values) -> dict[str, t.Any]:
        """Run Helm, with our label on the release before it and after it: Helm hands it on, but to the first revision, and before its version 3.13."""
        kube, wanted, release = self._kube(known, cluster), digest(values), known.observed[cluster.host]["release"]
        if release:
            write_label(kube, cluster.namespace, release["secret"], label_before(release.get("given"), release["values_digest"], wanted))
        if release is None or release["status"] == "pending-install":
            give_back(kube, cluster.namespace, cluster.release)
        try:
            result, revision = self._helm_once(known, cluster, values)
        except ModuleFailed:
            with contextlib.suppress(KubeError):  # what Helm says is the failure
                self._label(kube, cluster, wanted)
            raise
        if not revision or not write_label(kube, cluster.namespace, record_name(cluster.release, int(revision)), label_value(wanted)):
            self._label(kube, cluster, wanted)
        return result

    def _label(self, kube: Kube, cluster: Cluster, wanted: str) -> None:
        """Put our label on the newest revision, where it has the values that we gave."""
        newest = find_release(kube, cluster.namespace, cluster.release)
        if newest and newest.values_digest == wanted and newest.given != label_value(wanted):
            write_label(kube, cluster.namespace, newest.secret, label_value(wanted))

    def _helm_once(self, known: Known, cluster: Cluster, values: Values) -> tuple[dict[str, t.Any], t.Any]:
        """Run Helm. Where a run beside this one was faster, wait for it, and run again only if it wanted something else.

        :returns: the result, and the revision that Helm says it made, None where it does not say.
        """
        try:
            answer = self._helm(known, cluster, values)
        except ModuleFailed as error:
            if not is_other_run(helm_said(error)):
                raise
            if self._as_wanted_by_other(known, cluster, values):
                return {"changed": False, "made_by_other": True, "failures": []}, None
            answer = self._helm(known, cluster, values)
        return {"changed": True, "failures": []}, (answer.get("status") or {}).get("revision")

    def _as_wanted_by_other(self, known: Known, cluster: Cluster, values: Values) -> bool:
        """Wait for the run of Helm that was faster; return whether it made the release as it is wanted."""
        kube = self._kube(known, cluster)
        for _pending in range(2):  # as it is, and when it ended
            release = find_release(kube, cluster.namespace, cluster.release)
            self._end_pending(known, cluster, release.public() if release else None)
        observation = {**known.observed[cluster.host], "release": release.public() if release else None, "missing": []}
        return reason_of(known.site, observation, known.planned_chart, digest(values)) is None

    def _kube(self, known: Known, cluster: Cluster) -> Kube:
        return connected(known.site, cluster, self.variables.read)

    def _end_pending(self, known: Known, cluster: Cluster, release: Mapping[str, t.Any] | None) -> None:
        """Wait for a Helm run of somebody else; take over what a killed run left pending.

        Only Helm's own record of that very revision goes, and only if it is pending still: the objects stay, and the next revision takes them over.
        """
        if release is None or release["status"] not in _PENDING:
            return
        PROGRESS.say(cluster.host, f"waits for another run of Helm: {cluster.release} is {release['status']}")
        kube = self._kube(known, cluster)
        path = secrets_path(cluster.namespace, release["secret"])
        ended = time.monotonic() + max(known.site.settings["flyte_pending_release_timeout"] - release["age"], 0)
        while True:
            record = kube.find(path)
            if record is None or (record["metadata"].get("labels") or {}).get("status") not in _PENDING:
                return
            if time.monotonic() >= ended:
                kube.delete(path)
                return
            time.sleep(min(1.0, max(ended - time.monotonic(), 0.05)))

    def _left_running(self, known: Known) -> Failure | None:
        """Return what was begun since the plan in a control plane that is to run nothing any more, after a while."""
        fault = unended(known, self.variables.read, seconds=SETTLE)
        return Failure(fault.host, "controlplane", f"not rolled out: {fault.variable} = {fault.value}", fault.remedy) if fault else None

    def _misread(self, known: Known, cluster: Cluster, configuration: Configuration, values: Values) -> Failure | None:
        """Return why flyteadmin would read something else than the plan wants, None where it would not: what Helm renders is read back first."""
        rendered = rendered_clusters(known.site.settings["flyte_helm_binary"], known.planned_chart.path, cluster, values)
        return rendering_failure(cluster.host, configuration, rendered)

    def _helm(self, known: Known, cluster: Cluster, values: Values) -> dict[str, t.Any]:
        PROGRESS.say(cluster.host, f"Helm installs or upgrades {cluster.release}")
        arguments = {
            "create_namespace": True,
            "chart_ref": known.planned_chart.path,
            "release_values": values,
            # The module asks whether the release has the values of these files, and would skip a repair otherwise: it has not those of no file.
            "values_files": [os.devnull],
        }
        return run_helm(self, known.site, cluster, arguments)
