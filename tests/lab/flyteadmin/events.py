# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What flytepropeller reports: workflows, nodes and tasks, each phase once, by the cluster that runs them."""

from __future__ import annotations

import typing as t

from errors import ALREADY_EXISTS, FAILED_PRECONDITION, NOT_FOUND, Fault, limit_of
from executions import ENDED, Executions, Phase, already_ended
from entities import text
from flyteidl.admin import event_pb2, node_execution_pb2, task_execution_pb2
from flyteidl.core import execution_pb2, identifier_pb2

_Node = execution_pb2.NodeExecution.Phase
_Task = execution_pb2.TaskExecution.Phase
_NODE_ENDED = (_Node.SUCCEEDED, _Node.FAILED, _Node.ABORTED, _Node.SKIPPED, _Node.TIMED_OUT, _Node.RECOVERED)
_TASK_ENDED = (_Task.SUCCEEDED, _Task.FAILED, _Task.ABORTED)
#: the producer that old flytepropellers name, whatever their cluster
_ANY_PRODUCER = ("", "propeller")


class Events(Executions):
    """The part of the API that flytepropeller calls, and what can be read of it."""

    # -- workflows

    def CreateWorkflowEvent(self, request: t.Any) -> t.Any:
        event = request.event
        with self.store.lock:
            execution = self._execution(event.execution_id)
            _check_phase(execution, event)
            closure = execution.closure
            closure.phase = event.phase
            closure.updated_at.CopyFrom(event.occurred_at)
            if event.phase == Phase.RUNNING:
                closure.started_at.CopyFrom(event.occurred_at)
            elif event.phase in ENDED and closure.HasField("started_at"):
                closure.duration.FromNanoseconds(event.occurred_at.ToNanoseconds() - closure.started_at.ToNanoseconds())
            if event.output_uri:
                closure.outputs.uri = event.output_uri
            elif event.HasField("error"):
                closure.error.CopyFrom(event.error)
            self._put(execution)
        return event_pb2.WorkflowExecutionEventResponse()

    # -- nodes

    def CreateNodeEvent(self, request: t.Any) -> t.Any:
        event = request.event
        with self.store.lock:
            self._check_cluster(event.id.execution_id, event.producer_id)
            node = self._node(event.id) or node_execution_pb2.NodeExecution(id=event.id)
            if node.closure.HasField("created_at"):
                _check_node_phase(node, event)
            else:
                node.closure.created_at.CopyFrom(event.occurred_at)
                node.metadata.spec_node_id, node.metadata.retry_group = event.spec_node_id, event.retry_group
            node.metadata.is_parent_node |= event.is_parent
            node.metadata.is_dynamic |= event.is_dynamic
            node.metadata.is_array |= event.is_array
            node.input_uri = event.input_uri or node.input_uri
            if event.task_node_metadata.checkpoint_uri:
                node.closure.task_node_metadata.checkpoint_uri = event.task_node_metadata.checkpoint_uri
            _advance(node.closure, event, event.phase == _Node.RUNNING, event.phase in _NODE_ENDED)
            self.store.put_part("NODE", event.id.execution_id, event.id.node_id, node.SerializeToString(), parent=event.parent_node_metadata.node_id)
        return event_pb2.NodeExecutionEventResponse()

    def _node(self, identifier: t.Any) -> t.Any:
        raw = self.store.part("NODE", identifier.execution_id, identifier.node_id)
        return None if raw is None else node_execution_pb2.NodeExecution.FromString(raw[0])

    def GetNodeExecution(self, request: t.Any) -> t.Any:
        node = self._node(request.id)
        if node is None:
            raise Fault(NOT_FOUND, f"missing entity of type node execution with identifier {text(request.id)}")
        return node

    def ListNodeExecutions(self, request: t.Any) -> t.Any:
        raw = self.store.parts("NODE", request.workflow_execution_id, request.unique_parent_id)[: limit_of(request)]
        nodes = [node_execution_pb2.NodeExecution.FromString(item) for item in raw]
        return node_execution_pb2.NodeExecutionList(node_executions=nodes)

    def GetNodeExecutionData(self, request: t.Any) -> t.Any:
        node = self.GetNodeExecution(request)
        answer = node_execution_pb2.NodeExecutionGetDataResponse()
        answer.full_inputs.CopyFrom(self._literals(node.input_uri))
        answer.full_outputs.CopyFrom(self._literals(node.closure.output_uri))
        return answer

    # -- tasks

    def CreateTaskEvent(self, request: t.Any) -> t.Any:
        event = request.event
        parent = event.parent_node_execution_id
        identifier = identifier_pb2.TaskExecutionIdentifier(task_id=event.task_id, node_execution_id=parent, retry_attempt=event.retry_attempt)
        with self.store.lock:
            self._check_cluster(parent.execution_id, event.producer_id)
            if self._node(parent) is None:
                raise Fault(NOT_FOUND, f"missing entity of type node execution with identifier {text(parent)}")
            task, version = self._task(identifier)
            if task is None:
                task = task_execution_pb2.TaskExecution(id=identifier)
                task.closure.created_at.CopyFrom(event.occurred_at)
            else:
                _check_task_phase(task, version, event)
            closure = task.closure
            task.input_uri = event.input_uri or task.input_uri
            closure.task_type, closure.event_version = event.task_type, event.event_version
            closure.metadata.MergeFrom(event.metadata)
            if event.logs:
                del closure.logs[:]
                closure.logs.extend(event.logs)
            if event.reason:
                closure.reason = event.reason
                closure.reasons.add(message=event.reason, occurred_at=event.occurred_at)
            _advance(closure, event, event.phase == _Task.RUNNING, event.phase in _TASK_ENDED)
            content = task.SerializeToString()
            self.store.put_part("TASK", parent.execution_id, _task_key(identifier), content, parent=parent.node_id, version=event.phase_version)
        return event_pb2.TaskExecutionEventResponse()

    def _task(self, identifier: t.Any) -> tuple[t.Any, int]:
        """Return a task's execution, None where there is none, and the version of its phase."""
        raw = self.store.part("TASK", identifier.node_execution_id.execution_id, _task_key(identifier))
        return (None, 0) if raw is None else (task_execution_pb2.TaskExecution.FromString(raw[0]), raw[1])

    def GetTaskExecution(self, request: t.Any) -> t.Any:
        task, _version = self._task(request.id)
        if task is None:
            raise Fault(NOT_FOUND, f"missing entity of type task execution with identifier {text(request.id)}")
        return task

    def ListTaskExecutions(self, request: t.Any) -> t.Any:
        raw = self.store.parts("TASK", request.node_execution_id.execution_id, request.node_execution_id.node_id)[: limit_of(request)]
        return task_execution_pb2.TaskExecutionList(task_executions=[task_execution_pb2.TaskExecution.FromString(item) for item in raw])

    def GetTaskExecutionData(self, request: t.Any) -> t.Any:
        task = self.GetTaskExecution(request)
        answer = task_execution_pb2.TaskExecutionGetDataResponse()
        answer.full_inputs.CopyFrom(self._literals(task.input_uri))
        answer.full_outputs.CopyFrom(self._literals(task.closure.output_uri))
        return answer

    def _check_cluster(self, identifier: t.Any, producer: str) -> None:
        _same_cluster(self._execution(identifier), producer)


def _same_cluster(execution: t.Any, producer: str) -> None:
    """Refuse what another cluster reports than the one that the execution was sent to."""
    known = execution.spec.metadata.system_metadata.execution_cluster
    if producer not in (*_ANY_PRODUCER, known):
        detail = event_pb2.EventFailureReason()
        detail.incompatible_cluster.cluster = producer
        message = f"Cluster/producer from event [{producer}] does not match existing workflow execution clusterInDB: [{known}]"
        raise Fault(FAILED_PRECONDITION, message, detail)


def _check_phase(execution: t.Any, event: t.Any) -> None:
    before, after = execution.closure.phase, event.phase
    name = text(event.execution_id)
    if after != Phase.QUEUED:
        if after == before:
            raise Fault(ALREADY_EXISTS, f"This phase {Phase.Name(before)} was already recorded for workflow execution {name}")
        _same_cluster(execution, event.producer_id)
    if before in ENDED:
        raise already_ended(f"Invalid phase change from {Phase.Name(before)} to {Phase.Name(after)} for workflow execution {name}", before)
    if before == Phase.RUNNING and after == Phase.QUEUED:
        raise Fault(FAILED_PRECONDITION, f"Cannot go from {Phase.Name(before)} to {Phase.Name(after)} for workflow execution {name}")
    if before == Phase.ABORTING and after not in ENDED:
        raise Fault(FAILED_PRECONDITION, f"Invalid phase change from aborting to {Phase.Name(after)} for workflow execution {name}")


def _check_node_phase(node: t.Any, event: t.Any) -> None:
    before, after = node.closure.phase, event.phase
    if after == before:
        raise Fault(ALREADY_EXISTS, f"This phase was already recorded {_Node.Name(before)} for {text(event.id)}")
    if before in _NODE_ENDED:
        message = f"Invalid phase change from {_Node.Name(before)} to {_Node.Name(after)} for node execution {text(event.id)}"
        raise already_ended(message, _Node.Name(after))


def _check_task_phase(task: t.Any, version: int, event: t.Any) -> None:
    before, after = task.closure.phase, event.phase
    if after == before and version >= event.phase_version:
        message = f"have already recorded task execution phase {_Task.Name(after)} (version: {event.phase_version}) for {text(task.id)}"
        raise Fault(ALREADY_EXISTS, message)
    if before in _TASK_ENDED:
        message = f"invalid phase change from {_Task.Name(before)} to {_Task.Name(after)} for task execution {text(task.id)}"
        raise already_ended(message, _Task.Name(after))


def _advance(closure: t.Any, event: t.Any, starts: bool, ends: bool) -> None:
    """Set what a node's and a task's closure have in common."""
    closure.phase = event.phase
    closure.updated_at.CopyFrom(event.reported_at if event.HasField("reported_at") else event.occurred_at)
    if starts and not closure.HasField("started_at"):
        closure.started_at.CopyFrom(event.occurred_at)
    if ends and closure.HasField("started_at"):
        closure.duration.FromNanoseconds(event.occurred_at.ToNanoseconds() - closure.started_at.ToNanoseconds())
    if event.output_uri:
        closure.output_uri = event.output_uri
    elif event.HasField("error"):
        closure.error.CopyFrom(event.error)


def _task_key(identifier: t.Any) -> str:
    task = identifier.task_id
    return "/".join((identifier.node_execution_id.node_id, task.project, task.domain, task.name, task.version, str(identifier.retry_attempt)))
