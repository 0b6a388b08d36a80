# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data planes for a flyteadmin double without a cluster: they accept everything, and their executions succeed after a moment, if wanted."""

from __future__ import annotations

import threading
import types
import typing as t

from flyteidl.admin import event_pb2, execution_pb2 as admin_pb2
from flyteidl.core import execution_pb2, identifier_pb2
from generation import Cluster, Generation

_Phase = execution_pb2.WorkflowExecution.Phase
DOMAINS = ("development", "staging", "production")


class Uncompiled:
    """In the place of Flyte's compiler, where nobody runs what it would make."""

    def compile(self, closure: t.Any) -> t.Any:
        """Return it as it is."""
        return closure

    def build(self, launch: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return an object with a name only."""
        identifier = identifier_pb2.WorkflowExecutionIdentifier.FromString(launch["ExecutionID"])
        return {"metadata": {"name": identifier.name, "namespace": launch["Namespace"]}, "id": identifier}


class Planes:
    """dataplane_1 and dataplane_2, in the place of the control plane's view of them.

    :param finish_after: seconds until an execution's events come; negative: none come.
    """

    def __init__(self, finish_after: float = -1) -> None:
        clusters = {name: Cluster(name, True, "", "", "") for name in ("dataplane_1", "dataplane_2")}
        labels = {"label1": [("dataplane_1", 1.0)], "label2": [("dataplane_2", 1.0)]}
        self.current = Generation(clusters, labels, DOMAINS, {}, {})
        self.service: t.Any = None
        self.finish_after = finish_after
        #: the phase in which each execution ends by itself in the moment in which it is to be aborted; None: none does
        self.ends_before_aborted: str | None = None

    def plane(self, cluster: Cluster) -> t.Any:
        """Return a data plane."""
        def call(method: str, path: str, body: t.Any = None, *_more: t.Any) -> t.Any:
            if self.finish_after >= 0 and method == "POST":
                threading.Timer(self.finish_after, self.report, [body["id"], (_Phase.RUNNING, _Phase.SUCCEEDED)]).start()
            return types.SimpleNamespace(status_code=200 if method == "GET" else 201)

        return types.SimpleNamespace(call=call)

    def report(self, identifier: t.Any, phases: tuple[t.Any, ...]) -> None:
        """Send the events of an execution's phases, as its cluster's flytepropeller does."""
        cluster = self.service.GetExecution(admin_pb2.WorkflowExecutionGetRequest(id=identifier)).spec.metadata.system_metadata.execution_cluster
        for phase in phases:
            request = event_pb2.WorkflowExecutionEventRequest()
            request.event.execution_id.CopyFrom(identifier)
            request.event.producer_id, request.event.phase = cluster, phase
            request.event.occurred_at.GetCurrentTime()
            self.service.CreateWorkflowEvent(request)


def service_of(planes: Planes) -> t.Any:
    """Return a flyteadmin double on these planes, with two projects."""
    from service import Service
    from store import Store

    class EndingFirst(Service):
        """One whose executions end, if wanted, in the moment in which they are to be aborted."""

        def TerminateExecution(self, request: t.Any) -> t.Any:  # noqa: N802  pylint: disable=invalid-name
            """End it first."""
            if planes.ends_before_aborted:
                planes.report(request.id, (_Phase.RUNNING, _Phase.Value(planes.ends_before_aborted)))
            return super().TerminateExecution(request)

    service = EndingFirst(Store(":memory:"), Uncompiled())
    service.control_plane = t.cast(t.Any, planes)
    service.seed(["project1", "team1"], DOMAINS)
    planes.service = service
    return service
