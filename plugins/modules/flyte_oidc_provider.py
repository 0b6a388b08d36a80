#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_oidc_provider
short_description: Associate OIDC providers with EKS clusters
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Ensures IAM OIDC providers for the issuers of EKS clusters, as C(eksctl utils associate-iam-oidc-provider --approve) does.
    Neither amazon.aws nor community.aws has a module for them.
  - A provider that is there is left as it is.
options:
  issuers:
    description: URLs of the issuers, as EKS gives them.
    type: list
    elements: str
    required: true
  state:
    description: With V(absent) providers are deleted that have all of O(tags); others are left and the module fails.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of providers that are created here.
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
- name: Associate an OIDC provider with each EKS cluster
  flyte.multicluster.flyte_oidc_provider:
    region: us-east-2
    issuers:
      - https://oidc.eks.us-east-2.amazonaws.com/id/ABCDEF
"""

RETURN = r"""
providers:
  description: ARNs of the providers of the issuers; empty with O(state=absent).
  returned: success
  type: list
  elements: str
  sample: ["arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-2.amazonaws.com/id/ABCDEF"]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.errors import run_aws_module
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.oidc_provider import ensure_providers
from ansible_collections.flyte.multicluster.plugins.module_utils._common.names import TAGS


def main() -> None:
    """Run the module."""
    spec = {
        "issuers": {"type": "list", "elements": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "tags": {"type": "dict", "default": TAGS},
    }
    module = AnsibleAWSModule(argument_spec=spec, supports_check_mode=True)
    run_aws_module(module, lambda: ensure_providers(module.params, module.check_mode))


if __name__ == "__main__":
    main()
