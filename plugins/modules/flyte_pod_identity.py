#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_pod_identity
short_description: Associate accounts of EKS clusters with IAM roles through EKS Pod Identity
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Ensures EKS Pod Identity associations, one for each cluster, namespace and account. Neither amazon.aws nor community.aws has a module
    for them.
  - An association of the same account with another role is updated only if it has all of O(tags); one that somebody else made is an
    error.
  - The clusters need the add-on C(eks-pod-identity-agent); Auto Mode clusters have it.
options:
  associations:
    description: The associations.
    type: list
    elements: dict
    required: true
    suboptions:
      cluster:
        description: Name of the EKS cluster.
        type: str
        required: true
      namespace:
        description: Kubernetes namespace; it need not exist yet.
        type: str
        required: true
      service_account:
        description: Kubernetes account.
        type: str
        required: true
      role_arn:
        description: ARN of the IAM role. Required with O(state=present).
        type: str
      region:
        description: Region of the cluster. Left out, O(region).
        type: str
      assume_role_arn:
        description: ARN of a role to take on first, for a cluster of another account.
        type: str
      host:
        description: Inventory host of the cluster, for the text of an error.
        type: str
  state:
    description: With V(absent) associations are deleted that have all of O(tags); others are left and the module fails.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of associations that are created here.
    type: dict
    default:
      managed-by: flyte.multicluster
extends_documentation_fragment:
  - flyte.multicluster.aws
  - flyte.multicluster.aws.action_group
  - flyte.multicluster.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Let production tasks of team1 take the role of their domain
  flyte.multicluster.flyte_pod_identity:
    region: us-east-2
    associations:
      - cluster: flyte-dataplane-1
        namespace: team1-production
        service_account: default
        role_arn: arn:aws:iam::123456789012:role/flyte-dataplane-role-production
"""

RETURN = r"""
created:
  description: What was created, or would be in check mode, as text.
  returned: success
  type: list
  elements: str
  sample: ["flyte-dataplane-1/team1-production:default"]
updated:
  description: What got another role.
  returned: success
  type: list
  elements: str
  sample: []
deleted:
  description: What was deleted.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.errors import run_aws_module
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.pod_identity import ensure_associations
from ansible_collections.flyte.multicluster.plugins.module_utils._common.names import TAGS


def main() -> None:
    """Run the module."""
    association = {
        "cluster": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "service_account": {"type": "str", "required": True},
        "role_arn": {"type": "str"},
        "region": {"type": "str"},
        "assume_role_arn": {"type": "str"},
        "host": {"type": "str"},
    }
    spec = {
        "associations": {"type": "list", "elements": "dict", "required": True, "options": association},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "tags": {"type": "dict", "default": TAGS},
    }
    module = AnsibleAWSModule(argument_spec=spec, supports_check_mode=True)
    run_aws_module(module, lambda: ensure_associations(module.params, module.check_mode))


if __name__ == "__main__":
    main()
