#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_dataplane_rights
short_description: Give Flyte's accounts in data planes the rights that they use, and no others
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Writes a ClusterRole and a ClusterRoleBinding for each given account, C(<namespace>-<account>-minimal), in each given cluster, all at once. They take the
    place of those that flyte-core makes with C(flyteadmin.serviceAccount.rbac), which has the verb V(*) on Secrets, roles and more.
  - flyteadmin's account itself is the chart's; any other one is made where it is missing.
  - What has those names and lacks the label C(app.kubernetes.io/managed-by=flyte.multicluster) is never touched.
  - Kubernetes lets nobody give rights that they have not, so this has to run as an account that holds them.
options:
  state:
    description: Whether the accounts have these rights, or what gives them is removed.
    type: str
    choices:
      - present
      - absent
    default: present
extends_documentation_fragment:
  - flyte.multicluster.clusters
  - flyte.multicluster.clusters.rights
  - flyte.multicluster.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The names of the objects.
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Let flyteadmin create and abort executions, and nothing else
  flyte.multicluster.flyte_dataplane_rights:
    clusters:
      - name: dataplane_1
        context: dataplane1
        accounts:
          flyteadmin:
            - apiGroups: [flyte.lyft.com]
              resources: [flyteworkflows]
              verbs: [create, delete]
"""

RETURN = r"""
objects:
  description: The objects that were written or removed, by O(clusters[].name).
  returned: success
  type: dict
  sample: {dataplane_1: [ClusterRole flyte-flyteadmin-minimal, ClusterRoleBinding flyte-flyteadmin-minimal]}
failed_clusters:
  description: Clusters where it could not be done.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the cluster.
      type: str
      sample: dataplane_2
    error:
      description: What failed.
      type: str
      sample: https://127.0.0.1:38102 does not answer. Connection refused
    hint:
      description: What to do.
      type: str
      sample: Check that the API server runs and can be reached from here, and its CA certificate.
"""

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.rights import run
from ansible_collections.flyte.multicluster.plugins.module_utils._options import clusters_argument_spec
from ansible_collections.flyte.multicluster.plugins.module_utils._module import kube_operation, run_module

_CLUSTER = {"namespace": {"type": "str", "default": "flyte"}, "accounts": {"type": "dict", "required": True}}
_STATE = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
OPERATION = kube_operation(lambda: {**_STATE, **clusters_argument_spec(**_CLUSTER)}, lambda call: run(call.params, call.check_mode))


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
