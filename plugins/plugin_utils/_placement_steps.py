# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that talk to flyteadmin: labels, proof of placement, status."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.words import in_inventory_words
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.labels import held_failure, label_plan
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure, control_plane_of
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.show import status_text
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.verify import cluster_failures, judge_canaries, judge_labels
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import MODULES, ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import admin_options, cluster_options
from ansible_collections.flyte.multicluster.plugins.plugin_utils._probes import private_endpoints, probed_there
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work, ended, observed_now, planned

#: seconds after a rollout in which the ingress may have no pod yet
_RETRY_FOR = 60


def _live(work: Work) -> dict[str, t.Any]:
    """Return the section ``clusters`` that flyteadmin reads now; in check mode, that it would read."""
    rolled_out = work.outcomes.of("controlplane_release") or {}
    return rolled_out.get("live") or work.known.live


def _control_plane(work: Work) -> dict[str, t.Any]:
    cluster = work.known.site.control_plane
    return {**cluster_options(work.known.site, cluster, work.read), "namespace": cluster.namespace}


def set_labels(work: Work) -> dict[str, t.Any]:
    """Set the inventory's labels that lead to an enabled cluster; the others are held back, and said."""
    site, live = work.known.site, _live(work)
    plan = label_plan(site, live)
    held = held_failure(site, plan)
    if work.action.check_mode and not work.known.live:
        # There is no flyteadmin yet to compare with.
        return ended([held], lines=[f"{row.project} {row.domain} {row.workflow} {row.label}" for row in plan.ready])
    arguments = {
        **admin_options(site, work.read),
        "labels": [dataclasses.asdict(row) for row in plan.ready],
        "known_labels": list(live.get("labelClusterMap") or {}),
        "purge": plan.purge,
        # Rows that a delete takes along are kept in the control plane, where a later run on another machine finds them too.
        "control_plane": _control_plane(work),
        "journal_rows": control_plane_of(work.known.observed, site.control_plane.host).get("journal") or [],
        "gather": True,  # for the step verify
        "retry_for": _RETRY_FOR,
    }
    try:
        answer = work.action.module(MODULES + "flyte_ecl", arguments)
    except ModuleFailed as error:
        return ended([held, Failure(site.control_plane.host, "ecl", in_inventory_words(str(error)), "Run again then.")], unreadable=True)
    kept = {key: answer[key] for key in ("changed", "diff", "rows", "project_domains")}
    return ended([held], **kept, lines=[answer["msg"]] if answer["restored"] else [])


def verify(work: Work) -> dict[str, t.Any]:
    """Look again at what was changed, reach every data plane as flyteadmin does, and judge every stored label."""
    site = work.known.site
    observed = {**work.known.observed, **_observed_again(work)}
    live = _live(work) if work.action.check_mode else control_plane_of(observed, site.control_plane.host).get("clusters") or {}
    if not live or (work.action.check_mode and not work.known.live):
        # There is no flyteadmin yet to ask.
        return ended([], lines=[])
    known = control_plane_of(observed, site.control_plane.host)
    if known:
        # Those that only the control plane's network reaches are tried there, with what it has stored by now.
        tried = probed_there(work.action, site, private_endpoints(site, live.get("clusterConfigs") or []))
        known = {**known, "probes": {**(known.get("probes") or {}), **tried}}
        observed[site.control_plane.host] = {**observed[site.control_plane.host], "control_plane": known}
    failed = {failure.host for failure in work.failures()}
    # In check mode, what is wrong may be what the run would mend.
    failures = [] if work.action.check_mode else [failure for failure in cluster_failures(site, observed) if failure.host not in failed]
    labels = work.outcomes.of("ecl_result") or {}
    if labels.get("unreadable"):
        return ended(failures, lines=[])
    try:
        stored = labels if "rows" in labels and (work.action.check_mode or not labels.get("changed")) else _stored_labels(work)
    except ModuleFailed as error:
        return ended([*failures, Failure(site.control_plane.host, "verify", in_inventory_words(str(error)), "Run again then.")], lines=[], unreadable=True)
    verdict = judge_labels(site, live, stored["rows"], stored["project_domains"])
    return ended([*failures, *([] if work.action.check_mode else verdict.failures)], lines=verdict.lines)


def _observed_again(work: Work) -> dict[str, dict[str, t.Any]]:
    """Return new observations of what was changed; what was observed before the run still holds where nothing was."""
    changed = planned(work)
    if work.action.check_mode or not (changed or work.outcomes.changed):
        return {}
    # Since the control plane got ready nothing of the clusters was changed any more.
    seen = t.cast("dict[str, dict[str, t.Any]]", (work.outcomes.of("controlplane_ready") or {}).get("observed") or {})
    missing = [host for host in dict.fromkeys([work.known.site.control_plane.host, *changed]) if host not in seen]
    return {**seen, **(observed_now(work, missing)["clusters"] if missing else {})}


def _stored_labels(work: Work) -> dict[str, t.Any]:
    return work.action.module(MODULES + "flyte_ecl_info", {**admin_options(work.known.site, work.read), "retry_for": _RETRY_FOR})


def prove_placement(work: Work) -> dict[str, t.Any]:
    """Launch the user's canary in every labelled project-domain, and compare the cluster."""
    settings, host = work.known.site.settings, work.known.site.control_plane.host
    unreadable = any((work.outcomes.of(name) or {}).get("unreadable") for name in ("ecl_result", "verify_result"))
    if not settings["flyte_canary_workflow"] or not _live(work) or unreadable or (work.action.check_mode and not work.known.live):
        return ended([], lines=[])
    given = {"version": settings["flyte_canary_version"], "projects": settings["flyte_canary_projects"]}
    arguments = {
        **admin_options(work.known.site, work.read),
        "launch_plan": settings["flyte_canary_workflow"],
        "inputs": settings["flyte_canary_inputs"],
        "wait_timeout": settings["flyte_canary_timeout"],
        "control_plane": _control_plane(work),
        **{option: value for option, value in given.items() if value},
    }
    try:
        answer = work.action.module(MODULES + "flyte_canary", arguments)
    except ModuleFailed as error:
        answer = error.result
        if not answer.get("canaries"):
            return ended([Failure(host, "verify: canary", in_inventory_words(str(error)), "Run again then.")], lines=[])
    canaries = [{**entry, "problem": in_inventory_words(entry["problem"]) if entry["problem"] else None} for entry in answer["canaries"]]
    text, failures = judge_canaries(canaries, host)
    return ended(failures, lines=[] if work.action.check_mode else [text])


def show_status(work: Work) -> dict[str, t.Any]:
    """Return a table of all clusters."""
    site = work.known.site
    try:
        executions = work.action.module(MODULES + "flyte_execution_info", admin_options(site, work.read), reads=True)["executions"]
    except ModuleFailed as error:
        # The clusters can be shown without them.
        return {"text": f"{status_text(site, work.known.observed, None)}\nExecutions are unknown: {in_inventory_words(str(error))}\n"}
    return {"text": status_text(site, work.known.observed, executions)}
