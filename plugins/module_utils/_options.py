# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules share: their options, and what is made of them."""

from __future__ import annotations

import copy
import typing as t

from ._clusters import client as _kube
from ._clusters.access import access_of, access_options, method_of
from ._flyteadmin.settings import ADMIN_CONNECTION, ADMIN_OPTIONS
from ._rights.rules import FLYTEWORKFLOWS

if t.TYPE_CHECKING:
    from ._flyteadmin.journal import Journal
    from ._flyteadmin.settings import Settings
    from ._labels.placement import Placement


#: what flyteadmin does in every data plane
DEFAULT_RULES = [FLYTEWORKFLOWS]


def control_plane_argument_spec() -> dict[str, t.Any]:
    """Return the option of the doc fragment flyte.multicluster.control_plane."""
    options = {**access_options(), "namespace": {"type": "str", "default": "flyte"}}
    return {"control_plane": {"type": "dict", "options": options}}


def planes_argument_spec() -> dict[str, t.Any]:
    """Return the option of the doc fragment flyte.multicluster.control_plane.planes."""
    own = {
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "default": "flyte"},
        "release": {"type": "str", "default": "flyte-core-data"},
        "propeller": {"type": "bool", "default": True},
    }
    return {"planes": {"type": "list", "elements": "dict", "default": [], "options": {**access_options(), **own}}}


def placement_argument_spec() -> dict[str, t.Any]:
    """Return the options of the doc fragment flyte.multicluster.placement; use with :data:`PLACEMENT_CONSTRAINTS`."""
    return {
        **control_plane_argument_spec(),
        "label_cluster_map": {"type": "dict"},
        "enabled_clusters": {"type": "list", "elements": "str"},
        "default_execution_label": {"type": "str"},
    }


PLACEMENT_CONSTRAINTS: dict[str, t.Any] = {
    "mutually_exclusive": [("control_plane", "label_cluster_map")],
    "required_together": [("label_cluster_map", "enabled_clusters")],
}


def control_plane_of(params: t.Mapping[str, t.Any]) -> tuple[_kube.Kube, str] | None:
    """Return the connection to the control plane and flyteadmin's namespace, None where the option is not given."""
    given = params.get("control_plane")
    return (method_of(access_of(given)).connect(_kube.READ_TIMEOUT), given["namespace"]) if given else None


def placement_of(params: t.Mapping[str, t.Any]) -> Placement | None:
    """Return what flyteadmin's configuration makes of a label: from the options, or read from the control plane; None where neither is given."""
    # What is imported on the target is compiled there anew each time: only what is needed.
    from ._labels.placement import Placement

    if params.get("label_cluster_map") is not None:
        return Placement(params["label_cluster_map"], frozenset(params["enabled_clusters"]), params.get("default_execution_label"))
    access = control_plane_of(params)
    if access is None:
        return None
    from ._clusters.control_plane import flyteadmin_clusters

    section = flyteadmin_clusters(*access)
    if not section:
        raise _kube.KubeError(
            "api",
            f"{access[0].server}: the Deployment flyteadmin in the namespace {access[1]} mounts no configuration with clusters",
            hint="Check control_plane and its namespace; site.yml writes that configuration.",
        )
    return Placement.from_section(section)


def journal_of(params: t.Mapping[str, t.Any], settings: Settings) -> Journal:
    """Return where rows are kept that a delete takes along: the control plane where access to it is given, else a folder of this machine."""
    from ._flyteadmin.journal import ConfigMapJournal, FileJournal

    given = params["control_plane"]
    if given is None:
        return FileJournal(params["journal"], settings.url)
    # The connection is made when it is first needed.
    return ConfigMapJournal(lambda: t.cast("tuple[_kube.Kube, str]", control_plane_of(params))[0], given["namespace"])


def clusters_argument_spec(**more: t.Any) -> dict[str, t.Any]:
    """Return the options of the doc fragment flyte.multicluster.clusters, with more options for each cluster."""
    options = {"name": {"type": "str", "required": True}, **access_options(), **more}
    return {
        "clusters": {"type": "list", "elements": "dict", "required": True, "options": options},
        "concurrency": {"type": "int", "default": 16},
        "timeout": {"type": "float", "default": 15},
    }


def rules_argument_spec() -> dict[str, t.Any]:
    """Return the option of the doc fragment flyte.multicluster.rules."""
    texts: dict[str, t.Any] = {"type": "list", "elements": "str"}
    options = {**{key: {**texts, "required": True} for key in ("apiGroups", "resources", "verbs")}, "resourceNames": texts}
    return {"rules": {"type": "list", "elements": "dict", "options": options, "default": DEFAULT_RULES}}


def flyteadmin_argument_spec(*, required: bool) -> dict[str, t.Any]:
    """Return the option that says how flyteadmin is reached, and not who asks."""
    options = {name: ADMIN_OPTIONS[name] for name in ADMIN_CONNECTION}
    return {"flyteadmin": {"type": "dict", "required": required, "options": copy.deepcopy(options)}}
