# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is registered: projects, matchable attributes, tasks, workflows and launch plans."""

from __future__ import annotations

import datetime
import typing as t

from compiler import Compiler
from errors import ALREADY_EXISTS, INVALID_ARGUMENT, NOT_FOUND, Fault, limit_of
from flyteidl.admin import (
    common_pb2,
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
from flyteidl.core import compiler_pb2
from store import Store

_Kind = matchable_resource_pb2.MatchableResource


def now(message: t.Any) -> None:
    """Set a timestamp to this moment."""
    message.FromDatetime(datetime.datetime.now(datetime.timezone.utc))


def text(message: t.Any) -> str:
    """Return a message as Go prints it in errors."""
    return "  ".join(f'{field.name}:"{value}"' for field, value in message.ListFields() if field.name != "resource_type")


class Entities:
    """The part of the API that needs no cluster."""

    def __init__(self, store: Store, compiler: Compiler) -> None:
        self.store = store
        self.compiler = compiler
        self._started = str(datetime.datetime.now(datetime.timezone.utc))

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
        """Return the domains of every project; those of flyteadmin's configuration, where it has any."""
        return ("development", "staging", "production")

    def ListProjects(self, request: t.Any) -> t.Any:
        projects = [project_pb2.Project.FromString(raw) for raw in self.store.projects()]
        if request.filters not in ("", "eq(state,1)", "ne(state,1)"):
            raise Fault(INVALID_ARGUMENT, f"the double has no filter {request.filters} of projects")
        archived = request.filters == "eq(state,1)"
        return project_pb2.Projects(projects=[project for project in projects if (project.state == project_pb2.Project.ARCHIVED) is archived])

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
            raise Fault(ALREADY_EXISTS, f"{kind.lower()} with identical structure already exists with id {text(identifier)}")

    def _get(self, kind: str, identifier: t.Any, message: t.Any) -> t.Any:
        raw = self.store.entity(kind, identifier)
        if raw is None:
            raise Fault(NOT_FOUND, f"missing entity of type {kind} with identifier {text(identifier)}")
        return message.FromString(raw)

    def _list(self, kind: str, request: t.Any, message: t.Any, keep: t.Callable[[t.Any], bool] = lambda _entity: True) -> tuple[list[t.Any], str]:
        name = getattr(request.id, "name", "") if hasattr(request, "id") else ""
        project, domain = (request.id.project, request.id.domain) if hasattr(request, "id") else (request.project, request.domain)
        found = [message.FromString(raw) for raw in self.store.entities(kind, project, domain, name)]
        found = [entity for entity in found if keep(entity)]
        if request.sort_by.direction == common_pb2.Sort.DESCENDING:
            found.reverse()
        start, limit = int(request.token or 0), limit_of(request)
        page = found[start : start + limit]
        return page, str(start + limit) if len(page) == limit else ""

    def CreateTask(self, request: t.Any) -> t.Any:
        task = task_pb2.Task(id=request.id)
        task.closure.compiled_task.template.CopyFrom(request.spec.template)
        task.closure.compiled_task.template.id.CopyFrom(request.id)
        now(task.closure.created_at)
        self._create("TASK", request.id, task)
        return task_pb2.TaskCreateResponse()

    def GetTask(self, request: t.Any) -> t.Any:
        return self._get("TASK", request.id, task_pb2.Task)

    def ListTasks(self, request: t.Any) -> t.Any:
        tasks, token = self._list("TASK", request, task_pb2.Task)
        return task_pb2.TaskList(tasks=tasks, token=token)

    def CreateWorkflow(self, request: t.Any) -> t.Any:
        workflow = workflow_pb2.Workflow(id=request.id)
        closure = compiler_pb2.CompiledWorkflowClosure()
        closure.primary.template.CopyFrom(request.spec.template)
        closure.primary.template.id.CopyFrom(request.id)
        for template in request.spec.sub_workflows:
            closure.sub_workflows.add().template.CopyFrom(template)
        templates = [request.spec.template, *request.spec.sub_workflows]
        for identifier in _tasks_of([node for template in templates for node in template.nodes]):
            closure.tasks.add().CopyFrom(self._get("TASK", identifier, task_pb2.Task).closure.compiled_task)
        try:
            workflow.closure.compiled_workflow.CopyFrom(self.compiler.compile(closure))
        except Fault as fault:
            raise Fault(fault.code, f"failed to compile workflow for [{text(request.id)}] with err: {fault.message}") from fault
        now(workflow.closure.created_at)
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
        now(plan.closure.created_at)
        plan.closure.updated_at.CopyFrom(plan.closure.created_at)
        self._create("LAUNCH_PLAN", request.id, plan)
        return launch_plan_pb2.LaunchPlanCreateResponse()

    def UpdateLaunchPlan(self, request: t.Any) -> t.Any:
        plan = self._get("LAUNCH_PLAN", request.id, launch_plan_pb2.LaunchPlan)
        plan.closure.state = request.state
        now(plan.closure.updated_at)
        self.store.replace_entity("LAUNCH_PLAN", request.id, plan.SerializeToString())
        return launch_plan_pb2.LaunchPlanUpdateResponse()

    def GetLaunchPlan(self, request: t.Any) -> t.Any:
        return self._get("LAUNCH_PLAN", request.id, launch_plan_pb2.LaunchPlan)

    def GetActiveLaunchPlan(self, request: t.Any) -> t.Any:
        for raw in reversed(self.store.entities("LAUNCH_PLAN", request.id.project, request.id.domain, request.id.name)):
            plan = launch_plan_pb2.LaunchPlan.FromString(raw)
            if plan.closure.state == launch_plan_pb2.ACTIVE:
                return plan
        raise Fault(NOT_FOUND, f"No active launch plan could be found: {text(request.id)}")

    def ListLaunchPlans(self, request: t.Any) -> t.Any:
        plans, token = self._list("LAUNCH_PLAN", request, launch_plan_pb2.LaunchPlan)
        return launch_plan_pb2.LaunchPlanList(launch_plans=plans, token=token)

    def ListActiveLaunchPlans(self, request: t.Any) -> t.Any:
        plans, token = self._list("LAUNCH_PLAN", request, launch_plan_pb2.LaunchPlan, lambda plan: plan.closure.state == launch_plan_pb2.ACTIVE)
        return launch_plan_pb2.LaunchPlanList(launch_plans=plans, token=token)


def _tasks_of(nodes: t.Iterable[t.Any]) -> list[t.Any]:
    """Return the tasks that nodes run, each once, also those within branches and arrays."""
    found: dict[bytes, t.Any] = {}
    for node in nodes:
        if node.HasField("task_node"):
            found[node.task_node.reference_id.SerializeToString()] = node.task_node.reference_id
        cases = node.branch_node.if_else
        within = [case.then_node for case in (cases.case, *cases.other)] + [cases.else_node] if node.HasField("branch_node") else []
        within += [node.array_node.node] if node.HasField("array_node") else []
        found |= {identifier.SerializeToString(): identifier for identifier in _tasks_of(within)}
    return list(found.values())
