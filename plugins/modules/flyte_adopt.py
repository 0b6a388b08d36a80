#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# It is implemented as an action plugin: plugins/action/flyte_adopt.py.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: flyte_adopt
short_description: Write an inventory of an installation that was made by hand
version_added: 0.1.0
author: flyte.multicluster contributors (!UNKNOWN)
description:
  - Reads a control plane, the clusters that may be its data planes, flyteadmin and AWS, and writes an inventory that says what there is. It reads only
    what it needs and changes nothing there.
  - A data plane is found by the token that flyteadmin has of it, by its endpoint, or by its CA certificate. What cannot be known is a placeholder,
    C(<CHANGE ME>) with what is asked for, which M(flyte.multicluster.flyte_plan) refuses.
  - Values are those that the live releases were given, without what the chart's files give, and without what this collection generates or nothing of
    the release uses.
  - Secrets are written to one file only, which is encrypted by Ansible Vault before it is written. Without a vault password nothing is asked and nothing
    is written.
  - Candidates that cannot be asked are in RV(failures); everything else is written.
options:
  to:
    description: Folder on the controller that is written to. Required.
    type: path
  force:
    description: Whether files that are there already are overwritten.
    type: bool
    default: false
  vault_id:
    description: Label of the vault password to encrypt with. By default the first that Ansible was given.
    type: str
  contexts:
    description: Contexts of the control plane's kubeconfig that may be data planes, beside the hosts of the group flyte_data_planes.
    type: list
    elements: str
    default: []
  eks_clusters:
    description: Names of EKS clusters that may be data planes, beside the hosts of the group flyte_data_planes.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.action
attributes:
  check_mode:
    support: full
    details: Asks everything, and writes nothing.
  diff_mode:
    support: full
    details: Of all files but the encrypted one.
  idempotent:
    support: partial
    details: With O(force), and as long as the installation stays as it is. Without, files that are there are refused.
seealso:
  - module: flyte.multicluster.flyte_plan
"""

EXAMPLES = r"""
- name: Write an inventory of what there is
  hosts: flyte_control_plane
  connection: local
  gather_facts: false
  tasks:
    - name: Adopt
      flyte.multicluster.flyte_adopt:
        to: inventories/production
        contexts: [dataplane1, dataplane2]
      register: adopted
"""

RETURN = r"""
files:
  description: The files of the inventory.
  returned: success
  type: list
  elements: str
  sample: [/srv/inventories/production/hosts.yml, /srv/inventories/production/group_vars/all/vault.yml]
lines:
  description: What was found, and what a person should know of it.
  returned: success
  type: list
  elements: str
  sample: ["dataplane_1: release flyte-core-data of flyte-core v1.16.8 in flyte"]
failures:
  description: The candidates that could not be asked.
  returned: success
  type: list
  elements: dict
  sample: [{host: dp-old, step: observe, problem: "https://127.0.0.1:28102 does not answer", remedy: Check that the API server runs.}]
table:
  description: They as a table, line by line.
  returned: where there are some
  type: list
  elements: str
  sample: ["CLUSTER  FAILED AT  WHAT                                 WHAT TO DO"]
"""
