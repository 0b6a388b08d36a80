#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_sa_token
short_description: Ensure the long-lived token of a ServiceAccount in a data plane
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Ensures a Secret of type C(kubernetes.io/service-account-token) for the ServiceAccount that flyteadmin uses in a data
    plane, and waits until the token controller has filled it. Since Kubernetes 1.24 no such Secret is made by itself.
  - An existing token of the account is used, whatever the name of its Secret; none is ever minted anew.
  - The token itself is never returned; M(flyte.multicluster.flyte_cluster_credentials) reads it where it is needed.
options:
  namespace:
    description: Namespace of the ServiceAccount.
    type: str
    default: flyte
  service_account:
    description: Name of the ServiceAccount. It has to exist; the chart's C(values-dataplane.yaml) creates it.
    type: str
    default: flyteadmin
  name:
    description: Name of the Secret, where one has to be made.
    type: str
    default: flyteadmin-token
  state:
    description: With V(absent) the Secret named O(name) is deleted, which makes its token invalid.
    type: str
    choices: [present, absent]
    default: present
  wait_timeout:
    description: Seconds to wait until the token is there.
    type: float
    default: 60
extends_documentation_fragment:
  - flyte.multicluster.clusters.access
  - flyte.multicluster.clusters.action_group
  - flyte.multicluster.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - One of O(kubeconfig), O(context), O(host) and O(eks) is required. The environment variables E(K8S_AUTH_CONTEXT) and so on are not read.
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0
seealso:
  - module: flyte.multicluster.flyte_cluster_credentials
  - name: Multiple Kubernetes Cluster Deployment
    description: The guide, "Control Plane configuration", step 1.
    link: https://www.union.ai/docs/v1/flyte/deployment/flyte-deployment/multicluster/
"""

EXAMPLES = r"""
- name: Create the long-lived bearer token of flyteadmin
  flyte.multicluster.flyte_sa_token:
    context: dataplane1
  register: token

- name: Use another account
  flyte.multicluster.flyte_sa_token:
    host: https://dataplane2.example.com
    api_key: "{{ lookup('ansible.builtin.env', 'DATAPLANE2_TOKEN') }}"
    ca_cert: /etc/ssl/dataplane2.pem
    namespace: flyte
    service_account: flyteadmin
    wait_timeout: 120
"""

RETURN = r"""
token:
  description: The token Secret. Empty with O(state=absent), and in check mode where it would be made.
  returned: success
  type: dict
  contains:
    secret:
      description: Name of the Secret.
      type: str
      sample: flyteadmin-token
    created:
      description: When it was created (UTC).
      type: str
      sample: "2026-11-24T02:31:15Z"
    age:
      description: Its age in seconds.
      type: int
      sample: 86400
    fingerprint:
      description: SHA-256 of the token.
      type: str
      sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    ca_fingerprint:
      description: SHA-256 of the CA certificate.
      type: str
      sample: 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
    uid:
      description: UID of the Secret.
      type: str
      sample: 0c4a7c1e-7a57-4e35-9a2f-0b1d3c5e7f90
    replaces:
      description: C(name/UID) of the Secret in whose place a rotation made it, empty where it was made for itself.
      type: str
      sample: ""
    kind:
      description: Always V(long_lived).
      type: str
      sample: long_lived
"""

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import single_access_options
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.credentials import CredentialError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.sa_token import run
from ansible_collections.flyte.multicluster.plugins.module_utils._module import kube_operation, run_module

_OWN = {
    "namespace": {"type": "str", "default": "flyte"},
    "service_account": {"type": "str", "default": "flyteadmin"},
    "name": {"type": "str", "default": "flyteadmin-token"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait_timeout": {"type": "float", "default": 60},
}
OPERATION = kube_operation(lambda: {**single_access_options(), **_OWN}, lambda call: run(call.params, call.check_mode), CredentialError)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
