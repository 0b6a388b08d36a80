#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_propeller_identity_info
short_description: Prove that each flytepropeller can log in to flyteadmin
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Takes the client and the settings that the Deployment C(flytepropeller) of each cluster reads, and the secret that it mounts, gets a token with them
    and calls flyteadmin. The login is the cluster's own, not that of who runs this.
  - flyteadmin's HTTP API is called, from here; the gRPC endpoint that flytepropeller calls, and the CA certificates that it trusts, are not tried.
options:
  flyteadmin:
    required: true
extends_documentation_fragment:
  - flyte.multicluster.clusters
  - flyte.multicluster.clusters.namespaced
  - flyte.multicluster.flyteadmin.connection
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.info
seealso:
  - module: flyte.multicluster.flyte_propeller_identity
"""

EXAMPLES = r"""
- name: Prove the login of a data plane
  flyte.multicluster.flyte_propeller_identity_info:
    flyteadmin:
      url: https://flyte.example.com
    clusters:
      - name: dataplane_1
        context: dataplane1
"""

RETURN = r"""
authentication:
  description: Whether flyteadmin wants tokens; null where it does not answer. Only where it does something is proven.
  returned: success
  type: bool
  sample: true
proofs:
  description: Whether each flytepropeller can log in, by O(clusters[].name).
  returned: success
  type: dict
  sample:
    dataplane_1:
      ok: false
      client_id: flytepropeller
      error: "POST https://flyte.example.com/oauth2/token: no token: 401 invalid_client: Client authentication failed"
      hint: Check client_id and client_secret.
"""

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.identity_proof import run
from ansible_collections.flyte.multicluster.plugins.module_utils._options import clusters_argument_spec, flyteadmin_argument_spec
from ansible_collections.flyte.multicluster.plugins.module_utils._module import kube_operation, run_module

OPERATION = kube_operation(
    lambda: {**clusters_argument_spec(namespace={"type": "str", "default": "flyte"}), **flyteadmin_argument_spec(required=True)},
    lambda call: run(call.params),
)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
