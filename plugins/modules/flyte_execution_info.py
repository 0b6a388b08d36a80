#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_execution_info
short_description: List executions and the clusters that they ran on
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Lists the executions of all or of some project-domains, paged to the end, side by side.
options:
  projects:
    description: Projects to look in; each has to be an active one. Left out, all active projects.
    type: list
    elements: str
  domains:
    description: Domains to look in; each has to be one of a project. Left out, all domains.
    type: list
    elements: str
  cluster:
    description: Only executions that were placed on this cluster.
    type: str
  phases:
    description: Only executions in one of these phases, such as V(RUNNING) or V(SUCCEEDED).
    type: list
    elements: str
    default: []
  console_url:
    description: URL of Flyte's console, without C(/console). Left out, it is O(url).
    type: str
  concurrency:
    description: How many project-domains are asked at the same time.
    type: int
    default: 8
extends_documentation_fragment:
  - flyte.multicluster.flyteadmin
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.info
  - flyte.multicluster.attributes.action_group
"""

EXAMPLES = r"""
- name: See what still runs on a cluster that is to be removed
  flyte.multicluster.flyte_execution_info:
    url: https://flyte.example.com
    cluster: dataplane_2
    phases: [UNDEFINED, QUEUED, RUNNING]
"""

RETURN = r"""
executions:
  description: The executions.
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
    name:
      description: Name of the execution.
      type: str
      sample: f0000000000000000001
    workflow:
      description: Name of the workflow.
      type: str
      sample: example.training_workflow
    phase:
      description: Its phase.
      type: str
      sample: SUCCEEDED
    cluster:
      description: The cluster that it was placed on; empty where its creation failed.
      type: str
      sample: dataplane_2
    namespace:
      description: Its namespace in that cluster.
      type: str
      sample: team1-production
    error:
      description: Why it failed; null where it did not.
      type: str
      sample: "failed to create workflow in propeller namespaces \"team1-production\" not found"
    url:
      description: Its page in Flyte's console.
      type: str
      sample: https://flyte.example.com/console/projects/team1/domains/production/executions/f0000000000000000001
"""

from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.listing import run
from ansible_collections.flyte.multicluster.plugins.module_utils._module import admin_operation, run_module

_OPTIONS = {
    "projects": {"type": "list", "elements": "str"},
    "domains": {"type": "list", "elements": "str"},
    "cluster": {"type": "str"},
    "phases": {"type": "list", "elements": "str", "default": []},
    "console_url": {"type": "str"},
    "concurrency": {"type": "int", "default": 8},
}
OPERATION = admin_operation(lambda: _OPTIONS, lambda call, settings: run(call.params, settings))


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
