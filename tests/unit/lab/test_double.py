# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The exchanges recorded from a real flyteadmin, sent to the double: the same requests get the same answers."""

from __future__ import annotations

import json
import pathlib
import socket
import threading
import typing as t

import pytest
import requests

UNIT = pathlib.Path(__file__).resolve().parents[1]
pytest.importorskip("flyteidl", reason="flyteidl is one of tests/requirements.txt")

import grpc  # noqa: E402
from auth import Auth  # noqa: E402
from flyteidl.admin import event_pb2, execution_pb2, launch_plan_pb2, workflow_pb2  # noqa: E402
from flyteidl.core import execution_pb2 as core_execution_pb2  # noqa: E402
from flyteidl.service import auth_pb2  # noqa: E402
from gateway import Gateway, grpc_server  # noqa: E402
from generation import Cluster, Generation  # noqa: E402
from google.protobuf import json_format, message_factory  # noqa: E402
from google.rpc import status_pb2  # noqa: E402
from planes_double import Planes, service_of  # noqa: E402
from service import Service, handlers  # noqa: E402

#: values that differ from run to run; everything else has to be equal
VOLATILE = {"created_at", "updated_at", "occurred_at", "BuildTime"}


def _exchanges(name: str) -> list[dict[str, t.Any]]:
    return json.loads((UNIT / "exchanges" / name).read_text(encoding="utf-8"))["exchanges"]


def _register(service: Service, launch_plan: dict[str, t.Any]) -> None:
    """Register what was registered by flytekit when the exchanges were recorded."""
    plan = json_format.ParseDict(launch_plan, launch_plan_pb2.LaunchPlan())
    for domain in ("development", "production"):
        plan.id.domain = plan.spec.workflow_id.domain = domain
        service.store.put_entity("LAUNCH_PLAN", plan.id, plan.SerializeToString())
        workflow = workflow_pb2.Workflow(id=plan.spec.workflow_id)
        service.store.put_entity("WORKFLOW", workflow.id, workflow.SerializeToString())


def _serve(service: Service, auth: Auth | None) -> t.Iterator[str]:
    gateway = Gateway(0, service, auth, lambda: True)
    threading.Thread(target=gateway.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{gateway.server_port}"
    gateway.shutdown()
    gateway.server_close()


@pytest.fixture(name="service")
def _service() -> Service:
    return t.cast(Service, service_of(Planes()))


@pytest.fixture(name="url")
def _url(service: Service) -> t.Iterator[str]:
    yield from _serve(service, None)


def _blank(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: "*" if key in VOLATILE else _blank(item) for key, item in value.items()}
    return [_blank(item) for item in value] if isinstance(value, list) else value


def _placed(body: t.Any) -> t.Any:
    """Set the cluster of an execution with no valid label, which is any, to the recorded one."""
    metadata = body["spec"]["metadata"]["system_metadata"]
    assert metadata["execution_cluster"] in ("dataplane_1", "dataplane_2")
    return {**body, "spec": {**body["spec"], "metadata": {**body["spec"]["metadata"], "system_metadata": {**metadata, "execution_cluster": "*"}}}}


def test_every_recorded_exchange(service: Service, url: str) -> None:
    """All exchanges in their order, since each builds on the state that the ones before left."""
    exchanges = _exchanges("flyteadmin-exchanges.json")
    session = requests.Session()
    session.headers.update({"Accept": "application/json", "Content-Type": "application/json"})
    checked = 0
    for exchange in exchanges:
        request, expected = exchange["request"], exchange["response"]
        if "launch plans by name" in exchange["note"]:
            _register(service, expected["body"]["launch_plans"][0])
        body = None if request["body"] is None else json.dumps(request["body"])
        answer = session.request(request["method"], url + request["path"], data=body, timeout=10)
        assert answer.status_code == expected["status"], exchange["note"]
        assert answer.headers.get("Content-Type") == expected["content_type"], exchange["note"]
        found, wanted = (answer.json(), expected["body"]) if answer.content else ("", expected["body"])
        if "any enabled cluster" in exchange["note"] or "some enabled cluster" in exchange["note"]:
            found, wanted = _placed(found), _placed(wanted)
        if exchange["note"] == "malformed body":
            # Go writes a no-break space or a space there, by chance, so that nobody compares it.
            found["message"], wanted["message"] = (body["message"].replace("\u00a0", " ") for body in (found, wanted))
        assert _blank(found) == _blank(wanted), exchange["note"]
        checked += 1
    assert checked == len(exchanges) > 50


@pytest.mark.parametrize(
    "path",
    [
        *(f"{kind}/team1/development/x" for kind in ("tasks", "workflows", "launch_plans", "node_executions")),
        "active_launch_plans/team1/development",
        "executions/team1/development",
    ],
)
def test_a_list_without_a_limit_is_refused(url: str, path: str) -> None:
    """As by flyteadmin v1.16.8, of which this answer is."""
    answer = requests.get(f"{url}/api/v1/{path}", headers={"Accept": "application/json"}, timeout=10)
    assert (answer.status_code, answer.json()) == (400, {"code": 3, "message": "invalid value for limit", "details": []})
    assert requests.get(f"{url}/api/v1/{path}?limit=1", headers={"Accept": "application/json"}, timeout=10).status_code == 200


def test_every_recorded_exchange_with_authentication(service: Service) -> None:
    """The same with flyteadmin's own OAuth2 server."""
    auth = Auth("http://127.0.0.1:38188", {"flytepropeller": "right", "flyte-automation": "another"})
    for url in _serve(service, auth):
        token = ""
        exchanges = _exchanges("flyteadmin-auth-exchanges.json")
        for exchange in exchanges:
            request, expected, note = exchange["request"], exchange["response"], exchange["note"]
            headers = {"Accept": "application/json"}
            for name in request["headers"]:
                headers[name] = "Bearer nonsense" if "not a token" in note else f"Bearer {token}"
            basic = ("flytepropeller", "wrong" if note == "wrong secret" else "right") if request["form"] else None
            if basic:
                headers.pop("Authorization", None)
            answer = requests.request(
                request["method"],
                url + request["path"],
                headers=headers,
                data=request["form"],
                json=request["body"],
                auth=basic or _NoAuth(),
                timeout=10,
            )
            assert answer.status_code == expected["status"], note
            assert answer.headers["Content-Type"] == expected["content_type"], note
            found = answer.json()
            if "access_token" in found:
                token, found["access_token"] = found["access_token"], "<jwt>"
            assert found == expected["body"], note


class _NoAuth(requests.auth.AuthBase):
    """Keeps requests from taking credentials out of a .netrc."""

    def __call__(self, request: t.Any) -> t.Any:
        return request


def test_a_label_selects_by_weight() -> None:
    """Disabled clusters get nothing; with all of a label disabled, any enabled one is taken, as the real one does."""
    clusters = {"a": Cluster("a", True, "", "", ""), "b": Cluster("b", False, "", "", ""), "c": Cluster("c", True, "", "", "")}
    generation = Generation(clusters, {"x": [("a", 0.5), ("b", 0.5)], "dead": [("b", 1.0)]}, (), {}, {})
    assert {generation.select("x").name for _number in range(50)} == {"a"}
    assert {generation.select("dead").name for _number in range(200)} == {"a", "c"}


# -- what flytepropeller sends


@pytest.fixture(name="channel")
def _channel(service: Service) -> t.Iterator[grpc.Channel]:
    port = _free_port()
    server = grpc_server(port, service, None, lambda: True)
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _call(service: Service, channel: grpc.Channel, name: str, content: dict[str, t.Any]) -> tuple[t.Any, t.Any]:
    """Send one request as flytepropeller does; return the answer, or code, text and detail of the error."""
    method = next(method for method, _handler in handlers(service, None).values() if method.full_name == f"flyteidl.service.AdminService.{name}")
    request = json_format.ParseDict(content, message_factory.GetMessageClass(method.input_type)())
    send = channel.unary_unary(
        f"/flyteidl.service.AdminService/{name}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    try:
        return json_format.MessageToDict(send(request, timeout=10)), None
    except grpc.RpcError as error:
        raw = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        details = status_pb2.Status.FromString(raw).details
        reason = event_pb2.EventFailureReason()
        return [error.code().name, " ".join(error.details().split())], details[0].Unpack(reason) and reason.WhichOneof("reason") if details else None


def _execution_of(event: dict[str, t.Any]) -> dict[str, str]:
    """Return the execution that an event is about."""
    within = event.get("parent_node_execution_id") or event.get("id") or event
    return t.cast("dict[str, str]", within["execution_id"])


def test_every_recorded_event_of_flytepropeller(service: Service, channel: grpc.Channel) -> None:
    """Four executions to their end, then the odd ones: of another cluster, a phase twice, after the end, of an unknown execution."""
    stories = json.loads((UNIT / "exchanges" / "propeller-exchanges.json").read_text(encoding="utf-8"))["stories"]
    sent = [exchange for exchanges in stories.values() for exchange in exchanges]
    for exchange in sent:
        identifier = _execution_of(exchange["request"]["event"])
        if identifier["name"] != "nosuch":
            execution = json_format.ParseDict({"id": identifier}, execution_pb2.Execution())
            execution.spec.metadata.system_metadata.execution_cluster = "dataplane_1"
            service.store.put_execution(execution.id, "dataplane_1", "UNDEFINED", execution.SerializeToString(), b"")
    for story, exchanges in stories.items():
        for exchange in exchanges:
            answer, _detail = _call(service, channel, exchange["method"], exchange["request"])
            assert answer == exchange.get("error", exchange.get("response")), (story, exchange)
    assert len(sent) > 40
    ends = {
        story: execution_pb2.Execution.FromString(service.store.execution(_identifier(exchanges[0]))).closure
        for story, exchanges in stories.items()
        if story != "odd"
    }
    phases = {story: core_execution_pb2.WorkflowExecution.Phase.Name(closure.phase) for story, closure in ends.items()}
    assert phases == {"succeeds": "SUCCEEDED", "succeeds_with_output": "SUCCEEDED", "fails": "FAILED", "aborted": "ABORTED"}
    assert ends["succeeds"].outputs.uri.endswith("/end-node/data/0/outputs.pb") and ends["succeeds"].duration.ToSeconds() == 36
    assert ends["fails"].error.code == "USER:RuntimeError"


def _identifier(exchange: dict[str, t.Any]) -> t.Any:
    return json_format.ParseDict(_execution_of(exchange["request"]["event"]), execution_pb2.Execution().id)


def test_what_flytepropeller_decides_by_is_said_by_fields_too(service: Service, channel: grpc.Channel) -> None:
    """It ends a workflow whose execution ended elsewhere, or that another cluster runs; of any other refusal it tries again."""
    execution = execution_pb2.Execution()
    execution.id.project, execution.id.domain, execution.id.name = "team1", "development", "f1"
    execution.spec.metadata.system_metadata.execution_cluster = "dataplane_1"
    service.store.put_execution(execution.id, "dataplane_1", "UNDEFINED", execution.SerializeToString(), b"")
    event = {"execution_id": json_format.MessageToDict(execution.id), "occurred_at": "2026-11-24T11:45:05Z"}

    def send(producer: str, phase: str) -> t.Any:
        return _call(service, channel, "CreateWorkflowEvent", {"event": {**event, "producer_id": producer, "phase": phase}})

    assert send("dataplane_2", "RUNNING")[1] == "incompatible_cluster"
    assert send("dataplane_1", "SUCCEEDED") == ({}, None)
    assert send("dataplane_1", "RUNNING")[1] == "already_in_terminal_state"
    assert send("dataplane_1", "SUCCEEDED")[0][0] == "ALREADY_EXISTS"


def test_nodes_and_tasks_are_read_as_reported(service: Service, channel: grpc.Channel) -> None:
    stories = json.loads((UNIT / "exchanges" / "propeller-exchanges.json").read_text(encoding="utf-8"))["stories"]
    story = stories["succeeds_with_output"]
    execution = execution_pb2.Execution(id=_identifier(story[0]))
    execution.spec.metadata.system_metadata.execution_cluster = "dataplane_1"
    service.store.put_execution(execution.id, "dataplane_1", "UNDEFINED", execution.SerializeToString(), b"")
    for exchange in story:
        _call(service, channel, exchange["method"], exchange["request"])
    identifier = json_format.MessageToDict(execution.id, preserving_proto_field_name=True)
    nodes, _none = _call(service, channel, "ListNodeExecutions", {"workflow_execution_id": identifier, "limit": 10})
    assert {node["id"]["nodeId"]: node["closure"]["phase"] for node in nodes["nodeExecutions"]} == dict.fromkeys(("start-node", "n0", "end-node"), "SUCCEEDED")
    node = {"node_id": "n0", "execution_id": identifier}
    tasks, _none = _call(service, channel, "ListTaskExecutions", {"node_execution_id": node, "limit": 10})
    (task,) = tasks["taskExecutions"]
    assert task["id"]["taskId"]["name"] == "canary.add" and task["closure"]["phase"] == "SUCCEEDED"
    said = [reason["message"].split(":")[0] for reason in task["closure"]["reasons"]]
    assert said == ["Exceeded resourcequota", "task submitted to K8s", "Demistify Pending"]
    # A phase of the same version again, and one after the end.
    last = [exchange["request"] for exchange in story if exchange["method"] == "CreateTaskEvent"][-1]
    assert _call(service, channel, "CreateTaskEvent", last)[0][0] == "ALREADY_EXISTS"
    after = {"event": {**last["event"], "phase": "RUNNING"}}
    assert _call(service, channel, "CreateTaskEvent", after)[1] == "already_in_terminal_state"


def test_with_authentication_clients_find_out_over_grpc_how_to_log_in(service: Service) -> None:
    auth = Auth("http://127.0.0.1:1", {"flytepropeller": "right"})
    port = _free_port()
    server = grpc_server(port, service, auth, lambda: True)
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:

        def ask(name: str, message: t.Any) -> t.Any:
            send = channel.unary_unary(
                f"/flyteidl.service.AuthMetadataService/{name}", request_serializer=lambda _none: b"", response_deserializer=message.FromString
            )
            return send(None, timeout=10)

        assert ask("GetOAuth2Metadata", auth_pb2.OAuth2MetadataResponse).token_endpoint == "http://127.0.0.1:1/oauth2/token"
        config = ask("GetPublicClientConfig", auth_pb2.PublicClientAuthConfigResponse)
        assert config.authorization_metadata_key == "flyte-authorization" and list(config.scopes) == ["offline", "all"]
        answer, _detail = _call(service, channel, "ListProjects", {})
        assert answer[0] == "UNAUTHENTICATED"
    server.stop(None)
