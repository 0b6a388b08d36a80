# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps, beside flyteadmin, what a step is about to take away."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.backups import BackupError, keep, packed
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import KubeError
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import connected

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work


def keep_backup(work: Work, kind: str, contents: Mapping[str, t.Any]) -> None:
    """Keep plain data, each under a key of its own; nothing in check mode, or where backups are off.

    :param kind: what it is of.
    :raises ModuleFailed: it cannot be kept, so that nothing may be taken away.
    """
    site = work.known.site
    if work.action.check_mode or not site.settings["flyte_backups"]:
        return
    cluster = site.control_plane
    try:
        kube = connected(site, cluster, work.read)
        keep(kube, cluster.namespace, kind, {f"{name}.json.gz": packed(content) for name, content in contents.items()})
    except (BackupError, KubeError) as error:
        way_on = "" if isinstance(error, BackupError) else " flyte_backups: false goes on without."
        said = f"what would be taken away was not kept before, so that nothing was: {error.message}. {error.hint}{way_on}"
        raise ModuleFailed({"failed": True, "msg": said}) from error
