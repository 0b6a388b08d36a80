# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control plane that gives up running workflows of its own: not before these have ended.

Its flytepropeller and the FlyteWorkflow CRD go with the next revision of its release. What runs then would never end, its finalizer would hold the CRD for
ever, and flyteadmin has no way to it any more.
"""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.leftovers import held_workflows
from ansible_collections.flyte.multicluster.plugins.module_utils._common.text import first
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.reader import Fault
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import connected

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known

    Read = Callable[[str, str], t.Any]

VARIABLE = "flyte_control_plane_runs_workflows"
#: seconds that flytepropeller has to take away its finalizers after the last execution has ended
SETTLE = 60.0
#: seconds for one that has ended just now, where nothing was done yet
_MOMENT = 3.0
_NAMED = 3


def refuse_unended(known: Known, read: Read) -> None:
    """Refuse a run that would take away the flytepropeller of what runs.

    :raises Refused: something runs, or the control plane does not say it.
    """
    try:
        fault = unended(known, read, seconds=_MOMENT)
    except KubeError as error:
        raise Refused(f"{known.site.control_plane.host}: {error.message}. {error.hint}") from error
    if fault:
        raise Refused(str(fault))


def unended(known: Known, read: Read, *, seconds: float) -> Fault | None:
    """Return what runs in a control plane that is to run nothing any more, None where nothing does.

    :param seconds: to wait for its end.
    :raises KubeError: the control plane does not say it.
    """
    site, head = known.site, known.site.control_plane
    configured = any(entry["name"] == head.name and entry.get("inCluster") for entry in known.live.get("clusterConfigs") or [])
    if site.is_target(head) or not configured:
        return None
    held = held_workflows(connected(site, head, read), seconds=seconds)
    if not held:
        return None
    namespace, name = held[0].split("/", 1)
    remedy = (
        f"{len(held)} FlyteWorkflow(s) in this cluster have not ended: {first(held, _NAMED)}. Nobody would end them without its flytepropeller, and the CRD "
        f"would hang on them. Set {VARIABLE}: true and, of this host, flyte_cluster_enabled: false, and run site.yml: it drains. Wait until they have ended, "
        f"or abort their executions; then set {VARIABLE}: false. One that flytepropeller never ends: "
        f"kubectl -n {namespace} delete flyteworkflow {name} --wait=false, and "
        f"""kubectl -n {namespace} patch flyteworkflow {name} --type merge -p '{{"metadata": {{"finalizers": null}}}}'."""
    )
    return Fault(head.host, VARIABLE, False, remedy)
