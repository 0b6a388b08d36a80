#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# It is implemented as an action plugin: plugins/action/flyte_step.py.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: flyte_step
short_description: Carry out one step of the plan
version_added: 0.1.0
author: flyte.multicluster contributors (!UNKNOWN)
description:
  - Carries out what the plan of M(flyte.multicluster.flyte_plan) has for a step that concerns many clusters at once, or flyteadmin. It runs modules of
    this collection with the connections that the inventory gives.
  - Whatever fails is returned as rows by inventory host; the step V(report) shows all of them.
options:
  step:
    description:
      - V(eks_cluster) creates the EKS clusters of O(hosts), by M(community.aws.eks_cluster); V(eks_node_group) their node groups, by
        M(community.aws.eks_nodegroup).
      - V(oidc_providers), V(iam_policy), V(iam_roles) and V(pod_identity) set up IAM, by M(flyte.multicluster.flyte_oidc_provider),
        M(amazon.aws.iam_managed_policy), M(amazon.aws.iam_role) and M(flyte.multicluster.flyte_pod_identity).
      - V(identity) gives the flytepropellers of O(hosts) the secret with which they log in to flyteadmin, by M(flyte.multicluster.flyte_propeller_identity).
      - V(rights) gives Flyte's accounts in the data planes of O(hosts) the rights that the plan has, by M(flyte.multicluster.flyte_dataplane_rights), and
        V(rights_left) removes those that are left over.
      - V(ready) starts anew what the plan says, and waits until the Deployments of O(hosts) are ready, the FlyteWorkflow CRD serves and
        flytepropeller leads, by M(flyte.multicluster.flyte_cluster_info).
      - V(credentials) makes and stores the tokens of the data planes, by M(flyte.multicluster.flyte_cluster_credentials), and tries those that only the control
        plane's network reaches by M(flyte.multicluster.flyte_cluster_probe).
      - V(ecl) sets the execution cluster labels, by M(flyte.multicluster.flyte_ecl).
      - V(namespaces) starts syncresources anew where a data plane lacks the namespace of a project, and waits for it.
      - V(verify) looks again at what was changed, and judges the clusters, what is still to be done, every stored label and
        every namespace, by M(flyte.multicluster.flyte_cluster_info) and M(flyte.multicluster.flyte_ecl_info).
      - V(identity_proof) lets each flytepropeller's own client log in to flyteadmin, by M(flyte.multicluster.flyte_propeller_identity_info).
      - V(canary) proves where every labelled project-domain runs, and that every cluster does, by M(flyte.multicluster.flyte_canary).
      - V(remove_rows), V(drain), V(remove_keys), V(remove_plane), V(remove_aws) and V(remove_namespaces) carry out a plan with
        O(flyte.multicluster.flyte_plan#module:scope=remove), in this order - rows of execution cluster labels whose label goes, by
        M(flyte.multicluster.flyte_ecl); the executions of the cluster, waited for or aborted; its keys in the Secret, by
        M(flyte.multicluster.flyte_cluster_credentials); its token, rights and release, by M(kubernetes.core.helm); what AWS has of it, by
        M(amazon.aws.iam_role), M(flyte.multicluster.flyte_pod_identity) and M(flyte.multicluster.flyte_oidc_provider); namespaces.
      - V(rotate_store) makes a second token in each of O(hosts), lets the data plane accept it as flyteadmin will use it, and only then stores it in the
        control plane. V(rotate_restart) starts flyteadmin and syncresources anew, one after the other. V(rotate_prove) shows that the new tokens are in use.
        V(rotate_delete) deletes the former token Secrets of the data planes whose new token was proven, and V(rotate_end) gathers what was done.
      - V(status) asks flyteadmin for labels, projects and executions, returns a table of all clusters and what to do, and writes it to the files of
        C(flyte_status_json) and C(flyte_status_page).
      - V(report) fails with a table of everything that failed, after a run of the site with one of all clusters as they are now.
    type: str
    required: true
    choices:
      - eks_cluster
      - eks_node_group
      - oidc_providers
      - iam_policy
      - iam_roles
      - pod_identity
      - identity
      - rights
      - rights_left
      - ready
      - credentials
      - ecl
      - namespaces
      - verify
      - identity_proof
      - canary
      - remove_rows
      - drain
      - remove_keys
      - remove_plane
      - remove_aws
      - remove_namespaces
      - rotate_store
      - rotate_restart
      - rotate_prove
      - rotate_delete
      - rotate_end
      - status
      - report
  plan:
    description:
      - The name of the variable in which what M(flyte.multicluster.flyte_plan) returned is registered.
      - Not its value - Ansible would look through all of it for each task and host, and keep a copy with the result of each.
    type: str
    required: true
  hosts:
    description: The inventory hosts of the steps V(eks_cluster), V(eks_node_group), V(identity), V(ready) and those of a rotation.
    type: list
    elements: str
    default: []
  results:
    description: Names of the variables in which the steps before it registered their results, on any host of the site.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.action
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Of the steps V(identity), V(credentials), V(ecl), V(namespaces), V(remove_rows), V(remove_keys), V(remove_aws) and V(rotate_store).
  idempotent:
    support: partial
    details: A rotation that got to its end, run again, is a second one.
"""

EXAMPLES = r"""
- name: Show the state of all clusters
  hosts: flyte_control_plane:flyte_data_planes
  connection: local
  gather_facts: false
  tasks:
    - name: Check and observe
      flyte.multicluster.flyte_plan:
        scope: observe
      register: plan
      run_once: true

    - name: Make the table
      flyte.multicluster.flyte_step:
        step: status
        plan: plan
      register: status
      run_once: true
"""

RETURN = r"""
failures:
  description: What failed, by inventory host.
  returned: with all steps but O(step=status) and O(step=report)
  type: list
  elements: dict
  sample: [{host: dataplane_2, step: credentials, problem: "https://127.0.0.1:28102 does not answer", remedy: Check that the API server runs.}]
lines:
  description: What a person should know.
  returned: >-
    with O(step=ecl), O(step=namespaces), O(step=verify), O(step=canary), O(step=drain), O(step=remove_aws), O(step=rotate_delete) and O(step=rotate_end)
  type: list
  elements: str
  sample: ["team1/staging: no label: it runs on any enabled cluster"]
left:
  description: Executions that have not ended.
  returned: with O(step=drain)
  type: list
  elements: dict
  sample: []
done:
  description: What was taken away.
  returned: with O(step=remove_plane) and O(step=remove_namespaces)
  type: list
  elements: str
  sample: [Secret flyteadmin-token, release flyte-core-data]
lacking:
  description: Whether a data plane that answered lacked the namespace of a project when it was observed.
  returned: with O(step=ecl), where flyteadmin answered
  type: bool
  sample: false
hosts:
  description: The data planes that lacked a namespace.
  returned: with O(step=namespaces)
  type: list
  elements: str
  sample: [dataplane_2]
table:
  description: What failed in the whole run, as a table, line by line.
  returned: with O(step=report), where something failed
  type: list
  elements: str
  sample: ["CLUSTER      FAILED AT  WHAT", "dataplane_2  observe    https://127.0.0.1:28102 does not answer"]
rotating:
  description: The Secret and the fingerprint of each new token that is stored, and those of the one that it came for, by inventory host.
  returned: with O(step=rotate_store)
  type: dict
  sample: {dataplane_1: {secret: flyteadmin-token-2, fingerprint: 9f86d081, former: {secret: flyteadmin-token, uid: "4711", fingerprint: 60303ae2}}}
restarted:
  description: Whether all that reads the tokens runs with those that are stored.
  returned: with O(step=rotate_restart), where something was rotated and it did
  type: bool
  sample: true
proven:
  description: The data planes whose new token is in use.
  returned: with O(step=rotate_prove)
  type: list
  elements: str
  sample: [dataplane_1]
rotated:
  description: The data planes whose rotation got to its end.
  returned: with O(step=rotate_delete) and O(step=rotate_end)
  type: list
  elements: str
  sample: [dataplane_1]
status:
  description: The state of all clusters, as C(flyte_status_json) has it; its C(format) is V(1).
  returned: with O(step=status)
  type: dict
  sample: {format: 1, time: "2026-11-28T15:00:00Z", url: "https://flyte.example.com", clusters: [{name: dataplane_1, state: ready}], labels: [], notes: []}
status_table:
  description: The table of all clusters, line by line.
  returned: with O(step=report), where a run of the site failed
  type: list
  elements: str
  sample: ["CLUSTER      STATE", "dataplane_1  not ready"]
files:
  description: The files that were written.
  returned: with O(step=status)
  type: list
  elements: str
  sample: [/srv/www/flyte.html]
"""
