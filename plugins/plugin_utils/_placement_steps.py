# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that talk to flyteadmin: labels, namespaces, verification."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.words import in_inventory_words
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.complete import label_failures, to_be_done, unfinished
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.labels import held_failure, label_plan, label_rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.namespaces import lacking
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import make_plan
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure, control_plane_of
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.verify import cluster_failures, judge_labels
from ansible_collections.flyte.multicluster.plugins.modules import flyte_ecl, flyte_ecl_info
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import RETRY_FOR, admin_options
from ansible_collections.flyte.multicluster.plugins.plugin_utils._namespace_steps import namespace_failures, restart_syncresources
from ansible_collections.flyte.multicluster.plugins.plugin_utils._probes import private_endpoints, probed_there
from ansible_collections.flyte.multicluster.plugins.plugin_utils._stored import stored_journal
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work, control_plane_access, ended, observed_now, planned

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: the steps on AWS, and what their tasks register
_AWS_STEPS = {
    "eks_cluster": ("eks_cluster_result", "eks_cluster_nodes_result"),
    "iam": ("iam_oidc_result", "iam_policy_result", "iam_roles_result", "iam_pod_identity_result"),
}


def live_section(work: Work) -> dict[str, t.Any]:
    """Return the section ``clusters`` that flyteadmin reads now; in check mode, that it would read."""
    rolled_out = work.outcomes.of("controlplane_release") or {}
    return rolled_out.get("live") or work.known.live


def set_labels(work: Work) -> dict[str, t.Any]:
    """Set the inventory's labels that lead to an enabled cluster; the others are held back, and said."""
    site, live = work.known.site, live_section(work)
    plan = label_plan(site, live)
    held = held_failure(site, plan)
    if work.action.check_mode and not work.known.live:
        # There is no flyteadmin yet to compare with.
        return ended([held], lines=[f"{row.project} {row.domain} {row.workflow} {row.label}" for row in plan.ready])
    unapproved = _unapproved_labels(work, live)
    if unapproved:
        return ended([held, unapproved], lines=[])
    arguments = {
        **admin_options(site, work.read),
        "labels": [dataclasses.asdict(row) for row in plan.ready],
        "known_labels": list(live.get("labelClusterMap") or {}),
        "purge": plan.purge,
        # Rows that a delete takes along are kept in the control plane, where a later run on another machine finds them too.
        "control_plane": control_plane_access(work),
        "journal_rows": control_plane_of(work.known.observed, site.control_plane.host).get("journal") or [],
        "backups": site.settings["flyte_backups"],
        "gather": True,  # for the step verify
        "retry_for": RETRY_FOR,
    }
    try:
        answer = work.action.here(flyte_ecl.OPERATION, arguments)
    except ModuleFailed as error:
        return ended([held, Failure(site.control_plane.host, "ecl", in_inventory_words(str(error)), "Run again then.")], unreadable=True)
    kept = {key: answer[key] for key in ("changed", "diff", "rows", "project_domains")}
    # For the role namespaces: what costs nothing here would be a step of its own there.
    kept["lacking"] = bool(lacking(site, work.known.observed, live, answer["project_domains"]).all)
    return ended([held], **kept, lines=[answer["msg"]] if answer["restored"] else [])


def _unapproved_labels(work: Work, live: Mapping[str, t.Any]) -> Failure | None:
    """Return why no label is set: of what flyteadmin has now, the approved plan does not say all that would change."""
    site = work.known.site
    if work.action.check_mode or not work.files.holds:
        return None
    try:
        stored = {(row["project"], row["domain"], row["workflow"]): row["label"] for row in _stored_labels(work)["rows"]}
    except ModuleFailed as error:
        return Failure(site.control_plane.host, "ecl", in_inventory_words(str(error)), "Run again then.")
    return work.not_approved("ecl", label_rows(site, live, stored, stored_journal(work.known)))


def make_namespaces(work: Work) -> dict[str, t.Any]:
    """Give the data planes the namespaces of flyteadmin's projects that they lack."""
    live = live_section(work)
    labels = work.outcomes.of("ecl_result") or {}
    if not live or labels.get("unreadable") or (work.action.check_mode and not work.known.live):
        return ended([], lines=[], hosts=[])
    try:
        known = labels if "project_domains" in labels else _stored_labels(work)
    except ModuleFailed as error:
        return ended([Failure(work.known.site.control_plane.host, "namespaces", in_inventory_words(str(error)), "Run again then.")], unreadable=True)
    return restart_syncresources(work, live, known["project_domains"])


def verify(work: Work) -> dict[str, t.Any]:
    """Look again at what was changed, reach every data plane as flyteadmin does, and judge every stored label, row and namespace."""
    site = work.known.site
    if work.action.check_mode and "rows" in work.plan:
        return _verify_in_check_mode(work)
    observed = {**work.known.observed, **_observed_again(work)}
    live = control_plane_of(observed, site.control_plane.host).get("clusters") or {}
    observed = _with_private_endpoints(work, observed, live)
    failed = {failure.host for failure in work.failures()}
    failures = [failure for failure in _site_failures(work, observed) if failure.host not in failed]
    labels = work.outcomes.of("ecl_result") or {}
    if not live or labels.get("unreadable"):
        # There is no flyteadmin to ask, which is a failure already.
        return ended(failures, lines=[])
    try:
        stored = labels if "rows" in labels and not labels.get("changed") else _stored_labels(work)
    except ModuleFailed as error:
        return ended([*failures, Failure(site.control_plane.host, "verify", in_inventory_words(str(error)), "Run again then.")], lines=[], unreadable=True)
    verdict = judge_labels(site, live, stored["rows"], stored["project_domains"])
    if not any(failure.step == "ecl" for failure in work.failures()):
        failures += label_failures(site, live, stored["rows"])
    failures += [failure for failure in namespace_failures(work, observed, live, stored["project_domains"]) if failure.host not in failed]
    return ended([*failures, *verdict.failures], lines=verdict.lines)


def _with_private_endpoints(work: Work, observed: dict[str, dict[str, t.Any]], live: Mapping[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """Return observations with the clusters tried that only the control plane's network reaches, with what it has stored by now."""
    site, host = work.known.site, work.known.site.control_plane.host
    known = control_plane_of(observed, host)
    private = private_endpoints(site, live.get("clusterConfigs") or [])
    if not known or not private:
        return observed
    probes = {**(known.get("probes") or {}), **probed_there(work.action, work.known, private)}
    return {**observed, host: {**observed[host], "control_plane": {**known, "probes": probes}}}


def _verify_in_check_mode(work: Work) -> dict[str, t.Any]:
    """Say what is known of labels. What is wrong may be what the run would mend."""
    live, labels = live_section(work), work.outcomes.of("ecl_result") or {}
    if not live or not work.known.live or labels.get("unreadable"):
        # There is no flyteadmin yet to ask.
        return ended([], lines=[])
    try:
        stored = labels if "rows" in labels else _stored_labels(work)
    except ModuleFailed as error:
        failure = Failure(work.known.site.control_plane.host, "verify", in_inventory_words(str(error)), "Run again then.")
        return ended([failure], lines=[], unreadable=True)
    return ended([], lines=judge_labels(work.known.site, live, stored["rows"], stored["project_domains"]).lines)


def _site_failures(work: Work, observed: Mapping[str, dict[str, t.Any]]) -> list[Failure]:
    """Return what is wrong with the clusters, and what is still to be done: by the whole plan anew where the run had something to do."""
    known, rows = work.known, work.plan.get("rows")
    found = [*cluster_failures(known.site, observed), *unfinished(known.site, observed)]
    if not rows or known.chart is None:
        return found
    more: dict[str, t.Any] = {"identities": known.identities, "rights": known.rights}
    plan = make_plan(known.site, observed, chart=known.chart, digest=known.digest_of(work.read), aws=known.aws, **more)
    said = {failure.host for failure in found}
    # What was said of AWS is of before the run.
    left = [row for row in plan.rows if row.step not in _AWS_STEPS and row.host not in said]
    # What the control plane would get with a data plane that is not done is no failure of its own.
    found += [to_be_done(row) for row in left if row.step != "controlplane" or not (plan.releases or plan.credentials)]
    due = {"iam": bool((work.plan.get("iam") or {}).get("due")), "eks_cluster": bool(work.plan.get("eks"))}
    open_steps = [step for step, names in _AWS_STEPS.items() if due[step] and not any(work.outcomes.of(name) for name in names)]
    host = known.site.control_plane.host
    remedy = "Run site.yml with the tag"
    return found + [Failure(host, f"verify: {step}", "still to be done: what the plan shows of it", f"{remedy} {step}.") for step in open_steps]


def _observed_again(work: Work) -> dict[str, dict[str, t.Any]]:
    """Return new observations of what was changed; what was observed before the run still holds where nothing was."""
    changed = planned(work)
    # Since the control plane got ready only syncresources, and what it made, was changed any more.
    later = (work.outcomes.of("namespaces_result") or {}).get("hosts") or []
    later = [*later, *((work.outcomes.of("rotate_result") or {}).get("rotated") or [])]
    if work.action.check_mode or not (changed or later or work.outcomes.changed):
        return {}
    host = work.known.site.control_plane.host
    seen = t.cast("dict[str, dict[str, t.Any]]", (work.outcomes.of("controlplane_ready") or {}).get("observed") or {})
    seen = {name: found for name, found in seen.items() if not (later and name in (host, *later))}
    missing = [name for name in dict.fromkeys([host, *changed, *later]) if name not in seen]
    return {**seen, **(observed_now(work, missing)["clusters"] if missing else {})}


def _stored_labels(work: Work) -> dict[str, t.Any]:
    return work.action.here(flyte_ecl_info.OPERATION, {**admin_options(work.known.site, work.read), "retry_for": RETRY_FOR})
