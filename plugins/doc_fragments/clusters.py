# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragments for modules that talk to many clusters at once."""

    # How one cluster of a list is reached; the options of kubernetes.core.k8s_auth_options.
    DOCUMENTATION = r"""
options:
  clusters:
    suboptions:
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
        description: User name for basic authentication.
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
  concurrency:
    description: How many clusters are asked at the same time.
    type: int
    default: 16
  timeout:
    description: Seconds to wait for one answer of an API server. Connecting takes at most 5 seconds.
    type: float
    default: 15
notes:
  - A cluster without O(clusters[].kubeconfig), O(clusters[].context) and O(clusters[].host) is an error. There is no
    fallback to the cluster that is current on this machine.
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0
"""
