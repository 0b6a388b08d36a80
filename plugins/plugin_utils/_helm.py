# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment in which kubernetes.core.helm runs."""

from __future__ import annotations

import os
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction


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
