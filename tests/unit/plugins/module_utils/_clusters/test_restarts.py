# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to start anew is noted before what it reads is put right, and done by whichever run comes to it."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.observe import observe
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.restarts import announce, restart
from api_server import DEPLOYMENTS, ApiServer, data_plane, deployment

DUE = "flyte.multicluster/restart-due"


def patched(server: ApiServer) -> list[tuple[str, dict[str, t.Any]]]:
    return [(path, json.loads(body)) for method, path, _headers, body in server.seen if method == "PATCH"]


def test_a_deployment_is_started_anew_and_owes_nothing_any_more() -> None:
    with ApiServer() as server:
        restart(Kube(server.access), "flyte", "syncresources")
        ((method, _path, headers, _body),) = server.seen
        ((path, body),) = patched(server)
    assert (method, path) == ("PATCH", f"{DEPLOYMENTS}/syncresources") and headers["content-type"] == "application/merge-patch+json"
    assert list(body["spec"]["template"]["metadata"]["annotations"]) == ["kubectl.kubernetes.io/restartedAt"]
    assert body["metadata"] == {"annotations": {DUE: None}}  # in one request: a run cannot be killed between the two


def test_it_is_noted_on_what_is_there() -> None:
    with ApiServer({f"{DEPLOYMENTS}/flyteadmin": deployment("flyteadmin")}) as server:
        announce(Kube(server.access), "flyte", ["flyteadmin", "syncresources"])
        assert patched(server) == [(f"{DEPLOYMENTS}/flyteadmin", {"metadata": {"annotations": {DUE: "true"}}})]
        server.answers[f"PATCH {DEPLOYMENTS}/flyteadmin"] = 403
        with pytest.raises(KubeError):
            announce(Kube(server.access), "flyte", ["flyteadmin"])


def test_what_a_killed_run_owed_is_seen_without_a_request_of_its_own() -> None:
    owing = deployment()
    owing["metadata"]["annotations"] = {DUE: "true"}
    spec = {"name": "a", "namespace": "flyte", "release": "flyte-core-data", "control_plane": False, "data_plane": True}
    spec |= {"token_secret": "flyteadmin-token", "propeller": True, "rights": False}
    with ApiServer(data_plane()) as server, ApiServer(data_plane(**{DEPLOYMENTS: {"items": [owing]}})) as other:
        found = [observe([{**spec, "access": one.access}], concurrency=1, timeout=5, rules=[])["a"]["restarts_due"] for one in (server, other)]
        assert found == [[], ["flytepropeller"]] and len(server.seen) == len(other.seen)
