#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_cluster_credentials
short_description: Merge the credentials of data planes into the Secret that flyteadmin mounts
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Ensures the token of flyteadmin's ServiceAccount in each given data plane, all at once, and merges the tokens and CA
    certificates into one Secret of the control plane, as C(<name>_token) and C(<name>_cacert). No token passes through
    a result of Ansible.
  - Of several tokens of the account, the one that the Secret has already counts, so that a rotation that was stopped is not undone.
  - Keys of the Secret that belong to none of the given clusters are kept.
  - flyteadmin reads a token once, at its start. Put RV(checksum) into an annotation of its pods.
options:
  namespace:
    description: Namespace of the Secret in the control plane.
    type: str
    default: flyte
  name:
    description: Name of the Secret. The chart mounts it into syncresources by the name V(cluster-credentials).
    type: str
    default: cluster-credentials
  create_namespace:
    description: Whether O(namespace) is created where it is missing.
    type: bool
    default: true
  allow_partial:
    description:
      - What happens if some data planes do not answer. Either way the others are merged, and what was stored stays.
      - With V(false) the module fails in the end, with V(true) it returns RV(failed_clusters) and succeeds.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait until a new token is filled.
    type: float
    default: 60
  backups:
    description:
      - Whether the whole Secret is kept, as another one C(flyte-multicluster-backup-credentials-…) beside it, before keys of it are overwritten or removed. The
        newest ten are kept.
    type: bool
    default: false
  clusters:
    description: The data planes.
extends_documentation_fragment:
  - flyte.multicluster.clusters
  - flyte.multicluster.clusters.credentials
  - flyte.multicluster.clusters.access
  - flyte.multicluster.clusters.action_group
  - flyte.multicluster.rules
  - flyte.multicluster.attributes
attributes:
  check_mode:
    support: full
    details: Mints no token.
  diff_mode:
    support: full
    details: Shows fingerprints, never credentials.
  idempotent:
    support: full
seealso:
  - module: flyte.multicluster.flyte_sa_token
"""

EXAMPLES = r"""
- name: Store the credentials of two data planes in the control plane
  flyte.multicluster.flyte_cluster_credentials:
    context: controlplane
    clusters:
      - name: dataplane_1
        context: dataplane1
      - name: dataplane_2
        context: dataplane2
        endpoint: https://dataplane2.example.com
  register: credentials

- name: Take a ready-made token
  flyte.multicluster.flyte_cluster_credentials:
    context: controlplane
    clusters:
      - name: dataplane_3
        token: "{{ vaulted_token }}"
        ca_data: "{{ lookup('ansible.builtin.file', 'dataplane3.pem') }}"

- name: Remove a decommissioned data plane
  flyte.multicluster.flyte_cluster_credentials:
    context: controlplane
    clusters:
      - name: dataplane_3
        state: absent
"""

RETURN = r"""
credentials:
  description: SHA-256 fingerprints of all complete credentials in the Secret, by cluster name.
  returned: success
  type: dict
  sample:
    dataplane_1:
      token: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      ca_cert: 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
changed_keys:
  description: Keys of the Secret that were written or removed.
  returned: success
  type: list
  elements: str
  sample: [dataplane_1_cacert, dataplane_1_token]
minted:
  description: Clusters in which a token was made.
  returned: success
  type: list
  elements: str
  sample: [dataplane_1]
checksum:
  description: Checksum of RV(credentials).
  returned: success
  type: str
  sample: 0b822cd15d6c15b0f00a089f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b
failed_clusters:
  description: Clusters whose credentials could not be had; what was stored for them stays.
  returned: always
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
probes:
  description: Whether each cluster with an O(clusters[].endpoint) answers to these credentials and grants what flyteadmin needs.
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

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import single_access_options
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.backups import BackupError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.store import PartialFailure, run
from ansible_collections.flyte.multicluster.plugins.module_utils._options import clusters_argument_spec, rules_argument_spec
from ansible_collections.flyte.multicluster.plugins.module_utils._module import kube_operation, run_module

_OWN = {
    "namespace": {"type": "str", "default": "flyte"},
    "name": {"type": "str", "default": "cluster-credentials"},
    "create_namespace": {"type": "bool", "default": True},
    "allow_partial": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 60},
    "backups": {"type": "bool", "default": False},
}
_CLUSTER = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "endpoint": {"type": "str"},
    "namespace": {"type": "str", "default": "flyte"},
    "service_account": {"type": "str", "default": "flyteadmin"},
    "token_secret": {"type": "str", "default": "flyteadmin-token", "no_log": False},
    "token_kind": {"type": "str", "choices": ["long_lived", "bounded"], "default": "long_lived", "no_log": False},
    "token_lifetime": {"type": "int", "default": 86400, "no_log": False},
    "token_least": {"type": "int", "default": 0, "no_log": False},
    "token": {"type": "str", "no_log": True},
    "ca_data": {"type": "str"},
}


def _options() -> dict[str, t.Any]:
    clusters = clusters_argument_spec(**_CLUSTER)
    clusters["clusters"]["required_by"] = {"token": ["ca_data"]}
    return {**single_access_options(), **_OWN, **rules_argument_spec(), **clusters}


OPERATION = kube_operation(_options, lambda call: run(call.params, call.check_mode), PartialFailure, BackupError)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
