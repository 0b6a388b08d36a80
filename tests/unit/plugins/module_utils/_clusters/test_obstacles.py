# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a data plane says of an execution that does not run there."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.obstacles import obstacles
from api_server import CRD, LEASE, RECORDS, ApiServer, working_plane

NAMESPACE = "/api/v1/namespaces/team1-development"
WORKFLOW = f"{CRD}/namespaces/team1-development/flyteworkflows/f1"
QUOTAS = f"{NAMESPACE}/resourcequotas"


def quota(**used: str) -> dict[str, t.Any]:
    hard = {"limits.cpu": "4", "limits.memory": "3000Mi"}
    return {"items": [{"metadata": {"name": "project-quota"}, "status": {"hard": hard, "used": {key.replace("_", "."): value for key, value in used.items()}}}]}


def why(**answers: t.Any) -> str:
    base = {NAMESPACE: {"kind": "Namespace"}, WORKFLOW: {"status": {"phase": 1}}, QUOTAS: {"items": []}}
    with ApiServer(working_plane(**{**base, **answers})) as server:
        plane = {"name": "dataplane_1", "namespace": "flyte", "release": "flyte-core-data", "propeller": True, **server.access}
        return obstacles(plane, "team1-development", "f1", timeout=5)


def test_a_namespace_that_is_missing_is_all_there_is_to_say() -> None:
    assert why(**{NAMESPACE: 404}) == "its namespace team1-development is missing there: run site.yml, it restarts syncresources"


def test_no_leader_is_said() -> None:
    found = why(**{LEASE: 404, WORKFLOW: {"kind": "FlyteWorkflow"}})
    assert found == "flytepropeller: it does not lead: there is no Lease flyte/propeller-leader; flytepropeller has not taken it up"
    assert why(**{RECORDS: {"items": []}}).startswith("there is no release flyte-core-data: nothing takes it up")


# Messages as flytepropeller v1.16.8 writes them.
_CAUSE = "caused by [EventSinkError: Error sending event, caused by [rpc error: code = Unauthenticated desc = token parse error]]"
REFUSED = f"Workflow[] failed. ErrorRecordingError: failed to publish event, {_CAUSE}"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"failedAttempts": 3, "message": REFUSED}, "check its secret (flyte-secret-auth), flyte_admin_endpoint, flyte_propeller_ca_cert, its cluster name"),
        ({"failedAttempts": 3, "message": REFUSED}, "(3 attempts)"),
        ({"failedAttempts": 3, "message": REFUSED}, "Unauthenticated"),
        ({"failedAttempts": 1, "message": "failed at Node[n0]. BindingResolutionError"}, "flytepropeller fails at it (1 attempts): failed at Node[n0]"),
        ({"phase": 0}, "flytepropeller has not taken it up"),
        ({"phase": 1, "message": "Workflow Started"}, "flytepropeller has it at Running (Workflow Started)"),
        ({"phase": 99}, "flytepropeller has it at 99"),
    ],
)
def test_what_flytepropeller_made_of_it_is_said(status: dict[str, t.Any], said: str) -> None:
    assert said in why(**{WORKFLOW: {"status": status}})


def test_a_flyteworkflow_that_is_gone_is_said() -> None:
    assert "there is no FlyteWorkflow team1-development/f1" in why(**{WORKFLOW: 404})


def test_a_full_quota_is_named() -> None:
    found = why(**{QUOTAS: quota(limits_cpu="4000m", limits_memory="500Mi")})
    assert found == "flytepropeller has it at Running; the quota project-quota is full: limits.cpu 4000m of 4"
    assert "quota" not in why(**{QUOTAS: quota(limits_cpu="3999m", limits_memory="2Gi")})


@pytest.mark.parametrize("answers", [{NAMESPACE: 403}, {WORKFLOW: {"status": {"phase": "x"}}}, {QUOTAS: {"items": [{}, 7]}}])
def test_a_plane_that_cannot_say_it_is_no_failure_of_its_own(answers: dict[str, t.Any]) -> None:
    assert why(**answers).startswith("the cluster cannot be asked why: ")
