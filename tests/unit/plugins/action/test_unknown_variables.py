# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who uses the collection's prefix for variables of their own says so, on the command line too."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.action.flyte_plan import ActionModule
from conftest import Inventory


@pytest.mark.parametrize(
    ("allowed", "refused"), [(True, False), ("true", False), ("yes", False), (None, True), (False, True), ("false", True), ("maybe", True)]
)
def test_own_names_are_allowed(inventory: Inventory, allowed: t.Any, refused: bool) -> None:
    for variables in inventory.values():
        variables.update(flyte_of_our_own=1, flyte_allow_unknown_variables=allowed)
    action = ActionModule.__new__(ActionModule)
    read = types.SimpleNamespace(raw=inventory.__getitem__, read=lambda host, name: inventory[host].get(name))
    action.variables = read
    faults = action._more_faults(["controlplane"], ["dataplane_1", "dataplane_2"], read.read)
    assert [fault.variable for fault in faults] == (["flyte_of_our_own"] if refused else [])
