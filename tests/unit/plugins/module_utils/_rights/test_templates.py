# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rights the templates of syncresources need: no more, and never all of them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import parse
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.rules import FLYTEWORKFLOWS, checksum, excess, granted, questions, rule, same
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.templates import flyteadmin_rules, synced, synced_of_chart, templates_of
from lab_chart import STAND_IN

RBAC = "rbac.authorization.k8s.io"


def template(text: str, key: str = "x") -> dict[str, t.Any]:
    return {"key": key, "value": text}


def made(kind: str, api: str = "v1", more: str = "") -> dict[str, t.Any]:
    return template(f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: a-name, namespace: '{{{{ namespace }}}}'}}\n{more}")


@pytest.mark.parametrize(("name", "provider"), [("values-eks.yaml", True), ("values-gcp.yaml", True), ("values.yaml", False)])
def test_the_charts_own_templates_are_known_without_it(name: str, provider: bool) -> None:
    """Who verifies has no chart at hand."""
    found = synced(templates_of(parse((STAND_IN / name).read_text(encoding="utf-8"))) or [])
    assert not found.problems and not found.escalation and found.rules
    assert same(found.rules, synced_of_chart(provider_files=provider).rules)


def test_an_object_whose_name_is_the_same_everywhere_is_patched_by_that_name_alone() -> None:
    found = synced([made("ServiceAccount"), template("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {{ namespace }}\nspec: {finalizers: [kubernetes]}")])
    assert found.rules == [
        rule("", "serviceaccounts", ("create",)),
        rule("", "serviceaccounts", ("get", "patch"), ["a-name"]),
        rule("", "namespaces", ("create", "get", "patch")),
    ]


def test_two_of_a_kind_are_one_pair_of_rules() -> None:
    both = synced([made("ConfigMap"), template("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}")])
    assert both.rules[1] == rule("", "configmaps", ("get", "patch"), ["a-name", "other"])
    mixed = synced([made("ConfigMap"), template("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ project }}-settings")])
    assert mixed.rules == [rule("", "configmaps", ("create", "get", "patch"))]


def test_a_role_is_given_only_by_who_holds_it() -> None:
    """Neither escalate nor '*': either is in effect every right."""
    role = made("Role", f"{RBAC}/v1", "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]")
    binding = made("RoleBinding", f"{RBAC}/v1", f"roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: view}}\nsubjects: []")
    found = synced([role, binding])
    assert found.escalation == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}, rule(RBAC, "clusterroles", ("bind",), ["view"])]
    assert not {"escalate", "*"} & {verb for _group, _resource, verb, _name in questions(found.all)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}", "is a ExternalSecret (external-secrets.io/v1), of which"),
        ("apiVersion: v1\nkind: {{ kind }}\nmetadata: {name: a}", "has a kind that is filled in only by syncresources"),
        ("a: [", "is no object of Kubernetes (no YAML"),
        ("", "has no apiVersion and kind"),
        ("kind: Namespace", "has no apiVersion and kind"),
        ("apiVersion: v1\nkind: Namespace\n---\napiVersion: v1\nkind: ConfigMap", "a second document"),
        (f"apiVersion: {RBAC}/v1\nkind: RoleBinding\nroleRef: {{kind: Role, name: '{{{{ project }}}}'}}", "the right to bind every role"),
        (f"apiVersion: {RBAC}/v1\nkind: Role\nrules: [{{apiGroups: ['{{{{ g }}}}'], resources: [x], verbs: [get]}}]", "are not all written out"),
    ],
)
def test_what_cannot_be_said_is_a_problem_by_its_key(text: str, said: str) -> None:
    found = synced([made("ConfigMap"), template(text, "zz_odd")])
    assert list(found.problems) == ["zz_odd"] and said in found.problems["zz_odd"]
    assert found.rules[0] == rule("", "configmaps", ("create",))  # of the others it is known


@pytest.mark.parametrize("odd", [None, 7, "text", {"key": "a"}, {"value": None}])
def test_what_is_no_template_is_a_problem_too(odd: t.Any) -> None:
    assert len(synced([odd]).problems) == 1


def test_flyteadmin_itself_creates_and_deletes_executions_and_nothing_else() -> None:
    rules = synced_of_chart(provider_files=True).rules
    assert flyteadmin_rules(rules, syncs=False) == [FLYTEWORKFLOWS] and flyteadmin_rules(rules, syncs=True) == [FLYTEWORKFLOWS, *rules]
    assert {verb for _group, _resource, verb, _name in questions([FLYTEWORKFLOWS])} == {"create", "delete"}


# -- rules


def test_a_right_on_one_object_is_none_on_all() -> None:
    named = [rule("", "secrets", ("get",), ["a"])]
    assert granted(named, ("", "secrets", "get", "a")) and not granted(named, ("", "secrets", "get", "b")) and not granted(named, ("", "secrets", "get", ""))
    assert granted([rule("", "secrets", ("get",))], ("", "secrets", "get", "b")) and granted([rule("*", "*", ("*",))], ("x", "y", "z", ""))


def test_rules_are_compared_by_what_they_give() -> None:
    apart = [rule("", "a", ("get",)), rule("", "b", ("get",))]
    together = [{"apiGroups": [""], "resources": ["b", "a"], "verbs": ["get"], "resourceNames": None}]
    assert same(apart, together) and checksum(apart) == checksum(together) and not same(apart, apart[:1]) and checksum(apart) != checksum(apart[:1])


def test_what_is_too_much() -> None:
    wanted = [rule("", "secrets", ("get",), ["a"])]
    assert excess([rule("", "secrets", ("get",), ["a", "b"]), rule("", "secrets", ("get",))], wanted) == ["get secrets/b", "get secrets"]
    assert excess([rule("authorization.k8s.io", "selfsubjectrulesreviews", ("create",)), {"nonResourceURLs": ["/api"], "verbs": ["get"]}], []) == []
