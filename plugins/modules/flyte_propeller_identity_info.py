#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_propeller_identity_info
short_description: Prove that each flytepropeller can log in to flyteadmin
version_added: 0.2.0
author:
  - flyte.multicluster contributors (@flyteorg)
description:
  - Takes the client and the settings that the Deployment C(flytepropeller) of each cluster reads, and the secret that it mounts, gets a token with them
    and calls flyteadmin. The login is the cluster's own, not that of who runs this.
  - flyteadmin's HTTP API is called, from here; the gRPC endpoint that flytepropeller calls, and the CA certificates that it trusts, are not tried.
options:
  clusters:
    description: The clusters.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Key of the cluster in the result.
        type: str
        required: true
      kubeconfig:
        description: Path of a kubeconfig, or its content as a mapping.
        type: raw
      context:
        description: Context of the kubeconfig.
        type: str
      host:
        description: URL of the API server, instead of a kubeconfig.
        type: str
      api_key:
        description: Bearer token, with O(clusters[].host).
        type: str
      username:
        description: User name for basic authentication, or of OpenShift with O(clusters[].openshift).
        type: str
      password:
        description: Password for basic authentication.
        type: str
      validate_certs:
        description: Whether the API server's certificate is verified. Left out, the kubeconfig decides.
        type: bool
        aliases: [verify_ssl]
      ca_cert:
        description: Path of the CA certificate of the API server.
        type: path
        aliases: [ssl_ca_cert]
      client_cert:
        description: Path of a client certificate.
        type: path
        aliases: [cert_file]
      client_key:
        description: Path of the key of O(clusters[].client_cert).
        type: path
        aliases: [key_file]
      proxy:
        description: URL of an HTTP proxy.
        type: str
      no_proxy:
        description: Hosts that are reached without the proxy, separated by commas.
        type: str
      impersonate_user:
        description: User to act as.
        type: str
      impersonate_groups:
        description: Group to act as; at most one.
        type: list
        elements: str
      eks:
        description: >-
          An EKS cluster, where none of O(clusters[].kubeconfig), O(clusters[].context) and O(clusters[].host) is
          given. Its endpoint and CA certificate come from EKS; a token is made in memory by the AWS credentials given
          here or found by boto3, and made anew before it ends.
        type: dict
        suboptions:
          cluster:
            description: Name of the EKS cluster.
            type: str
            required: true
          region:
            description: Its region.
            type: str
          assume_role_arn:
            description: A role to take on first, of the account of the cluster for example.
            type: str
          profile:
            description: Named profile of the AWS configuration.
            type: str
          endpoint_url:
            description: URL to use instead of AWS' own endpoints, for a stand-in.
            type: str
          access_key:
            description: Access key.
            type: str
          secret_key:
            description: Secret key.
            type: str
          session_token:
            description: Session token.
            type: str
      openshift:
        description: Whether O(clusters[].username) and O(clusters[].password) are a login of OpenShift, which is exchanged for a token.
        type: bool
        default: false
      namespace:
        description: Namespace of Flyte in this cluster.
        type: str
        default: flyte
  flyteadmin:
    description: How flyteadmin is reached. Who asks is not said here.
    type: dict
    required: true
    suboptions:
      url:
        description: URL of its HTTP API.
        type: str
        required: true
      validate_certs:
        description: Whether its certificate is verified.
        type: bool
        default: true
      ca_cert:
        description: Path of its CA certificate.
        type: path
      token_ca_cert:
        description: Path of the CA certificate of the token endpoint.
        type: path
      client_cert:
        description: Path of a client certificate.
        type: path
      client_key:
        description: Path of its key.
        type: path
      proxy:
        description: URL of an HTTP proxy.
        type: str
      timeout:
        description: Seconds to wait for one answer.
        type: float
        default: 15
      retry_for:
        description: Seconds to repeat what is safe to repeat.
        type: float
        default: 30
extends_documentation_fragment:
  - flyte.multicluster.clusters
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

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.identity_proof import run
from ansible_collections.flyte.multicluster.plugins.module_utils._module import clusters_argument_spec, flyteadmin_argument_spec, run_kube_module


def main() -> None:
    """Run the module."""
    spec = {**clusters_argument_spec(namespace={"type": "str", "default": "flyte"}), **flyteadmin_argument_spec(required=True)}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    # The secrets are read here: none is one that Ansible knows of.
    run_kube_module(module, lambda: run(module.params, module.no_log_values.add))


if __name__ == "__main__":
    main()
