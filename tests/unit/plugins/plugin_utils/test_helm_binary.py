# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Helm that kubernetes.core cannot run is refused before any change, with the host, the variable and what would be right."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.flyte.multicluster.plugins.plugin_utils import _helm_binary
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._refusals import refuse_helm
from conftest import Inventory, site_of


@pytest.mark.parametrize(
    ("helm", "collection", "said"),
    [
        ((3, 19, 2), "5.0.0", None),
        ((3, 14), "6.5.0", None),
        ((4, 0, 0), "6.5.0", None),
        ((4, 2, 1), "7.0.0-a1", None),
        ((4, 0, 0), "6.2.0", "Helm 4.0.0 and kubernetes.core 6.2.0 do not work together"),
        ((4, 3), "6.4.0", "Helm 4.3 and kubernetes.core 6.4.0 do not work together"),
        ((4, 1), "5.4.4", "'kubernetes.core:>=6.5.0'"),
        ((2, 17, 0), "6.5.0", "too old"),
        ((3, 19, 2), None, "ansible-galaxy collection install kubernetes.core"),
    ],
)
def test_pairs(helm: tuple[int, ...], collection: str | None, said: str | None) -> None:
    fault = _helm_binary.pair_fault(helm, collection)
    assert fault is None if said is None else said in str(fault)


def helm(folder: pathlib.Path, script: str) -> str:
    """Write a program that stands for Helm."""
    path = folder / "helm"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo v3.18.4", None),
        ("echo v4.0.1+g1", "Helm 4.0.1 and kubernetes.core 6.2.0 do not work together: set it to the path of a Helm 3"),
        ("echo 'unknown command version' >&2; exit 1", "does not say a version, so it is no Helm"),
        ("echo hello", "does not say a version, so it is no Helm"),
        ("printf '\\377\\376'", "does not say a version, so it is no Helm"),
        ("exec yes", "it cannot be run (it prints more than 1 MiB)"),
    ],
)
def test_the_plan_refuses_it(inventory: Inventory, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str | None) -> None:
    monkeypatch.setattr(_helm_binary, "collection_version", lambda _namespace, _name: "6.2.0")
    inventory["controlplane"]["flyte_helm_binary"] = binary = helm(tmp_path, script)
    if said is None:
        refuse_helm(site_of(inventory))
        return
    with pytest.raises(Refused) as raised:
        refuse_helm(site_of(inventory))
    assert str(raised.value).startswith(f"controlplane: flyte_helm_binary = {binary!r}: ") and said in str(raised.value)


@pytest.mark.parametrize(("version", "options"), [("v3.19.5", {}), ("v4.3.1", {"server_side": "false"})])
def test_every_helm_merges_as_helm_3_does(tmp_path: pathlib.Path, version: str, options: dict[str, str]) -> None:
    assert _helm_binary.merging(helm(tmp_path, f"echo {version}")) == options
    assert _helm_binary.merging(str(tmp_path / "missing")) == {}


def test_a_helm_that_is_not_there(tmp_path: pathlib.Path) -> None:
    assert "no such program" in str(_helm_binary.helm_fault(str(tmp_path / "missing")))


def test_versions_of_collections() -> None:
    assert (_helm_binary.version_of(str(_helm_binary.collection_version("kubernetes", "core"))) or ()) >= (5,)
    assert _helm_binary.version_of(str(_helm_binary.collection_version("flyte", "multicluster"))), "that of a checkout, from galaxy.yml"
    assert _helm_binary.collection_version("flyte", "no_such_collection") is None
    assert _helm_binary.collection_version("no_such_namespace", "core") is None
