# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flyte's own compiler behind the double: what is registered becomes what flytepropeller runs."""

from __future__ import annotations

import typing as t

import pytest

pytest.importorskip("flyteidl", reason="flyteidl is one of tests/requirements.txt")

from binaries import LabError, find  # noqa: E402
from compiler import FlyteCompile  # noqa: E402
from errors import INVALID_ARGUMENT, Fault  # noqa: E402
from flyteidl.admin import execution_pb2, launch_plan_pb2, task_pb2, workflow_pb2  # noqa: E402
from flyteidl.core import identifier_pb2, interface_pb2, types_pb2  # noqa: E402
from planes_double import DOMAINS, Planes  # noqa: E402
from service import Service  # noqa: E402
from store import Store  # noqa: E402


class _Recording(Planes):
    """Keeps the objects that are created."""

    def __init__(self) -> None:
        super().__init__()
        self.created: list[dict[str, t.Any]] = []

    def plane(self, cluster: t.Any) -> t.Any:
        plane = super().plane(cluster)
        accept = plane.call

        def call(method: str, path: str, body: t.Any = None, *more: t.Any) -> t.Any:
            self.created.append({"path": path, **body})
            return accept(method, path, {"metadata": body["metadata"], "id": None}, *more)

        plane.call = call
        return plane


@pytest.fixture(name="planes", scope="module")
def _planes() -> _Recording:
    return _Recording()


@pytest.fixture(name="service", scope="module")
def _service(planes: _Recording) -> Service:
    try:
        program = find("flytecompile")
    except LabError as problem:
        pytest.skip(str(problem))
    service = Service(Store(":memory:"), FlyteCompile(program))
    service.control_plane = t.cast(t.Any, planes)
    service.seed(["team1"], DOMAINS)
    return service


def _id(kind: int, name: str) -> t.Any:
    return identifier_pb2.Identifier(resource_type=kind, project="team1", domain="development", name=name, version="v1")


def _integer() -> t.Any:
    return interface_pb2.Variable(type=types_pb2.LiteralType(simple=types_pb2.INTEGER))


def _register(service: Service, name: str, *, kind: str = "python-task", wants: str = "x") -> None:
    """Register a workflow of one task from x to y, and its launch plan.

    :param wants: the workflow's input that the task's x is bound to.
    """
    task = task_pb2.TaskCreateRequest(id=_id(identifier_pb2.TASK, f"{name}.task"))
    task.spec.template.type = kind
    if kind == "python-task":
        task.spec.template.container.image = "image"
        task.spec.template.container.args.append("true")
        task.spec.template.interface.inputs.variables["x"].CopyFrom(_integer())
        task.spec.template.interface.outputs.variables["y"].CopyFrom(_integer())
    service.CreateTask(task)
    workflow = workflow_pb2.WorkflowCreateRequest(id=_id(identifier_pb2.WORKFLOW, name))
    template = workflow.spec.template
    node = template.nodes.add(id="n0")
    node.task_node.reference_id.CopyFrom(task.id)
    if kind == "python-task":
        template.interface.inputs.variables["x"].CopyFrom(_integer())
        template.interface.outputs.variables["y"].CopyFrom(_integer())
        node.inputs.add(var="x").binding.promise.var = wants
        output = template.outputs.add(var="y").binding.promise
        output.node_id, output.var = "n0", "y"
    service.CreateWorkflow(workflow)
    plan = launch_plan_pb2.LaunchPlanCreateRequest(id=_id(identifier_pb2.LAUNCH_PLAN, name))
    plan.spec.workflow_id.CopyFrom(workflow.id)
    if kind == "python-task":
        plan.spec.default_inputs.parameters["x"].required = True
        plan.spec.default_inputs.parameters["x"].var.CopyFrom(_integer())
    service.CreateLaunchPlan(plan)


def _launch(service: Service, name: str, **inputs: int) -> None:
    request = execution_pb2.ExecutionCreateRequest(project="team1", domain="development", name=f"f-{name}")
    request.spec.launch_plan.CopyFrom(_id(identifier_pb2.LAUNCH_PLAN, name))
    request.spec.execution_cluster_label.value = "label1"
    for key, value in inputs.items():
        request.inputs.literals[key].scalar.primitive.integer = value
    service.CreateExecution(request)


def test_a_registered_workflow_becomes_what_flytepropeller_runs(service: Service, planes: _Recording) -> None:
    _register(service, "one")
    closure = service.GetWorkflow(workflow_pb2.Workflow(id=_id(identifier_pb2.WORKFLOW, "one"))).closure.compiled_workflow
    assert [node.id for node in closure.primary.template.nodes] == ["start-node", "end-node", "n0"]
    assert list(closure.primary.connections.downstream["start-node"].ids) == ["n0"]
    _launch(service, "one", x=4)
    created = planes.created[-1]
    assert created["path"].endswith("/namespaces/team1-development/flyteworkflows") and created["kind"] == "FlyteWorkflow"
    assert created["metadata"]["labels"]["execution-id"] == "f-one" and created["metadata"]["finalizers"] == ["flyte.org/finalizer"]
    assert created["executionId"] == {"project": "team1", "domain": "development", "name": "f-one"}
    assert set(created["spec"]["nodes"]) == {"start-node", "n0", "end-node"} and created["spec"]["edges"]["downstream"]["n0"] == ["end-node"]
    assert created["inputs"]["literals"]["x"]["scalar"]["primitive"]["integer"] == "4"
    (task,) = created["tasks"].values()
    assert task["container"]["args"] == ["true"]


def test_a_task_without_container_too(service: Service, planes: _Recording) -> None:
    _register(service, "echo", kind="echo")
    _launch(service, "echo")
    (task,) = planes.created[-1]["tasks"].values()
    assert task["type"] == "echo"


def test_what_does_not_fit_together_is_refused_when_it_is_registered(service: Service) -> None:
    with pytest.raises(Fault, match="(?s)failed to compile workflow for .*wrong.*Variable \\[z\\] not found") as refused:
        _register(service, "wrong", wants="z")
    assert refused.value.code == INVALID_ARGUMENT


def test_missing_and_unknown_inputs_are_refused_when_it_is_launched(service: Service) -> None:
    _register(service, "inputs")
    with pytest.raises(Fault, match="expected_inputs x missing"):
        _launch(service, "inputs")
    with pytest.raises(Fault, match="invalid input z"):
        _launch(service, "inputs", x=1, z=2)
