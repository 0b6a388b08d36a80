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

import functools
import json
import typing as t
import urllib.parse

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.session import (
    argument_spec,
    client,
    pod_identity_associations,
    run_aws_module,
)
from ansible_collections.flyte.multicluster.plugins.module_utils._common.threads import in_threads


def _document(value: t.Any) -> t.Any:
    return value if isinstance(value, dict) else json.loads(urllib.parse.unquote(value))


def _eks(eks: t.Any, name: str, *, pod_identity: bool) -> dict[str, t.Any]:
    from botocore.exceptions import ClientError

    found: dict[str, t.Any] = dict.fromkeys(("issuer", "endpoint", "ca_data", "status", "associations", "error"))
    try:
        cluster = eks.describe_cluster(name=name)["cluster"]
        found["associations"] = pod_identity_associations(eks, name) if pod_identity else None
    except ClientError as error:
        code = error.response["Error"]["Code"]
        message = f"{code}: {error.response['Error'].get('Message', '')}"
        return {**found, "missing": code == "ResourceNotFoundException", "error": message}
    return {
        **found,
        "missing": False,
        "issuer": ((cluster.get("identity") or {}).get("oidc") or {}).get("issuer"),
        "endpoint": cluster.get("endpoint"),
        "ca_data": (cluster.get("certificateAuthority") or {}).get("data"),
        "status": cluster.get("status"),
    }


def _clusters(params: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Ask all clusters at once, with one client for each region and role."""
    clients: dict[tuple[t.Any, t.Any], t.Any] = {}
    for entry in params["eks_clusters"]:
        where = (entry["region"], entry["assume_role_arn"])
        if where not in clients:
            clients[where] = client(params, "eks", region=where[0], assume_role_arn=where[1])

    def one(entry: dict[str, t.Any]) -> dict[str, t.Any]:
        return _eks(clients[(entry["region"], entry["assume_role_arn"])], entry["name"], pod_identity=params["pod_identity"])

    return in_threads(one, params["eks_clusters"], 16)


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
    iam, sts = client(params, "iam"), client(params, "sts")
    identity = sts.get_caller_identity()
    partition = identity["Arn"].split(":")[1]
    arn = f"arn:{partition}:iam::{identity['Account']}:policy/{params['policy']}"
    jobs: list[t.Callable[[], t.Any]] = [functools.partial(_role, iam, name) for name in params["roles"]]
    jobs += [
        lambda: _clusters(params),
        lambda: _policy(iam, arn) if params["policy"] else None,
        lambda: iam.list_open_id_connect_providers()["OpenIDConnectProviderList"],
    ]
    *roles, clusters, policy, providers = in_threads(lambda job: job(), jobs, 16)
    return {
        "changed": False,
        "account": identity["Account"],
        "partition": partition,
        "clusters": {entry["key"] or entry["name"]: found for entry, found in zip(params["eks_clusters"], clusters)},
        "roles": dict(zip(params["roles"], roles)),
        "policy": policy,
        "oidc_providers": sorted(provider["Arn"] for provider in providers),
    }


def main() -> None:
    """Run the module."""
    spec = {
        **argument_spec(),
        "eks_clusters": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "key": {"type": "str", "no_log": False},
                "region": {"type": "str"},
                "assume_role_arn": {"type": "str"},
            },
        },
        "pod_identity": {"type": "bool", "default": False},
        "roles": {"type": "list", "elements": "str", "default": []},
        "policy": {"type": "str"},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    run_aws_module(module, lambda: run(module.params))


if __name__ == "__main__":
    main()
