# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubernetes.core.helm, as every step runs it."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import method_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import cluster_options
from ansible_collections.flyte.multicluster.plugins.plugin_utils._helm_binary import merging

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster, Site
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction, ModuleFailed


def run_helm(action: InventoryAction, site: Site, cluster: Cluster, arguments: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Let kubernetes.core.helm work on the release of a cluster.

    :param arguments: besides the release's name and namespace, and how the cluster is reached.
    :raises ModuleFailed: it failed; :func:`helm_said` is what Helm said.
    """
    access = method_of(cluster_options(site, cluster, action.variables.read)).for_helm()
    binary = site.settings["flyte_helm_binary"]
    own = {"release_name": cluster.release, "release_namespace": cluster.namespace, **({"binary_path": binary} if "/" in binary else {})}
    with helm_environment(action, access):
        return action.module("kubernetes.core.helm", {**own, **merging(binary), **arguments, **access}, quiet=True)


def helm_said(error: ModuleFailed) -> str:
    """Return what Helm said, or the module that runs it."""
    return str(error.result.get("stderr") or "").strip() or str(error)


def helm_environment(action: InventoryAction, access: Mapping[str, t.Any]) -> AbstractContextManager[None]:
    """Return the environment of Helm as a context: without plugins, and without this machine's own kubeconfig where another access is given.

    :param access: the options of kubernetes.core.helm that say how the cluster is reached.
    """
    # Of the helm-diff plugin kubernetes.core would ask whether there is something to do, and skip what the plan wants done.
    environment = {"HELM_PLUGINS": os.devnull}
    if not access.get("kubeconfig"):
        # Helm would add what this machine's own kubeconfig says.
        environment |= {} if access.get("context") else {"KUBECONFIG": os.devnull}
    return action.environment(environment)
