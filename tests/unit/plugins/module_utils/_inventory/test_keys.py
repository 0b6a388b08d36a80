# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names that reach flyteadmin as what they were, or are refused; rows whose types are checked and not made."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import build
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.keys import key_problem, label_problem
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import declared_variables
from conftest import Inventory

WRONG: list[t.Any] = [
    "", "<<", "=", "~", " a", "a ", "a b", "a\nb", "a\x00", "ä", "cafe\u0301", "-a", "a-", "a" * 64, "a" * 1025, "a: b", "{{ x }}", "*a", "&a", "!a",
    "1e3", "1E3", "1_000", "0x1f", "0o17", "1.5", "1.", "2026-11-24", "true", "No", "null", "NaN", 7, 1.5, None, True,
]  # fmt: skip
RIGHT = ["a", "label1", "team_1-gpu.large", "1abc", "e3", "a" * 63, "truely", "0abc"]


@pytest.mark.parametrize("name", WRONG)
def test_names_that_are_refused(name: t.Any, inventory: Inventory) -> None:
    assert key_problem(name)
    for variables in inventory.values():
        variables["flyte_labels"] = {**variables["flyte_labels"], name: [{"cluster": "dataplane_1", "weight": 1}]}
    faults = build(["controlplane"], ["dataplane_1", "dataplane_2"], lambda host, found: inventory[host].get(found), declared_variables())[1]
    assert any(fault.host == "controlplane" and "flyte_labels" in fault.variable for fault in faults)


@pytest.mark.parametrize("name", RIGHT)
def test_names_that_are_taken(name: str) -> None:
    assert not key_problem(name)


@pytest.mark.parametrize("name", ["Label1", "GPU", "team_A-x", "my.Label"])
def test_a_label_that_flyteadmin_would_read_in_small_letters(name: str, inventory: Inventory) -> None:
    assert not key_problem(name) and repr(name.lower()) in label_problem(name)
    for variables in inventory.values():
        variables["flyte_labels"] = {**variables["flyte_labels"], name: [{"cluster": "dataplane_1", "weight": 1}]}
    _site, faults = build(["controlplane"], ["dataplane_1", "dataplane_2"], lambda host, found: inventory[host].get(found), declared_variables())
    assert [(fault.host, fault.variable, fault.value) for fault in faults] == [("controlplane", "flyte_labels", name)]


@pytest.mark.parametrize("name", [name for name in WRONG if isinstance(name, str) and name])
def test_the_same_holds_for_clusters(name: str, inventory: Inventory) -> None:
    inventory["dataplane_2"]["flyte_cluster_name"] = name
    faults = build(["controlplane"], ["dataplane_1", "dataplane_2"], lambda host, found: inventory[host].get(found), declared_variables())[1]
    assert any((fault.host, fault.variable) == ("dataplane_2", "flyte_cluster_name") for fault in faults)


@pytest.mark.parametrize("key", ["project", "domain", "workflow", "label"])
@pytest.mark.parametrize("value", [False, 0, 7, 1.5, [], {}, "a\nb", " ", ""])
def test_types_of_a_row_are_checked_and_not_made(key: str, value: t.Any, inventory: Inventory) -> None:
    row = {"project": "team1", "domain": "development", "workflow": "example.wf", "label": "label1", key: value}
    for variables in inventory.values():
        variables["flyte_execution_cluster_labels"] = [row]
    faults = build(["controlplane"], ["dataplane_1", "dataplane_2"], lambda host, found: inventory[host].get(found), declared_variables())[1]
    assert any(fault.variable == f"flyte_execution_cluster_labels[0].{key}" for fault in faults), faults
