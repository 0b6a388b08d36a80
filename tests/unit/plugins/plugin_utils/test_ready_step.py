# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whose pods a run waits for: of what it changed, or found not ready, or a run beside it made in the meantime."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.plugin_utils import _steps
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
from ansible_collections.flyte.multicluster.plugins.plugin_utils._outcomes import Outcomes
from conftest import Inventory, site_of

HUB = "controlplane"
WAITING = {"deployments": {"total": 1, "not_ready": [{"name": "deployment/flyteadmin", "reason": "0 of 2"}]}}


@pytest.mark.parametrize(
    ("release", "seen", "waits"),
    [
        ({"changed": False, "failures": []}, {}, False),
        ({"changed": True, "failures": []}, {}, True),
        ({"changed": False, "made_by_other": True, "failures": []}, {}, True),
        ({"changed": False, "failures": []}, WAITING, True),
        ({"changed": True, "failures": [{"host": HUB, "step": "controlplane", "problem": "p", "remedy": "r"}]}, {}, False),
    ],
)
def test_the_control_plane_is_waited_for(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch, release: dict[str, t.Any], seen: dict[str, t.Any], waits: bool
) -> None:
    waited: list[str] = []

    def wait_for(_work: t.Any, hosts: t.Iterable[str], **_how: t.Any) -> tuple[list[t.Any], dict[str, t.Any]]:
        waited.extend(hosts)
        return [], {}

    monkeypatch.setattr(_steps, "wait_for", wait_for)
    variables = types.SimpleNamespace(read=lambda *_: None, result=lambda _host, name: release if name == "controlplane_release" else None)
    action = types.SimpleNamespace(check_mode=False, variables=variables)
    known = Known(t.cast("t.Any", site_of(inventory)), {HUB: {"reachable": True, **seen}}, None, None)
    outcomes = Outcomes(t.cast("t.Any", variables), [HUB], ["controlplane_release"])
    plan: dict[str, t.Any] = {"releases": [], "restarts": {}, "failures": []}
    _steps.wait_until_ready(_steps.Work(t.cast("t.Any", action), known, plan, [HUB], outcomes))
    assert waited == ([HUB] if waits else [])
