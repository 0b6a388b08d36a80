#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_canary
short_description: Prove that every labelled project-domain runs where its label leads
version_added: 0.1.0
author:
  - flyte.multicluster contributors (@flyteorg)
description:
  - Launches one workflow in every project-domain for which an execution cluster label holds, side by side, waits, and compares
    the cluster of each with those that its label leads to.
  - flyteadmin runs a workflow whose label leads nowhere on any enabled cluster, silently. This is the proof that it did not.
options:
  launch_plan:
    description: Name of the launch plan. It has to be registered in every project-domain that is looked at.
    type: str
    required: true
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
"""

RETURN = r"""
canaries:
  description: One entry for each labelled project-domain; also returned where one of them fails.
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
      description: The level that it comes from.
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

import time
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import executions as _executions
from ansible_collections.flyte.multicluster.plugins.module_utils._labels import rows as _labels
from ansible_collections.flyte.multicluster.plugins.module_utils._labels.placement import Placement
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.client import Admin, AdminError, Settings
from ansible_collections.flyte.multicluster.plugins.module_utils._module import (
    PLACEMENT_CONSTRAINTS,
    admin_module,
    placement_argument_spec,
    placement_of,
    run_admin_module,
)
from ansible_collections.flyte.multicluster.plugins.module_utils._common.text import nearest

#: how canaries are told from other executions
LABELS = {"flyte.multicluster/canary": "true"}


def _places(admin: Admin, projects: list[str] | None) -> list[tuple[str, str]]:
    places = admin.project_domains()
    known = sorted({project for project, _domain in places})
    for name in projects or []:
        if name not in known:
            raise AdminError(f"projects: flyteadmin has no {name!r}, it has {', '.join(known)}.{nearest(name, known)}")
    return [place for place in places if projects is None or place[0] in projects]


class _Canary:
    """One canary: its launch, and what became of it."""

    def __init__(self, probe: _executions.Probe) -> None:
        self.probe = probe
        self.body: dict[str, t.Any] = {}
        self.problem: str | None = None
        self.found: dict[str, t.Any] = {}

    def as_dict(self) -> dict[str, t.Any]:
        """Return what the module returns of it."""
        expected = self.probe.expected
        return {
            "project": self.probe.launch.project,
            "domain": self.probe.launch.domain,
            "label": expected.label,
            "level": expected.level,
            "expected": sorted(expected.clusters),
            **{key: self.found.get(key) for key in ("cluster", "phase", "name", "url")},
            "problem": self.problem,
        }


def _prepared(admin: Admin, settings: Settings, params: dict[str, t.Any]) -> list[_Canary]:
    """Return the canaries with the requests that launch them, or with what keeps them from being launched."""
    placement = t.cast(Placement, placement_of(params))
    rows = _labels.from_api(admin.label_rows())
    template = _executions.Launch("", "", params["launch_plan"], params["version"], params["inputs"], LABELS)
    labelled = _executions.canaries(rows, _places(admin, params["projects"]), placement, template, {})
    plans = {probe.launch.place: (plan, error) for probe, plan, error in admin.many(lambda probe: _executions.launch_plan(admin, probe.launch), labelled)}
    # The workflow's own label counts first, and its name is known only now.
    workflows = {
        (probe.launch.project, probe.launch.domain): plans[probe.launch.place][0]["spec"]["workflow_id"]["name"]
        for probe in labelled
        if plans[probe.launch.place][0]
    }
    places = [(probe.launch.project, probe.launch.domain) for probe in labelled]
    found = [_Canary(probe) for probe in _executions.canaries(rows, places, placement, template, workflows)]
    for canary in found:
        plan, error = plans[canary.probe.launch.place]
        try:
            if error is not None:
                raise error
            canary.body = _executions.request(canary.probe.launch, plan)
        except AdminError as problem:
            canary.problem = str(problem)
    return found


def run(params: dict[str, t.Any], check_mode: bool, settings: Settings) -> dict[str, t.Any]:
    """Launch all, wait for all; return the module's result."""
    if params["concurrency"] < 1:
        raise AdminError(f"concurrency {params['concurrency']} is less than 1.")
    admin = Admin(settings, concurrency=params["concurrency"])
    canaries = _prepared(admin, settings, params)
    ready = [canary for canary in canaries if canary.problem is None]
    if not check_mode:
        for canary, _done, error in admin.many(lambda canary: _executions.start(admin, canary.body), ready):
            canary.problem = None if error is None else f"not launched: {error}"
        ended = time.monotonic() + params["wait_timeout"]

        def watch(canary: _Canary) -> None:
            _watch(admin, canary, ended, params["console_url"] or settings.url, params["abort_on_timeout"])

        for canary, _done, error in admin.many(watch, [canary for canary in ready if canary.problem is None]):
            canary.problem = canary.problem if error is None else f"its state cannot be read: {error}"
    result = {"changed": bool(ready), "canaries": [canary.as_dict() for canary in canaries]}
    wrong = [f"{canary.probe.launch.place}: {canary.problem}" for canary in canaries if canary.problem]
    if wrong:
        raise AdminError(f"{len(wrong)} of {len(canaries)} project-domains: {'; '.join(wrong)}", hint="", result=result)
    return result


def _watch(admin: Admin, canary: _Canary, ended: float, console: str, abort: bool) -> None:
    place = (canary.probe.launch.project, canary.probe.launch.domain, canary.body["name"])
    execution = _executions.wait(admin, *place, timeout=max(0.0, ended - time.monotonic()))
    canary.found = _executions.row(execution, console)
    canary.problem = _executions.verdict(canary.probe, canary.found)
    if abort and canary.found["phase"] not in _executions.TERMINAL:
        _executions.abort(admin, *place, cause="the canary did not end in time (flyte.multicluster)")


def main() -> None:
    """Run the module."""
    spec = {
        **placement_argument_spec(),
        "launch_plan": {"type": "str", "required": True, "aliases": ["workflow"]},
        "version": {"type": "str"},
        "inputs": {"type": "dict", "default": {}},
        "projects": {"type": "list", "elements": "str"},
        "wait_timeout": {"type": "float", "default": 600},
        "abort_on_timeout": {"type": "bool", "default": True},
        "console_url": {"type": "str"},
        "concurrency": {"type": "int", "default": 8},
    }
    module = admin_module(spec, required_one_of=[("control_plane", "label_cluster_map")], **PLACEMENT_CONSTRAINTS)
    run_admin_module(module, lambda settings: run(module.params, module.check_mode, settings))


if __name__ == "__main__":
    main()
