# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Deployments count, what is missing, what is waited for."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import deployments as _deployments
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.deployments import Readiness, readiness, wait_until_ready
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.releases import Wanted
from api_server import CRD, DEPLOYMENTS, PODS, RECORDS, ApiServer, data_plane, deployment, helm_record, pod

PROPELLER = (Wanted("flytepropeller", 1, "flyte"),)
EVICTED = pod("old", phase="Failed", reason="Evicted")
FOREIGN = pod("theirs", app="x", phase="Pending")


def state(server: ApiServer, wanted: tuple[Wanted, ...] = PROPELLER) -> Readiness:
    return readiness(Kube(server.access), "flyte", wanted)


def test_why_a_pod_is_not_ready() -> None:
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    assert _deployments.pod_problem({"status": ready}) == ""
    waiting = {"phase": "Pending", "initContainerStatuses": [{"name": "sync", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "no"}}}]}
    assert _deployments.pod_problem({"status": waiting}) == "sync: CrashLoopBackOff: no"
    unscheduled = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "too big"}]}
    assert _deployments.pod_problem({"status": unscheduled}) == "not scheduled: too big"


def test_only_the_releases_deployments_count() -> None:
    answers = {DEPLOYMENTS: {"items": [deployment(), deployment("theirs", ready=0)]}, PODS: {"items": [EVICTED, FOREIGN]}}
    with ApiServer(answers) as server:
        assert state(server) == Readiness(total=1)
        # Pods are asked where something has to be explained only.
        assert server.asked == [f"GET {DEPLOYMENTS}"]
        assert state(server, (*PROPELLER, Wanted("flyte-pod-webhook", 1))).missing == ["the Deployment flyte-pod-webhook"]
        server.answers[DEPLOYMENTS] = {"items": [deployment(replicas=0)]}
        assert state(server).missing == ["the Deployment flytepropeller (scaled to 0, the release has 1)"] and state(server).not_ready == []
        assert state(server, (Wanted("flytepropeller", 0),)) == Readiness(total=1)


AUTOSCALERS = "/apis/autoscaling/v2/namespaces/flyte/horizontalpodautoscalers"


def test_another_size_than_the_release_has_is_put_back_by_helm() -> None:
    with ApiServer({DEPLOYMENTS: {"items": [deployment(replicas=3)]}}) as server:
        assert state(server) == Readiness(total=1, missing=["the Deployment flytepropeller (scaled to 3, the release has 1)"])
    with ApiServer({DEPLOYMENTS: {"items": [deployment()]}}) as server:
        assert state(server) == Readiness(total=1) and not any("autoscalers" in path for path in server.asked)


@pytest.mark.parametrize("answer", [{"items": [{"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "flytepropeller"}}}]}, 403])
def test_the_size_that_an_autoscaler_chose_is_as_good(answer: t.Any) -> None:
    """The chart gives a Deployment a size also where it gives it an autoscaler."""
    with ApiServer({DEPLOYMENTS: {"items": [deployment(replicas=3)]}, AUTOSCALERS: answer}) as server:
        found = state(server)
        assert (found.missing, found.not_ready) == ([], []) and found.resized == [{"name": "flytepropeller", "wanted": 1, "found": 3}]
        # What the release does not say nobody changed.
        assert state(server, (Wanted("flytepropeller", None),)).resized == []
    with ApiServer({DEPLOYMENTS: {"items": [deployment(replicas=0)]}, AUTOSCALERS: answer}) as server:
        assert state(server).missing == ["the Deployment flytepropeller (scaled to 0, the release has 1)"]


def test_what_an_autoscaler_keeps_is_put_back_by_nobody_but_the_user() -> None:
    with ApiServer({DEPLOYMENTS: {"items": [deployment(replicas=0)]}, PODS: {"items": []}}) as server:
        found = state(server, (Wanted("flytepropeller", None),))
    assert found.missing == [] and "kubectl scale deployment flytepropeller --replicas=1" in found.not_ready[0]["reason"]


@pytest.mark.parametrize(
    "changes", [{"observedGeneration": 0}, {"updatedReplicas": 0}, {"replicas": 2}, {"readyReplicas": 0}, {"readyReplicas": None, "replicas": 0}]
)
def test_a_deployment_is_ready_once_its_newest_pods_are_all_there_and_the_old_ones_gone(changes: dict[str, t.Any]) -> None:
    rolling = deployment()
    rolling["status"].update(changes)
    with ApiServer({DEPLOYMENTS: {"items": [rolling]}, PODS: {"items": []}}) as server:
        assert [entry["name"] for entry in state(server).not_ready] == ["deployment/flytepropeller"]


def test_the_pods_of_a_deployment_say_why_it_is_not_ready() -> None:
    broken = {"phase": "Pending", "containerStatuses": [{"name": "flytepropeller", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}
    leaving = {**pod("leaving", phase="Pending"), "metadata": {"name": "leaving", "labels": {"app": "flytepropeller"}, "deletionTimestamp": "x"}}
    done = pod("done", phase="Succeeded")
    answers = {DEPLOYMENTS: {"items": [deployment(ready=0)]}, PODS: {"items": [pod("new", **broken), EVICTED, FOREIGN, leaving, done]}}
    with ApiServer(answers) as server:
        (found,) = state(server).not_ready
    assert found["reason"] == "1 of 1 new pods, 0 ready, 1 in all; new: flytepropeller: ImagePullBackOff"


def test_a_quota_that_lets_no_pod_in_is_said() -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: x"}
    with ApiServer({DEPLOYMENTS: {"items": [deployment(ready=0, conditions=[condition])]}, PODS: {"items": []}}) as server:
        assert "exceeded quota: x" in state(server).not_ready[0]["reason"]


def test_a_deployment_in_another_namespace_is_found_there() -> None:
    with ApiServer({DEPLOYMENTS.replace("/flyte/", "/other/"): {"items": [deployment("b")]}, DEPLOYMENTS: {"items": [deployment("b", ready=0)]}}) as server:
        assert state(server, (Wanted("b", 1, "other"),)) == Readiness(total=1)


@pytest.mark.parametrize("items", [[1], [{"metadata": {}}], [{**deployment(), "spec": None}], [{**deployment(), "metadata": {"name": "flytepropeller"}}]])
def test_deployments_that_are_none_are_named(items: t.Any) -> None:
    with ApiServer({DEPLOYMENTS: {"items": items}}) as server, pytest.raises(KubeError, match="the Deployments in the namespace flyte cannot be read"):
        state(server)


# -- waiting


def spec(server: ApiServer, name: str = "dataplane_1", **changes: t.Any) -> dict[str, t.Any]:
    return {"name": name, "access": server.access, "namespace": "flyte", "release": "flyte-core-data", "data_plane": True, "propeller": True, **changes}


def wait(*specs: dict[str, t.Any], seconds: float = 10) -> dict[str, t.Any]:
    return wait_until_ready(specs, timeout=5, wait=seconds)


def test_it_waits_until_deployments_are_ready() -> None:
    ready = itertools.chain([0, 0], itertools.repeat(1))
    with ApiServer(data_plane(**{DEPLOYMENTS: lambda _headers: {"items": [deployment(ready=next(ready))]}})) as server:
        assert wait(spec(server)) == {"dataplane_1": {"ok": True, "error": None, "hint": None}}
        # The record of the release, the whole chart in it, is read once; pods are read at the end only.
        assert len([path for _method, path, *_rest in server.seen if path == RECORDS]) == 1 and f"GET {PODS}" not in server.asked


def test_one_that_does_not_get_ready_says_why_and_takes_no_other_ones_time() -> None:
    broken = pod("new", phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "message": "too big"}])
    never = data_plane(**{DEPLOYMENTS: {"items": [deployment(ready=0)]}, PODS: {"items": [broken]}})
    with ApiServer(never) as one, ApiServer(data_plane()) as other, ApiServer(data_plane(**{CRD: 404})) as third:
        found = wait(spec(one, "a"), spec(other, "b"), spec(third, "c"), spec(third, "d", data_plane=False), seconds=0.5)
    assert [entry["ok"] for entry in found.values()] == [False, True, False, True]
    assert "not ready after 0.5 s: deployment/flytepropeller: " in found["a"]["error"] and "new: not scheduled: too big" in found["a"]["error"]
    assert "flyte_wait_timeout" in found["a"]["hint"] and "CRD does not serve" in found["c"]["error"]


def test_what_does_not_come_back_by_itself_is_not_waited_for() -> None:
    with ApiServer(data_plane(**{DEPLOYMENTS: {"items": []}})) as gone, ApiServer(data_plane(**{RECORDS: {"items": []}})) as empty:
        found = wait(spec(gone, "a"), spec(empty, "b"), seconds=60)
    assert found["a"]["error"] == "missing: the Deployment flytepropeller" and "Helm puts them back" in found["a"]["hint"]
    assert "has no release flyte-core-data in the namespace flyte" in found["b"]["error"] and "site.yml" in found["b"]["hint"]


def test_a_release_that_helm_is_at_still_is_waited_for() -> None:
    status = itertools.chain(["pending-install"] * 2, itertools.repeat("deployed"))
    there = itertools.chain([[], []], itertools.repeat([deployment()]))
    answers = {RECORDS: lambda _headers: {"items": [helm_record(status=next(status))]}, DEPLOYMENTS: lambda _headers: {"items": next(there)}}
    with ApiServer(data_plane(**answers)) as server:
        assert wait(spec(server))["dataplane_1"]["ok"]


def test_whatever_is_wrong_with_one_cluster_is_its_own_failure() -> None:
    with ApiServer(data_plane()) as good, ApiServer(data_plane(**{RECORDS: {"items": [helm_record(raw=b"")]}})) as damaged:
        closed = {**spec(good, "b"), "access": {"host": "http://127.0.0.1:1"}}
        found = wait(spec(good, "a"), closed, spec(damaged, "c"), {**spec(good, "d"), "access": {"kubeconfig": 7}})
    assert [entry["ok"] for entry in found.values()] == [True, False, False, False]
    assert all(entry["error"] and entry["hint"] for name, entry in found.items() if name != "a")
