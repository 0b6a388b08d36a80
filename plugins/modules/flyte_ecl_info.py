#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_ecl_info
short_description: Read execution cluster labels and what they lead to
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Returns every execution cluster label that flyteadmin has stored, of all levels, from one request.
  - With O(control_plane), or O(label_cluster_map) and O(enabled_clusters), also what each leads to, the label that holds for
    every project-domain, and for a given project-domain or workflow.
options:
  project:
    description: Project whose effective label is wanted.
    type: str
  domain:
    description: Domain whose effective label is wanted.
    type: str
  workflow:
    description: Workflow whose effective label is wanted.
    type: str
extends_documentation_fragment:
  - flyte.multicluster.flyteadmin
  - flyte.multicluster.control_plane
  - flyte.multicluster.control_plane.placement
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.info
  - flyte.multicluster.attributes.action_group
seealso:
  - module: flyte.multicluster.flyte_ecl
"""

EXAMPLES = r"""
- name: Read all labels
  flyte.multicluster.flyte_ecl_info:
    url: https://flyte.example.com
  register: labels

- name: See where a workflow will run
  flyte.multicluster.flyte_ecl_info:
    url: https://flyte.example.com
    project: team1
    domain: production
    workflow: example.training_workflow
    label_cluster_map:
      label2: [{id: dataplane_2, weight: 1}]
    enabled_clusters: [dataplane_1, dataplane_2]

- name: The same, by the configuration that flyteadmin has now
  flyte.multicluster.flyte_ecl_info:
    url: https://flyte.example.com
    project: team1
    domain: production
    control_plane:
      context: controlplane
"""

RETURN = r"""
rows:
  description: All rows.
  returned: success
  type: list
  elements: dict
  contains:
    project:
      description: The project.
      type: str
      sample: team1
    domain:
      description: The domain; empty in a row of a project.
      type: str
      sample: production
    workflow:
      description: The workflow; empty in a row of a project-domain.
      type: str
      sample: ""
    label:
      description: The label.
      type: str
      sample: label2
    clusters:
      description: The enabled clusters that it leads to, with their share by weight. Empty means any enabled cluster, silently.
      returned: with O(control_plane) or O(label_cluster_map)
      type: dict
      sample: {dataplane_2: 1.0}
    problem:
      description: Why it leads to no enabled cluster; null where it does.
      returned: with O(control_plane) or O(label_cluster_map)
      type: str
      sample: labelClusterMap has no such label
project_domains:
  description: Every domain of every active project, and the label that holds there.
  returned: success
  type: list
  elements: dict
  contains:
    project:
      description: The project.
      type: str
      sample: team1
    domain:
      description: The domain.
      type: str
      sample: production
    label:
      description: The label; null where there is none at any level.
      type: str
      sample: label2
    level:
      description: The level that it comes from, V(project-domain), V(project) or V(default); null where there is none.
      type: str
      sample: project-domain
    clusters:
      description: The enabled clusters that it leads to, with their share by weight. Empty means any enabled cluster, silently.
      returned: with O(control_plane) or O(label_cluster_map)
      type: dict
      sample: {dataplane_2: 1.0}
effective:
  description: What holds for the given project, project-domain or workflow.
  returned: with O(project)
  type: dict
  contains:
    label:
      description: The label; null where there is none at any level.
      type: str
      sample: label2
    level:
      description: The level that it comes from, V(workflow), V(project-domain), V(project) or V(default); null where there is none.
      type: str
      sample: project-domain
    clusters:
      description: The enabled clusters that it leads to, with their share by weight. Empty means any enabled cluster, silently.
      returned: with O(control_plane) or O(label_cluster_map)
      type: dict
      sample: {dataplane_2: 1.0}
"""

from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.label_report import run
from ansible_collections.flyte.multicluster.plugins.module_utils._options import PLACEMENT_CONSTRAINTS, placement_argument_spec, placement_of
from ansible_collections.flyte.multicluster.plugins.module_utils._module import admin_operation, run_module

OPERATION = admin_operation(
    lambda: {**placement_argument_spec(), "project": {"type": "str"}, "domain": {"type": "str"}, "workflow": {"type": "str"}},
    lambda call, settings: run(call.params, settings, placement_of(call.params)),
    required_by={"workflow": ("domain",), "domain": ("project",)},
    **PLACEMENT_CONSTRAINTS,
)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
