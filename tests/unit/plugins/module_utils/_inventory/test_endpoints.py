# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses are put into the form that flytepropeller takes. What Go's URL parser does with each was tried with Go itself."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.endpoints import as_propeller_takes_it
from conftest import Inventory, site_of

#: its URL parser says of these "first path segment in URL cannot contain colon"
REFUSED_BY_GO = ["127.0.0.1:81", "my_host:81", "[::1]:81", "10-0-0-1.nip.io:443", "1host:81", "_x:1"]
TAKEN_BY_GO = ["host.name:443", "flyteadmin:81", "FLYTE.Example.com:443", "host.:443", "dns:///127.0.0.1:81", "dns:///host", "dns://8.8.8.8/host:1"]


@pytest.mark.parametrize("address", REFUSED_BY_GO)
def test_what_go_refuses_is_resolved_by_grpc(address: str) -> None:
    assert as_propeller_takes_it(address) == f"dns:///{address}"
    assert as_propeller_takes_it(f"dns:///{address}") == f"dns:///{address}"


@pytest.mark.parametrize("address", TAKEN_BY_GO)
def test_what_go_takes_stays(address: str) -> None:
    assert as_propeller_takes_it(address) == address


@pytest.mark.parametrize(
    "address", ["host", "https://host:443", "host:443/path", "a b:1", "host:0", "host:65536", "host:", ":443", "", "-a:1", "[fe80::1%eth0]:81", "dns:///"]
)
def test_what_nothing_makes_an_address_of(address: str) -> None:
    assert as_propeller_takes_it(address) is None


@pytest.mark.parametrize(
    ("url", "endpoint", "insecure"),
    [
        ("https://flyte.example.com", "flyte.example.com:443", False),
        ("http://127.0.0.1:8088", "dns:///127.0.0.1:8088", True),
        ("https://[::1]", "dns:///[::1]:443", False),
    ],
)
def test_it_is_derived_from_the_url(inventory: Inventory, url: str, endpoint: str, insecure: bool) -> None:
    for variables in inventory.values():
        variables["flyte_admin_url"] = url
    settings: dict[str, t.Any] = site_of(inventory).settings
    assert (settings["flyte_admin_endpoint"], settings["flyte_admin_insecure"]) == (endpoint, insecure)
