#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# It is implemented as an action plugin: plugins/action/flyte_plan.py.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: flyte_plan
short_description: Check the inventory, observe all clusters at once, and plan
version_added: 0.1.0
author: flyte.multicluster contributors (!UNKNOWN)
description:
  - Reads the variables of all hosts of the groups C(flyte_control_plane) and C(flyte_data_planes), checks all of them together, asks AWS and every
    cluster what is there, and returns what has to be done as rows, in the order in which it will be carried out.
  - Asks flyteadmin, where it answers already and something depends on it, for its projects and stored labels. Projects that it does not have, and a run
    that would take away more than O(flyte.multicluster.preflight#role:main:flyte_removal_limit), are refused.
  - Of each release that changes it reads Helm's own record, here and not in a module, and says value by value what changes; with C(--diff) also what changes
    in the objects. What somebody changed by hand since this collection gave the release its values is said, and set right where the inventory has it. What
    the release has by hand, and the inventory does not give, would be lost - the run is refused, unless
    O(flyte.multicluster.preflight#role:main:flyte_drop_values) gives it up.
  - Writes the plan to O(flyte.multicluster.preflight#role:main:flyte_plan_file), and holds the run to
    O(flyte.multicluster.preflight#role:main:flyte_approved_plan), with each O(scope) that plans something, and with V(observe) for the executions of canaries.
    With V(all) such a plan also has what is decided after the labels - restarts of syncresources, canaries, clusters that nobody owns.
  - Changes nothing. What it returns holds no secrets; register it, it sets no facts.
  - It runs once for all hosts (C(run_once)); hosts that C(--limit) left out are checked, but not planned for.
options:
  scope:
    description:
      - V(all) observes everything and plans everything.
      - V(observe) fetches no chart and plans nothing, as a verification needs it.
      - V(status) is V(observe), with the version of Kubernetes of each cluster; a control plane that does not answer is no failure of it. Where the chart is
        on this machine already, it also says what a run would change of the releases.
      - V(iam) asks AWS only and plans IAM only; no cluster is asked.
      - V(remove) observes the control plane and O(cluster), and plans how it leaves. flyteadmin has to answer.
      - V(rotate) fetches no chart and plans a rotation of the data planes' tokens.
    type: str
    choices: [all, observe, status, iam, remove, rotate]
    default: all
  cluster:
    description:
      - With O(scope=remove), the cluster that is to be removed - its inventory host or its name; one that the inventory has not, but flyteadmin's
        configuration or the control plane's Secret, by its name. Required then.
      - With O(scope=rotate), the one data plane whose token is rotated, by its name or its inventory host. Left out, all of this run.
    type: str
  labels:
    description:
      - With O(scope=remove), labels that lead elsewhere afterwards, as O(flyte.multicluster.preflight#role:main:flyte_labels) has them. An empty list takes a
        label away, with the stored rows that name it.
    type: dict
    default: {}
  due:
    description:
      - With O(scope=rotate), whether only tokens are rotated that are due, and rotations finished that were stopped, whatever
        O(flyte.multicluster.preflight#role:main:flyte_rotate) says.
    type: bool
    default: false
notes:
  - The variables are those of the role P(flyte.multicluster.preflight#role).
extends_documentation_fragment:
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.info
  - flyte.multicluster.attributes.action
"""

EXAMPLES = r"""
- name: Plan, and show what would be done
  hosts: flyte_control_plane:flyte_data_planes
  connection: local
  gather_facts: false
  tasks:
    - name: Check, observe and plan
      flyte.multicluster.flyte_plan:
      register: plan
      run_once: true

    - name: Show the plan
      ansible.builtin.debug:
        var: plan.lines
      run_once: true
"""

RETURN = r"""
known:
  description:
    - The checked inventory, what was found in each cluster and in AWS, the chart, who each flytepropeller has to be, and the rights that Flyte's accounts
      need, as JSON, for M(flyte.multicluster.flyte_step) and M(flyte.multicluster.flyte_release). Without secrets.
    - What is to be looked at by others than those is P(flyte.multicluster.flyte_cluster_info#module) and P(flyte.multicluster.flyte_aws_info#module).
  returned: success
  type: str
  sample: '{"site": {"projects": ["team1"]}, "observed": {"dataplane_1": {"reachable": true}}}'
canary:
  description: Whether O(flyte.multicluster.preflight#role:main:flyte_canary_workflow) or O(flyte.multicluster.preflight#role:main:flyte_canary_project) is set.
  returned: success
  type: bool
  sample: false
play_hosts:
  description: The hosts of this run, as C(--limit) left them.
  returned: success
  type: list
  elements: str
  sample: [controlplane, dataplane_1]
rows:
  description: What will be done.
  returned: success, unless O(scope=observe) or O(scope=status)
  type: list
  elements: dict
  contains:
    host:
      description: Inventory host.
      type: str
      sample: dataplane_1
    step:
      description: The step, which is a role and a tag.
      type: str
      sample: dataplane
    action:
      description: What is done.
      type: str
      sample: Helm release flyte-core-data
    reason:
      description: Why.
      type: str
      sample: install flyte-core v1.16.8
    details:
      description: What people care about of it, in words.
      type: list
      elements: str
      sample: []
    changes:
      description:
        - What changes, each with its C(path), C(before) and C(after) as text, or null where it is not there, and C(why) where the inventory does not say it.
          Of a release they are values by key path, of a role or a policy in IAM statements. Secrets are fingerprints.
      type: list
      elements: dict
      sample: [{path: flytepropeller.replicaCount, before: "5", after: "2"}]
    drift:
      description: Those of the changes that mend what somebody changed by hand, since this collection gave the release its values.
      type: list
      elements: dict
      sample: []
    objects:
      description: What changes in the objects of a release, as lines, with C(--diff).
      type: list
      elements: str
      sample: []
    held:
      description: What changes, as RV(rows[].changes) has it, and is said by the reason or the details already. An approved plan holds it, too.
      type: list
      elements: dict
      sample: []
lines:
  description: The rows as text.
  returned: success, unless O(scope=observe) or O(scope=status)
  type: list
  elements: str
  sample: ["dataplane_1: dataplane: Helm release flyte-core-data: install flyte-core v1.16.8"]
groups:
  description: Which hosts have something to do at which step, as groups for M(ansible.builtin.add_host).
  returned: success, unless O(scope=observe) or O(scope=status)
  type: list
  elements: dict
  sample: [{host: dataplane_1, group: flyte_todo_dataplane}]
orphans:
  description: Clusters that the inventory does not have and that are removed at the end, by O(flyte.multicluster.preflight#role:main:flyte_prune).
  returned: success, with O(scope=all) and O(scope=iam)
  type: list
  elements: str
  sample: [dataplane_9]
failures:
  description: What cannot be done, by inventory host.
  returned: success, unless O(scope=observe) or O(scope=status)
  type: list
  elements: dict
  sample: [{host: dataplane_2, step: observe, problem: "https://127.0.0.1:28102 does not answer", remedy: Check that the API server runs.}]
drift:
  description: What a run would change of Helm releases, as RV(rows).
  returned: with O(scope=status)
  type: list
  elements: dict
  sample: [{host: dataplane_1, step: dataplane, action: Helm release flyte-core-data, reason: "values differ (9f86d081 -> 60303ae2)", details: []}]
notes:
  description: Why RV(drift) could not be had.
  returned: with O(scope=status)
  type: list
  elements: str
  sample: ["Values and versions of releases are not compared: the chart is not on this machine yet; site.yml fetches it"]
releases:
  description: Data planes whose Helm release is installed or upgraded.
  returned: success, unless O(scope=observe) or O(scope=status)
  type: list
  elements: str
  sample: [dataplane_1]
digests:
  description: Digests of all values that are planned for RV(releases), by inventory host.
  returned: success, unless O(scope=observe) or O(scope=status)
  type: dict
  sample: {dataplane_1: 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752}
marks:
  description: Hosts whose release is as wanted and gets the label that says that its values are what the inventory gives.
  returned: success, unless O(scope=observe)
  type: list
  elements: str
  sample: []
waiting:
  description: Data planes whose release is as wanted, but whose Deployments are not ready.
  returned: success, unless O(scope=observe) or O(scope=status)
  type: list
  elements: str
  sample: []
identity:
  description: Hosts whose Secret of flytepropeller's identity is written.
  returned: success, unless O(scope=observe) or O(scope=status)
  type: list
  elements: str
  sample: [dataplane_1]
rights:
  description: The rules of accounts that are written, by inventory host and account.
  returned: success, unless O(scope=observe)
  type: dict
  sample: {dataplane_1: {flyteadmin: [{apiGroups: [flyte.lyft.com], resources: [flyteworkflows], verbs: [create, delete]}]}}
rights_left:
  description: Accounts whose rights of this collection are removed, by inventory host.
  returned: success, unless O(scope=observe)
  type: dict
  sample: {dataplane_2: [syncresources]}
restarts:
  description: Deployments that are started anew, since their pods are ready and they do not do their work, by inventory host.
  returned: success, unless O(scope=observe) or O(scope=status)
  type: dict
  sample: {dataplane_1: [flytepropeller]}
credentials:
  description: Data planes whose credentials are made, stored or tried.
  returned: success, unless O(scope=observe) or O(scope=status)
  type: list
  elements: str
  sample: [dataplane_1]
eks:
  description: EKS clusters of the inventory that are created, by inventory host.
  returned: success, unless O(scope=observe) or O(scope=status)
  type: dict
  sample: {dataplane_4: {create: true, replace_node_group: false}}
removal:
  description: What goes, for the steps of M(flyte.multicluster.flyte_step) that carry it out.
  returned: with O(scope=remove)
  type: dict
  sample: {name: dataplane_2, host: dataplane_2, reachable: true, configured: true, keys: [dataplane_2_token, dataplane_2_cacert]}
without:
  description: The same plan for the site without the cluster; the other keys are of the site in which it is disabled.
  returned: with O(scope=remove)
  type: dict
  sample: {play_hosts: [controlplane]}
ending:
  description: What has to change in the inventory afterwards.
  returned: with O(scope=remove)
  type: list
  elements: str
  sample: ["Take the host dataplane_2 out of the inventory: site.yml would add the cluster dataplane_2 again."]
due:
  description: Why the token of a data plane is due for rotation, by inventory host.
  returned: success, with O(scope=status)
  type: dict
  sample: {dataplane_1: "flyteadmin-token is 91d old, flyte_token_max_age is 90d"}
rotation:
  description: The data planes whose tokens are rotated, batch by batch, and how far the rotation of each got; fingerprints in the place of tokens.
  returned: success, with O(scope=rotate)
  type: dict
  sample: {batches: [[dataplane_1, dataplane_2]], turns: {}}
iam:
  description: The documents that IAM has to have, and which of them differ; null where IAM is not managed.
  returned: success, unless O(scope=observe) or O(scope=status)
  type: dict
  sample: {due: false}
"""
