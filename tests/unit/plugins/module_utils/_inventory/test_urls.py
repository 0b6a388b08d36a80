# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A URL that cannot be called, or that has a password in it, is refused; no password is shown, wherever in the URL it stands."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import build
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.urls import as_called, password_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import declared_variables
from conftest import Inventory

HEAD, TWO = "controlplane", "dataplane_2"
#: where each is read
PLACES = {
    "flyte_admin_url": HEAD,
    "flyte_chart_repo_url": HEAD,
    "flyte_token_url": HEAD,
    "flyte_aws_endpoint_url": HEAD,
    "flyte_api_endpoint": TWO,
    "flyte_kube_host": TWO,
    "flyte_propeller_token_url": TWO,
}
PROXIES = {"flyte_kube_proxy": TWO, "flyte_admin_proxy": HEAD}
#: the password is "hunter2" in all of them
WITH_PASSWORD = [
    "https://bob:hunter2@host",
    "https://bob:x/hunter2@host:443",
    "https://bob:hunter2@x@host",
    "https://bob:hunter2?x@host",
    "https://bob:1#hunter2@host",
    "https://bob:1?hunter2@host",
    "https:bob:hunter2@host",
    "bob:hunter2@host",
    "https://hunter2@",
    "https://bob:hunter2 \n\"'@host",
]
UNUSABLE: list[t.Any] = [
    "https://",
    "https://host:99999",
    "https://host:0",
    "https://host:",
    "https://host:port",
    "https://[::1",
    "https://ho st",
    "https://host\n",
    " https://host",
    "https://host\x00",
    "https://hö.example.com",
    "https://a..b",
    "https://a,b",
    "ftp://host",
    "host:443",
    "",
    7,
    ["https://host"],
]


def faults(inventory: Inventory, host: str, name: str, value: t.Any) -> list[str]:
    inventory[host][name] = value
    found = build([HEAD], ["dataplane_1", TWO], lambda where, variable: inventory[where].get(variable), declared_variables())[1]
    return [str(fault) for fault in found if fault.variable == name]


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("url", WITH_PASSWORD)
def test_credentials_in_a_url_are_refused_without_being_shown(inventory: Inventory, name: str, url: str) -> None:
    found = faults(inventory, PLACES[name], name, url)
    assert len(found) == 1 and found[0].startswith(f"{PLACES[name]}: {name}: must not hold credentials: ")
    assert "hunter2" not in found[0] and "bob" not in found[0]


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("url", UNUSABLE, ids=repr)
def test_what_cannot_be_called_is_refused(inventory: Inventory, name: str, url: t.Any) -> None:
    found = faults(inventory, PLACES[name], name, url)
    assert found and all(line.startswith(f"{PLACES[name]}: {name}{':' if isinstance(url, list) else ' = '}") for line in found), found


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("url", ["https://host", "https://10.0.0.1:6443", "https://[2001:db8::1]:443/path", "https://a_b.example.com./x/%40y"])
def test_what_can_be_called_is_taken(inventory: Inventory, name: str, url: str) -> None:
    inventory[PLACES[name]]["flyte_client_id"] = "a-client"
    assert not faults(inventory, PLACES[name], name, url)


@pytest.mark.parametrize("name", PROXIES)
@pytest.mark.parametrize("url", ["http://proxy:3128", "https://bob:hunter2%40@proxy:3128", "http://bob@proxy"])
def test_a_proxy_may_have_a_password(inventory: Inventory, name: str, url: str) -> None:
    assert not faults(inventory, PROXIES[name], name, url)


@pytest.mark.parametrize("name", PROXIES)
@pytest.mark.parametrize(
    "url",
    [
        *("proxy:3128", "http://bob:hunter2/@proxy", "http://bob:hunter2@x@proxy", "http://bob:hunter2@pro xy", "http://:hunter2@x"),
        *("http://p/?t=hunter2", "http://p/x", 7),
    ],
)
def test_a_proxy_that_is_none_is_refused_without_being_shown(inventory: Inventory, name: str, url: t.Any) -> None:
    found = faults(inventory, PROXIES[name], name, url)
    assert len(found) == 1 and found[0].startswith(f"{PROXIES[name]}: {name}: has to be an http or https URL") and "hunter2" not in found[0]


def test_two_hosts_with_one_url_do_not_show_it(inventory: Inventory) -> None:
    for host in ("dataplane_1", TWO):
        inventory[host].update(flyte_kube_context=None, flyte_kube_host="https://bob:hunter2 \"@host", flyte_kube_api_key="x")
    found = build([HEAD], ["dataplane_1", TWO], lambda where, variable: inventory[where].get(variable), declared_variables())[1]
    text = "\n".join(map(str, found))
    assert "dataplane_2: flyte_kube_host: is the cluster of dataplane_1 already" in text and "hunter2" not in text


def test_the_password_of_a_proxy_is_known_as_it_is_sent() -> None:
    assert password_of("http://bob:hunter%402@proxy:3128") == "hunter@2"
    assert password_of("http://proxy:3128") is None and password_of("http://bob@proxy") is None and password_of(None) is None


SPELLINGS = [
    ("https://API.example.com", "https://api.example.com"), ("https://api.example.com.", "https://api.example.com"),
    ("https://api.example.com:443", "https://api.example.com/"), ("HTTPS://api.example.com:06443", "https://api.example.com:6443"),
    ("https://[2001:DB8:0::1]:443", "https://[2001:db8::1]"), ("https://[::ffff:10.0.0.1]:6443", "https://10.0.0.1:6443"),
]  # fmt: skip


@pytest.mark.parametrize("name", ["flyte_api_endpoint", "flyte_kube_host"])
@pytest.mark.parametrize("urls", SPELLINGS)
def test_one_address_in_two_spellings_is_one(inventory: Inventory, name: str, urls: tuple[str, str]) -> None:
    for host, url in zip(("dataplane_1", "dataplane_2"), urls):
        inventory[host].update({"flyte_kube_context": None, "flyte_kube_host": f"https://{host}", "flyte_kube_api_key": "k", name: url})
    found = build([HEAD], ["dataplane_1", TWO], lambda where, variable: inventory[where].get(variable), declared_variables())[1]
    (said,) = [str(fault) for fault in found if (fault.host, fault.variable) == ("dataplane_2", name)]
    assert "of dataplane_1 already: each host needs a cluster of its own" in said


def test_two_paths_behind_one_server_are_two() -> None:
    assert as_called("https://h/k8s/a") != as_called("https://h/k8s/b/") == as_called("https://h:443/k8s/b") and as_called("https://[") == "https://["
