# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is read of an installation that somebody made: nothing is written, and one cluster's failure is its own."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._common.fingerprints import fingerprint
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS as KNOWN
from ansible_collections.flyte.multicluster.plugins.plugin_utils._adopt_clusters import Asked, observe_candidates, observe_control_plane

from adopt_answers import ALL, RELEASES, deployment, record
from api_server import CONFIG_MAPS, DEPLOYMENTS, SECRETS, TOKENS, Answers, ApiServer, encoded, token_secret

ROLE = "arn:aws:iam::123456789012:role/flyte-dataplane-role"


def plane(**changes: t.Any) -> Answers:
    """Return the answers of a data plane."""
    return {
        ALL.format("flytepropeller"): {"items": [deployment("flytepropeller")]},
        ALL.format("flytepropeller-manager"): {"items": []},
        RELEASES: {"items": [record("flyte-core-data", {"userSettings": {"dbPassword": "pw-4711"}}), record("prometheus", {}, "prometheus")]},
        TOKENS: {"items": [token_secret("dataplane1-token"), token_secret("empty", {})]},
        f"{CONFIG_MAPS}/kube-root-ca.crt": {"data": {"ca.crt": "its-ca\n"}},
        "/api/v1/namespaces/flyte/serviceaccounts/flytepropeller": {"metadata": {"annotations": {"eks.amazonaws.com/role-arn": ROLE}}},
        **changes,
    }


def asked(server: ApiServer, host: str = "dp", **more: t.Any) -> Asked:
    """Return how it is asked."""
    return Asked(host, server.access, more.get("namespace"), more.get("release"))


def test_a_data_plane_is_read() -> None:
    with ApiServer(plane()) as server:
        found = observe_candidates([asked(server)], 5)[0]
        assert {method for method, *_more in server.seen} == {"GET"}
    assert found.error is None and found.namespace == "flyte" and found.server == server.url
    assert found.release and (found.release.name, found.release.version) == ("flyte-core-data", "v1.16.8")
    assert found.release.values == {"userSettings": {"dbPassword": "pw-4711"}} and "pw-4711" not in repr(found)
    assert "pw-4711" not in KNOWN.text("it is pw-4711")
    assert found.tokens == {"dataplane1-token": fingerprint("its-token")} and found.ca == fingerprint("its-ca")
    assert found.accounts["flytepropeller"] == {"eks.amazonaws.com/role-arn": ROLE} and not found.others


def test_of_two_records_the_one_that_has_the_objects_counts() -> None:
    """The guide calls the release flyte-core once and flyte-core-control later."""
    both = {"items": [record("flyte-core-data", {"a": 1}), record("flyte-core-control", {"a": 2})]}
    with ApiServer(plane(**{ALL.format("flytepropeller"): {"items": [deployment("flytepropeller", "flyte-core-control")]}, RELEASES: both})) as server:
        found = observe_candidates([asked(server)], 5)[0]
    assert found.release and found.release.values == {"a": 2} and found.others == ("flyte-core-data",)


def test_what_helm_does_not_have_has_no_release() -> None:
    with ApiServer(plane(**{ALL.format("flytepropeller"): {"items": [deployment("flytepropeller", None)]}})) as server:
        found = observe_candidates([asked(server)], 5)[0]
        named = observe_candidates([asked(server, release="flyte-core-data")], 5)[0]
    assert found.release is None and found.namespace == "flyte" and found.others == ("flyte-core-data",)
    assert named.release and named.release.name == "flyte-core-data"


def test_a_cluster_without_flyte_and_one_with_two_are_told_apart() -> None:
    two = {"items": [deployment("flytepropeller"), deployment("flytepropeller", namespace="other")]}
    with ApiServer(plane(**{ALL.format("flytepropeller"): {"items": []}})) as nothing, ApiServer(plane(**{ALL.format("flytepropeller"): two})) as twice:
        answers = {f"{DEPLOYMENTS}/flytepropeller": deployment("flytepropeller")}
        twice.answers |= answers
        empty, both, chosen = observe_candidates([asked(nothing), asked(twice), asked(twice, namespace="flyte")], 5)
    assert empty.error is None and empty.namespace is None and empty.release is None
    assert both.error and "more than one namespace: flyte, other" in both.error["message"] and "flyte_namespace" in both.error["hint"]
    assert chosen.release is not None


def test_who_may_not_look_everywhere_looks_where_flyte_is_by_default() -> None:
    answers = plane(**{ALL.format("flytepropeller"): 403, f"{DEPLOYMENTS}/flytepropeller": deployment("flytepropeller")})
    with ApiServer(answers) as server:
        found = observe_candidates([asked(server)], 5)[0]
    assert found.release is not None and found.namespace == "flyte"


@pytest.mark.parametrize("answer", [500, 403, b"<html>", {"items": [{"data": {"release": "bm8="}}]}, {"items": "none"}])
def test_one_hostile_candidate_is_its_own_failure(answer: t.Any) -> None:
    with ApiServer(plane(**{RELEASES: answer})) as hostile, ApiServer(plane()) as well:
        wrong, right = observe_candidates([asked(hostile, "a"), asked(well, "b")], 5)
    assert wrong.error and wrong.error["message"] and wrong.server == hostile.url and right.error is None
    dead = observe_candidates([Asked("c", {"host": "https://127.0.0.1:9", "api_key": "k"}, None, None)], 2)[0]
    assert dead.error and "does not answer" in dead.error["message"]


def control_plane() -> Answers:
    """Return the answers of a control plane whose Secret and keys have names of their own."""
    configured = {
        "clusterConfigs": [
            {"name": "one", "endpoint": "https://one", "auth": {"tokenPath": "/etc/creds/prod", "certPath": "/etc/creds/one_ca"}},
            {"name": "two", "endpoint": "https://two", "auth": {"tokenPath": "/nowhere/t", "certPath": "/etc/creds/gone"}},
        ],
        "labelClusterMap": {"l": [{"id": "one", "weight": 1}]},
    }
    pod = {
        "volumes": [
            {"name": "config", "configMap": {"name": "hand-made-config"}},
            {"name": "creds", "secret": {"secretName": "hand-made", "items": [{"key": "prod_token", "path": "prod"}, {"key": "one_ca", "path": "one_ca"}]}},
        ],
        "containers": [{"volumeMounts": [{"name": "creds", "mountPath": "/etc/creds"}, {"name": "config", "mountPath": "/etc/flyte/config"}]}],
    }
    admin = deployment("flyteadmin", "flyte-core-control", **pod)
    return plane(
        **{
            ALL.format("flyteadmin"): {"items": [admin]},
            f"{DEPLOYMENTS}/flyteadmin": admin,
            RELEASES: {"items": [record("flyte-core-control", {}), record("flyte-core", {})]},
            f"{CONFIG_MAPS}/hand-made-config": {"data": {"clusters.yaml": yaml.safe_dump({"clusters": configured})}},
            f"{SECRETS}/hand-made": {"data": encoded(prod_token="its-token\n", one_ca="its-ca")},
        }
    )


def test_the_control_plane_says_which_key_is_whose() -> None:
    with ApiServer(control_plane()) as server:
        found = observe_control_plane(asked(server), 5)
        assert {method for method, *_more in server.seen} == {"GET"}
    one, two = found.credentials["one"], found.credentials["two"]
    assert (one.token_key, one.ca_key) == ("hand-made/prod_token", "hand-made/one_ca")
    assert one.token == fingerprint("its-token") and one.ca == fingerprint("its-ca")
    assert (two.token_key, two.token, two.ca_key, two.ca) == (None, None, None, None)
    assert found.release and found.release.name == "flyte-core-control" and found.others == ("flyte-core",)
    assert "its-token" not in KNOWN.text("it is its-token")


def test_a_control_plane_without_flyteadmin_ends_it() -> None:
    with ApiServer(plane(**{ALL.format("flyteadmin"): {"items": []}})) as server, pytest.raises(KubeError, match="no Deployment flyteadmin in any namespace"):
        observe_control_plane(asked(server), 5)
