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
  - flyte.multicluster contributors (@flyteorg)
description:
  - Asks for the account, the OIDC issuers of EKS clusters, the account's OIDC providers, and the given IAM roles and policy,
    side by side.
options:
  eks_clusters:
    description: Names of the EKS clusters.
    type: list
    elements: str
    required: true
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
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.info
"""

EXAMPLES = r"""
- name: Read issuers, providers, roles and policy
  flyte.multicluster.flyte_aws_info:
    region: us-east-2
    eks_clusters: [flyte-controlplane, flyte-dataplane-1]
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
  description: The EKS clusters by name, with RV(ignore:issuer) and RV(ignore:error).
  returned: success
  type: dict
  sample:
    flyte-dataplane-1:
      issuer: https://oidc.eks.us-east-2.amazonaws.com/id/ABCDEF
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

import json
import typing as t
import urllib.parse

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.flyte.multicluster.plugins.module_utils._aws import argument_spec, client, run_aws_module
from ansible_collections.flyte.multicluster.plugins.module_utils._kube import in_threads


def _document(value: t.Any) -> t.Any:
    return value if isinstance(value, dict) else json.loads(urllib.parse.unquote(value))


def _eks(eks: t.Any, name: str) -> dict[str, t.Any]:
    from botocore.exceptions import ClientError

    try:
        cluster = eks.describe_cluster(name=name)["cluster"]
    except ClientError as error:
        return {"issuer": None, "error": f"{error.response['Error']['Code']}: {error.response['Error'].get('Message', '')}"}
    return {"issuer": ((cluster.get("identity") or {}).get("oidc") or {}).get("issuer"), "error": None}


def _role(iam: t.Any, name: str) -> dict[str, t.Any] | None:
    try:
        role = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    attached = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
    policies = [policy["PolicyArn"] for page in attached for policy in page["AttachedPolicies"]]
    return {"arn": role["Arn"], "trust": _document(role["AssumeRolePolicyDocument"]), "policies": policies}


def _policy(iam: t.Any, arn: str) -> dict[str, t.Any] | None:
    try:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    except iam.exceptions.NoSuchEntityException:
        return None
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return {"arn": arn, "document": _document(document)}


def run(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the module's result."""
    eks, iam, sts = (client(params, service) for service in ("eks", "iam", "sts"))
    identity = sts.get_caller_identity()
    partition = identity["Arn"].split(":")[1]
    arn = f"arn:{partition}:iam::{identity['Account']}:policy/{params['policy']}"
    jobs: list[t.Callable[[], t.Any]] = [lambda name=name: _eks(eks, name) for name in params["eks_clusters"]]  # type: ignore[misc]
    jobs += [lambda name=name: _role(iam, name) for name in params["roles"]]  # type: ignore[misc]
    jobs += [lambda: _policy(iam, arn) if params["policy"] else None, lambda: iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    results = in_threads(lambda job: job(), jobs, 16)
    count = len(params["eks_clusters"])
    return {
        "changed": False,
        "account": identity["Account"],
        "partition": partition,
        "clusters": dict(zip(params["eks_clusters"], results)),
        "roles": dict(zip(params["roles"], results[count:])),
        "policy": results[-2],
        "oidc_providers": sorted(provider["Arn"] for provider in results[-1]),
    }


def main() -> None:
    """Run the module."""
    spec = {
        **argument_spec(),
        "eks_clusters": {"type": "list", "elements": "str", "required": True},
        "roles": {"type": "list", "elements": "str", "default": []},
        "policy": {"type": "str"},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    run_aws_module(module, lambda: run(module.params))


if __name__ == "__main__":
    main()
