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
  - flyte.multicluster contributors (@flyteorg)
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

import functools
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.session import (
    AwsError,
    argument_spec,
    client,
    pod_identity_associations,
    run_aws_module,
)

_Row = dict[str, t.Any]


def _place(row: _Row) -> str:
    return f"{row['cluster']}/{row['namespace']}:{row['service_account']}"


def _grouped(rows: list[_Row]) -> dict[tuple[t.Any, ...], list[_Row]]:
    found: dict[tuple[t.Any, ...], list[_Row]] = {}
    for row in rows:
        found.setdefault((row["cluster"], row["region"], row["assume_role_arn"]), []).append(row)
    return found


def run(params: dict[str, t.Any], check_mode: bool, connect: t.Callable[..., t.Any] = client) -> dict[str, t.Any]:
    """Return the module's result.

    :param connect: makes a client; tests give one of their own.
    """
    tags = {key: str(value) for key, value in params["tags"].items()}
    done: dict[str, list[str]] = {"created": [], "updated": [], "deleted": []}
    before: dict[str, str] = {}
    work: list[t.Callable[[], t.Any]] = []
    foreign: list[str] = []
    for (cluster, region, role), rows in _grouped(params["associations"]).items():
        eks = connect(params, "eks", region=region, assume_role_arn=role)
        present = {(entry["namespace"], entry["service_account"]): entry for entry in pod_identity_associations(eks, cluster)}
        for row in rows:
            if params["state"] == "present" and not row["role_arn"]:
                raise AwsError(f"{_place(row)}: role_arn is required.", "Nothing was changed.")
            entry = present.get((row["namespace"], row["service_account"]))
            if entry:
                before[_place(row)] = entry["role_arn"]
            if params["state"] == "absent" and entry is None or (params["state"] == "present" and entry and entry["role_arn"] == row["role_arn"]):
                continue
            if entry and not tags.items() <= entry["tags"].items():
                foreign.append(f"{_place(row)} ({entry['role_arn']})")
            elif entry is None:
                done["created"].append(_place(row))
                given = {"namespace": row["namespace"], "serviceAccount": row["service_account"], "roleArn": row["role_arn"], "tags": tags}
                work.append(functools.partial(eks.create_pod_identity_association, clusterName=cluster, **given))
            elif params["state"] == "absent":
                done["deleted"].append(_place(row))
                given = {"associationId": entry["id"]}
                work.append(functools.partial(eks.delete_pod_identity_association, clusterName=cluster, **given))
            else:
                done["updated"].append(_place(row))
                given = {"associationId": entry["id"], "roleArn": row["role_arn"]}
                work.append(functools.partial(eks.update_pod_identity_association, clusterName=cluster, **given))
    if foreign:
        raise AwsError(f"{', '.join(foreign)} was not made here: it lacks the tags {tags}.", "Nothing was changed. Delete it by hand, or tag it.")
    for step in [] if check_mode else work:
        step()
    after = {_place(row): row["role_arn"] for row in params["associations"]} if params["state"] == "present" else {}
    return {"changed": bool(work), **done, "diff": {"before": before, "after": after}}


def main() -> None:
    """Run the module."""
    row = {
        "cluster": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "service_account": {"type": "str", "required": True},
        "role_arn": {"type": "str"},
        "region": {"type": "str"},
        "assume_role_arn": {"type": "str"},
    }
    spec = {
        **argument_spec(),
        "associations": {"type": "list", "elements": "dict", "required": True, "options": row},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "tags": {"type": "dict", "default": {"managed-by": "flyte.multicluster"}},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    run_aws_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
