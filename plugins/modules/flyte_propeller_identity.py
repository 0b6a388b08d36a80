#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_propeller_identity
short_description: Give each flytepropeller the secret with which it logs in to flyteadmin
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Writes the key C(client_secret) of the Secret C(flyte-secret-auth), which flyte-core mounts, in each given cluster, all at once. The secret is given, or
    copied from the control plane's own Secret, from API server to API server; it passes through no result of Ansible and no Helm release.
  - The Secret is made with its namespace where it is missing. One that a Helm release made is taken over, so that an upgrade to a release without it keeps it.
    Keys of others are kept.
  - flytepropeller reads its secret once, at its start. Put a checksum into an annotation of its pods; what has that checksum already is restarted where another
    secret was there meanwhile.
extends_documentation_fragment:
  - flyte.multicluster.clusters
  - flyte.multicluster.clusters.identity
  - flyte.multicluster.control_plane
  - flyte.multicluster.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Fingerprints, never secrets.
  idempotent:
    support: full
seealso:
  - module: flyte.multicluster.flyte_propeller_identity_info
"""

EXAMPLES = r"""
- name: Copy the control plane's secret to a data plane, and give another one its own
  flyte.multicluster.flyte_propeller_identity:
    control_plane:
      context: controlplane
    clusters:
      - name: dataplane_1
        context: dataplane1
      - name: dataplane_2
        context: dataplane2
        client_secret: "{{ vaulted_secret }}"
"""

RETURN = r"""
identities:
  description: SHA-256 fingerprints of the keys of each Secret, by O(clusters[].name).
  returned: success
  type: dict
  sample: {dataplane_1: {client_secret: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}}
restarted:
  description: The Deployments that were restarted, by O(clusters[].name).
  returned: success
  type: dict
  sample: {dataplane_1: [flytepropeller]}
failed_clusters:
  description: Clusters whose Secret could not be written.
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

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.identity import run
from ansible_collections.flyte.multicluster.plugins.module_utils._options import clusters_argument_spec, control_plane_argument_spec
from ansible_collections.flyte.multicluster.plugins.module_utils._module import kube_operation, run_module

_CLUSTER = {
    "namespace": {"type": "str", "default": "flyte"},
    "client_secret": {"type": "str", "no_log": True},
    "certificates": {"type": "dict"},
    "checksum": {"type": "str"},
}
OPERATION = kube_operation(
    lambda: {**clusters_argument_spec(**_CLUSTER), **control_plane_argument_spec()},
    lambda call: run(call.params, call.check_mode),
)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
