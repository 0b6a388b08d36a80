#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_cluster_probe
short_description: Try data planes as flyteadmin uses them, from the control plane's cluster
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - For API servers that only the control plane's network reaches. A short-lived Job in the control plane's cluster for each data plane asks, with the
    token and CA certificate that the control plane's Secret has for it, what flyteadmin may do there.
  - The Job mounts the Secret, so that no credential is in its spec, and is removed when its pod ended. It needs an image with C(sh) and C(curl), and the
    right to create and delete Jobs and to list pods in O(namespace).
options:
  namespace:
    description: Namespace of the Secret in the control plane, and of the Jobs.
    type: str
    default: flyte
  secret:
    description: Name of the Secret with the token and CA certificate of each data plane, as C(<name>_token) and C(<name>_cacert).
    type: str
    default: cluster-credentials
  clusters:
    description: The data planes.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the cluster in clusterConfigs.
        type: str
        required: true
      endpoint:
        description: https URL of its API server as flyteadmin calls it.
        type: str
        required: true
  image:
    description: Image of the Job.
    type: str
    default: docker.io/curlimages/curl:8.12.1
  wait_timeout:
    description: Seconds to wait until the pod of a Job ended, with the pull of its image.
    type: float
    default: 120
  openshift_pods:
    description: Whether the control plane is an OpenShift, which chooses the pods' user ids itself.
    type: bool
    default: false
  concurrency:
    description: How many Jobs run at the same time.
    type: int
    default: 16
  timeout:
    description: Seconds to wait for one answer of an API server.
    type: float
    default: 15
extends_documentation_fragment:
  - flyte.multicluster.clusters.access
  - flyte.multicluster.clusters.action_group
  - flyte.multicluster.rules
  - flyte.multicluster.attributes
attributes:
  check_mode:
    support: full
    details: No Job is made, and nothing is known.
  diff_mode:
    support: none
  idempotent:
    support: full
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0
seealso:
  - module: flyte.multicluster.flyte_cluster_info
"""

EXAMPLES = r"""
- name: Try a data plane with a private endpoint
  flyte.multicluster.flyte_cluster_probe:
    context: controlplane
    clusters:
      - name: dataplane_1
        endpoint: https://10.20.0.5:443
  register: probed
"""

RETURN = r"""
probes:
  description: Whether each cluster answers to flyteadmin's credentials and grants what flyteadmin needs, by O(clusters[].name). Empty in check mode.
  returned: success
  type: dict
  sample:
    dataplane_1:
      ok: true
      error:
      hint:
      kind:
      denied: []
      excess: []
"""

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import single_access_options
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.probe_job import run
from ansible_collections.flyte.multicluster.plugins.module_utils._options import rules_argument_spec
from ansible_collections.flyte.multicluster.plugins.module_utils._module import kube_operation, run_module

_CLUSTER = {"name": {"type": "str", "required": True}, "endpoint": {"type": "str", "required": True}}
_OWN = {
    "namespace": {"type": "str", "default": "flyte"},
    "secret": {"type": "str", "default": "cluster-credentials", "no_log": False},
    "clusters": {"type": "list", "elements": "dict", "required": True, "options": _CLUSTER},
    "image": {"type": "str", "default": "docker.io/curlimages/curl:8.12.1"},
    "wait_timeout": {"type": "float", "default": 120},
    "openshift_pods": {"type": "bool", "default": False},
    "concurrency": {"type": "int", "default": 16},
    "timeout": {"type": "float", "default": 15},
}
OPERATION = kube_operation(lambda: {**single_access_options(), **_OWN, **rules_argument_spec()}, lambda call: run(call.params, call.check_mode))


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
