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
  - flyte.multicluster contributors (@flyteorg)
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

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.session import AwsError, argument_spec, client, run_aws_module
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.trust import AUDIENCE, issuer_path, provider_arn


def _tags(iam: t.Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn).get("Tags") or []}


def run(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Return the module's result."""
    iam = client(params, "iam")
    identity = client(params, "sts").get_caller_identity()
    present = {provider["Arn"] for provider in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]}
    wanted = {provider_arn(identity["Account"], issuer, identity["Arn"].split(":")[1]): issuer for issuer in params["issuers"]}
    if params["state"] == "absent":
        due = sorted(set(wanted) & present)
        foreign = [arn for arn in due if not params["tags"].items() <= _tags(iam, arn).items()]
        if foreign:
            raise AwsError(f"{', '.join(foreign)} was not made here: it lacks the tags {params['tags']}.", "Delete it by hand if nothing else uses it.")
    else:
        due = sorted(set(wanted) - present)
    for arn in [] if check_mode else due:
        if params["state"] == "absent":
            iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        else:
            # The thumbprint of an EKS issuer is not used by IAM since 2023, and found by it where it is left out.
            tags = [{"Key": key, "Value": str(value)} for key, value in params["tags"].items()]
            iam.create_open_id_connect_provider(Url=f"https://{issuer_path(wanted[arn])}", ClientIDList=[AUDIENCE], Tags=tags)
    before = sorted(set(wanted) & present)
    after = [] if params["state"] == "absent" else sorted(wanted)
    return {"changed": bool(due), "providers": after, "diff": {"before": {"providers": before}, "after": {"providers": after}}}


def main() -> None:
    """Run the module."""
    spec = {
        **argument_spec(),
        "issuers": {"type": "list", "elements": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "tags": {"type": "dict", "default": {"managed-by": "flyte.multicluster"}},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    run_aws_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
