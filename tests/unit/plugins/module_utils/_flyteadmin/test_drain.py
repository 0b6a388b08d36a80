# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Executions of a cluster that is being removed: all of them are found, waited for, or aborted, and what is waited for is said."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.client import Admin
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.drain import described, drain, place_of, unfinished
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.settings import Settings
from conftest import Double
from flyteidl.admin import execution_pb2, project_pb2
from flyteidl.core import execution_pb2 as core
from scripted import Scripted, as_json, client
from workflow import launch, register

Phase = core.WorkflowExecution.Phase


@pytest.fixture(name="launched")
def _launched(admin: Double) -> tuple[Double, Admin, list[str]]:
    """Two executions on dataplane_2 and one on dataplane_1."""
    names = []
    for project, domain, cluster in (("team1", "production", "label2"), ("project1", "staging", "label2"), ("team1", "development", "label1")):
        register(admin.url, project, domain, "w", "v1")
        admin.planes.current.labels[""] = admin.planes.current.labels[cluster]
        names.append(f"{project}/{domain}/{launch(admin.url, project, domain, 'w', 'v1')}")
    return admin, Admin(Settings(admin.url, retry_for=1)), names


def end(double: Double, place: str, phase: t.Any = Phase.SUCCEEDED) -> None:
    """Let an execution end, as flytepropeller's event does."""
    project, domain, name = place.split("/")
    identifier = types.SimpleNamespace(project=project, domain=domain, name=name)
    execution = execution_pb2.Execution.FromString(double.service.store.execution(identifier))
    execution.closure.phase = phase
    double.service._put(execution)


def test_those_of_the_cluster_that_have_not_ended(launched: tuple[Double, Admin, list[str]]) -> None:
    double, admin, names = launched
    assert {place_of(entry) for entry in unfinished(admin, "dataplane_2")} == set(names[:2])
    end(double, names[0], Phase.ABORTED)
    assert [place_of(entry) for entry in unfinished(admin, "dataplane_2")] == [names[1]]
    assert not unfinished(admin, "dataplane_9")
    # flyteadmin leaves archived executions, and archived projects, out of its lists unless they are asked for.
    asked = [request for request in double.requests if "/executions/" in request and "filters" in request]
    assert any("state" in request for request in asked) and any("state" not in request for request in asked)


def test_executions_of_an_archived_project_are_found(launched: tuple[Double, Admin, list[str]]) -> None:
    double, admin, names = launched
    project = project_pb2.Project.FromString(double.service.store.project("project1"))
    project.state = project_pb2.Project.ARCHIVED
    double.service.store.put_project("project1", project.SerializeToString())
    assert ("project1", "staging") not in admin.project_domains()
    assert {place_of(entry) for entry in unfinished(admin, "dataplane_2")} == set(names[:2])


def test_they_are_waited_for_and_their_number_is_said(launched: tuple[Double, Admin, list[str]]) -> None:
    double, admin, names = launched
    said: list[str] = []

    def say(line: str) -> None:
        end(double, names[len(said)])  # one after the other
        said.append(line)

    found = drain(admin, "dataplane_2", aborts=False, timeout=60, say=say, cause="")
    assert not found.left and not found.aborted
    assert [line.split(" (")[0] for line in said] == ["dataplane_2: waiting for 2 executions", "dataplane_2: waiting for 1 execution"]
    assert names[1] in said[1] and " s more at most" in said[0]


def test_after_the_time_what_is_left_is_returned(launched: tuple[Double, Admin, list[str]]) -> None:
    found = drain(launched[1], "dataplane_2", aborts=False, timeout=0.2, say=lambda _line: None, cause="")
    assert len(found.left) == 2 and described(found.left).startswith("2 executions (project1/staging/")


def test_they_are_aborted_with_a_cause(launched: tuple[Double, Admin, list[str]]) -> None:
    double, admin, names = launched

    def say(_line: str) -> None:
        for name in names[:2]:
            end(double, name, Phase.ABORTED)

    found = drain(admin, "dataplane_2", aborts=True, timeout=60, say=say, cause="it is being removed")
    assert {place_of(entry) for entry in found.aborted} == set(names[:2]) and not found.left and not found.refused
    identifier = types.SimpleNamespace(**dict(zip(("project", "domain", "name"), names[0].split("/"))))
    stored = execution_pb2.Execution.FromString(double.service.store.execution(identifier))
    assert stored.closure.abort_metadata.cause == "it is being removed"
    assert sum(request.startswith("DELETE") for request in double.requests) == 2  # each once


def test_what_flyteadmin_says_against_an_abort_is_told(launched: tuple[Double, Admin, list[str]]) -> None:
    """Of a cluster that is in its configuration no more, it can abort nothing."""
    double, admin, names = launched
    del double.planes.current.clusters["dataplane_2"]
    found = drain(admin, "dataplane_2", aborts=True, timeout=0.1, say=lambda _line: None, cause="x")
    assert len(found.left) == 2 and "invalid cluster target dataplane_2" in found.refused[names[0]]


def test_a_flyteadmin_that_breaks_while_it_is_waited_for_is_an_error() -> None:
    projects = as_json(200, {"projects": [{"id": "p", "domains": [{"id": "d"}]}]})
    with Scripted(projects, as_json(200, {"projects": []}), as_json(500, {"message": "it broke"})) as server, pytest.raises(AdminError, match="it broke"):
        unfinished(client(server.url), "x")
