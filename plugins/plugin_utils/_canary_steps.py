# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof by executions: the user's canary in every labelled project-domain, and our own on every cluster."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.words import in_inventory_words
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.canary import launched_nowhere, own_canaries, own_canary_rows, users_canary_rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.verify import judge_canaries
from ansible_collections.flyte.multicluster.plugins.modules import flyte_canary
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import RETRY_FOR, admin_options, cluster_options
from ansible_collections.flyte.multicluster.plugins.plugin_utils._placement_steps import live_section
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work, control_plane_access, ended

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row


def prove(work: Work) -> dict[str, t.Any]:
    """Launch the canaries that the inventory wants, all at once, and compare the clusters."""
    settings, host = work.known.site.settings, work.known.site.control_plane.host
    if not live_section(work) or work.unreadable or (work.action.check_mode and not work.known.live):
        return ended([], lines=[])
    own, unproven = _own(work)
    if not settings["flyte_canary_workflow"] and not own:
        return ended(unproven, lines=[])
    unapproved = work.not_approved("verify: canary", [*users_canary_rows(work.known.site, work.files.key), *_own_rows(work, own)])
    if unapproved:
        return ended([*unproven, unapproved], lines=[])
    try:
        answer = work.action.here(flyte_canary.OPERATION, {**_arguments(work), **own})
    except ModuleFailed as error:
        answer = error.result
        if not answer.get("canaries"):
            return ended([*unproven, Failure(host, "verify: canary", in_inventory_words(str(error)), "Run again then.")], lines=[])
    canaries = _in_inventory_words(answer["canaries"])
    text, failures = judge_canaries(canaries, host, {cluster.name: cluster.host for cluster in work.known.site.targets})
    # In check mode the labels may be what the run would set.
    nowhere = None if work.action.check_mode else launched_nowhere(work.known.site, canaries)
    return ended([*unproven, *failures, nowhere], lines=[] if work.action.check_mode or not canaries else [text])


def prove_hosts(work: Work, hosts: Collection[str]) -> dict[str, Failure]:
    """Launch our own canary on the given clusters, where the inventory has one and a label leads to the cluster alone; return what failed, by host."""
    site, host = work.known.site, work.known.site.control_plane.host
    if not site.settings["flyte_canary_project"] or not hosts or work.action.check_mode:
        return {}
    labels, _unlabelled = own_canaries(site, work.known.observed, live_section(work))
    names = {cluster.name: cluster.host for cluster in site.targets if cluster.host in hosts and cluster.name in labels}
    if not names:
        return {}
    own = _launched({name: labels[name] for name in names}, site)
    unapproved = work.not_approved("canary", _own_rows(work, own))
    if unapproved:
        return {name: dataclasses.replace(unapproved, host=name) for name in names.values()}
    try:
        answer = work.action.here(flyte_canary.OPERATION, {**_connections(work), "retry_for": RETRY_FOR, **own})
    except ModuleFailed as error:
        answer = error.result
        if not answer.get("canaries"):
            return {name: Failure(name, "canary", in_inventory_words(str(error)), "") for name in names.values()}
    canaries = _in_inventory_words(answer["canaries"])
    return {failure.host: failure for failure in judge_canaries(canaries, host, names)[1]}


def _in_inventory_words(canaries: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    return [{**entry, "problem": in_inventory_words(entry["problem"]) if entry["problem"] else None} for entry in canaries]


def _launched(labels: Mapping[str, str], site: Site) -> dict[str, t.Any]:
    """Return the option that launches our own canary, by the names of the clusters and the labels that lead there."""
    clusters = [{"name": name, "label": label} for name, label in labels.items()]
    return {"own": {"project": site.settings["flyte_canary_project"], "domain": site.settings["flyte_canary_domain"], "clusters": clusters}}


def _own(work: Work) -> tuple[dict[str, t.Any], list[Failure]]:
    """Return the options of our own canary, empty where it is not launched, and the clusters that it cannot be launched on.

    A run of site.yml that changed nothing has nothing to prove.
    """
    site = work.known.site
    if not site.settings["flyte_canary_project"] or ("rows" in work.plan and not work.outcomes.changed):
        return {}, []
    labels, failures = own_canaries(site, work.known.observed, live_section(work))
    return (_launched(labels, site) if labels else {}), failures


def _own_rows(work: Work, own: Mapping[str, t.Any]) -> list[Row]:
    """Return what the launch of our own canary is as rows of a plan."""
    names = {entry["name"] for entry in own["own"]["clusters"]} if own else set()
    return own_canary_rows(work.known.site, [cluster.host for cluster in work.known.site.targets if cluster.name in names])


def _arguments(work: Work) -> dict[str, t.Any]:
    settings = work.known.site.settings
    users = {
        "launch_plan": settings["flyte_canary_workflow"],
        "version": settings["flyte_canary_version"],
        "inputs": settings["flyte_canary_inputs"],
        "projects": settings["flyte_canary_projects"],
    }
    given = {option: value for option, value in users.items() if value} if settings["flyte_canary_workflow"] else {}
    return {**_connections(work), **given}


def _connections(work: Work) -> dict[str, t.Any]:
    site = work.known.site
    settings = site.settings
    return {
        **admin_options(site, work.read),
        "wait_timeout": settings["flyte_canary_timeout"],
        "control_plane": control_plane_access(work),
        "planes": [
            {
                "name": cluster.name,
                "namespace": cluster.namespace,
                "release": cluster.release,
                "propeller": settings["flyte_verify_propeller"],
                **cluster_options(site, cluster, work.read),
            }
            for cluster in site.targets
        ],
    }
