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
  - flyte.multicluster contributors (@flyteorg)
description:
  - Ensures the token of flyteadmin's ServiceAccount in each given data plane, all at once, and merges the tokens and CA
    certificates into one Secret of the control plane, as C(<name>_token) and C(<name>_cacert). No token passes through
    a result of Ansible.
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
  service_accounts:
    description: Whether flyteadmin has to write ServiceAccounts in the data planes, as it does on EKS; checked by the probe.
    type: bool
    default: false
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
      state:
        description: With V(absent) its two keys are removed. Remove it from flyteadmin's configuration first.
        type: str
        choices: [present, absent]
        default: present
      endpoint:
        description:
          - URL of the API server as flyteadmin calls it. With it the data plane is probed with exactly this endpoint, token
            and CA certificate.
        type: str
      namespace:
        description: Namespace of the ServiceAccount in the data plane.
        type: str
        default: flyte
      service_account:
        description: ServiceAccount that flyteadmin uses there.
        type: str
        default: flyteadmin
      token_secret:
        description: Name of the token Secret, where one has to be made.
        type: str
        default: flyteadmin-token
      token:
        description: A ready-made token; with O(clusters[].ca_data) the data plane itself is not asked.
        type: str
      ca_data:
        description: >-
          CA certificate (PEM) of the API server as flyteadmin reaches it, in the place of that of the token Secret. Required with O(clusters[].token).
        type: str
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - flyte.multicluster.clusters
  - flyte.multicluster.clusters.access
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
      - name: dataplane_2
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
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.flyte.multicluster.plugins.module_utils._module import clusters_argument_spec, kube_argument_spec, run_kube_module
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.store import PartialFailure, run


def main() -> None:
    """Run the module."""
    spec = {
        "namespace": {"type": "str", "default": "flyte"},
        "name": {"type": "str", "default": "cluster-credentials"},
        "create_namespace": {"type": "bool", "default": True},
        "allow_partial": {"type": "bool", "default": False},
        "wait_timeout": {"type": "float", "default": 60},
        "service_accounts": {"type": "bool", "default": False},
    }
    clusters = clusters_argument_spec(
        state={"type": "str", "choices": ["present", "absent"], "default": "present"},
        endpoint={"type": "str"},
        namespace={"type": "str", "default": "flyte"},
        service_account={"type": "str", "default": "flyteadmin"},
        token_secret={"type": "str", "default": "flyteadmin-token", "no_log": False},
        token={"type": "str", "no_log": True},
        ca_data={"type": "str"},
    )
    clusters["clusters"]["required_by"] = {"token": ["ca_data"]}
    module = AnsibleModule(argument_spec={**kube_argument_spec(), **spec, **clusters}, supports_check_mode=True)
    run_kube_module(module, lambda: run(module.params, module.check_mode), PartialFailure)


if __name__ == "__main__":
    main()
