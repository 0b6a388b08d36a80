# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Variables that nobody would read are faults."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.credentials import unsendable_credentials
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.names import misplaced_variables, unknown_variables
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.variables import ACCESS_VARIABLES, options_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import known_names


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("flyte_execution_cluster_label", "flyte_execution_cluster_labels"),
        ("flyte_lables", "flyte_labels"),
        ("flyte_cluster_enable", "flyte_cluster_enabled"),
        ("flyte_kube_contex", "flyte_kube_context"),
        ("flyte_client_secrets", "flyte_client_secret"),
    ],
)
def test_a_mistyped_variable_is_a_fault_with_the_nearest(name: str, meant: str) -> None:
    faults = unknown_variables({"controlplane": ["flyte_provider"], "dataplane_1": [name, "ansible_host"], "dataplane_2": [name]}, known_names())
    assert [fault.host for fault in faults] == ["dataplane_1"]
    assert name in str(faults[0]) and f"Did you mean {meant!r}" in str(faults[0]) and "flyte_allow_unknown_variables" in str(faults[0])


def test_what_is_declared_and_what_is_not_ours_is_no_fault() -> None:
    assert not unknown_variables({"controlplane": [*known_names(), "my_flyte_note", "groups"]}, known_names())


def misplaced(hosts: dict[str, dict[str, t.Any]]) -> list[str]:
    faults = misplaced_variables(
        "controlplane", [host for host in hosts if host != "controlplane"], hosts.__getitem__, lambda host, name: hosts[host].get(name), ["flyte_labels"]
    )
    return [str(fault) for fault in faults]


def test_a_variable_of_the_site_on_one_data_plane() -> None:
    labels = {"a": []}
    assert not misplaced({"controlplane": {"flyte_labels": labels}, "dataplane_1": {"flyte_labels": labels}, "dataplane_2": {}})
    assert not misplaced({"controlplane": {"flyte_labels": labels}, "dataplane_1": {"flyte_labels": {"a": []}}})
    for control_plane in ({"flyte_labels": labels}, {}):
        found = misplaced({"controlplane": control_plane, "dataplane_1": {"flyte_labels": {"b": []}}})
        assert len(found) == 1 and found[0].startswith("dataplane_1: flyte_labels: is a variable of the whole site, read from controlplane")


@pytest.mark.parametrize(
    ("value", "wrong"), [("token-4711\n", False), (" token-4711", False), ("tok\nen-4711", True), ("tokän-4711", True), (4711, True), ("", True)]
)
def test_a_credential_that_cannot_be_sent_is_refused_without_it(value: t.Any, wrong: bool) -> None:
    hosts = {"dataplane_1": {"flyte_kube_api_key": value}}
    faults = unsendable_credentials(hosts, lambda host, name: hosts[host].get(name))
    assert bool(faults) == wrong and "4711" not in str([str(fault) for fault in faults])
    found = options_of("dataplane_1", lambda host, name: hosts[host].get(name), ACCESS_VARIABLES)
    assert wrong or found == {"api_key": "token-4711"}


def test_names_of_other_letters_are_mistyped_too() -> None:
    said = [str(fault) for fault in unknown_variables({"dp": ["FLYTE_LABELS", "flyte-labels", "flying"]}, ["flyte_labels"])]
    assert [text.partition(":")[2][:13] for text in said] == [" FLYTE_LABELS", " flyte-labels"] and all("Did you mean 'flyte_labels'?" in text for text in said)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flyte_admin_token", "abc"),
        ("flyte_admin_proxy", "bob:abc@h"),
        ("flyte_admin_url", "bob:abc@h"),
        ("flyte_admin_url", "https://h?t=abc"),
        ("flyte_admin_url", ["abc"]),
    ],
)
def test_a_misplaced_credential_is_not_shown(name: str, value: t.Any) -> None:
    hosts: dict[str, dict[str, t.Any]] = {"head": {}, "plane": {name: value}}
    (said,) = map(str, misplaced_variables("head", ["plane"], hosts.__getitem__, lambda host, variable: hosts[host].get(variable), [name]))
    assert said.startswith(f"plane: {name}: is a variable of the whole site") and "abc" not in said
