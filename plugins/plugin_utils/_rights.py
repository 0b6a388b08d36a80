# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Flyte's accounts in the data planes need: read from the templates of the values in use."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import users_values
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import merge
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.reader import NOT_SHOWN, Fault
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rights import Rights, needs
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.templates import TEMPLATES, synced, templates_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused

if t.TYPE_CHECKING:
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster, Site
    from ansible_collections.flyte.multicluster.plugins.module_utils._rights.templates import Synced
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._chart import ValuesReader

_SECTION = TEMPLATES.partition(".")[0]


def planned_rights(site: Site, reader: ValuesReader, *, whole: bool) -> Rights:
    """Return what the accounts need, by the chart's and the user's values.

    :param whole: whether the chart is at hand. Without it the user's values are read only where we grant something.
    :raises Refused: flyte_dataplane_rbac is minimal, and it cannot be said what a template needs.
    """
    minimal = [cluster for cluster in site.data_planes if cluster.rbac == "minimal"]
    if not minimal and not whole:
        return needs(site, None, {})
    alone = site.syncs_itself
    of_control_plane = _synced(reader, site.control_plane)
    of_planes = {cluster.host: _synced(reader, cluster) for cluster in minimal} if alone else {}
    asked = [(cluster.host, of_planes[cluster.host]) for cluster in minimal] if alone else [(site.control_plane.host, of_control_plane)] if minimal else []
    faults = [_fault(host, key, problem) for host, found in asked if found for key, problem in found.problems.items()]
    if faults:
        raise Refused(*map(str, faults))
    return needs(site, of_control_plane, of_planes)


def _synced(reader: ValuesReader, cluster: Cluster) -> Synced | None:
    sources = reader.sources(cluster)
    layers = (sources.defaults, users_values(sources))
    found = templates_of(merge({_SECTION: layer[_SECTION]} for layer in layers if _SECTION in layer))
    return None if found is None else synced(found)


def _fault(host: str, key: str, problem: str) -> Fault:
    remedy = f"{problem}. So flyte_dataplane_rbac: minimal cannot grant what it needs: change the template, or set flyte_dataplane_rbac: chart."
    return Fault(host, f"{TEMPLATES}[{key}]", NOT_SHOWN, remedy)
