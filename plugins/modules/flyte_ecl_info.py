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
  - flyte.multicluster contributors (@flyteorg)
description:
  - Returns every execution cluster label that flyteadmin has stored, of all levels, from one request.
  - For a project-domain or workflow also the label that holds for it, the level that it comes from, and the clusters
    that it leads to.
options:
  project:
    description: Project of the O(domain) whose effective label is wanted.
    type: str
  domain:
    description: Domain whose effective label is wanted.
    type: str
  workflow:
    description: Workflow whose effective label is wanted.
    type: str
  label_cluster_map:
    description: labelClusterMap, a label to a list of entries with C(id) and C(weight).
    type: dict
    default: {}
  enabled_clusters:
    description: Names of the clusters that are enabled.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - flyte.multicluster.flyteadmin
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
"""

RETURN = r"""
rows:
  description: All rows.
  returned: success
  type: list
  elements: dict
  sample: [{project: team1, domain: production, workflow: "", label: label2}]
effective:
  description: The label that holds for the given project-domain or workflow.
  returned: success, with O(domain)
  type: dict
  contains:
    label:
      description: The label; null where there is none at any level.
      type: str
      sample: label2
    level:
      description: The level that it comes from.
      type: str
      sample: project-domain
    clusters:
      description: The enabled clusters that it leads to, with their share. Empty means any enabled cluster.
      type: dict
      sample: {dataplane_2: 1.0}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.flyte.multicluster.plugins.module_utils import _labels
from ansible_collections.flyte.multicluster.plugins.module_utils._admin import ADMIN_MUTUALLY_EXCLUSIVE, ADMIN_REQUIRED_TOGETHER, Admin, Settings
from ansible_collections.flyte.multicluster.plugins.module_utils._module import admin_argument_spec, run_admin_module


def run(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the module's result."""
    rows = _labels.from_api(Admin(Settings.from_params(params)).label_rows())
    result: dict[str, t.Any] = {"changed": False, "rows": [_labels.as_dict(key, label) for key, label in sorted(rows.items())]}
    if params["domain"]:
        label, level = _labels.effective(rows, (params["project"], params["domain"], params["workflow"] or ""))
        clusters = _labels.shares(label, params["label_cluster_map"], params["enabled_clusters"])
        result["effective"] = {"label": label, "level": level, "clusters": clusters}
    return result


def main() -> None:
    """Run the module."""
    spec = {
        **admin_argument_spec(),
        "project": {"type": "str"},
        "domain": {"type": "str"},
        "workflow": {"type": "str"},
        "label_cluster_map": {"type": "dict", "default": {}},
        "enabled_clusters": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleModule(
        argument_spec=spec,
        supports_check_mode=True,
        required_by={"workflow": ("domain",)},
        required_together=[("project", "domain"), *ADMIN_REQUIRED_TOGETHER],
        mutually_exclusive=ADMIN_MUTUALLY_EXCLUSIVE,
    )
    run_admin_module(module, lambda: run(module.params))


if __name__ == "__main__":
    main()
