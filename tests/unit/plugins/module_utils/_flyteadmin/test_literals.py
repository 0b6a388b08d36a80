# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Literals of inputs: pure code."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.literals import LiteralError, literal, literals


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
    with pytest.raises(LiteralError, match=said):
        literal(value, kind)


def test_inputs_that_have_a_default_may_be_left_out() -> None:
    blob = {"var": {"type": {"blob": {"format": "csv"}}}, "required": True}
    parameters = {"a": {"var": {"type": {"simple": "STRING"}}, "default": {"scalar": {}}}, "b": blob}
    found = literals({"b": "s3://bucket/file.csv"}, parameters)
    assert found == {"b": {"scalar": {"blob": {"uri": "s3://bucket/file.csv", "metadata": {"type": {"format": "csv"}}}}}}
