# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragments for modules that talk to flyteadmin and may look into its control plane."""

    # The options of kubernetes.core.k8s_auth_options, below an option of their own: flyteadmin's have the same names.
    DOCUMENTATION = r"""
options:
  control_plane:
    description:
      - Access to the Kubernetes cluster of flyteadmin. The suboptions are those of kubernetes.core.
    type: dict
    suboptions:
      namespace:
        description: Namespace of flyteadmin.
        type: str
        default: flyte
      kubeconfig:
        description: Path of a kubeconfig, or its content.
        type: raw
      context:
        description: Context in it.
        type: str
      host:
        description: URL of the API server.
        type: str
      api_key:
        description: Bearer token.
        type: str
      username:
        description: User name for basic authentication.
        type: str
      password:
        description: Password for basic authentication.
        type: str
      validate_certs:
        description: Whether the API server's certificate is verified.
        type: bool
        aliases: [verify_ssl]
      ca_cert:
        description: Path of the API server's CA certificate.
        type: path
        aliases: [ssl_ca_cert]
      client_cert:
        description: Path of a client certificate.
        type: path
        aliases: [cert_file]
      client_key:
        description: Path of its key.
        type: path
        aliases: [key_file]
      proxy:
        description: URL of an HTTP proxy.
        type: str
      no_proxy:
        description: Hosts that are reached without it, separated by commas.
        type: str
      impersonate_user:
        description: User to impersonate.
        type: str
      impersonate_groups:
        description: Group to impersonate.
        type: list
        elements: str
      eks:
        description: >-
          An EKS cluster, where none of O(control_plane.kubeconfig), O(control_plane.context) and
          O(control_plane.host) is given. Its endpoint and CA certificate come from EKS; a token is made in memory by
          the AWS credentials given here or found by boto3, and made anew before it ends.
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
        description: Whether O(control_plane.username) and O(control_plane.password) are a login of OpenShift, which is exchanged for a token.
        type: bool
        default: false
"""

    # What flyteadmin makes of a label: read from its own configuration, or given.
    PLACEMENT = r"""
options:
  label_cluster_map:
    description: labelClusterMap, a label to a list of entries with C(id) and C(weight). Instead of O(control_plane).
    type: dict
  enabled_clusters:
    description: Names of the clusters that are enabled, with O(label_cluster_map).
    type: list
    elements: str
  default_execution_label:
    description: The label of whatever has none at any level (C(clusters.defaultExecutionLabel)), with O(label_cluster_map).
    type: str
"""

    # The data planes, where one of them may have to say why something did not run.
    PLANES = r"""
options:
  planes:
    description:
      - Access to the data planes, by their names in clusterConfigs. One is asked only where something did not run there.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the cluster in clusterConfigs.
        type: str
        required: true
      namespace:
        description: Namespace of Flyte in this cluster.
        type: str
        default: flyte
      release:
        description: Name of its Helm release.
        type: str
        default: flyte-core-data
      propeller:
        description: Whether flytepropeller has to lead there.
        type: bool
        default: true
      kubeconfig:
        description: Path of a kubeconfig, or its content.
        type: raw
      context:
        description: Context in it.
        type: str
      host:
        description: URL of the API server.
        type: str
      api_key:
        description: Bearer token.
        type: str
      username:
        description: User name for basic authentication.
        type: str
      password:
        description: Password for basic authentication.
        type: str
      validate_certs:
        description: Whether the API server's certificate is verified.
        type: bool
        aliases: [verify_ssl]
      ca_cert:
        description: Path of the API server's CA certificate.
        type: path
        aliases: [ssl_ca_cert]
      client_cert:
        description: Path of a client certificate.
        type: path
        aliases: [cert_file]
      client_key:
        description: Path of its key.
        type: path
        aliases: [key_file]
      proxy:
        description: URL of an HTTP proxy.
        type: str
      no_proxy:
        description: Hosts that are reached without it, separated by commas.
        type: str
      impersonate_user:
        description: User to impersonate.
        type: str
      impersonate_groups:
        description: Group to impersonate.
        type: list
        elements: str
      eks:
        description: >-
          An EKS cluster, where none of O(planes[].kubeconfig), O(planes[].context) and
          O(planes[].host) is given. Its endpoint and CA certificate come from EKS; a token is made in memory by
          the AWS credentials given here or found by boto3, and made anew before it ends.
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
        description: Whether O(planes[].username) and O(planes[].password) are a login of OpenShift, which is exchanged for a token.
        type: bool
        default: false
"""
