# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.flyte.multicluster.plugins.doc_fragments.clusters import CONFIGURED, NAME, NAMESPACE, RELEASE, below, reached


class ModuleDocFragment:
    """Documentation fragments for modules that talk to flyteadmin and may look into its control plane."""

    # Below an option of their own: flyteadmin's options have the same names.
    DOCUMENTATION: str = below(
        r"""
control_plane:
  description:
    - Access to the Kubernetes cluster of flyteadmin. The suboptions are those of kubernetes.core.
  type: dict
""",
        r"""
namespace:
  description: Namespace of flyteadmin.
  type: str
  default: flyte
""",
        reached("control_plane"),
    )

    # What flyteadmin makes of a label: read from its own configuration, or given.
    PLACEMENT = r"""
options:
  label_cluster_map:
    description: labelClusterMap, a label to a list of entries with C(id) and C(weight). Instead of O(control_plane).
    type: dict
  enabled_clusters:
    description: Names of the clusters that are enabled, with O(label_cluster_map).
    type: list
    elements: str
  default_execution_label:
    description: The label of whatever has none at any level (C(clusters.defaultExecutionLabel)), with O(label_cluster_map).
    type: str
"""

    # The data planes, where one of them may have to say why something did not run.
    PLANES: str = below(
        r"""
planes:
  description:
    - Access to the data planes, by their names in clusterConfigs. One is asked only where something did not run there.
  type: list
  elements: dict
  default: []
""",
        NAME.format(CONFIGURED),
        NAMESPACE,
        RELEASE,
        r"""
propeller:
  description: Whether flytepropeller has to lead there.
  type: bool
  default: true
""",
        reached("planes[]"),
    )
