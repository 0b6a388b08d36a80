# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespaces of flyteadmin's projects in the data planes: looked for, waited for, and syncresources started anew where some are missing."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.observe import NAMESPACES_PATH
from ansible_collections.flyte.multicluster.plugins.module_utils._common.names import SYNCRESOURCES
from ansible_collections.flyte.multicluster.plugins.module_utils._common.progress import PROGRESS
from ansible_collections.flyte.multicluster.plugins.module_utils._common.text import first
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.namespaces import (
    Lacking,
    lacking,
    lacking_failures,
    makers,
    restart_rows,
    sync_interval,
)
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work, ended, on_clusters, restart_all, wait_for

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster

#: seconds without progress after which a syncresources that this very run started is not at it any more
_STARTING = 30.0
_PAUSE = 2.0


def restart_syncresources(work: Work, live: Mapping[str, t.Any], project_domains: Sequence[Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """Start syncresources anew where a data plane lacks a namespace, and wait until it has it."""
    site = work.known.site
    missing = lacking(site, work.known.observed, live, project_domains).all
    if missing and not work.action.check_mode:
        # They were observed before the run did anything.
        missing = until_there(work, missing, _STARTING if work.outcomes.changed else 0.0)
    if not missing:
        return ended([], lines=[], hosts=[])
    rows = restart_rows(site, missing)
    lines = [line for row in rows for line in row.lines()]
    diff = {"before": {}, "after": {f"{row.host}: {row.action}": row.reason for row in rows}}
    result: dict[str, t.Any] = {"lines": lines, "hosts": list(missing), "changed": True, "diff": diff}
    if work.action.check_mode:
        return ended([], **result)
    held = work.not_approved("namespaces", rows)
    if held:
        return ended([held], lines=[], hosts=[])
    hosts = [cluster.host for cluster in makers(site, missing)]
    unable = restart_all(work, {host: [SYNCRESOURCES] for host in hosts})
    unable += wait_for(work, [host for host in hosts if host not in {failure.host for failure in unable}])[0]
    failed = {failure.host for failure in unable}
    # Whatever is missing still, the step verify says.
    served = {host: names for host, names in missing.items() if makers(site, [host])[0].host not in failed}
    until_there(work, served, float(site.settings["flyte_wait_timeout"]) if served else 0.0)
    return ended([Failure(failure.host, "namespaces", f"{SYNCRESOURCES}: {failure.problem}", failure.remedy) for failure in unable], **result)


def until_there(work: Work, missing: Mapping[str, list[str]], seconds: float) -> dict[str, list[str]]:
    """Wait until data planes have namespaces; return what is missing still. A plane that does not answer any more is left out.

    :param seconds: to wait without any progress.
    """
    ended_at, left = time.monotonic() + seconds, dict(missing)

    def look(kube: Kube, cluster: Cluster) -> list[str]:
        there = kube.ages(NAMESPACES_PATH)
        return [name for name in left[cluster.host] if name not in there]

    while True:
        for host, names in left.items():
            PROGRESS.say(host, f"waits for syncresources to make the namespace{'s' if len(names) > 1 else ''} {first(names, 2)}")
        found, before = on_clusters(work, left, look), left
        left = {host: names for host, names in found.items() if not isinstance(names, Failure) and names}
        ended_at = time.monotonic() + seconds if left != before and seconds else ended_at
        if not left or time.monotonic() >= ended_at:
            return left
        time.sleep(min(_PAUSE, max(ended_at - time.monotonic(), 0.05)))


def namespace_failures(
    work: Work, observed: Mapping[str, Mapping[str, t.Any]], live: Mapping[str, t.Any], project_domains: Sequence[Mapping[str, t.Any]]
) -> list[Failure]:
    """Return the failures of data planes that lack namespaces. A project that may be new is waited for, as long as syncresources may take."""
    site = work.known.site
    found = lacking(site, observed, live, project_domains)
    young = until_there(work, found.young, sync_interval(site, observed, found.young)) if found.young else {}
    # What was observed before syncresources was waited for, or started anew, is looked at again.
    overdue = until_there(work, found.overdue, 0.0) if found.overdue and work.outcomes.changed else found.overdue
    return lacking_failures(site, Lacking(overdue, young).all)
