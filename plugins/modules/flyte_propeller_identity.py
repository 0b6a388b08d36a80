#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_propeller_identity
short_description: Give each flytepropeller the secret with which it logs in to flyteadmin
version_added: 0.2.0
author:
  - flyte.multicluster contributors (@flyteorg)
description:
  - Writes the key C(client_secret) of the Secret C(flyte-secret-auth), which flyte-core mounts, in each given cluster, all at once. The secret is given, or
    copied from the control plane's own Secret, from API server to API server; it passes through no result of Ansible and no Helm release.
  - The Secret is made with its namespace where it is missing. One that a Helm release made is taken over, so that an upgrade to a release without it keeps it.
    Keys of others are kept.
  - flytepropeller reads its secret once, at its start. Put a checksum into an annotation of its pods; what has that checksum already is restarted where another
    secret was there meanwhile.
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
      client_secret:
        description: The secret of flytepropeller's client. Left out, the one of O(control_plane) is copied.
        type: str
      certificates:
        description: CA certificates, as PEM by key, C(flyteadmin_ca.crt) for flyteadmin and C(token_ca.crt) for the token endpoint. Those left out are removed.
        type: dict
      checksum:
        description: Value of the annotation C(flyte.multicluster/identity-checksum) of pods that this secret belongs to. Left out, nothing is restarted.
        type: str
extends_documentation_fragment:
  - flyte.multicluster.clusters
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

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.identity import run
from ansible_collections.flyte.multicluster.plugins.module_utils._module import clusters_argument_spec, control_plane_argument_spec, run_kube_module


def main() -> None:
    """Run the module."""
    clusters = clusters_argument_spec(
        namespace={"type": "str", "default": "flyte"},
        client_secret={"type": "str", "no_log": True},
        certificates={"type": "dict"},
        checksum={"type": "str"},
    )
    module = AnsibleModule(argument_spec={**clusters, **control_plane_argument_spec()}, supports_check_mode=True)
    run_kube_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
