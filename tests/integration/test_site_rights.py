# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Least rights, and data planes that sync themselves, on a site that is built: proven by what the token may do, and by what is done with it.

flyteadmin's double calls the data planes with the very token of the control plane's Secret, and a data plane's syncresources with a token of its own account:
a right that is missing shows in either. Kubernetes' own RBAC judges.
"""

from __future__ import annotations

import re
import typing as t

import pytest
import requests
import yaml
from conftest import Cluster, SiteUnderTest, until

pytestmark = pytest.mark.built_site

MINIMAL = {"flyte_dataplane_rbac": "minimal"}
ALONE = {**MINIMAL, "flyte_sync": "data_plane"}
CANARY = ("-e", "flyte_canary_project=team1", "-e", "flyte_canary_labels=true")
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
ROLE = f"{ROLES}/flyte-flyteadmin-minimal"
SYNC_ROLE = f"{ROLES}/flyte-syncresources-minimal"
SYNCRESOURCES = "/apis/apps/v1/namespaces/flyte/deployments/syncresources"
OWN = {"create flyteworkflows", "delete flyteworkflows"}
SYNCED = {f"{verb} namespaces" for verb in ("create", "get", "patch")} | {
    f"{verb}{name}"
    for kind, name in (("resourcequotas", "project-quota"), ("serviceaccounts", "default"))
    for verb, name in (("create ", kind), ("get ", f"{kind}/{name}"), ("patch ", f"{kind}/{name}"))
}
#: a role that every namespace of tasks gets, and who has it: Kubernetes lets nobody give what they have not
MORE = """
- key: zz_role
  value: |
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: {name: reads-pods, namespace: {{ namespace }}}
    rules:
      - {apiGroups: [""], resources: [pods], verbs: [get]}
- key: zz_view
  value: |
    apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata: {name: default-views, namespace: {{ namespace }}}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
    subjects:
      - {kind: ServiceAccount, name: default, namespace: {{ namespace }}}
""".replace("namespace: {{ namespace }}}", 'namespace: "{{ namespace }}"}')


def _may(site: SiteUnderTest, name: str) -> set[str]:
    """Return what ``kubectl auth can-i --list`` shows with flyteadmin's own token, without what everybody has."""
    hub, plane = site.cluster("controlplane"), site.cluster(name.replace("_", ""))
    token = hub.secret("cluster-credentials")[f"{name}_token"]
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": "kube-system"}}
    url = f"{plane.server}/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    answer = requests.post(url, json=review, headers={"Authorization": f"Bearer {token}"}, verify=plane.ca_file, timeout=10)
    answer.raise_for_status()
    held = [rule for rule in answer.json()["status"]["resourceRules"] if not {"authorization.k8s.io", "authentication.k8s.io"} & set(rule["apiGroups"])]
    return {
        f"{verb} {resource}{f'/{one}' if one else ''}"
        for rule in held
        for verb in rule["verbs"]
        for resource in rule["resources"]
        for one in rule.get("resourceNames") or [""]
    }


def _with(site: SiteUnderTest, **variables: t.Any) -> SiteUnderTest:
    other = site.changed_copy()
    other.variables.update(variables)
    return other


def _proven(output: str) -> set[str]:
    return set(re.findall(r"flyte-multicluster-canary-(\S+) \(execution\) .* proven", output))


def _project(site: SiteUnderTest, name: str) -> None:
    requests.post(f"{site.lab.admin_url}/api/v1/projects", json={"project": {"id": name, "name": name}}, timeout=10).raise_for_status()


def _namespace(plane: Cluster, name: str) -> t.Any:
    return plane.get(f"/api/v1/namespaces/{name}")


def test_minimal_rights_are_all_that_the_token_has_and_enough(site: SiteUnderTest) -> None:
    least = _with(site, **MINIMAL)
    built = site.run()
    assert built.code == 0 and "* secrets" in _may(site, "dataplane_1"), built.output
    planned = least.run("--check", "--diff")
    assert planned.code == 0 and "rights of flyteadmin: make them: create flyteworkflows" in planned.flat, planned.output
    assert site.cluster("dataplane1").get(ROLE) is None
    result = least.run(*CANARY)
    assert result.code == 0 and _proven(result.output) == set(site.planes), result.output
    for name in site.planes:
        assert _may(site, name) == OWN | SYNCED
        assert site.cluster(name.replace("_", "")).get(f"{ROLES}/flyte-flyteadmin") is None
    # The control plane's syncresources, with just these tokens, gives a new project its namespaces everywhere.
    _project(site, "least")
    for name in site.planes:
        plane = site.cluster(name.replace("_", ""))
        until(lambda plane=plane: bool(_namespace(plane, "least-production")), f"the namespace of a new project on {name}")  # type: ignore[misc]
        quota = "/api/v1/namespaces/least-production/resourcequotas/project-quota"  # it is made after its namespace
        until(lambda plane=plane, quota=quota: bool(plane.get(quota)), f"the quota of a new project on {name}")  # type: ignore[misc]
    again = least.run(*CANARY)
    assert again.code == 0 and set(again.changed.values()) == {0}, again.output


def test_a_right_that_is_taken_away_or_added_is_named_and_mended_and_only_that(site: SiteUnderTest) -> None:
    least, plane = _with(site, **MINIMAL), site.cluster("dataplane1")
    rules = plane.get(ROLE)["rules"]
    plane.patch(ROLE, {"rules": [rule for rule in rules if rule["resources"] != ["serviceaccounts"]]})
    found = least.run(playbook="verify.yml")
    assert found.code != 0 and "flyteadmin may not: create serviceaccounts" in found.flat, found.output
    assert "its rules were changed since they were written" in found.flat and not re.search(r"dataplane_2 +verify", found.output), found.output
    plane.patch(ROLE, {"rules": [*rules, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]})
    found = least.run(playbook="verify.yml")
    assert found.code != 0 and "flyteadmin may more than it uses (flyte_dataplane_rbac: minimal): get secrets" in found.flat, found.output
    before = plane.get("/apis/apps/v1/namespaces/flyte/deployments/flytepropeller")["metadata"]["generation"]
    mended = least.run("--diff")
    assert mended.code == 0 and "rights of flyteadmin: take away get secrets" in mended.flat, mended.output
    assert "dataplane_2" not in mended.changed and plane.get("/apis/apps/v1/namespaces/flyte/deployments/flytepropeller")["metadata"]["generation"] == before
    assert _may(site, "dataplane_1") == OWN | SYNCED and least.run(playbook="verify.yml").code == 0


def test_planes_that_sync_themselves_leave_flyteadmin_with_executions_alone(site: SiteUnderTest) -> None:
    alone, hub = _with(site, **ALONE), site.cluster("controlplane")
    charts = hub.get("/api/v1/namespaces/flyte/configmaps/clusterresource-template")["data"]
    own = [*({"key": key.removesuffix(".yaml"), "value": text} for key, text in charts.items()), *yaml.safe_load(MORE)]
    # In a file: Ansible would fill in what is syncresources' to fill in.
    more = site.folder / "templates.yaml"
    more.write_text(yaml.safe_dump({"cluster_resource_manager": {"templates": own}}), encoding="utf-8")
    alone.inventory["all"]["children"]["flyte_control_plane"]["hosts"]["controlplane"]["flyte_values_files"] = [str(more)]
    result = alone.run(*CANARY)
    assert result.code == 0 and _proven(result.output) == set(site.planes), result.output
    assert hub.get(SYNCRESOURCES) is None
    _project(site, "alone")
    for name in site.planes:
        plane = site.cluster(name.replace("_", ""))
        assert _may(site, name) == OWN
        until(lambda plane=plane: bool(_namespace(plane, "alone-production")), f"the namespace of a new project on {name}")  # type: ignore[misc]
        rights = "/apis/rbac.authorization.k8s.io/v1/namespaces/alone-production"
        granting = f"{rights}/rolebindings/default-views"
        until(lambda plane=plane, granting=granting: bool(plane.get(granting)), f"what the templates grant on {name}")  # type: ignore[misc]
        assert plane.get(f"{rights}/roles/reads-pods")
        granted = {verb for rule in plane.get(SYNC_ROLE)["rules"] for verb in rule["verbs"]}
        assert granted == {"create", "get", "patch", "bind"}  # neither '*' nor escalate
    again = alone.run(*CANARY)
    assert again.code == 0 and set(again.changed.values()) == {0}, again.output
    # A plane that was away catches up by itself.
    site.lab.stop("dataplane2")
    try:
        _project(site, "away")
        until(lambda: bool(_namespace(site.cluster("dataplane1"), "away-production")), "the namespace on the plane that lives")
    finally:
        site.lab.start("dataplane2")
    until(lambda: bool(_namespace(site.cluster("dataplane2"), "away-production")), "the namespace on the plane that was away")


def test_a_namespace_that_somebody_deleted_is_made_by_that_planes_own_syncresources(site: SiteUnderTest) -> None:
    alone, plane = _with(site, **ALONE), site.cluster("dataplane2")
    plane.delete("/api/v1/namespaces/away-staging")
    until(lambda: _namespace(plane, "away-staging") is None, "the end of the namespace")
    found = alone.run(playbook="verify.yml")
    assert found.code != 0 and "(in dataplane_2)" in found.flat, found.output
    mended = alone.run()
    assert mended.code == 0 and "dataplane_2: namespaces: restart syncresources: dataplane_2 lacks away-staging" in mended.flat, mended.output
    assert _namespace(plane, "away-staging")
    # And back: the chart gives the rights again before ours go, and the control plane's syncresources takes over.
    back = site.run(*CANARY)
    assert back.code == 0 and _proven(back.output) == set(site.planes), back.output
    for name in site.planes:
        seen = site.cluster(name.replace("_", ""))
        assert seen.get(ROLE) is None and seen.get(SYNC_ROLE) is None and seen.get("/api/v1/namespaces/flyte/serviceaccounts/syncresources") is None
        assert seen.get(SYNCRESOURCES) is None and "* secrets" in _may(site, name)
    assert site.cluster("controlplane").get(SYNCRESOURCES) and set(site.run().changed.values()) <= {0, 1}
