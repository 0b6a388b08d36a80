# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Executions: launched on the cluster that is selected, read, listed and aborted."""

from __future__ import annotations

import re
import secrets
import typing as t

import requests
from blobs import Blobs
from compiler import Compiler
from control_plane import ControlPlane
from entities import Entities, now, text
from errors import ALREADY_EXISTS, FAILED_PRECONDITION, INTERNAL, INVALID_ARGUMENT, NOT_FOUND, Fault, limit_of
from flyteidl.admin import common_pb2, event_pb2, execution_pb2, launch_plan_pb2, matchable_resource_pb2, workflow_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import identifier_pb2, literals_pb2
from generation import DataPlane, Generation
from store import Store

_CRD = "/apis/flyte.lyft.com/v1alpha1/namespaces/{}/flyteworkflows"
#: flytepropeller's: it keeps an aborted FlyteWorkflow until flytepropeller has ended what runs of it
_FINALIZER = "flyte.org/finalizer"
_FILTER = re.compile(r"(eq|value_in|ne)\((?:execution\.)?(cluster|phase|mode|state),([^)]*)\)")
_RESOURCES = {"cpu": "CPU", "memory": "Memory", "ephemeralStorage": "EphemeralStorage", "gpu": "GPU"}

Phase = core_execution_pb2.WorkflowExecution.Phase
ENDED = (Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED, Phase.TIMED_OUT)


class Executions(Entities):
    """The part of the API that is about executions."""

    def __init__(self, store: Store, compiler: Compiler, blobs: Blobs | None = None) -> None:
        super().__init__(store, compiler)
        self.control_plane: ControlPlane | None = None
        self._blobs = blobs

    @property
    def _generation(self) -> Generation | None:
        return self.control_plane.current if self.control_plane else None

    def _domains(self) -> tuple[str, ...]:
        return self._generation.domains if self._generation else super()._domains()

    # -- launching

    def CreateExecution(self, request: t.Any) -> t.Any:
        self._require(request.project, request.domain)
        name = request.name or "f" + secrets.token_hex(10)[:19]
        identifier = identifier_pb2.WorkflowExecutionIdentifier(project=request.project, domain=request.domain, name=name)
        plan = self._get("LAUNCH_PLAN", request.spec.launch_plan, launch_plan_pb2.LaunchPlan)
        inputs = _inputs(request.inputs, plan)
        if self.store.execution(identifier) is not None:
            raise Fault(ALREADY_EXISTS, 'value with matching already exists (duplicate key value violates unique constraint "executions_pkey")')
        execution = execution_pb2.Execution(id=identifier, spec=request.spec)
        execution.spec.launch_plan.resource_type = identifier_pb2.LAUNCH_PLAN
        execution.spec.ClearField("inputs")
        execution.spec.max_parallelism = execution.spec.max_parallelism or 25
        execution.spec.security_context.run_as.SetInParent()
        closure = execution.closure
        closure.phase = Phase.UNDEFINED
        closure.workflow_id.CopyFrom(plan.spec.workflow_id)
        for stamp in (closure.created_at, closure.updated_at, closure.state_change_details.occurred_at):
            now(stamp)
        self._launch(execution, inputs)
        return execution_pb2.ExecutionCreateResponse(id=identifier)

    def _put(self, execution: t.Any, inputs: t.Any = None) -> None:
        """Write an execution down; its inputs only the first time."""
        cluster, phase = execution.spec.metadata.system_metadata.execution_cluster, Phase.Name(execution.closure.phase)
        self.store.put_execution(execution.id, cluster, phase, execution.SerializeToString(), inputs.SerializeToString() if inputs else None)

    def _label(self, execution: t.Any) -> str | None:
        if execution.spec.execution_cluster_label.value:
            return t.cast(str, execution.spec.execution_cluster_label.value)
        identifier, workflow = execution.id, execution.closure.workflow_id.name
        row = self.store.inherited("EXECUTION_CLUSTER_LABEL", identifier.project, identifier.domain, workflow)
        if row is None:
            return self._generation.default_label if self._generation else None
        return t.cast(str, matchable_resource_pb2.MatchingAttributes.FromString(row[3]).execution_cluster_label.value)

    def _launch(self, execution: t.Any, inputs: t.Any) -> None:
        """Write the execution down and create its FlyteWorkflow; where that fails, write down why."""
        assert self.control_plane is not None and self._generation is not None
        generation = self._generation
        cluster = generation.select(self._label(execution))
        namespace = generation.namespace(execution.id.project, execution.id.domain)
        execution.spec.metadata.system_metadata.namespace = namespace
        workflow = self.compiler.build(self._flyte_workflow(execution, inputs, namespace, generation))
        # First, since flytepropeller's first event may come at once.
        execution.spec.metadata.system_metadata.execution_cluster = cluster.name
        self._put(execution, inputs)
        try:
            answer = self.control_plane.plane(cluster).call("POST", _CRD.format(namespace), workflow)
            problem = "" if answer.status_code < 300 else _reason(answer)
        except requests.RequestException as error:
            problem = str(error)
        if problem:
            execution.closure.phase = Phase.FAILED
            execution.closure.error.code = "Internal"
            execution.closure.error.message = f"failed to create workflow in propeller {problem}"
            execution.spec.metadata.system_metadata.execution_cluster = ""
            self._put(execution)

    def _flyte_workflow(self, execution: t.Any, inputs: t.Any, namespace: str, generation: Generation) -> dict[str, t.Any]:
        """Return what the compiler needs to know to build the object, as flyteadmin prepares it."""
        spec = execution.spec
        workflow = self._get("WORKFLOW", execution.closure.workflow_id, workflow_pb2.Workflow)
        resources = {
            kind: {_RESOURCES[name]: str(value) for name, value in (generation.task_resources.get(section) or {}).items() if name in _RESOURCES}
            for kind, section in (("Requests", "defaults"), ("Limits", "limits"))
        }
        return {
            "Closure": workflow.closure.compiled_workflow.SerializeToString(),
            "Inputs": inputs.SerializeToString(),
            "ExecutionID": execution.id.SerializeToString(),
            "SecurityContext": spec.security_context.SerializeToString(),
            "Namespace": namespace,
            "Finalizer": _FINALIZER,
            "Labels": dict(spec.labels.values),
            "Annotations": dict(spec.annotations.values),
            "EventVersion": generation.event_version,
            "RawOutputPrefix": spec.raw_output_data_config.output_location_prefix,
            "MaxParallelism": spec.max_parallelism,
            "Environment": {pair.key: pair.value for pair in spec.envs.values},
            "TaskResources": resources,
        }

    # -- reading

    def _execution(self, identifier: t.Any) -> t.Any:
        raw = self.store.execution(identifier)
        if raw is None:
            raise Fault(NOT_FOUND, f"missing entity of type execution with identifier {text(identifier)}")
        return execution_pb2.Execution.FromString(raw)

    def GetExecution(self, request: t.Any) -> t.Any:
        return self._execution(request.id)

    def GetExecutionData(self, request: t.Any) -> t.Any:
        closure = self._execution(request.id).closure
        answer = execution_pb2.WorkflowExecutionGetDataResponse()
        answer.full_inputs.ParseFromString(self.store.execution_inputs(request.id))
        answer.full_outputs.CopyFrom(self._literals(closure.outputs.uri))
        return answer

    def _literals(self, uri: str) -> t.Any:
        raw = self._blobs.read(uri) if uri and self._blobs else None
        return literals_pb2.LiteralMap.FromString(raw or b"")

    def ListExecutions(self, request: t.Any) -> t.Any:
        where = []
        for function, column, values in _FILTER.findall(request.filters):
            if function == "ne":
                raise Fault(INVALID_ARGUMENT, f"the double has no filter ne({column})")
            if column == "state":
                if values != "0":  # it archives none
                    return execution_pb2.ExecutionList()
                continue
            where.append((column, values.split(";")))
        start, limit = int(request.token or 0), limit_of(request)
        newest = request.sort_by.direction == common_pb2.Sort.DESCENDING and bool(request.sort_by.key)
        raw = self.store.executions(request.id.project, request.id.domain, where, limit, start, newest)
        token = str(start + limit) if len(raw) == limit else ""
        return execution_pb2.ExecutionList(executions=[execution_pb2.Execution.FromString(item) for item in raw], token=token)

    # -- ending

    def TerminateExecution(self, request: t.Any) -> t.Any:
        with self.store.lock:
            execution = self._execution(request.id)
            if execution.closure.phase in ENDED:
                raise already_ended("Cannot abort an already terminated workflow execution", execution.closure.phase)
            cluster = execution.spec.metadata.system_metadata.execution_cluster
            plane = self._plane(cluster)
            if plane is None:
                raise Fault(INVALID_ARGUMENT, f"invalid cluster target {cluster}")
            execution.closure.phase = Phase.ABORTING
            execution.closure.abort_metadata.cause = request.cause
            now(execution.closure.updated_at)
            self._put(execution)
        path = f"{_CRD.format(execution.spec.metadata.system_metadata.namespace)}/{request.id.name}"
        answer = plane.call("DELETE", path, {"propagationPolicy": "Background"})
        if answer.status_code >= 300 and answer.status_code != 404:
            raise Fault(INTERNAL, f"failed to terminate execution: {text(request.id)} with err {_reason(answer)}")
        return execution_pb2.ExecutionTerminateResponse()

    def _plane(self, cluster: str) -> DataPlane | None:
        generation = self._generation
        if self.control_plane is None or generation is None or cluster not in generation.clusters:
            return None
        return self.control_plane.plane(generation.clusters[cluster])


def already_ended(message: str, phase: t.Any) -> Fault:
    """Return the fault of what comes after the end."""
    detail = event_pb2.EventFailureReason()
    detail.already_in_terminal_state.current_phase = phase if isinstance(phase, str) else Phase.Name(phase)
    return Fault(FAILED_PRECONDITION, message, detail)


def _inputs(given: t.Any, plan: t.Any) -> t.Any:
    """Return the inputs of an execution: those given, and the launch plan's defaults and fixed ones."""
    expected = plan.closure.expected_inputs.parameters
    for name in given.literals:
        if name not in expected:
            raise Fault(INVALID_ARGUMENT, f"invalid input {name}")
    inputs = literals_pb2.LiteralMap()
    inputs.CopyFrom(given)
    for name in set(expected) - set(given.literals):
        if expected[name].required:
            raise Fault(INVALID_ARGUMENT, f"expected_inputs {name} missing")
        inputs.literals[name].CopyFrom(expected[name].default)
    for name, literal in plan.spec.fixed_inputs.literals.items():
        if name in inputs.literals:
            raise Fault(INVALID_ARGUMENT, f"fixed_inputs {name} cannot be overridden")
        inputs.literals[name].CopyFrom(literal)
    return inputs


def _reason(answer: requests.Response) -> str:
    try:
        return str(answer.json().get("message", answer.text))
    except ValueError:
        return answer.text[:500]
