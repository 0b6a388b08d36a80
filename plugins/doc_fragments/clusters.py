# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragments for modules that talk to many clusters at once."""

    # How one cluster of a list is reached; the options of kubernetes.core.k8s_auth_options.
    DOCUMENTATION = r"""
options:
  concurrency:
    description: How many clusters are asked at the same time.
    type: int
    default: 16
  timeout:
    description: Seconds to wait for one answer of an API server. Connecting takes at most 5 seconds.
    type: float
    default: 15
notes:
  - A cluster without O(clusters[].kubeconfig), O(clusters[].context), O(clusters[].host) and O(clusters[].eks) is an
    error. There is no fallback to the cluster that is current on this machine.
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0
"""

    # What kubernetes.core.k8s_auth_options does not have.
    ACCESS = r"""
options:
  eks:
    description: >-
      An EKS cluster, where none of O(kubeconfig), O(context) and O(host) is given. Its endpoint and CA certificate
      come from EKS; a token is made in memory by the AWS credentials given here or found by boto3, and made anew
      before it ends.
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
    description: Whether O(username) and O(password) are a login of OpenShift, which is exchanged for a token.
    type: bool
    default: false
"""
