#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# It is implemented as an action plugin: plugins/action/flyte_release.py.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: flyte_release
short_description: Install or upgrade one Helm release of the plan
version_added: 0.1.0
author: flyte.multicluster contributors (!UNKNOWN)
description:
  - Brings the Helm release of this host to what the plan of M(flyte.multicluster.flyte_plan) wants, by M(kubernetes.core.helm). Its values are built in
    memory and are in no result.
  - The control plane's is rendered before it is installed, and what flyteadmin would read of it is compared with the plan. Where it differs, nothing is
    installed.
  - A release that another Helm run left pending is waited for; one that stays pending was left by a run that was killed, and is taken over - only Helm's
    record of the very revision that was seen pending is removed, all objects stay.
  - The newest revision gets the label C(flyte.multicluster/values) with a digest of its values, by which the next plan knows what somebody changed by hand
    since (C(helm list --selector flyte.multicluster/values)). Helm hands it on to the next revision. It is written before Helm runs, too, so that a release
    is known also after a run that was killed.
  - Helm does not wait for pods, so that a release is pending for seconds only; M(flyte.multicluster.flyte_step) waits for all clusters at once.
options:
  plan:
    description:
      - The name of the variable in which what M(flyte.multicluster.flyte_plan) returned is registered.
      - Not its value - Ansible would look through all of it for each task and host, and keep a copy with the result of each.
    type: str
    required: true
  credentials:
    description: Result of the step V(credentials) of M(flyte.multicluster.flyte_step), for the control plane.
    type: dict
    default: {}
extends_documentation_fragment:
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.action
attributes:
  check_mode:
    support: full
    details: Says that the release would change, and installs nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: kubernetes.core.helm
"""

EXAMPLES = r"""
- name: Install or upgrade the data planes
  hosts: flyte_data_planes
  connection: local
  gather_facts: false
  tasks:
    - name: Check, observe and plan
      flyte.multicluster.flyte_plan:
      register: plan
      run_once: true

    - name: Install or upgrade the Helm release
      flyte.multicluster.flyte_release:
        plan: plan
"""

RETURN = r"""
live:
  description: The section C(clusters) that flyteadmin reads then, of the control plane's release.
  returned: when the control plane's release changed
  type: dict
  sample: {labelClusterMap: {label1: [{id: dataplane_1, weight: 1}]}, clusterConfigs: []}
made_by_other:
  description: That a run beside this one was faster, and made the release as it is wanted. Its pods may be starting still.
  returned: when it was so
  type: bool
  sample: true
failures:
  description: What failed, by inventory host.
  returned: always
  type: list
  elements: dict
  sample: [{host: dataplane_1, step: dataplane, problem: "Helm: …", remedy: "See what Helm says, then run again."}]
"""
