# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Planning of execution cluster labels, what a label leads to, and literals of inputs: pure code."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._labels import rows as _labels
from ansible_collections.flyte.multicluster.plugins.module_utils._labels.placement import Placement
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import literals as _literals

DEV, PROD, FLOW = ("team1", "development", ""), ("team1", "production", ""), ("team1", "development", "a.wf")


def test_deletes_come_with_what_they_take_along() -> None:
    current = {("p", "", ""): "l", ("p", "d", ""): "l", ("p", "d", "w"): "l", ("q", "", ""): "l"}
    changes = _labels.plan(current, {}, [("p", "", ""), ("p", "d", "")])
    assert [change.key for change in _labels.deletes(changes)] == [("p", "", "")]
    assert changes[0].restores == ((("p", "d", "w"), "l"),)


def test_a_row_that_is_restored_gets_its_wanted_value() -> None:
    current = {("p", "d", ""): "l", ("p", "d", "w"): "old"}
    changes = _labels.plan(current, {("p", "d", "w"): "new"}, [("p", "d", "")])
    assert changes[0].restores == ((("p", "d", "w"), "new"),)


def test_labels_that_lead_nowhere_are_found() -> None:
    placement = Placement({"a": [{"id": "x", "weight": 1}], "off": [{"id": "y", "weight": 1}], "nil": [{"id": "x", "weight": 0}]}, frozenset({"x"}))
    found = placement.astray({DEV: "a", PROD: "typo", FLOW: "off", ("team1", "", ""): "nil"})
    assert [(row["label"], row["reason"]) for row in found] == [
        ("nil", "its enabled clusters have the weight 0"),
        ("off", "all of its clusters are disabled"),
        ("typo", "labelClusterMap has no such label"),
    ]


def test_a_default_label_holds_where_there_is_no_other() -> None:
    section = {"clusterConfigs": [{"name": "x", "enabled": True}], "labelClusterMap": {"a": [{"id": "x", "weight": 1}]}, "defaultExecutionLabel": "a"}
    placement = Placement.from_section(section)
    assert placement.effective({}, DEV) == ("a", "default", {"x": 1.0}) and placement.unlabelled({}, [("team1", "development")]) == []
    assert Placement.from_section({**section, "defaultExecutionLabel": ""}).unlabelled({}, [("team1", "development")]) == ["team1/development"]


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (True, {"simple": "INTEGER"}, "true is no integer"),
        (1 << 63, {"simple": "INTEGER"}, "is no integer"),
        (float("nan"), {"simple": "FLOAT"}, "is no float"),
        ("90", {"simple": "DURATION"}, "is no duration"),
        (["a", 1], {"collection_type": {"simple": "STRING"}}, "1 is no string"),
        ("c", {"enum_type": {"values": ["a", "b"]}}, "is no one of a, b"),
        ("x", {"union_type": {"variants": [{"simple": "INTEGER"}, {"simple": "NONE"}]}}, '"x" is no integer or none'),
        ({}, {"schema": {"columns": []}}, "of the type schema cannot be given here"),
    ],
)
def test_a_value_that_does_not_fit_is_said(value: t.Any, kind: dict[str, t.Any], said: str) -> None:
    with pytest.raises(_literals.LiteralError, match=said):
        _literals.literal(value, kind)


def test_inputs_that_have_a_default_may_be_left_out() -> None:
    blob = {"var": {"type": {"blob": {"format": "csv"}}}, "required": True}
    parameters = {"a": {"var": {"type": {"simple": "STRING"}}, "default": {"scalar": {}}}, "b": blob}
    found = _literals.literals({"b": "s3://bucket/file.csv"}, parameters)
    assert found == {"b": {"scalar": {"blob": {"uri": "s3://bucket/file.csv", "metadata": {"type": {"format": "csv"}}}}}}
