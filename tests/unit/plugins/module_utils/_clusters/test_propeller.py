# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether flytepropeller leads and its webhook is the one of its Secret, as Kubernetes says it."""

from __future__ import annotations

import datetime
import email.utils
import re
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.deployments import wait_until_ready
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.observe import observe
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.propeller import Duties, Lease, Webhook, duties_of, not_working
from api_server import (
    LEASE,
    MANIFEST,
    NAMESPACES,
    SECRETS,
    WEBHOOK,
    WORKING_MANIFEST,
    ApiServer,
    encoded,
    lease,
    table,
    webhook,
    working_plane,
)

ALL = Duties(Lease("flyte", "propeller-leader"), Webhook("flyte-pod-webhook", "flyte-pod-webhook"))
BOTH = ("flytepropeller", "flyte-pod-webhook")


def problems(answers: dict[str, t.Any], duties: Duties = ALL, **more: t.Any) -> dict[str, str]:
    with ApiServer(working_plane(**answers)) as server:
        return {entry["name"]: entry["reason"] for entry in not_working(Kube(server.access), "flyte", duties, **more)}


# -- what a release has to do


def test_the_release_says_where_its_leader_is_elected() -> None:
    assert duties_of(WORKING_MANIFEST, BOTH, "flyte") == ALL
    elsewhere = WORKING_MANIFEST.replace("name: propeller-leader\n          namespace: flyte", "name: mine\n          namespace: other")
    assert duties_of(elsewhere, BOTH, "flyte").lease == Lease("other", "mine")
    assert duties_of(WORKING_MANIFEST.replace("serviceName: flyte-pod-webhook", "secretName: s"), BOTH, "flyte").webhook == Webhook("flyte-pod-webhook", "s")


@pytest.mark.parametrize(
    ("manifest", "deployments"),
    [
        (MANIFEST, ("flytepropeller",)),  # leader election is off where nothing is said of it
        (WORKING_MANIFEST.replace("enabled: true", "enabled: false"), ("flytepropeller",)),
        (WORKING_MANIFEST, ("flytepropeller-manager",)),
        (WORKING_MANIFEST.replace("enabled: true", "enabled: {{ a"), ("flytepropeller",)),
        (WORKING_MANIFEST.replace("certDir: /etc/webhook/certs", "disableCreateMutatingWebhookConfig: true"), ("flyte-pod-webhook",)),
    ],
)
def test_what_a_release_does_not_have_is_not_looked_for(manifest: str, deployments: tuple[str, ...]) -> None:
    duties = duties_of(manifest, deployments, "flyte")
    assert duties == Duties()
    with ApiServer() as server:
        assert not_working(Kube(server.access), "flyte", duties) == [] and not server.seen


# -- the leader


def test_a_leader_renews_its_lease() -> None:
    assert problems({}) == {}
    assert problems({LEASE: lease(20)}) == {}  # a node's clock may be behind
    late = problems({LEASE: lease(35)})["flytepropeller"]  # the API server says its time in whole seconds
    assert re.fullmatch(r"it does not lead: flytepropeller-1 renewed the Lease flyte/propeller-leader 3[345] s ago", late)
    assert problems({LEASE: 404}) == {"flytepropeller": "it does not lead: there is no Lease flyte/propeller-leader"}
    assert "has no holder" in problems({LEASE: {"spec": {}}})["flytepropeller"]
    assert "has no holder" in problems({LEASE: lease(1, holder="")})["flytepropeller"]


def test_the_servers_clock_counts_not_this_machines() -> None:
    """The API server is an hour ahead: what is renewed by its clock leads, and what this machine's clock calls fresh does not."""
    ahead = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    with ApiServer(working_plane(**{LEASE: lease(-3600)}), date=email.utils.format_datetime(ahead, usegmt=True)) as server:
        kube = Kube(server.access)
        assert not_working(kube, "flyte", ALL) == []
        server.answers[LEASE] = lease(0)
        (found,) = not_working(kube, "flyte", ALL)
    assert 3590 < int(found["reason"].split()[-3]) < 3610


def test_when_it_was_stored_counts_not_what_the_holders_node_takes_for_the_time() -> None:
    """The clock of the holder's node is ten minutes behind, or ahead: the API server notes when it stored the Lease."""
    for age in (600, -600):
        now = datetime.datetime.now(datetime.timezone.utc)
        stored = [{"time": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "fieldsV1": {"f:spec": {"f:renewTime": {}}}}]
        labelled = {"time": (now - datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"), "fieldsV1": {"f:metadata": {"f:labels": {}}}}
        assert problems({LEASE: {**lease(age), "metadata": {"managedFields": [labelled, *stored]}}}) == {}
        stored[0]["time"] = (now - datetime.timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = problems({LEASE: {**lease(age), "metadata": {"managedFields": [{**labelled, "time": now.isoformat()}, *stored]}}})["flytepropeller"]
        assert re.search(r" (59|6[012]) s ago", said), said


def test_a_lease_that_is_none_is_named() -> None:
    with pytest.raises(KubeError, match="the Lease flyte/propeller-leader cannot be read"):
        problems({LEASE: {"spec": {"holderIdentity": "x", "renewTime": "yesterday"}}})


# -- the webhook


def test_the_webhooks_ca_is_the_one_of_its_secret() -> None:
    secret = f"{SECRETS}/flyte-pod-webhook"
    assert "another caBundle than the Secret flyte/flyte-pod-webhook" in problems({secret: {"data": encoded(ca__crt="new")}})["flyte-pod-webhook"]
    assert problems({WEBHOOK: 404}) == {"flyte-pod-webhook": "it did not register: there is no MutatingWebhookConfiguration flyte-pod-webhook"}
    assert "leads to the namespace other, not to flyte" in problems({WEBHOOK: webhook(namespace="other")})["flyte-pod-webhook"]
    assert "is empty" in problems({WEBHOOK: {"webhooks": []}})["flyte-pod-webhook"]
    # It serves with a certificate of an authority that the cluster knows.
    assert problems({secret: {"data": encoded(tls__crt="x")}}) == {}


# -- waiting, and starting anew


def test_a_plane_is_waited_for_until_its_new_pods_lead() -> None:
    """The Lease of before the rollout is fresh still, but its holder is gone."""
    asked: list[None] = []

    def stale_then_new(_headers: dict[str, str]) -> dict[str, t.Any]:
        asked.append(None)
        return lease(10) if len(asked) < 3 else lease(-1)

    with ApiServer(working_plane(**{LEASE: stale_then_new})) as server, ApiServer(working_plane(**{LEASE: 404})) as never:
        base = {"namespace": "flyte", "release": "flyte-core-data", "data_plane": True, "propeller": True, "rights": False}
        specs = [{**base, "name": "a", "access": server.access}, {**base, "name": "b", "access": never.access}]
        specs.append({**base, "name": "c", "access": never.access, "propeller": False})
        found = wait_until_ready(specs, timeout=5, wait=1.5)
    assert found["a"]["ok"] and len(asked) == 3 and found["c"]["ok"]
    assert "not ready after 1.5 s: flytepropeller: it does not lead: there is no Lease" in found["b"]["error"]


# -- namespaces


def test_namespaces_are_asked_for_by_name_and_age_only() -> None:
    answer = table("a", "b", "c")
    answer["rows"][1]["cells"][1] = "Terminating"
    answer["rows"][2]["cells"][2] = "5m12s"
    with ApiServer({NAMESPACES: answer}) as server:
        assert Kube(server.access).ages(NAMESPACES) == {"a": 4 * 86400, "c": 312}
        assert "as=Table" in server.seen[0][2]["accept"] and "includeObject=None" in server.seen[0][1]
        answer["rows"][0]["cells"][2] = "<unknown>"
        assert Kube(server.access).ages(NAMESPACES)["a"] == float("inf")
        # What stands in front of an API server may know lists only.
        items = [{"name": "c", "creationTimestamp": "2026-01-01T00:00:00Z"}, {"name": "d", "deletionTimestamp": "x"}]
        server.answers[NAMESPACES] = {"kind": "NamespaceList", "items": [{"metadata": item} for item in items]}
        found = Kube(server.access).ages(NAMESPACES)
        assert list(found) == ["c"] and found["c"] > 86400


def test_new_namespaces_are_told_apart() -> None:
    answer = table("default", "team1-development")
    answer["rows"][1]["cells"][2] = "14m"
    with ApiServer(working_plane(**{NAMESPACES: answer})) as server:
        spec = {"name": "a", "access": server.access, "namespace": "flyte", "release": "flyte-core-data", "control_plane": False, "data_plane": True}
        found = observe([{**spec, "token_secret": "t", "propeller": True, "rights": False}], concurrency=1, timeout=5, rules=[])["a"]
    assert (found["namespaces"], found["new_namespaces"]) == (["default", "team1-development"], ["team1-development"])
