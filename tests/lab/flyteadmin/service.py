# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The handlers: one method for each RPC, named as in flyteidl, the same for gRPC and HTTP."""

from __future__ import annotations

import datetime
import re
import secrets
import threading
import time
import traceback
import typing as t

import requests
from control_plane import ControlPlane, DataPlane
from errors import ALREADY_EXISTS, INVALID_ARGUMENT, NOT_FOUND, UNIMPLEMENTED, Fault
from flyteidl.admin import (
    common_pb2,
    execution_pb2,
    launch_plan_pb2,
    matchable_resource_pb2,
    project_attributes_pb2,
    project_domain_attributes_pb2,
    project_pb2,
    task_pb2,
    version_pb2,
    workflow_attributes_pb2,
    workflow_pb2,
)
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import identifier_pb2
from flyteidl.service import dataproxy_pb2
from google.protobuf import descriptor_pool, json_format
from store import Store

_CRD = "/apis/flyte.lyft.com/v1alpha1/namespaces/{}/flyteworkflows"
_Phase = core_execution_pb2.WorkflowExecution.Phase
_Kind = matchable_resource_pb2.MatchableResource
_FILTER = re.compile(r"(eq|value_in|ne)\((?:execution\.)?(cluster|phase|mode),([^)]*)\)")


def _now(message: t.Any) -> None:
    message.FromDatetime(datetime.datetime.now(datetime.timezone.utc))


def _text(message: t.Any) -> str:
    """Return a message as Go prints it in errors."""
    return "  ".join(f'{field.name}:"{value}"' for field, value in message.ListFields() if field.name != "resource_type")


class Service:
    """flyteadmin's API on a store and on the clusters of the control plane's current generation."""

    def __init__(self, store: Store, *, s3: t.Callable[[str], str] | None = None, finish_after: float = 0.5) -> None:
        self.store = store
        self.control_plane: ControlPlane | None = None
        self._s3 = s3
        self._started = str(datetime.datetime.now(datetime.timezone.utc))
        self._closed = threading.Event()
        if finish_after >= 0:
            threading.Thread(target=self._propeller, args=(finish_after,), daemon=True).start()

    def close(self) -> None:
        """End the background work."""
        self._closed.set()

    # -- projects and domains

    def seed(self, names: list[str], domains: tuple[str, ...]) -> None:
        """Create projects as the init container seed-projects does."""
        for name in names:
            if self.store.project(name) is None:
                self.store.put_project(name, self._project(name, f"{name} description", domains).SerializeToString())

    def project_names(self) -> list[str]:
        """Return the names of all projects."""
        return [project_pb2.Project.FromString(raw).id for raw in self.store.projects()]

    @staticmethod
    def _project(name: str, description: str, domains: t.Iterable[str]) -> t.Any:
        project = project_pb2.Project(id=name, name=name, description=description)
        for domain in domains:
            project.domains.add(id=domain, name=domain)
        return project

    def _domains(self) -> tuple[str, ...]:
        generation = self.control_plane.current if self.control_plane else None
        return generation.domains if generation else ("development", "staging", "production")

    def ListProjects(self, _request: t.Any) -> t.Any:
        return project_pb2.Projects(projects=[project_pb2.Project.FromString(raw) for raw in self.store.projects()])

    def GetProject(self, request: t.Any) -> t.Any:
        raw = self.store.project(request.id)
        if raw is None:
            raise Fault(NOT_FOUND, f"project [{request.id}] not found")
        return project_pb2.Project.FromString(raw)

    def RegisterProject(self, request: t.Any) -> t.Any:
        if self.store.project(request.project.id) is not None:
            raise Fault(ALREADY_EXISTS, f"project [{request.project.id}] already exists")
        self.store.put_project(request.project.id, self._project(request.project.id, request.project.description, self._domains()).SerializeToString())
        return project_pb2.ProjectRegisterResponse()

    def GetDomains(self, _request: t.Any) -> t.Any:
        answer = project_pb2.GetDomainsResponse()
        for domain in self._domains():
            answer.domains.add(id=domain, name=domain)
        return answer

    def GetVersion(self, _request: t.Any) -> t.Any:
        return version_pb2.GetVersionResponse(control_plane_version=version_pb2.Version(Build="unknown", Version="unknown", BuildTime=self._started))

    def _require(self, project: str, domain: str | None) -> None:
        if domain is not None and domain not in self._domains():
            raise Fault(INVALID_ARGUMENT, f"domain [{domain}] is unrecognized by system")
        if self.store.project(project) is None:
            message = f"failed to validate that project [{project}] and domain [{domain or ''}] are registered, err: [project [{project}] not found]"
            raise Fault(INVALID_ARGUMENT, message)

    # -- matchable attributes

    def _get_attributes(self, request: t.Any, domain: str | None, workflow: str, answer: t.Any) -> t.Any:
        self._require(request.project, domain)
        kind = _Kind.Name(request.resource_type)
        row = self.store.inherited(kind, request.project, domain or "", workflow)
        if row is None:
            where = f"{{Project:{request.project} Domain:{domain or ''} Workflow:{workflow} LaunchPlan: ResourceType:{kind}}}"
            raise Fault(NOT_FOUND, f"Resource [{where}] not found")
        project, own_domain, own_workflow, value = row
        answer.attributes.project = project
        if domain is not None:
            answer.attributes.domain = own_domain
        if hasattr(answer.attributes, "workflow"):
            answer.attributes.workflow = own_workflow
        answer.attributes.matching_attributes.ParseFromString(value)
        return answer

    def _put_attributes(self, attributes: t.Any, domain: str | None, workflow: str) -> None:
        self._require(attributes.project, domain)
        target = attributes.matching_attributes.WhichOneof("target")
        if target is None:
            raise Fault(INVALID_ARGUMENT, "missing matching_attributes")
        kind = {"task_resource_attributes": "TASK_RESOURCE", "cluster_resource_attributes": "CLUSTER_RESOURCE", "plugin_overrides": "PLUGIN_OVERRIDE"}.get(
            target, target.upper().removesuffix("_ATTRIBUTES")
        )
        self.store.put_attributes(kind, attributes.project, domain or "", workflow, attributes.matching_attributes.SerializeToString())

    def _delete_attributes(self, request: t.Any, domain: str | None, workflow: str) -> None:
        self._require(request.project, domain)
        self.store.delete_attributes(_Kind.Name(request.resource_type), request.project, domain or "", workflow)

    def GetProjectAttributes(self, request: t.Any) -> t.Any:
        return self._get_attributes(request, None, "", project_attributes_pb2.ProjectAttributesGetResponse())

    def UpdateProjectAttributes(self, request: t.Any) -> t.Any:
        self._put_attributes(request.attributes, None, "")
        return project_attributes_pb2.ProjectAttributesUpdateResponse()

    def DeleteProjectAttributes(self, request: t.Any) -> t.Any:
        self._delete_attributes(request, None, "")
        return project_attributes_pb2.ProjectAttributesDeleteResponse()

    def GetProjectDomainAttributes(self, request: t.Any) -> t.Any:
        return self._get_attributes(request, request.domain, "", project_domain_attributes_pb2.ProjectDomainAttributesGetResponse())

    def UpdateProjectDomainAttributes(self, request: t.Any) -> t.Any:
        self._put_attributes(request.attributes, request.attributes.domain, "")
        return project_domain_attributes_pb2.ProjectDomainAttributesUpdateResponse()

    def DeleteProjectDomainAttributes(self, request: t.Any) -> t.Any:
        self._delete_attributes(request, request.domain, "")
        return project_domain_attributes_pb2.ProjectDomainAttributesDeleteResponse()

    def GetWorkflowAttributes(self, request: t.Any) -> t.Any:
        return self._get_attributes(request, request.domain, request.workflow, workflow_attributes_pb2.WorkflowAttributesGetResponse())

    def UpdateWorkflowAttributes(self, request: t.Any) -> t.Any:
        self._put_attributes(request.attributes, request.attributes.domain, request.attributes.workflow)
        return workflow_attributes_pb2.WorkflowAttributesUpdateResponse()

    def DeleteWorkflowAttributes(self, request: t.Any) -> t.Any:
        self._delete_attributes(request, request.domain, request.workflow)
        return workflow_attributes_pb2.WorkflowAttributesDeleteResponse()

    def ListMatchableAttributes(self, request: t.Any) -> t.Any:
        answer = matchable_resource_pb2.ListMatchableAttributesResponse()
        for project, domain, workflow, value in self.store.attributes(_Kind.Name(request.resource_type)):
            row = answer.configurations.add(project=project, domain=domain, workflow=workflow)
            row.attributes.ParseFromString(value)
        return answer

    # -- tasks, workflows, launch plans

    def _create(self, kind: str, identifier: t.Any, entity: t.Any) -> None:
        self._require(identifier.project, identifier.domain)
        if not self.store.put_entity(kind, identifier, entity.SerializeToString()):
            raise Fault(ALREADY_EXISTS, f"{kind.lower()} with identical structure already exists with id {_text(identifier)}")

    def _get(self, kind: str, identifier: t.Any, message: t.Any) -> t.Any:
        raw = self.store.entity(kind, identifier)
        if raw is None:
            raise Fault(NOT_FOUND, f"missing entity of type {kind} with identifier {_text(identifier)}")
        return message.FromString(raw)

    def _list(self, kind: str, request: t.Any, message: t.Any, keep: t.Callable[[t.Any], bool] = lambda _entity: True) -> tuple[list[t.Any], str]:
        name = getattr(request.id, "name", "") if hasattr(request, "id") else ""
        project, domain = (request.id.project, request.id.domain) if hasattr(request, "id") else (request.project, request.domain)
        found = [message.FromString(raw) for raw in self.store.entities(kind, project, domain, name)]
        found = [entity for entity in found if keep(entity)]
        if request.sort_by.direction == common_pb2.Sort.DESCENDING:
            found.reverse()
        start, limit = int(request.token or 0), request.limit or 100
        page = found[start : start + limit]
        return page, str(start + limit) if len(page) == limit else ""

    def CreateTask(self, request: t.Any) -> t.Any:
        task = task_pb2.Task(id=request.id)
        task.closure.compiled_task.template.CopyFrom(request.spec.template)
        task.closure.compiled_task.template.id.CopyFrom(request.id)
        _now(task.closure.created_at)
        self._create("TASK", request.id, task)
        return task_pb2.TaskCreateResponse()

    def GetTask(self, request: t.Any) -> t.Any:
        return self._get("TASK", request.id, task_pb2.Task)

    def ListTasks(self, request: t.Any) -> t.Any:
        tasks, token = self._list("TASK", request, task_pb2.Task)
        return task_pb2.TaskList(tasks=tasks, token=token)

    def CreateWorkflow(self, request: t.Any) -> t.Any:
        workflow = workflow_pb2.Workflow(id=request.id)
        workflow.closure.compiled_workflow.primary.template.CopyFrom(request.spec.template)
        workflow.closure.compiled_workflow.primary.template.id.CopyFrom(request.id)
        compiled = workflow.closure.compiled_workflow
        for template in request.spec.sub_workflows:
            compiled.sub_workflows.add().template.CopyFrom(template)
        # Clients look up the tasks of a workflow's nodes in its closure.
        nodes = [node for template in (request.spec.template, *request.spec.sub_workflows) for node in template.nodes]
        tasks = {node.task_node.reference_id.SerializeToString(): node.task_node.reference_id for node in nodes if node.HasField("task_node")}
        for identifier in tasks.values():
            compiled.tasks.add().CopyFrom(self._get("TASK", identifier, task_pb2.Task).closure.compiled_task)
        _now(workflow.closure.created_at)
        self._create("WORKFLOW", request.id, workflow)
        return workflow_pb2.WorkflowCreateResponse()

    def GetWorkflow(self, request: t.Any) -> t.Any:
        return self._get("WORKFLOW", request.id, workflow_pb2.Workflow)

    def ListWorkflows(self, request: t.Any) -> t.Any:
        workflows, token = self._list("WORKFLOW", request, workflow_pb2.Workflow)
        return workflow_pb2.WorkflowList(workflows=workflows, token=token)

    def CreateLaunchPlan(self, request: t.Any) -> t.Any:
        plan = launch_plan_pb2.LaunchPlan(id=request.id, spec=request.spec)
        workflow = self._get("WORKFLOW", request.spec.workflow_id, workflow_pb2.Workflow)
        plan.closure.expected_inputs.CopyFrom(request.spec.default_inputs)
        plan.closure.expected_outputs.CopyFrom(workflow.closure.compiled_workflow.primary.template.interface.outputs)
        _now(plan.closure.created_at)
        plan.closure.updated_at.CopyFrom(plan.closure.created_at)
        self._create("LAUNCH_PLAN", request.id, plan)
        return launch_plan_pb2.LaunchPlanCreateResponse()

    def UpdateLaunchPlan(self, request: t.Any) -> t.Any:
        plan = self._get("LAUNCH_PLAN", request.id, launch_plan_pb2.LaunchPlan)
        plan.closure.state = request.state
        _now(plan.closure.updated_at)
        self.store.replace_entity("LAUNCH_PLAN", request.id, plan.SerializeToString())
        return launch_plan_pb2.LaunchPlanUpdateResponse()

    def GetLaunchPlan(self, request: t.Any) -> t.Any:
        return self._get("LAUNCH_PLAN", request.id, launch_plan_pb2.LaunchPlan)

    def GetActiveLaunchPlan(self, request: t.Any) -> t.Any:
        for raw in reversed(self.store.entities("LAUNCH_PLAN", request.id.project, request.id.domain, request.id.name)):
            plan = launch_plan_pb2.LaunchPlan.FromString(raw)
            if plan.closure.state == launch_plan_pb2.ACTIVE:
                return plan
        raise Fault(NOT_FOUND, f"No active launch plan could be found: {_text(request.id)}")

    def ListLaunchPlans(self, request: t.Any) -> t.Any:
        plans, token = self._list("LAUNCH_PLAN", request, launch_plan_pb2.LaunchPlan)
        return launch_plan_pb2.LaunchPlanList(launch_plans=plans, token=token)

    def ListActiveLaunchPlans(self, request: t.Any) -> t.Any:
        plans, token = self._list("LAUNCH_PLAN", request, launch_plan_pb2.LaunchPlan, lambda plan: plan.closure.state == launch_plan_pb2.ACTIVE)
        return launch_plan_pb2.LaunchPlanList(launch_plans=plans, token=token)

    # -- executions

    def CreateExecution(self, request: t.Any) -> t.Any:
        self._require(request.project, request.domain)
        name = request.name or "f" + secrets.token_hex(10)[:19]
        identifier = identifier_pb2.WorkflowExecutionIdentifier(project=request.project, domain=request.domain, name=name)
        plan = self._get("LAUNCH_PLAN", request.spec.launch_plan, launch_plan_pb2.LaunchPlan)
        if self.store.execution(identifier) is not None:
            raise Fault(ALREADY_EXISTS, 'value with matching already exists (duplicate key value violates unique constraint "executions_pkey")')
        execution = execution_pb2.Execution(id=identifier, spec=request.spec)
        execution.spec.launch_plan.resource_type = identifier_pb2.LAUNCH_PLAN
        execution.spec.ClearField("inputs")
        execution.spec.max_parallelism = execution.spec.max_parallelism or 25
        execution.spec.security_context.run_as.SetInParent()
        closure = execution.closure
        closure.phase = _Phase.UNDEFINED
        closure.workflow_id.CopyFrom(plan.spec.workflow_id)
        for stamp in (closure.created_at, closure.updated_at, closure.state_change_details.occurred_at):
            _now(stamp)
        cluster = self._launch(execution)
        phase = _Phase.Name(execution.closure.phase)
        self.store.put_execution(identifier, cluster, phase, execution.SerializeToString(), request.inputs.SerializeToString())
        return execution_pb2.ExecutionCreateResponse(id=identifier)

    def _label(self, execution: t.Any) -> str | None:
        if execution.spec.execution_cluster_label.value:
            return execution.spec.execution_cluster_label.value
        identifier, workflow = execution.id, execution.closure.workflow_id.name
        row = self.store.inherited("EXECUTION_CLUSTER_LABEL", identifier.project, identifier.domain, workflow)
        if row is None:
            return self.control_plane.current.default_label if self.control_plane and self.control_plane.current else None
        return matchable_resource_pb2.MatchingAttributes.FromString(row[3]).execution_cluster_label.value

    def _launch(self, execution: t.Any) -> str:
        """Create the FlyteWorkflow; return its cluster, or nothing after writing down why that failed."""
        assert self.control_plane is not None and self.control_plane.current is not None
        identifier = execution.id
        cluster = self.control_plane.current.select(self._label(execution))
        namespace = f"{identifier.project}-{identifier.domain}"
        execution.spec.metadata.system_metadata.namespace = namespace
        workflow = {
            "apiVersion": "flyte.lyft.com/v1alpha1",
            "kind": "FlyteWorkflow",
            "metadata": {
                "name": identifier.name,
                "namespace": namespace,
                "labels": {
                    "domain": identifier.domain,
                    "execution-id": identifier.name,
                    "project": identifier.project,
                    "workflow-name": re.sub(r"[^a-z0-9-]", "-", execution.closure.workflow_id.name.lower())[:63],
                },
            },
            "executionId": {"project": identifier.project, "domain": identifier.domain, "name": identifier.name},
            "spec": {"id": ":".join((identifier.project, identifier.domain, execution.closure.workflow_id.name))},
        }
        try:
            answer = self.control_plane.plane(cluster).call("POST", _CRD.format(namespace), workflow)
            problem = "" if answer.status_code < 300 else _reason(answer)
        except requests.RequestException as error:
            problem = str(error)
        if problem:
            execution.closure.phase = _Phase.FAILED
            execution.closure.error.code = "Internal"
            execution.closure.error.message = f"failed to create workflow in propeller {problem}"
            return ""
        execution.spec.metadata.system_metadata.execution_cluster = cluster.name
        return cluster.name

    def _execution(self, identifier: t.Any) -> t.Any:
        raw = self.store.execution(identifier)
        if raw is None:
            raise Fault(NOT_FOUND, f"missing entity of type execution with identifier {_text(identifier)}")
        return execution_pb2.Execution.FromString(raw)

    def GetExecution(self, request: t.Any) -> t.Any:
        return self._execution(request.id)

    def GetExecutionData(self, request: t.Any) -> t.Any:
        self._execution(request.id)
        answer = execution_pb2.WorkflowExecutionGetDataResponse()
        answer.full_inputs.ParseFromString(self.store.execution_inputs(request.id))
        answer.full_outputs.SetInParent()
        return answer

    def ListExecutions(self, request: t.Any) -> t.Any:
        where = []
        for function, column, values in _FILTER.findall(request.filters):
            if function == "ne":
                raise Fault(INVALID_ARGUMENT, f"the double has no filter ne({column})")
            where.append((column, values.split(";")))
        start, limit = int(request.token or 0), request.limit or 100
        raw = self.store.executions(request.id.project, request.id.domain, where, limit, start)
        token = str(start + limit) if len(raw) == limit else ""
        return execution_pb2.ExecutionList(executions=[execution_pb2.Execution.FromString(item) for item in raw], token=token)

    def TerminateExecution(self, request: t.Any) -> t.Any:
        execution = self._execution(request.id)
        if execution.closure.phase in (_Phase.SUCCEEDED, _Phase.FAILED, _Phase.ABORTED, _Phase.TIMED_OUT):
            raise Fault(INVALID_ARGUMENT, "Cannot abort an already terminated workflow execution")
        cluster = execution.spec.metadata.system_metadata.execution_cluster
        plane = self._plane(cluster)
        if plane is None:
            raise Fault(INVALID_ARGUMENT, f"invalid cluster target {cluster}")
        plane.call("DELETE", f"{_CRD.format(execution.spec.metadata.system_metadata.namespace)}/{request.id.name}")
        execution.closure.phase = _Phase.ABORTING
        execution.closure.abort_metadata.cause = request.cause
        _now(execution.closure.updated_at)
        self.store.put_execution(request.id, cluster, "ABORTING", execution.SerializeToString())
        return execution_pb2.ExecutionTerminateResponse()

    def _plane(self, cluster: str) -> DataPlane | None:
        generation = self.control_plane.current if self.control_plane else None
        if self.control_plane is None or generation is None or cluster not in generation.clusters:
            return None
        return self.control_plane.plane(generation.clusters[cluster])

    # -- propeller's part

    def _propeller(self, after: float) -> None:
        while not self._closed.wait(max(after, 0.2)):
            try:
                for raw in self.store.unfinished():
                    self._advance(execution_pb2.Execution.FromString(raw), after)
            except Exception:  # a cluster may be down: this thread has to outlive that
                traceback.print_exc()

    def _advance(self, execution: t.Any, after: float) -> None:
        age = time.time() - execution.closure.created_at.ToSeconds()
        plane = self._plane(execution.spec.metadata.system_metadata.execution_cluster)
        if plane is None or age < after:
            return
        if execution.closure.phase == _Phase.ABORTING:
            execution.closure.phase = _Phase.ABORTED
        else:
            path = f"{_CRD.format(execution.spec.metadata.system_metadata.namespace)}/{execution.id.name}"
            try:
                found = plane.call("GET", path).status_code == 200
            except requests.RequestException:
                return
            execution.closure.phase = _Phase.SUCCEEDED if found else _Phase.FAILED
            if not found:
                execution.closure.error.code, execution.closure.error.message = "Internal", "the FlyteWorkflow was deleted"
            execution.closure.started_at.CopyFrom(execution.closure.created_at)
        _now(execution.closure.updated_at)
        self.store.put_execution(
            execution.id, execution.spec.metadata.system_metadata.execution_cluster, _Phase.Name(execution.closure.phase), execution.SerializeToString()
        )

    # -- data proxy

    def CreateUploadLocation(self, request: t.Any) -> t.Any:
        if self._s3 is None:
            raise Fault(UNIMPLEMENTED, "no object store")
        md5 = request.content_md5.hex() if request.content_md5 else secrets.token_hex(8)
        key = "/".join(part for part in (request.project, request.domain, request.filename_root or md5, request.filename or "file") if part)
        answer = dataproxy_pb2.CreateUploadLocationResponse(signed_url=self._s3(key), native_url=f"s3://{key}")
        return answer


def _reason(answer: requests.Response) -> str:
    try:
        return str(answer.json().get("message", answer.text))
    except ValueError:
        return answer.text[:500]


def handlers(service: Service) -> dict[str, tuple[t.Any, t.Callable[[t.Any], t.Any]]]:
    """Return every RPC of flyteadmin by its full name: its descriptor and the handler, which may say 'not here'."""
    pool = descriptor_pool.Default()
    found: dict[str, tuple[t.Any, t.Callable[[t.Any], t.Any]]] = {}
    for name in ("AdminService", "DataProxyService", "AuthMetadataService", "IdentityService", "SignalService"):
        descriptor = pool.FindServiceByName(f"flyteidl.service.{name}")
        for method in descriptor.methods:
            found[method.full_name] = (method, getattr(service, method.name, _absent(method)))
    return found


def _absent(method: t.Any) -> t.Callable[[t.Any], t.Any]:
    def answer(_request: t.Any) -> t.Any:
        service = method.containing_service.full_name
        if service in ("flyteidl.service.AuthMetadataService", "flyteidl.service.IdentityService"):
            raise Fault(UNIMPLEMENTED, f"unknown service {service}")
        raise Fault(UNIMPLEMENTED, f"the double has no {method.name}")

    return answer


def parse(message: t.Any, content: t.Any) -> None:
    """Fill a message from JSON content, with flyteadmin's error for what is no object of that kind."""
    try:
        json_format.ParseDict(content, message, ignore_unknown_fields=True)
    except json_format.ParseError as problem:
        raise Fault(INVALID_ARGUMENT, f"proto:\u00a0{problem}") from problem
