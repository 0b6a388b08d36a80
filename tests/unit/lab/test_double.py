# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The exchanges recorded from a real flyteadmin, sent to the double: the same requests get the same answers."""

from __future__ import annotations

import json
import pathlib
import sys
import threading
import types
import typing as t

import pytest
import requests

UNIT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(UNIT.parent / "lab" / "flyteadmin"))

pytest.importorskip("flyteidl", reason="flyteidl is one of tests/requirements.txt")

from auth import Auth  # noqa: E402
from gateway import Gateway  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from control_plane import Cluster, Generation  # noqa: E402
from service import Service  # noqa: E402
from store import Store  # noqa: E402

#: values that differ from run to run; everything else has to be equal
VOLATILE = {"created_at", "updated_at", "occurred_at", "BuildTime"}


class _Plane:
    """A data plane that accepts everything: the exchanges are about flyteadmin."""

    def call(self, *_arguments: t.Any) -> t.Any:
        return types.SimpleNamespace(status_code=201)


class _ControlPlane:
    def __init__(self) -> None:
        clusters = {name: Cluster(name, True, "", "", "") for name in ("dataplane_1", "dataplane_2")}
        labels = {"label1": [("dataplane_1", 1.0)], "label2": [("dataplane_2", 1.0)]}
        self.current = Generation(clusters, labels, ("development", "staging", "production"), {}, {})

    def plane(self, _cluster: Cluster) -> _Plane:
        return _Plane()


def _exchanges(name: str) -> list[dict[str, t.Any]]:
    return json.loads((UNIT / "exchanges" / name).read_text(encoding="utf-8"))["exchanges"]


def _register(service: Service, launch_plan: dict[str, t.Any]) -> None:
    """Register what was registered by flytekit when the exchanges were recorded."""
    from flyteidl.admin import launch_plan_pb2

    plan = json_format.ParseDict(launch_plan, launch_plan_pb2.LaunchPlan())
    for domain in ("development", "production"):
        plan.id.domain = plan.spec.workflow_id.domain = domain
        service.store.put_entity("LAUNCH_PLAN", plan.id, plan.SerializeToString())


def _serve(service: Service, auth: Auth | None) -> t.Iterator[str]:
    gateway = Gateway(0, service, auth, lambda: True)
    threading.Thread(target=gateway.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{gateway.server_port}"
    gateway.shutdown()
    gateway.server_close()


@pytest.fixture(name="service")
def _service() -> Service:
    service = Service(Store(":memory:"), finish_after=-1)
    service.control_plane = t.cast(t.Any, _ControlPlane())
    service.seed(["project1", "team1"], ("development", "staging", "production"))
    return service


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


def test_every_recorded_exchange_with_authentication(service: Service) -> None:
    """The same with flyteadmin's own OAuth2 server."""
    auth = Auth("http://127.0.0.1:38188", "flytepropeller", "right")
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
