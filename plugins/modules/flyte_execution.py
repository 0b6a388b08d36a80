#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_execution
short_description: Launch a workflow, wait for it, and say on which cluster it ran
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Launches a registered launch plan and waits until its phase is final.
  - With O(expect_cluster) it fails where the execution was placed elsewhere, at once, also while it runs.
options:
  project:
    description: The project.
    type: str
    required: true
  domain:
    description: The domain.
    type: str
    required: true
  launch_plan:
    description: Name of the launch plan; the default one of a workflow has the workflow's name.
    type: str
    required: true
    aliases: [workflow]
  version:
    description: Version of the launch plan. Left out, the one that was registered last.
    type: str
  inputs:
    description:
      - Inputs by name, as plain values. They become what the launch plan's types say (integers, floats, text, booleans, dates of
        ISO 8601, durations as seconds or like V(90s), lists, maps, structs, enums, unions; a file or dataset by its URI).
      - They are shown in Ansible's output, and flyteadmin shows them too. They are no place for secrets.
    type: dict
    default: {}
  name:
    description:
      - Name of the execution. Left out, one is made up.
      - An execution of this name that is there already is not launched again, but waited for.
    type: str
  labels:
    description: Kubernetes labels of the execution.
    type: dict
    default: {}
  execution_cluster_label:
    description: Execution cluster label of this execution alone; it counts before every stored one.
    type: str
  known_labels:
    description:
      - Labels of labelClusterMap. Any other O(execution_cluster_label) is refused before anything is launched.
      - Left out, they are read from flyteadmin's own configuration where O(control_plane) is given.
    type: list
    elements: str
  expect_cluster:
    description: Names of the clusters that it may run on. The module fails where it was placed elsewhere.
    type: list
    elements: str
  wait:
    description: Whether to wait until the phase is final. Without it, the module returns as soon as the execution is placed.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait. The pause between two looks grows from 0.2 to 5 seconds.
    type: float
    default: 600
  abort_on_timeout:
    description: Whether an execution that did not end in time is aborted. Either way the module fails.
    type: bool
    default: false
  console_url:
    description: URL of Flyte's console, without C(/console). Left out, it is O(url).
    type: str
extends_documentation_fragment:
  - flyte.multicluster.flyteadmin
  - flyte.multicluster.control_plane
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.action_group
attributes:
  check_mode:
    support: full
    details: Looks up the launch plan and checks the inputs; launches nothing.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: With O(name).
seealso:
  - module: flyte.multicluster.flyte_execution_info
  - module: flyte.multicluster.flyte_canary
"""

EXAMPLES = r"""
- name: Run a workflow where its label leads, and prove the cluster
  flyte.multicluster.flyte_execution:
    url: https://flyte.example.com
    project: team1
    domain: production
    launch_plan: example.training_workflow
    inputs:
      hyperparameters: {C: 0.1}
    expect_cluster: [dataplane_2]
  register: training

- name: Run it on the clusters of another label, once, at most ten minutes
  flyte.multicluster.flyte_execution:
    url: https://flyte.example.com
    project: team1
    domain: production
    launch_plan: example.training_workflow
    version: v1
    inputs:
      hyperparameters: {C: 0.1}
    execution_cluster_label: label1
    known_labels: [label1, label2]
    wait_timeout: 600
    abort_on_timeout: true
"""

RETURN = r"""
execution:
  description: The execution; also returned where the module fails after it was launched.
  returned: success, not in check mode
  type: dict
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
      sample:
    url:
      description: Its page in Flyte's console.
      type: str
      sample: https://flyte.example.com/console/projects/team1/domains/production/executions/f0000000000000000001
version:
  description: Version of the launch plan.
  returned: success
  type: str
  sample: v1
"""

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.launch import run
from ansible_collections.flyte.multicluster.plugins.module_utils._options import control_plane_argument_spec, placement_of
from ansible_collections.flyte.multicluster.plugins.module_utils._module import admin_operation, run_module


def _options() -> dict[str, t.Any]:
    return {
        **control_plane_argument_spec(),
        "project": {"type": "str", "required": True},
        "domain": {"type": "str", "required": True},
        "launch_plan": {"type": "str", "required": True, "aliases": ["workflow"]},
        "version": {"type": "str"},
        "inputs": {"type": "dict", "default": {}},
        "name": {"type": "str"},
        "labels": {"type": "dict", "default": {}},
        "execution_cluster_label": {"type": "str"},
        "known_labels": {"type": "list", "elements": "str"},
        "expect_cluster": {"type": "list", "elements": "str"},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "float", "default": 600},
        "abort_on_timeout": {"type": "bool", "default": False},
        "console_url": {"type": "str"},
    }


OPERATION = admin_operation(
    _options, lambda call, settings: run(call.params, settings, check_mode=call.check_mode, placement_of=lambda: placement_of(call.params))
)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
