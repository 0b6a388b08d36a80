# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where syncresources runs, with whose account, and for whom: in the control plane for all data planes, or in each data plane for itself. No I/O.

In a data plane, without any clusterConfigs, it works in its own cluster with its pod's account, and asks flyteadmin for the projects, as flytepropeller's
client (``config.cluster_resources.standaloneDeployment``).
"""

from __future__ import annotations

import typing as t

from .._common.names import SYNCRESOURCES
from .values import Values, lookup, merge

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MANAGER = "cluster_resource_manager"
STANDALONE = f"{MANAGER}.config.cluster_resources.standaloneDeployment"
#: what the control plane's values say for its syncresources, and a data plane's takes over
_TAKEN_OVER = ("config", "templates")


def stands_alone(values: Mapping[str, t.Any]) -> bool:
    """Return whether values of a data plane let it run there already."""
    return bool(lookup(values, STANDALONE, False))


def taken_over(layers: Sequence[Mapping[str, t.Any]]) -> Values:
    """Return what a data plane's syncresources takes over of the user's values for the control plane's, below those of its own host."""
    section = merge([layer[MANAGER] for layer in layers if isinstance(layer.get(MANAGER), dict)])
    kept = {key: section[key] for key in _TAKEN_OVER if key in section}
    return {MANAGER: kept} if kept else {}


def data_plane_override(custom_data: Sequence[Mapping[str, t.Any]] | None, *, minimal: bool) -> Values:
    """Return our values of a data plane whose syncresources works for itself.

    :param custom_data: what the templates are filled in with, None to leave it as it is.
    :param minimal: whether it has an account of its own: flyteadmin's, whose token the control plane holds, may create and delete executions only.
    """
    resources: Values = {"standaloneDeployment": True, **({"customData": list(custom_data)} if custom_data is not None else {})}
    return {MANAGER: {"enabled": True, "config": {"cluster_resources": resources}, **({"service_account_name": SYNCRESOURCES} if minimal else {})}}


def rights_override() -> Values:
    """Return our values of a data plane where the chart gives flyteadmin no rights: ours take their place."""
    return {"flyteadmin": {"serviceAccount": {"rbac": False}}}
