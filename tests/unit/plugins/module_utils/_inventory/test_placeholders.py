# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an adopted inventory leaves to be filled in is refused, once for what hosts have in common, and without what stands beside it."""

from __future__ import annotations

from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.placeholders import change_me, unfilled


def test_a_placeholder_is_refused_with_what_it_asks_for() -> None:
    common = {"flyte_aws_region": change_me("the region"), "flyte_values": {"a": [{"password": "secret-1"}, {"b": f"secret-2 {change_me('b')}"}]}}
    hosts = {
        "hub": {**common, "flyte_kube_context": "hub"},
        "dp": {**common, "flyte_kube_context": change_me("how it is reached"), "own": change_me("not ours")},
    }
    found = [str(fault) for fault in unfilled(hosts, lambda host: hosts[host], ["flyte_aws_region", "flyte_values", "flyte_kube_context", "flyte_namespace"])]
    assert found == [
        "hub: flyte_aws_region = '<CHANGE ME: the region>': is a placeholder that playbooks/adopt.yml left: put what it asks for in its place.",
        "hub: flyte_values = '<CHANGE ME: b>': is a placeholder that playbooks/adopt.yml left: put what it asks for in its place.",
        "dp: flyte_kube_context = '<CHANGE ME: how it is reached>': is a placeholder that playbooks/adopt.yml left: put what it asks for in its place.",
    ]


def test_what_is_filled_in_is_none() -> None:
    value: dict[str, object] = {"a": "<b>CHANGE ME</b>"}
    value["itself"] = value
    assert not unfilled(["hub"], lambda _host: {"flyte_values": value, "flyte_labels": None}, ["flyte_values", "flyte_labels"])
