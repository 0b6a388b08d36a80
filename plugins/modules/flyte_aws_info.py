#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_aws_info
short_description: Observe what AWS has for a multi-cluster Flyte
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Asks for the account, the EKS clusters (also of other regions and accounts), the account's OIDC providers, and the given IAM roles
    and policy, side by side.
options:
  eks_clusters:
    description: The EKS clusters.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the cluster.
        type: str
        required: true
      key:
        description: Key of the cluster in the result. Left out, its name.
        type: str
      region:
        description: Its region. Left out, O(region).
        type: str
      assume_role_arn:
        description: ARN of a role to take on first, for a cluster of another account.
        type: str
      nodegroup:
        description: Name of a managed node group of the cluster to ask for too.
        type: str
  pod_identity:
    description: Whether the EKS Pod Identity associations of each cluster are read too.
    type: bool
    default: false
  roles:
    description: Names of the IAM roles.
    type: list
    elements: str
    default: []
  policy:
    description: Name of the customer managed policy.
    type: str
extends_documentation_fragment:
  - flyte.multicluster.aws
  - flyte.multicluster.aws.action_group
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.info
"""

EXAMPLES = r"""
- name: Read issuers, providers, roles and policy
  flyte.multicluster.flyte_aws_info:
    region: us-east-2
    eks_clusters:
      - name: flyte-controlplane
      - {name: flyte-dataplane-1, region: eu-west-1}
    roles: [flyte-controlplane-role, flyte-dataplane-role]
    policy: flyte-s3
"""

RETURN = r"""
account:
  description: The account's number.
  returned: success
  type: str
  sample: "123456789012"
partition:
  description: The partition.
  returned: success
  type: str
  sample: aws
clusters:
  description:
    - The EKS clusters by key. RV(ignore:missing) says that EKS has no such cluster, RV(ignore:error) why it cannot be said.
    - RV(ignore:associations) is null without O(pod_identity).
    - RV(ignore:nodegroup) is there where O(eks_clusters[].nodegroup) asks for it, and null where EKS has no such node group. Its C(health)
      is what EKS found wrong with it, its C(autoscaling_groups) are where its nodes come from.
    - While EKS creates a cluster, C(issuer), C(endpoint) and C(ca_data) may be null.
  returned: success
  type: dict
  sample:
    flyte-dataplane-1:
      missing: false
      issuer: https://oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF
      endpoint: https://ABCDEF.gr7.eu-west-1.eks.amazonaws.com
      ca_data: LS0tLS1CRUdJTi…
      status: ACTIVE
      associations:
      nodegroup:
        name: flyte
        status: DEGRADED
        health: ["AsgInstanceLaunchFailures: Could not launch instances (eks-flyte-1234)"]
        autoscaling_groups: [eks-flyte-1234]
      error:
oidc_providers:
  description: ARNs of the account's OIDC providers.
  returned: success
  type: list
  elements: str
  sample: ["arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-2.amazonaws.com/id/ABCDEF"]
roles:
  description: The roles by name; null for one that does not exist.
  returned: success
  type: dict
  sample:
    flyte-dataplane-role:
      arn: arn:aws:iam::123456789012:role/flyte-dataplane-role
      trust: {Version: "2012-10-17", Statement: []}
      policies: ["arn:aws:iam::123456789012:policy/flyte-s3"]
policy:
  description: The policy; null where it does not exist.
  returned: success
  type: dict
  sample:
    arn: arn:aws:iam::123456789012:policy/flyte-s3
    document: {Version: "2012-10-17", Statement: []}
"""

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import check_sdk_version_supported
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleBotocoreError
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule, aws_argument_spec
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.errors import AwsError, run_aws_module
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.observe import observe
from ansible_collections.flyte.multicluster.plugins.module_utils._module import Call, Operation

_CLUSTER = {
    "name": {"type": "str", "required": True},
    "key": {"type": "str", "no_log": False},
    "region": {"type": "str"},
    "assume_role_arn": {"type": "str"},
    "nodegroup": {"type": "str"},
}
_OWN = {
    "eks_clusters": {"type": "list", "elements": "dict", "required": True, "options": _CLUSTER},
    "pod_identity": {"type": "bool", "default": False},
    "roles": {"type": "list", "elements": "str", "default": []},
    "policy": {"type": "str"},
}


def _work(call: Call) -> dict[str, t.Any]:
    check_sdk_version_supported(warn=call.warn)
    return observe(call.params)


#: what the plan does in its own process
OPERATION = Operation(lambda: {**aws_argument_spec(), **_OWN}, _work, (AwsError, AnsibleBotocoreError), "boto3")


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=_OWN, supports_check_mode=True)
    run_aws_module(module, lambda: observe(module.params))


if __name__ == "__main__":
    main()
