# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a data plane answers to flyteadmin's endpoint, token and CA, and grants what it needs."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import probe as _probe
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.rules import Rule, rule
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.templates import flyteadmin_rules, synced_of_chart
from api_server import ApiServer

NEEDED = flyteadmin_rules(synced_of_chart(provider_files=False).rules, syncs=True)
ALL = flyteadmin_rules(synced_of_chart(provider_files=True).rules, syncs=True)
RULES = "POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
MAY = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def rules(*held: Rule) -> dict[str, t.Any]:
    return {"status": {"resourceRules": list(held)}}


def probe(server: ApiServer, token: str = "the-token", *, wanted: list[Rule] = NEEDED, exact: list[Rule] | None = None) -> dict[str, t.Any]:
    return _probe.probe(server.url, token, "ca", rules=wanted, timeout=5, exact=exact)


def test_one_question_is_enough_where_the_rules_say_it() -> None:
    with ApiServer({RULES: rules(*ALL)}) as server:
        assert probe(server, wanted=ALL) == {"ok": True, "error": None, "hint": None, "kind": None, "denied": [], "excess": []}
        assert server.asked == [RULES] and server.seen[0][2]["authorization"] == "Bearer the-token"


def test_rights_on_service_accounts_are_asked_where_the_caller_wants_them() -> None:
    with ApiServer({RULES: rules(*NEEDED), MAY: {"status": {"allowed": False}}}) as server:
        assert probe(server)["ok"]
        found = probe(server, wanted=ALL)
    assert found["kind"] == "rights" and found["denied"] == ["create serviceaccounts", "get serviceaccounts/default", "patch serviceaccounts/default"]


def test_what_the_rules_do_not_list_is_asked_one_by_one() -> None:
    with ApiServer({RULES: rules(rule("*", "*", ["get"])), MAY: {"status": {"allowed": True}}}) as server:
        assert probe(server)["ok"] and len(server.asked) > 1


@pytest.mark.parametrize("answer", [b"[]", b"no", {"status": 1}, {"status": {"resourceRules": [1]}}, 401, 500])
def test_what_is_no_answer_is_that_clusters_failure(answer: t.Any) -> None:
    with ApiServer({RULES: answer, MAY: 403}) as server:
        found = probe(server, "secret-4711")
    assert not found["ok"] and found["error"] and found["kind"] == "api" and "secret-4711" not in str(found)


@pytest.mark.parametrize("endpoint", ["", "no url", "https://127.0.0.1:1"])
def test_an_endpoint_that_does_not_answer_is_that_clusters_failure(endpoint: str) -> None:
    found = _probe.probe(endpoint, "secret\n4711", "no CA", rules=NEEDED, timeout=2)
    assert not found["ok"] and found["kind"] in ("config", "unreachable") and "4711" not in str(found)


def test_all_configured_clusters_are_tried_each_for_itself() -> None:
    data = {"a_token": b"t", "a_cacert": b"c", "white_token": b"t\n", "white_cacert": b"c", "raw_token": b"\xff", "raw_cacert": b"c", "no_token": b"t"}
    data |= {"ca_token": b"t", "ca_cacert": b"no certificate"}
    with ApiServer({RULES: rules(*NEEDED)}) as server:
        configs = [{"name": name, "endpoint": server.url} for name in ("a", "white", "raw", "no")]
        configs += [{"name": "self", "inCluster": True}, {"name": "a_b"}, {"name": "ca", "endpoint": "https://127.0.0.1:1"}]
        found = _probe.probe_all(configs, data, timeout=5, rules=NEEDED)
    assert {name: entry["kind"] for name, entry in found.items()} == {
        "a": None,
        "white": "token",
        "raw": "token",
        "no": "missing",
        "self": None,
        "a_b": "missing",
        # With it flyteadmin does not start.
        "ca": "unusable",
    }
    assert all(entry["hint"] for entry in found.values() if not entry["ok"])


@pytest.mark.parametrize("configs", [[1], [{"endpoint": "x"}], {"a": 1}])
def test_a_configuration_that_is_none_is_named(configs: t.Any) -> None:
    with pytest.raises(KubeError, match="clusterConfigs of flyteadmin's configuration cannot be read"):
        _probe.probe_all(configs, {}, timeout=5, rules=NEEDED)


def test_rights_that_were_given_a_moment_ago_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_probe.time, "sleep", lambda _seconds: None)
    answers = iter([401, rules(), rules(*NEEDED)])
    with ApiServer({RULES: lambda _headers: next(answers), MAY: {"status": {"allowed": False}}}) as server:
        assert _probe.settled_probe(server.url, "t", "ca", rules=NEEDED, timeout=5)["ok"]


def test_what_is_too_much_is_named_but_what_everybody_has() -> None:
    everybody = [rule("authorization.k8s.io", "selfsubjectaccessreviews", ("create",)), {"verbs": ["get"], "nonResourceURLs": ["/healthz"]}]
    with ApiServer({RULES: rules(*NEEDED, *everybody, rule("", "secrets", ("get", "*")), rule("", "resourcequotas", ("patch",)))}) as server:
        assert probe(server)["excess"] == []
        found = probe(server, exact=NEEDED)
        assert found["ok"] and found["excess"] == ["get secrets", "* secrets", "patch resourcequotas"]
        assert probe(server, exact=[*NEEDED, rule("", "secrets", ("*",)), rule("", "resourcequotas", ("patch",))])["excess"] == []


def test_what_is_too_much_is_said_of_the_clusters_of_which_it_is_asked() -> None:
    data = {f"{name}_{suffix}": b"x" for name in ("a", "b") for suffix in ("token", "cacert")}
    with ApiServer({RULES: rules(*NEEDED, rule("", "pods", ("*",)))}) as server:
        configs = [{"name": name, "endpoint": server.url} for name in ("a", "b")]
        found = _probe.probe_all(configs, data, timeout=5, rules=NEEDED, exact={"b": NEEDED})
    assert {name: entry["excess"] for name, entry in found.items()} == {"a": [], "b": ["* pods"]}
