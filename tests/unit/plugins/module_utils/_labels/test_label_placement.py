# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a label leads to: pure code."""

from __future__ import annotations

from ansible_collections.flyte.multicluster.plugins.module_utils._labels.placement import Placement

DEV, PROD, FLOW = ("team1", "development", ""), ("team1", "production", ""), ("team1", "development", "a.wf")


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


def test_a_weight_that_is_missing_or_empty_is_none_as_flyteadmin_reads_it() -> None:
    entries = [{"id": "a", "weight": 1}, {"id": "b"}, {"id": "c", "weight": None}, {"id": "d", "weight": ""}, {"id": "e", "weight": "1"}]
    assert Placement({"l": entries}, frozenset("abcde")).shares("l") == {"a": 0.5, "e": 0.5}
