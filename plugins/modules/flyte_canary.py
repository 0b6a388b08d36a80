#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_canary
short_description: Prove that every labelled project-domain, and every cluster, runs what it has to
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Launches one workflow in every project-domain for which an execution cluster label holds, side by side, waits, and compares
    the cluster of each with those that its label leads to.
  - flyteadmin runs a workflow whose label leads nowhere on any enabled cluster, silently. This is the proof that it did not.
  - With O(own) also, or only, a canary of this collection's own on each given cluster. It is a workflow of one task of the type C(echo), which
    needs no image and no pod. It succeeds only where flyteadmin reached the cluster, flytepropeller took it up, and its events came back. It is
    registered where it is not there yet.
  - Of a canary that did not start or end, O(planes) are asked what stands in its way.
options:
  launch_plan:
    description: Name of the launch plan. It has to be registered in every project-domain that is looked at. Required without O(own).
    type: str
    aliases: [workflow]
  version:
    description: Version of the launch plan. Left out, the one that was registered last.
    type: str
  inputs:
    description: Inputs by name, as plain values; see M(flyte.multicluster.flyte_execution).
    type: dict
    default: {}
  projects:
    description: Projects to look at; each has to be an active one. Left out, all active projects.
    type: list
    elements: str
  own:
    description: The canary of this collection's own.
    type: dict
    suboptions:
      project:
        description: Project that it is registered in.
        type: str
        required: true
      domain:
        description: Domain of it.
        type: str
        required: true
      clusters:
        description: Where it is launched.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description: Name of the cluster in clusterConfigs.
            type: str
            required: true
          label:
            description: A label that leads to it alone.
            type: str
            required: true
  wait_timeout:
    description: Seconds to wait for all executions together.
    type: float
    default: 600
  abort_on_timeout:
    description: Whether executions that did not end in time are aborted.
    type: bool
    default: true
  console_url:
    description: URL of Flyte's console, without C(/console). Left out, it is O(url).
    type: str
  concurrency:
    description: How many requests are sent at the same time.
    type: int
    default: 8
extends_documentation_fragment:
  - flyte.multicluster.flyteadmin
  - flyte.multicluster.control_plane
  - flyte.multicluster.control_plane.placement
  - flyte.multicluster.control_plane.planes
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.action_group
attributes:
  check_mode:
    support: full
    details: Looks up the launch plans and checks the inputs; launches nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Every run launches the workflow again.
seealso:
  - module: flyte.multicluster.flyte_execution
  - module: flyte.multicluster.flyte_ecl_info
"""

EXAMPLES = r"""
- name: Prove the placement of all project-domains
  flyte.multicluster.flyte_canary:
    url: https://flyte.example.com
    launch_plan: example.training_workflow
    inputs:
      hyperparameters: {C: 0.1}
    control_plane:
      context: controlplane

- name: Prove that two clusters work
  flyte.multicluster.flyte_canary:
    url: https://flyte.example.com
    own:
      project: team1
      domain: development
      clusters:
        - {name: dataplane_1, label: label1}
        - {name: dataplane_2, label: label2}
    control_plane:
      context: controlplane
    planes:
      - {name: dataplane_1, context: dataplane1}
      - {name: dataplane_2, context: dataplane2}
"""

RETURN = r"""
canaries:
  description: One entry for each labelled project-domain, and for each cluster of O(own); also returned where one of them fails.
  returned: success, or where a canary failed
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
      description: The label that holds there.
      type: str
      sample: label2
    level:
      description: The level that it comes from; V(execution) of a canary of O(own).
      type: str
      sample: project-domain
    expected:
      description: The enabled clusters that it leads to.
      type: list
      elements: str
      sample: [dataplane_2]
    cluster:
      description: The cluster that the canary was placed on.
      type: str
      sample: dataplane_2
    phase:
      description: Its phase.
      type: str
      sample: SUCCEEDED
    name:
      description: Name of the execution.
      type: str
      sample: f0000000000000000001
    url:
      description: Its page in Flyte's console.
      type: str
      sample: https://flyte.example.com/console/projects/team1/domains/production/executions/f0000000000000000001
    problem:
      description: What is wrong; null where the cluster is proven.
      type: str
      sample: ran on dataplane_1, not on dataplane_2
"""

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.canary import run
from ansible_collections.flyte.multicluster.plugins.module_utils._options import (
    PLACEMENT_CONSTRAINTS,
    placement_argument_spec,
    placement_of,
    planes_argument_spec,
)
from ansible_collections.flyte.multicluster.plugins.module_utils._module import admin_operation, run_module

_CLUSTER = {"name": {"type": "str", "required": True}, "label": {"type": "str", "required": True}}
_CANARY = {
    "project": {"type": "str", "required": True},
    "domain": {"type": "str", "required": True},
    "clusters": {"type": "list", "elements": "dict", "required": True, "options": _CLUSTER},
}


def _options() -> dict[str, t.Any]:
    return {
        **placement_argument_spec(),
        **planes_argument_spec(),
        "launch_plan": {"type": "str", "aliases": ["workflow"]},
        "own": {"type": "dict", "options": _CANARY},
        "version": {"type": "str"},
        "inputs": {"type": "dict", "default": {}},
        "projects": {"type": "list", "elements": "str"},
        "wait_timeout": {"type": "float", "default": 600},
        "abort_on_timeout": {"type": "bool", "default": True},
        "console_url": {"type": "str"},
        "concurrency": {"type": "int", "default": 8},
    }


OPERATION = admin_operation(
    _options,
    lambda call, settings: run(call.params, settings, check_mode=call.check_mode, placement=placement_of(call.params)),
    required_one_of=[("control_plane", "label_cluster_map"), ("launch_plan", "own")],
    **PLACEMENT_CONSTRAINTS,
)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
