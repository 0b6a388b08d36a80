# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The canary of our own against the double: registered once, launched on every cluster, and what is said where it does not run."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import canary as _canary
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import own_canary
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.own_canary import NAME, VERSION, documents
from ansible_collections.flyte.multicluster.plugins.modules import flyte_canary
from api_server import CRD, LEASE, ApiServer, working_plane
from conftest import Double, Flyteadmin, Run
from flyteidl.admin import launch_plan_pb2, task_pb2, workflow_pb2
from google.protobuf import json_format

NAMESPACE = "/api/v1/namespaces/team1-development"


def own(flyteadmin: Flyteadmin, **labels: str) -> dict[str, t.Any]:
    """Return the options of a canary on every cluster of a flyteadmin."""
    by_cluster = {cluster: label for label, cluster in flyteadmin.clusters.items()} | labels
    clusters = [{"name": name, "label": label} for name, label in sorted(by_cluster.items())]
    canary = {"project": flyteadmin.projects[0], "domain": "development", "clusters": clusters}
    return {"own": canary, "wait_timeout": 60 if flyteadmin.finishes else 1, **flyteadmin.placement, **flyteadmin.options}


def test_it_is_what_flyteidl_says() -> None:
    """Every name in it is a field of flyteidl's messages: an unknown one is an error here."""
    requests = (task_pb2.TaskCreateRequest, workflow_pb2.WorkflowCreateRequest, launch_plan_pb2.LaunchPlanCreateRequest)
    for (_path, body), message in zip(documents("team1", "development"), requests):
        json_format.ParseDict(body, message())
    (_path, task), (_path, workflow), _plan = documents("team1", "development")
    parsed = json_format.ParseDict(task, task_pb2.TaskCreateRequest())
    assert parsed.spec.template.type == "echo" and not parsed.spec.template.WhichOneof("target") and parsed.spec.template.metadata.runtime.version
    node = json_format.ParseDict(workflow, workflow_pb2.WorkflowCreateRequest()).spec.template.nodes[0]
    assert node.task_node.reference_id == parsed.id


def test_its_version_is_that_of_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {body["id"]["version"] for project in ("a", "b") for _path, body in documents(project, "development")}
    assert versions == {VERSION}
    monkeypatch.setitem(own_canary._TASK, "type", "other")
    assert own_canary._version() not in versions


def test_it_proves_every_cluster_and_is_registered_once(flyteadmin: Flyteadmin, run: Run, sent: list[str]) -> None:
    if not flyteadmin.finishes:
        pytest.skip("no propeller: FLYTE_TEST_FINISHES=1 where the data planes run one")
    found = run(flyte_canary, **own(flyteadmin))
    assert not found.get("failed") and found["changed"], found
    canaries = [(entry["level"], entry["expected"], entry["cluster"], entry["phase"], entry["problem"]) for entry in found["canaries"]]
    assert canaries == [("execution", [name], name, "SUCCEEDED", None) for name in sorted(flyteadmin.clusters.values())]
    registering = [request for request in sent if request.startswith("POST /api/v1/") and not request.endswith("/executions")]
    assert registering in ([f"POST /api/v1/{kind}" for kind in ("tasks", "workflows", "launch_plans")], [])  # another one may have it already
    sent.clear()
    assert not run(flyte_canary, **own(flyteadmin)).get("failed")
    assert {request for request in sent if request.startswith("POST /api/")} == {"POST /api/v1/executions"}
    stored = flyteadmin.call("GET", f"/api/v1/executions/{flyteadmin.projects[0]}/development/{found['canaries'][0]['name']}")
    assert stored["spec"]["launch_plan"]["name"] == NAME and stored["spec"]["labels"]["values"] == {"flyte.multicluster/canary": "true"}


def test_what_a_killed_run_registered_is_completed(flyteadmin: Flyteadmin, run: Run) -> None:
    if not flyteadmin.double:
        pytest.skip("it may be registered there already")
    path, body = documents(flyteadmin.projects[0], "development")[0]
    flyteadmin.call("POST", path, body)
    assert not run(flyte_canary, **own(flyteadmin)).get("failed")


def test_check_mode_registers_and_launches_nothing(flyteadmin: Flyteadmin, run: Run, sent: list[str]) -> None:
    found = run(flyte_canary, check=True, **own(flyteadmin))
    assert found["changed"] and [entry["cluster"] for entry in found["canaries"]] == [None, None]
    assert not [request for request in sent if request.startswith("POST /api/v1/")]


def test_a_label_that_proves_nothing_is_not_launched(flyteadmin: Flyteadmin, run: Run, sent: list[str]) -> None:
    one, two = flyteadmin.labels
    found = run(flyte_canary, check=True, **own(flyteadmin, **{flyteadmin.clusters[one]: two}))
    assert found["failed"] and f"label {two!r} leads to {flyteadmin.clusters[two]}, not to {flyteadmin.clusters[one]} alone: not launched" in found["msg"]
    assert f"{flyteadmin.projects[0]}/development on {flyteadmin.clusters[one]}: " in found["msg"]
    unknown = run(flyte_canary, check=True, **own(flyteadmin, **{flyteadmin.clusters[one]: "typo"}))
    assert "label 'typo' leads to no enabled cluster" in unknown["msg"] and not [request for request in sent if "executions" in request]


def test_a_project_that_is_not_there_is_said(flyteadmin: Flyteadmin, run: Run) -> None:
    options = own(flyteadmin)
    options["own"]["project"] = "nope"
    found = run(flyte_canary, **options)
    assert found["failed"] and "flyteadmin has no project-domain nope/development to register the canary in" in found["msg"]


def test_a_user_s_workflow_and_our_own_go_together(flyteadmin: Flyteadmin, run: Run) -> None:
    missing = {key: value for key, value in own(flyteadmin).items() if key != "own"}
    found = run(flyte_canary, **missing)
    assert found["failed"] and "launch_plan" in found["msg"] and "own" in found["msg"]
    both = run(flyte_canary, launch_plan="nobody.has.it", projects=[flyteadmin.projects[0]], check=True, **own(flyteadmin))
    assert [entry["level"] for entry in both["canaries"]] == ["execution", "execution"]  # no label holds anywhere


# -- where it does not run


@pytest.fixture(name="stuck")
def _stuck() -> t.Iterator[Double]:
    """A flyteadmin that gets no event of any execution."""
    double = Double(finish_after=-1)
    yield double
    double.close()


def of_one(stuck: Double, run: Run, *, wait_timeout: float) -> dict[str, t.Any]:
    """Return what the canary of one data plane, which cannot be looked into, comes to."""
    return run(
        flyte_canary,
        url=stuck.url,
        own={"project": "team1", "domain": "development", "clusters": [{"name": "dataplane_1", "label": "label1"}]},
        label_cluster_map={"label1": [{"id": "dataplane_1", "weight": 1}]},
        enabled_clusters=["dataplane_1"],
        wait_timeout=wait_timeout,
    )


def test_a_canary_that_never_started_says_what_stands_in_its_way(stuck: Double, run: Run) -> None:
    answers = {LEASE: 404, NAMESPACE: {"kind": "Namespace"}, f"{NAMESPACE}/resourcequotas": {"items": []}}
    with ApiServer(working_plane(**answers)) as idle, ApiServer(working_plane(**{NAMESPACE: 404})) as lacking:
        found = run(
            flyte_canary,
            url=stuck.url,
            own={"project": "team1", "domain": "development", "clusters": [{"name": f"dataplane_{n}", "label": f"label{n}"} for n in (1, 2)]},
            planes=[{"name": "dataplane_1", **idle.access}, {"name": "dataplane_2", **lacking.access}],
            label_cluster_map={f"label{n}": [{"id": f"dataplane_{n}", "weight": 1}] for n in (1, 2)},
            enabled_clusters=["dataplane_1", "dataplane_2"],
            wait_timeout=1,
        )
        asked = [path for path in idle.asked if path.startswith(f"GET {CRD}/namespaces/team1-development/flyteworkflows/")]
    one, two = (entry["problem"] for entry in found["canaries"])
    assert found["failed"] and "2 of 2 canaries" in found["msg"]
    assert one.startswith("never started on dataplane_1: flyteadmin got no event of it: flytepropeller: it does not lead")
    assert two.endswith("its namespace team1-development is missing there: run site.yml, it restarts syncresources")
    assert "UNDEFINED" not in found["msg"] and len(asked) == 1  # it was looked at before it was aborted
    phases = {entry["phase"] for entry in found["canaries"]}
    assert phases == {"UNDEFINED"} and "the-token" not in str({**found, "invocation": None})


@pytest.mark.parametrize("phase", ["SUCCEEDED", "FAILED"])
def test_one_that_ends_in_the_moment_in_which_it_is_given_up_is_what_it_ended_as(stuck: Double, run: Run, phase: str) -> None:
    stuck.planes.ends_before_aborted = phase
    found = of_one(stuck, run, wait_timeout=1)
    canary = found["canaries"][0]
    assert canary["phase"] == phase and bool(canary["problem"]) == (phase == "FAILED"), found
    assert "already terminated" not in str(found) and bool(found.get("failed")) == (phase == "FAILED")


def test_one_that_cannot_be_aborted_says_still_what_is_wrong_with_it(stuck: Double, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_place: t.Any, **_cause: t.Any) -> t.NoReturn:
        raise AdminError("DELETE: no right to abort.", status=403, hint="Ask for it.")

    monkeypatch.setattr(_canary, "abort", refused)
    found = of_one(stuck, run, wait_timeout=0)
    problem = found["canaries"][0]["problem"]
    assert problem.startswith("never started on dataplane_1") and problem.endswith("cannot be aborted: DELETE: no right to abort. Ask for it.")


def test_without_access_to_the_plane_it_is_said_that_nothing_came_back(stuck: Double, run: Run) -> None:
    found = of_one(stuck, run, wait_timeout=0.5)
    assert found["canaries"][0]["problem"] == "never started on dataplane_1: flyteadmin got no event of it"
