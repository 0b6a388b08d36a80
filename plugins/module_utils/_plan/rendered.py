# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what Helm made of flyteadmin's configuration is what went in: a chart or a value of the user's may bend it, and flyteadmin takes all. No I/O."""

from __future__ import annotations

import typing as t

from .._common.text import first
from .rows import Failure

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .._helm.configuration import Configuration

#: more of them say nothing more
_MOST = 5


def rendering_failure(host: str, wanted: Configuration, rendered: Mapping[str, t.Any]) -> Failure | None:
    """Return what keeps a control plane's release from being installed, None where flyteadmin would read what the plan wants.

    :param rendered: the section ``clusters`` in what flyteadmin would mount, read as the plan reads it of a cluster.
    """
    lines = differences(wanted, rendered)
    if not lines:
        return None
    problem = f"not installed: flyteadmin would not read what the plan wants, as Helm renders it: {first(lines, _MOST, '; ')}"
    remedy = "Take configmap.clusters, and volumes of flyteadmin that hide its configuration, out of flyte_values and flyte_values_files; or see the chart."
    return Failure(host, "controlplane", problem, remedy)


def differences(wanted: Configuration, rendered: Mapping[str, t.Any]) -> list[str]:
    """Return what differs, without the values, which the plan shows."""
    if not rendered:
        return ["it has no section 'clusters' at all"]
    configs = {str(entry.get("name")): entry for entry in rendered.get("clusterConfigs") or []}
    found = _compared("cluster", {entry["name"]: entry for entry in wanted.cluster_configs}, configs)
    found += [f"cluster {name}: stands twice" for name in configs if [entry.get("name") for entry in rendered["clusterConfigs"]].count(name) > 1]
    found += _compared("label", wanted.label_cluster_map, rendered.get("labelClusterMap") or {})
    default = rendered.get("defaultExecutionLabel")
    if (wanted.default_label or None) != (default or None):
        found.append(f"default execution label: {default!r}, not {wanted.default_label!r}")
    return found


def _compared(what: str, wanted: Mapping[str, t.Any], rendered: Mapping[str, t.Any]) -> list[str]:
    found = [f"{what} {name}: {'differs' if name in rendered else 'is missing'}" for name in wanted if name not in rendered or rendered[name] != wanted[name]]
    return found + [f"{what} {name}: is none of the plan's" for name in rendered if name not in wanted]
