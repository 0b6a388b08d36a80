# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of the data planes that only the control plane's network reaches."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.probe import probe_result
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import SECRET_NAME
from ansible_collections.flyte.multicluster.plugins.modules import flyte_cluster_probe
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import cluster_options

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known


def probed_there(action: InventoryAction, known: Known, endpoints: Mapping[str, str], *, secret: str = SECRET_NAME) -> dict[str, dict[str, t.Any]]:
    """Return what Jobs in the control plane's cluster found, by cluster name; in check mode none is made.

    :param endpoints: by the names of the clusters, whose keys the Secret has by now.
    :param secret: of the control plane.
    """
    if not endpoints or action.check_mode:
        return {}
    site = known.site
    settings, head = site.settings, site.control_plane
    arguments = {
        "namespace": head.namespace,
        "secret": secret,
        "clusters": [{"name": name, "endpoint": endpoint} for name, endpoint in endpoints.items()],
        "image": settings["flyte_probe_image"],
        "wait_timeout": settings["flyte_probe_timeout"],
        "rules": known.rights.needed,
        "openshift_pods": head.openshift,
        "concurrency": settings["flyte_concurrency"],
        "timeout": settings["flyte_request_timeout"],
        **cluster_options(site, head, action.variables.read),
    }
    try:
        return t.cast("dict[str, dict[str, t.Any]]", action.here(flyte_cluster_probe.OPERATION, arguments)["probes"])
    except ModuleFailed as error:
        return {name: probe_result(str(error), "Run again then.", "job") for name in endpoints}


def private_endpoints(site: Site, configs: t.Iterable[Mapping[str, t.Any]]) -> dict[str, str]:
    """Return the endpoints of the enabled entries of clusterConfigs that are probed from the control plane, by name."""
    private = {cluster.name for cluster in site.data_planes if cluster.probe_from == "control_plane"}
    return {str(entry["name"]): str(entry["endpoint"]) for entry in configs if entry.get("enabled") and entry["name"] in private}
