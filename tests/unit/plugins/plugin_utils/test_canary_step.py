# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A proof that was wanted and proved nothing is a failure."""

from __future__ import annotations

import types
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure
from ansible_collections.flyte.multicluster.plugins.plugin_utils._canary_steps import prove
from ansible_collections.flyte.multicluster.plugins.plugin_utils._outcomes import Outcomes
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work, ended
from conftest import Inventory, site_of


def work(site: Site, *, check_mode: bool = False) -> Work:
    """Return the work of a verification on a flyteadmin without any stored label, whose module has nothing to launch."""
    action = types.SimpleNamespace(
        check_mode=check_mode,
        here=lambda _operation, _arguments: {"canaries": []},
        variables=types.SimpleNamespace(read=lambda _host, _name: None),
    )
    known = types.SimpleNamespace(site=site, observed={}, live={"clusterConfigs": [{"name": "dataplane_1", "enabled": True}]})
    return Work(t.cast("t.Any", action), t.cast("t.Any", known), {}, [], Outcomes(t.cast("t.Any", None), [], []))


def test_a_workflow_that_no_label_launches_anywhere_is_a_failure(inventory: Inventory) -> None:
    site = site_of(inventory)
    site.settings["flyte_canary_workflow"] = "example.training_workflow"
    found = prove(work(site))
    assert found["failed"] and "example.training_workflow was launched nowhere" in found["msg"] and not found["lines"]
    assert not prove(work(site, check_mode=True)).get("failed")


def test_what_failed_is_one_text_that_a_screen_does_not_obey() -> None:
    """Ansible shows a text as it is, beside the callback too; a server may say anything."""
    found = ended([Failure("dataplane_1", "verify", "it says \x1b[2J\rall is well.", "Look."), None, Failure("dataplane_2", "verify", "no", "Do it.")])
    assert found["msg"] == "dataplane_1: it says \\x1b[2J\\rall is well. Look.\ndataplane_2: no. Do it." and len(found["failures"]) == 2
