# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the rights that we give Flyte's accounts in the data planes: written before the releases, and removed after them."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure
from ansible_collections.flyte.multicluster.plugins.modules import flyte_dataplane_rights
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import cluster_options
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work, ended, step_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def grant_rights(work: Work) -> dict[str, t.Any]:
    """Write what is due. Before the release, which may take away what the chart gave: at no moment has an account less than it needs."""
    return _changed(work, work.plan["rights"], "present")


def remove_rights(work: Work) -> dict[str, t.Any]:
    """Remove what is left over, where the release that gives the rights instead is in place."""
    return _changed(work, {host: dict.fromkeys(accounts, ()) for host, accounts in work.plan["rights_left"].items()}, "absent")


def _changed(work: Work, accounts: Mapping[str, Mapping[str, t.Any]], state: str) -> dict[str, t.Any]:
    failed = {failure.host for failure in work.failures()}
    due = [host for host in accounts if host in work.hosts and host not in failed]
    if not due:
        return ended([])
    arguments = {
        "state": state,
        "clusters": [
            {
                "name": cluster.host,
                "namespace": cluster.namespace,
                "accounts": {account: list(rules) for account, rules in accounts[cluster.host].items()},
                **cluster_options(work.known.site, cluster, work.read),
            }
            for cluster in work.clusters(due)
        ],
        **work.many(),
    }
    try:
        answer = work.action.here(flyte_dataplane_rights.OPERATION, arguments)
    except ModuleFailed as error:
        return ended([Failure(host, step_of(work, host), str(error), "Run again then; what was there before stays.") for host in due])
    failures = [Failure(entry["name"], step_of(work, entry["name"]), entry["error"], f"{entry['hint']} Run again then.") for entry in answer["failed_clusters"]]
    return ended(failures, **{key: answer[key] for key in ("changed", "diff", "objects")})
