# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A control plane gives up running workflows of its own only once these have ended."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.action.flyte_release import ActionModule
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.leftovers import WORKFLOWS
from ansible_collections.flyte.multicluster.plugins.plugin_utils import _own_workflows
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
from ansible_collections.flyte.multicluster.plugins.plugin_utils._own_workflows import refuse_unended, unended
from api_server import ApiServer
from conftest import Inventory, site_of

OWN = {"name": "controlplane", "enabled": True, "inCluster": True}
HELD = {"items": [{"metadata": {"namespace": "team1-staging", "name": name, "finalizers": ends}} for name, ends in (("f1", ["x"]), ("f2", []))]}


class Case:
    """A control plane that ran workflows, and an inventory in which it does not."""

    def __init__(self, inventory: Inventory, server: ApiServer) -> None:
        inventory["controlplane"].pop("flyte_kube_context", None)
        inventory["controlplane"].update(flyte_kube_host=server.url, flyte_kube_api_key="the-token")
        self.inventory, self.server, self.entries = inventory, server, [OWN]
        server.answers[WORKFLOWS] = HELD

    @property
    def known(self) -> Known:
        section = {"clusterConfigs": self.entries}
        return Known(site_of(self.inventory), {"controlplane": {"control_plane": {"clusters": section}}}, None, None)

    def read(self, host: str, name: str) -> t.Any:
        return self.inventory[host].get(name)


@pytest.fixture
def case(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Case]:
    monkeypatch.setattr(_own_workflows, "_MOMENT", 0.0)
    with ApiServer() as server:
        yield Case(inventory, server)


def test_it_is_refused_while_one_runs_and_says_what_to_do(case: Case) -> None:
    with pytest.raises(Refused) as refused:
        refuse_unended(case.known, case.read)
    (said,) = refused.value.lines
    assert said.startswith("controlplane: flyte_control_plane_runs_workflows = False: 1 FlyteWorkflow(s) in this cluster have not ended: team1-staging/f1.")
    assert "flyte_cluster_enabled: false" in said and "kubectl -n team1-staging patch flyteworkflow f1" in said and "f2" not in said
    case.server.answers[WORKFLOWS] = {"items": HELD["items"][1:]}
    refuse_unended(case.known, case.read)


def test_nothing_is_asked_where_it_goes_on_or_never_did(case: Case) -> None:
    case.entries = [{"name": "dataplane_1", "enabled": True}]
    assert unended(case.known, case.read, seconds=0.0) is None
    case.entries = [OWN]
    for own in case.inventory.values():
        own["flyte_control_plane_runs_workflows"] = True
    assert unended(case.known, case.read, seconds=0.0) is None and not case.server.asked


def test_a_cluster_without_the_kind_has_none_and_one_that_does_not_say_it_is_refused(case: Case) -> None:
    case.server.answers[WORKFLOWS] = 404
    assert unended(case.known, case.read, seconds=0.0) is None
    case.server.answers[WORKFLOWS] = 403
    with pytest.raises(Refused, match="controlplane: "):
        refuse_unended(case.known, case.read)


def test_one_that_was_begun_since_the_plan_holds_the_release(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.flyte.multicluster.plugins.action import flyte_release

    monkeypatch.setattr(flyte_release, "SETTLE", 0.0)
    action = ActionModule.__new__(ActionModule)
    action.variables = types.SimpleNamespace(read=case.read)
    failure = action._left_running(case.known)
    assert failure and failure.host == "controlplane" and failure.step == "controlplane"
    assert failure.problem == "not rolled out: flyte_control_plane_runs_workflows = False" and "team1-staging/f1" in failure.remedy
    case.server.answers[WORKFLOWS] = {"items": []}
    assert action._left_running(case.known) is None and _own_workflows.SETTLE > 0
