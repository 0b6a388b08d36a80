#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_cluster_info
short_description: Observe the control plane and all data planes at once
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Asks any number of clusters side by side for their Helm release (chart, version, digest of the values that were given),
    token Secret, ServiceAccount, FlyteWorkflow CRD, pods and the Secret of flytepropeller's identity; of a data plane also whether
    flytepropeller leads and its webhook is registered with the CA of its Secret, and which namespaces are there. A cluster that
    does not answer costs its own timeout only and is reported.
  - Of the control plane also what flyteadmin reads. The keys of C(cluster-credentials), the section C(clusters) of the
    ConfigMaps that its Deployment mounts, its namespace mapping and refresh interval, and whether each configured data
    plane answers to exactly that endpoint, token and CA certificate and grants what flyteadmin needs
    (SelfSubjectRulesReview and SelfSubjectAccessReview).
  - With O(wait) it waits, for all clusters at once, until their pods are ready and flytepropeller leads instead; with O(gather) it
    observes them then.
options:
  exact_rules:
    description:
      - What flyteadmin may be allowed at most, by the names in clusterConfigs of the data planes of which that is asked, each a list as O(rules). What it may
        besides is C(excess) of the cluster's probe.
    type: dict
    default: {}
  unprobed:
    description: Names in clusterConfigs of the data planes that are not asked from here as flyteadmin asks them.
    type: list
    elements: str
    default: []
  server_version:
    description: Whether each cluster is asked which version of Kubernetes it is.
    type: bool
    default: false
  wait:
    description: Seconds to wait until the Deployments of the releases are ready; V(0) observes instead.
    type: float
    default: 0
  gather:
    description: Whether the clusters are observed after O(wait) too.
    type: bool
    default: false
extends_documentation_fragment:
  - flyte.multicluster.clusters
  - flyte.multicluster.clusters.info
  - flyte.multicluster.flyteadmin.connection
  - flyte.multicluster.rules
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.info
"""

EXAMPLES = r"""
- name: Observe a control plane and a data plane
  flyte.multicluster.flyte_cluster_info:
    clusters:
      - name: controlplane
        context: controlplane
        release: flyte-core
        control_plane: true
        data_plane: false
      - name: dataplane_1
        context: dataplane1
  register: observed

- name: Wait until the pods of a data plane are ready
  flyte.multicluster.flyte_cluster_info:
    wait: 600
    clusters:
      - name: dataplane_1
        context: dataplane1
"""

RETURN = r"""
clusters:
  description:
    - What was found, by O(clusters[].name).
    - RV(ignore:place) tells a cluster, or a release in it, from all others by whatever address it is called; null where that is not shown.
    - RV(ignore:kubernetes) is null without O(server_version). RV(ignore:deployments.resized) are Deployments of another size than the release says.
    - RV(ignore:given) of the release is the label C(flyte.multicluster/values) of Helm's record, the digests of the values that this collection gave it last;
      null where it has none.
    - RV(ignore:not_working) names the Deployments whose pods may be ready, but that do not do their work. RV(ignore:restarts_due) names those that a run was
      to start anew, and was ended before it did. RV(ignore:namespaces) is null but for a
      data plane with a release; RV(ignore:new_namespaces) are those of the last 15 minutes. RV(ignore:rights) are what
      M(flyte.multicluster.flyte_dataplane_rights) wrote, by account.
    - RV(ignore:tokens) are all tokens of the ServiceAccount flyteadmin; RV(ignore:token) is the one in use, which the observed control plane has stored.
      RV(ignore:replaces) names the Secret in whose place a rotation made it. One of the RV(ignore:kind) V(bounded) is known where it is in use only, with
      RV(ignore:lifetime) and RV(ignore:left), in seconds.
    - RV(ignore:control_plane) is null but for the control plane. There it has RV(ignore:credentials) (fingerprints by cluster),
      RV(ignore:terms) (of tokens that end, the UID of the Secret that they are bound to, and when they were issued and end),
      RV(ignore:other_keys) of the Secret, RV(ignore:clusters), RV(ignore:namespace_mapping) and RV(ignore:refresh_interval) (what flyteadmin
      reads; null where its own default holds), RV(ignore:probes) (each cluster with flyteadmin's own
      credentials), RV(ignore:readers) (the Deployments that mount C(cluster-credentials), with the checksum that their pods were
      started for), RV(ignore:journal) (labels that a killed run left to be written again) and RV(ignore:authentication) (whether flyteadmin
      wants tokens; null where it does not answer, or O(flyteadmin) is not given).
  returned: success, without O(wait) or with O(gather)
  type: dict
  sample:
    dataplane_1:
      reachable: true
      error:
      place: 0c4a7c1e-7a57-4e35-9a2f-0b1d3c5e7f90
      server: https://127.0.0.1:38101
      kubernetes: v1.34.2
      release:
        name: flyte-core-data
        chart: flyte-core
        version: v1.16.8
        revision: 1
        status: deployed
        values_digest: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        secret: sh.helm.release.v1.flyte-core-data.v1
        age: 4711
        given: 9f86d081884c7d659a2feaa0c55ad0
        credentials_checksum: ""
      tokens: []
      token:
        secret: flyteadmin-token
        created: "2026-11-24T02:31:15Z"
        age: 4700
        fingerprint: 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
        ca_fingerprint: 0b822cd15d6c15b0f00a089f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b
        uid: 0c4a7c1e-7a57-4e35-9a2f-0b1d3c5e7f90
        replaces: ""
        kind: long_lived
      missing: []
      deployments:
        total: 2
        not_ready: []
        resized: []
      identity:
        managed: true
        keys: {client_secret: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae}
      rights:
        flyteadmin:
          rules: [{apiGroups: [flyte.lyft.com], resources: [flyteworkflows], verbs: [create, delete]}]
          intact: true
          bound: true
          account:
      not_working: []
      restarts_due: []
      namespaces: [default, flyte, kube-system, team1-development]
      new_namespaces: []
      control_plane:
ready:
  description: Whether the Deployments of each cluster's release got ready, by O(clusters[].name).
  returned: success, with O(wait)
  type: dict
  sample:
    dataplane_1:
      ok: false
      error: "not ready after 600 s: flytepropeller-5d8: flytepropeller: ImagePullBackOff"
      hint: kubectl -n flyte describe pods; then run again. flyte_wait_timeout sets the time to wait.
"""

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import access_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.deployments import wait_until_ready
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.observe import observe
from ansible_collections.flyte.multicluster.plugins.module_utils._options import clusters_argument_spec, flyteadmin_argument_spec, rules_argument_spec
from ansible_collections.flyte.multicluster.plugins.module_utils._module import Call, kube_operation, run_module

_CLUSTER: dict[str, dict[str, t.Any]] = {
    "namespace": {"type": "str", "default": "flyte"},
    "release": {"type": "str", "default": "flyte-core-data"},
    "control_plane": {"type": "bool", "default": False},
    "data_plane": {"type": "bool", "default": True},
    "propeller": {"type": "bool", "default": True},
    "rights": {"type": "bool", "default": False},
    "token_secret": {"type": "str", "default": "flyteadmin-token", "no_log": False},
    "ca_data": {"type": "str"},
}
_OWN = {
    "exact_rules": {"type": "dict", "default": {}},
    "unprobed": {"type": "list", "elements": "str", "default": []},
    "server_version": {"type": "bool", "default": False},
    "wait": {"type": "float", "default": 0},
    "gather": {"type": "bool", "default": False},
}


def _work(call: Call) -> dict[str, t.Any]:
    params = call.params
    specs = [{**{key: cluster[key] for key in ("name", *_CLUSTER)}, "access": access_of(cluster)} for cluster in params["clusters"]]
    common = {option: params[option] for option in ("concurrency", "timeout", "rules", "unprobed", "server_version", "flyteadmin")}
    ready = wait_until_ready(specs, timeout=params["timeout"], wait=params["wait"]) if params["wait"] else {}
    seen = {} if ready and not params["gather"] else observe(specs, exact=params["exact_rules"], **common)
    return {"changed": False, **({"ready": ready} if ready else {}), **({"clusters": seen} if seen else {})}


OPERATION = kube_operation(
    lambda: {**clusters_argument_spec(**_CLUSTER), **_OWN, **rules_argument_spec(), **flyteadmin_argument_spec(required=False)}, _work
)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
