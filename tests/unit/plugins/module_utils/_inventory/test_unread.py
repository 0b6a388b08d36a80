# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is given and never read is a fault, with why; what somebody turned off, or shares with a host that reads it, is none."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import build
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import declared_variables
from conftest import Inventory, elsewhere

HEAD, ONE, TWO = "controlplane", "dataplane_1", "dataplane_2"
ROLE = "arn:aws:iam::123456789012:role/x"
ACCOUNT = "a-account@my-project.iam.gserviceaccount.com"
POD_IDENTITY = {"flyte_iam_mode": "pod_identity"}


def faults(inventory: Inventory) -> list[str]:
    return [str(fault) for fault in build([HEAD], [ONE, TWO], lambda host, name: inventory[host].get(name), declared_variables())[1]]


def given(inventory: Inventory, host: str | None, values: dict[str, t.Any]) -> None:
    for name in [host] if host else list(inventory):
        inventory[name].update(values)


#: provider, host (None for all), what is given beside it, the variable, its value, and why it has no effect
CASES: list[tuple[str, str | None, dict[str, t.Any], str, t.Any, str]] = [
    ("aws", None, {}, "flyte_catalog_insecure", True, "flyte_catalog_endpoint is not set"),
    ("generic", None, {}, "flyte_iam_mode", "pod_identity", "flyte_provider is not aws"),
    ("gcp", None, {}, "flyte_iam_domain_roles", True, "flyte_provider is not aws"),
    ("gcp", None, {}, "flyte_iam_data_plane_role", "mine", "flyte_provider is not aws"),
    ("aws", None, POD_IDENTITY, "flyte_iam_wildcard", True, "with flyte_iam_mode: pod_identity no trust policy"),
    ("aws", None, POD_IDENTITY, "flyte_iam_compact", True, "with flyte_iam_mode: pod_identity no trust policy"),
    ("aws", None, POD_IDENTITY, "flyte_data_plane_role_arn", ROLE, "with flyte_iam_mode: pod_identity accounts take"),
    ("gcp", None, {}, "flyte_control_plane_role_arn", ROLE, "flyte_provider is gcp"),
    ("aws", None, {}, "flyte_gcp_data_plane_service_account", ACCOUNT, "flyte_provider is not gcp"),
    ("generic", None, {}, "flyte_gcp_domain_service_accounts", {"development": ACCOUNT}, "flyte_provider is not gcp"),
    ("generic", None, {}, "flyte_aws_region", "us-east-2", "flyte_provider is not aws"),
    ("gcp", None, {}, "flyte_aws_profile", "mine", "flyte_provider is not aws"),
    ("aws", None, {}, "flyte_aws_secret_key", "hush4711", "flyte_aws_access_key is not set"),
    ("aws", None, {}, "flyte_aws_session_token", "hush4711", "flyte_aws_access_key is not set"),
    ("aws", None, {}, "flyte_client_secret", "hush4711", "flyte_client_id is not set"),
    ("aws", None, {}, "flyte_client_secret_file", "/a/hush4711", "flyte_client_id is not set"),
    ("aws", None, {"flyte_admin_token": "x"}, "flyte_token_scopes", ["all"], "flyte_client_id is not set"),
    ("aws", None, {}, "flyte_token_url", "https://login/token", "flyte_client_id is not set"),
    ("aws", None, {}, "flyte_authorization_header", "x-token", "none of flyte_client_id, flyte_admin_token and flyte_admin_token_file is set"),
    ("aws", None, {"flyte_token_kind": "long_lived"}, "flyte_token_lifetime", "48h", "it is of tokens that end"),
    ("gcp", None, {}, "flyte_token_renew_interval", "1h", "it is of tokens that end"),
    ("aws", None, {}, "flyte_admin_client_key", "/a/key", "flyte_admin_client_cert is not set"),
    ("aws", None, {"flyte_admin_url": "http://flyte"}, "flyte_admin_validate_certs", True, "flyte_admin_url is http"),
    ("aws", None, {"flyte_admin_url": "http://flyte"}, "flyte_admin_ca_cert", "/a/ca", "flyte_admin_url is http"),
    ("aws", None, {}, "flyte_probe_image", "curl:1", "no data plane has flyte_probe_from: control_plane"),
    ("aws", HEAD, {}, "flyte_cluster_enabled", False, "the control plane runs no workflows"),
    ("aws", HEAD, {}, "flyte_cluster_name", "hub", "the control plane runs no workflows"),
    ("aws", HEAD, {}, "flyte_log_links", [{"name": "l", "uri": "https://l"}], "the control plane runs no workflows"),
    ("aws", HEAD, {}, "flyte_api_endpoint", "https://api", "it is of data planes"),
    ("aws", HEAD, {"flyte_control_plane_runs_workflows": True}, "flyte_kube_client_qps", 7, "it is of data planes"),
    ("aws", HEAD, {}, "flyte_probe_from", "none", "it is of data planes"),
    ("aws", HEAD, {}, "flyte_propeller_ca_cert", "/a/ca", "it is of data planes"),
    ("generic", TWO, {}, "flyte_raw_data_bucket", "flyte-data", "flyte_provider is generic"),
    ("gcp", HEAD, {}, "flyte_raw_data_bucket", "flyte-data", "it is what tasks write"),
    ("generic", None, {}, "flyte_buckets", ["flyte-data"], "flyte_provider is generic"),
    ("generic", TWO, {}, "flyte_buckets", ["flyte-data"], "flyte_provider is generic"),
    ("gcp", None, {}, "flyte_buckets", ["flyte-data", "more"], "only the first bucket is read"),
    ("gcp", TWO, {}, "flyte_eks_cluster", "dp2", "flyte_provider is not aws"),
    ("gcp", TWO, {}, "flyte_eks_create", False, ""),
    ("aws", TWO, {"flyte_eks_cluster": None}, "flyte_eks_region", "eu-west-1", "flyte_eks_cluster is not set"),
    ("aws", TWO, {}, "flyte_eks_version", "1.34", "only clusters with flyte_eks_create: true"),
    ("aws", TWO, {}, "flyte_eks_nodes_max", 9, "only clusters with flyte_eks_create: true"),
    ("aws", TWO, {}, "flyte_kube_client_key", "/a/key", "flyte_kube_client_cert is not set"),
    ("aws", TWO, {"flyte_kube_validate_certs": False}, "flyte_kube_ca_cert", "/a/ca", "flyte_kube_validate_certs is false"),
    ("aws", TWO, {"flyte_kube_host": "http://api"}, "flyte_kube_validate_certs", True, "flyte_kube_host is http"),
    ("aws", TWO, {"flyte_kube_api_key": "hush4711"}, "flyte_kube_password", "hush4711", "flyte_kube_api_key is what logs in"),
]


@pytest.mark.parametrize(("provider", "host", "beside", "name", "value", "why"), CASES, ids=[f"{case[0]}-{case[3]}" for case in CASES])
def test_what_is_never_read(inventory: Inventory, provider: str, host: str | None, beside: dict[str, t.Any], name: str, value: t.Any, why: str) -> None:
    if provider != "aws":
        elsewhere(inventory, provider)
    if name.startswith("flyte_eks_"):
        given(inventory, None, {"flyte_iam_manage": False} if provider == "aws" else {})
    given(inventory, host, beside)
    assert not faults(inventory)
    given(inventory, host, {name: value})
    found = faults(inventory)
    assert len(found) == bool(why), found
    for line in found:
        assert line.startswith(f"{host or HEAD}: {name}") and f": has no effect: {why}" in line and "hush4711" not in line


@pytest.mark.parametrize(
    ("host", "values"),
    [
        (None, {"flyte_kube_client_qps": 7, "flyte_log_links": [{"name": "l", "uri": "https://l"}], "flyte_probe_from": "none"}),
        (HEAD, {"flyte_cluster_enabled": True, "flyte_kube_client_timeout": 10}),
        (HEAD, {"flyte_control_plane_runs_workflows": True, "flyte_cluster_enabled": False, "flyte_cluster_name": "hub"}),
        (None, {"flyte_iam_manage": False, "flyte_iam_domain_roles": True, "flyte_aws_profile": "mine"}),
        (TWO, {"flyte_eks_create": False, "flyte_eks_version": "1.34"}),
        (None, {"flyte_client_id": "me", "flyte_client_secret": "x", "flyte_token_scopes": ["all"]}),
        (None, {"flyte_canary_inputs": {"a": 1}, "flyte_canary_projects": ["team1"]}),
        (None, {"flyte_iam_mode": "pod_identity", "flyte_iam_policy_size_limit": 8192}),
        (None, {"flyte_client_secret": "", "flyte_token_url": None}),
        (None, {"flyte_token_kind": "bounded", "flyte_token_lifetime": "48h", "flyte_token_renew_interval": "1h"}),
        (None, {"flyte_admin_token_file": "/a/token", "flyte_authorization_header": "x-token"}),
        (None, {"flyte_buckets": ["flyte-data", "more"]}),
        (HEAD, {"flyte_raw_data_bucket": "raw"}),
    ],
)
def test_what_is_read_or_known_to_be_off(inventory: Inventory, host: str | None, values: dict[str, t.Any]) -> None:
    given(inventory, host, values)
    assert not faults(inventory)


def test_first_buckets_that_differ_are_read_everywhere(inventory: Inventory) -> None:
    elsewhere(inventory, "generic")
    given(inventory, HEAD, {"flyte_buckets": ["flyte-data"]})
    given(inventory, TWO, {"flyte_buckets": ["flyte-of-plane"]})
    assert not faults(inventory)
    inventory[TWO]["flyte_buckets"].append("more")
    assert faults(inventory)[0].startswith(f"{TWO}: flyte_buckets = ['more']: has no effect: only the first bucket is read") and len(faults(inventory)) == 1


def test_what_a_group_of_planes_has_is_said_once(inventory: Inventory) -> None:
    given(inventory, None, {"flyte_eks_version": "1.34"})
    inventory[TWO]["flyte_eks_version"] = "1.33"
    assert [line.partition(":")[0] for line in faults(inventory)] == [HEAD, TWO]
