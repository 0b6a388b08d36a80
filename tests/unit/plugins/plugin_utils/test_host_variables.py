# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A variable is plain data of a size that somebody may have written, or a fault."""

from __future__ import annotations

import time
import types
import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import HostVariables, TemplateFault


def read(value: t.Any) -> t.Any:
    hostvars = types.SimpleNamespace(raw_get=lambda _host: {"flyte_values": value})
    return HostVariables({"hostvars": hostvars}, DataLoader()).read("dataplane_1", "flyte_values")


def aliases() -> t.Any:
    value: t.Any = "x"
    for _level in range(12):
        value = [value] * 9
    return {"a": value}


def itself() -> t.Any:
    value: dict[str, t.Any] = {}
    value["a"] = [value]
    return value


@pytest.mark.parametrize("value", [aliases(), itself()], ids=["aliases", "itself"])
def test_what_has_no_end_is_a_fault(value: t.Any) -> None:
    began = time.monotonic()
    with pytest.raises(TemplateFault, match="dataplane_1: flyte_values: .*contains itself, or its YAML aliases"):
        read(value)
    assert time.monotonic() - began < 10


def test_what_is_nested_too_deeply_is_a_fault() -> None:
    value: t.Any = "x"
    for _level in range(100_000):
        value = [value]
    with pytest.raises(TemplateFault, match="dataplane_1: flyte_values: .*nested too deeply"):
        read(value)
    while isinstance(value, list):  # what is freed at once is freed recursively
        value = value.pop()


def test_what_somebody_writes_is_read() -> None:
    written = {"a": [{"b": 1, "c": None}] * 1000}
    assert read(written) == written
