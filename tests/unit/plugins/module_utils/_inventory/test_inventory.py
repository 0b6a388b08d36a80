# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every fault of an inventory is said with host, variable, value and remedy."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import typing as t

import pytest
import yaml
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import build as build_site
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.flyte_values import valid_bucket
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.variables import (
    ACCESS_VARIABLES,
    ADMIN_VARIABLES,
    AWS_VARIABLES,
    CONNECTION_VARIABLES,
    options_of,
)
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import declared_variables
from conftest import REPOSITORY, Inventory

HEAD = "controlplane"


def build(inventory: Inventory, control_planes: list[str] | None = None) -> tuple[Site | None, list[str]]:
    """Return the site and its faults as text."""
    heads = [HEAD] if control_planes is None else control_planes
    planes = [host for host in inventory if host not in heads]
    site, faults = build_site(heads, planes, lambda host, name: inventory[host].get(name), declared_variables())
    return site, [str(fault) for fault in faults]


def everywhere(**values: t.Any) -> t.Callable[[Inventory], None]:
    def change(inventory: Inventory) -> None:
        for variables in inventory.values():
            variables.update(values)

    return change


def on(host: str, **values: t.Any) -> t.Callable[[Inventory], None]:
    return lambda inventory: inventory[host].update(values)


def label(*entries: t.Any) -> t.Callable[[Inventory], None]:
    return lambda inventory: [variables["flyte_labels"].update(label1=list(entries)) for variables in inventory.values()] and None


def row(**values: t.Any) -> t.Callable[[Inventory], None]:
    return lambda inventory: inventory[HEAD]["flyte_execution_cluster_labels"].append(values)


ONE, TWO = "dataplane_1", "dataplane_2"
EKS: dict[str, t.Any] = {
    "flyte_eks_create": True,
    "flyte_eks_version": "1.34",
    "flyte_eks_role_arn": "arn:aws:iam::123456789012:role/cluster",
    "flyte_eks_node_role_arn": "arn:aws:iam::123456789012:role/nodes",
    "flyte_eks_subnets": ["subnet-1", "subnet-2"],
}

FAULTS: list[tuple[t.Callable[[Inventory], t.Any], list[str]]] = [
    (label({"cluster": ONE, "weight": 0.5}), ["controlplane: flyte_labels.label1 = {'dataplane_1': 0.5}", "sum to 1", "sum to 0.5"]),
    (label({"cluster": ONE, "weight": 1.5}), ["flyte_labels.label1.weight = 1.5", "from 0 to 1"]),
    (label({"cluster": ONE, "weight": -1}), ["flyte_labels.label1.weight = -1", "from 0 to 1"]),
    (label({"cluster": ONE, "weight": True}), ["flyte_labels.label1.weight = True", "from 0 to 1"]),
    (label({"cluster": ONE, "weight": 10**400}), ["flyte_labels.label1.weight = 1000", "from 0 to 1"]),
    (label({"cluster": ONE, "weight": "nan"}), ["flyte_labels.label1.weight = 'nan'", "from 0 to 1"]),
    (label({"cluster": ONE, "weight": 0.5}, {"cluster": ONE, "weight": 0.5}), ["'dataplane_1': stands twice"]),
    (label({"cluster": "dataplane_11", "weight": 1}), ["'dataplane_11': is no cluster of the inventory", "Did you mean 'dataplane_1'?"]),
    (label({"cluster": ONE, "wieght": 1}), ["flyte_labels.label1.wieght = 1: is an unknown key", "Did you mean 'weight'?"]),
    (label(), ["flyte_labels.label1 = []", "has to be a list like"]),
    (row(project="team1", domain="staging", label="labl1"), ["flyte_execution_cluster_labels[2].label = 'labl1'", "Did you mean 'label1'?"]),
    (row(project="team1", domain="staging", lable="label1"), ["flyte_execution_cluster_labels[2].lable = 'label1': is an unknown key"]),
    (row(project="team1", domain="prodction", label="label1"), ["[2].domain = 'prodction'", "Did you mean 'production'?"]),
    (row(project="team1", domain="production", label="label1"), ["[2] = 'team1/production': stands twice"]),
    (row(project="team1", workflow="a.b", label="label1"), ["[2].domain = None: is required where a workflow is given"]),
    (row(domain="staging", label="label1"), ["[2].project = None: is required"]),
    (on(TWO, flyte_cluster_name=ONE), ["dataplane_2: flyte_cluster_name = 'dataplane_1': is the name of dataplane_1 already"]),
    (on(TWO, flyte_cluster_name="data plane"), ["dataplane_2: flyte_cluster_name = 'data plane': the name of a cluster has to be at most 63 letters"]),
    (on(TWO, flyte_cluster_name="x" * 250), ["the name of a cluster has to be at most 63 letters"]),
    (on(TWO, flyte_kube_context=None, flyte_eks_cluster=None), ["dataplane_2: flyte_kube_context = None: has no explicit Kubernetes access"]),
    (on(TWO, flyte_kube_context="dp1"), ["dataplane_2: flyte_kube_context = 'dp1': is the cluster of dataplane_1 already"]),
    (on(TWO, flyte_eks_create=True), ["dataplane_2: flyte_eks_version = None: is required with flyte_eks_create", "flyte_eks_subnets = []: is required"]),
    (on(HEAD, flyte_eks_create=True), ["controlplane: flyte_eks_create = True: creates data planes only"]),
    (on(TWO, **{**EKS, "flyte_eks_subnets": ["subnet-1"]}), ["dataplane_2: flyte_eks_subnets = ['subnet-1']: has to be at least two"]),
    (on(TWO, **{**EKS, "flyte_eks_node_role_arn": "nodes"}), ["flyte_eks_node_role_arn = 'nodes': has to be the ARN of an IAM role"]),
    (on(TWO, **{**EKS, "flyte_eks_nodes_desired": 9}), ["flyte_eks_nodes_desired = {'min': 1, 'desired': 9, 'max': 3}: has to lie between"]),
    (everywhere(flyte_iam_mode="pod"), ["flyte_iam_mode = 'pod': has to be one of irsa, pod_identity."]),
    (everywhere(flyte_iam_domain_roles=True, flyte_iam_data_plane_role="x" * 60), ["is too long: the role of the domain development would be"]),
    (everywhere(flyte_buckets=["data/"]), ["flyte_buckets = 'data/': has to be bucket or bucket/prefix"]),
    (everywhere(flyte_buckets=["data/a*"]), ["a prefix without wildcards"]),
    (everywhere(flyte_buckets=["data", "data/${aws:username}"]), ["flyte_buckets = 'data/${aws:username}': has to be bucket or bucket/prefix"]),
    (everywhere(flyte_buckets=["data", "data/'x'"]), ["has to be bucket or bucket/prefix"]),
    (everywhere(flyte_buckets=["data", "${aws:username}"]), ["flyte_buckets = '${aws:username}': is no name that S3 takes"]),
    (everywhere(flyte_control_plane_role_arn="notanarn"), ["controlplane: flyte_control_plane_role_arn = 'notanarn': has to be the ARN of an IAM role"]),
    (everywhere(flyte_data_plane_role_arn="arn:aws:iam::123456789012:role/*"), ["flyte_data_plane_role_arn = 'arn:aws:iam::123456789012:role/*'"]),
    (on(TWO, flyte_eks_assume_role_arn="arn:aws:iam::123456789012:user/x"), ["dataplane_2: flyte_eks_assume_role_arn = 'arn:aws:iam::123456789012:user/x'"]),
    (on(TWO, flyte_values_files=["a.yml", 7]), ["dataplane_2: flyte_values_files = 7: has to be a list of texts"]),
    (everywhere(flyte_gcp_data_plane_service_account="me"), ["flyte_gcp_data_plane_service_account = 'me': has to be a Google service account"]),
    (everywhere(flyte_gcp_domain_service_accounts={"prod": "a-gsa-1@p.iam.gserviceaccount.com"}), ["flyte_gcp_domain_service_accounts = 'prod': is none of"]),
    (on(TWO, flyte_api_endpoint="http://10.0.0.1"), ["dataplane_2: flyte_api_endpoint = 'http://10.0.0.1': has to be an https URL"]),
    (on(TWO, flyte_api_endpoint="https://me:secret@host"), ["dataplane_2: flyte_api_endpoint: must not hold credentials"]),
    (on(TWO, flyte_eks_cluster=None), ["dataplane_2: flyte_eks_cluster = None: is required with flyte_provider aws"]),
    (on(TWO, flyte_cluster_enabled="perhaps"), ["dataplane_2: flyte_cluster_enabled = 'perhaps': has to be true or false"]),
    (on(TWO, flyte_cluster_enabled=False), ["controlplane: flyte_labels.label2 = ['dataplane_2']: all of its clusters are disabled"]),
    (on(TWO, flyte_release_name="Flyte"), ["dataplane_2: flyte_release_name = 'Flyte': has to be a Helm release name"]),
    (everywhere(flyte_request_timeout="https://h/?t=secret-4711"), ["flyte_request_timeout = 'https://h/?…': has to be a whole number"]),
    (everywhere(flyte_aws_region="https://h/a#secret-4711"), ["flyte_aws_region = 'https://h/a#…': has to be the name of a region"]),
    (everywhere(flyte_strict_labels="-----BEGIN X-----\nsecret-4711"), ["flyte_strict_labels = (a certificate or a key, not shown): has to be true"]),
    (everywhere(flyte_concurrency=["secret-4711"]), ["flyte_concurrency: is a list, and has to be a whole number"]),
    (everywhere(flyte_iam_manage={"a": "secret-4711"}), ["flyte_iam_manage: is a mapping, and has to be true or false"]),
    (everywhere(flyte_provider="azure"), ["controlplane: flyte_provider = 'azure': has to be one of aws, gcp, generic"]),
    (everywhere(flyte_provider=None), ["controlplane: flyte_provider = None: is required"]),
    (everywhere(flyte_admin_url=None), ["controlplane: flyte_admin_url = None: is required"]),
    (everywhere(flyte_admin_url="flyte.example.com"), ["flyte_admin_url = 'flyte.example.com': has to be an https or http URL"]),
    (everywhere(flyte_catalog_endpoint="https://x"), ["flyte_catalog_endpoint = 'https://x': has to be host:port"]),
    (everywhere(flyte_admin_endpoint="flyte.example.com"), ["controlplane: flyte_admin_endpoint = 'flyte.example.com': has to be host:port"]),
    (everywhere(flyte_buckets=["data/flyte", "x-1"]), ["controlplane: flyte_buckets = 'data/flyte': cannot have a prefix: the first bucket is Flyte's own"]),
    (on(TWO, flyte_buckets=["Data"]), ["dataplane_2: flyte_buckets = 'Data': is no name that S3 takes"]),
    (on(TWO, flyte_raw_data_bucket="data/*"), ["dataplane_2: flyte_raw_data_bucket = 'data/*': has to be bucket or bucket/prefix"]),
    (everywhere(flyte_default_execution_label="labl1"), ["flyte_default_execution_label = 'labl1': is none of flyte_labels", "Did you mean 'label1'?"]),
    (everywhere(flyte_namespace_mapping="tasks"), ["flyte_namespace_mapping = 'tasks': has to be the name of a namespace with {project}"]),
    (everywhere(flyte_namespace_mapping="{project}_{domain}"), ["flyte_namespace_mapping = '{project}_{domain}': has to be the name of a namespace"]),
    (everywhere(flyte_namespace_mapping="{team}-{domain}"), ["flyte_namespace_mapping = '{team}-{domain}'"]),
    (on(TWO, flyte_log_links=["x"]), ["dataplane_2: flyte_log_links[0] = 'x': has to be a mapping with name and uri"]),
    (on(TWO, flyte_log_links=[{"name": "n"}]), ["dataplane_2: flyte_log_links[0].uri = None: is required"]),
    (on(TWO, flyte_log_links=[{"name": "n", "url": "x"}]), ["flyte_log_links[0].url = 'x': is an unknown key", "Did you mean 'uri'?"]),
    (on(TWO, flyte_log_links=[{"name": "n", "uri": "{podNam}"}]), ["flyte_log_links[0].uri = '{podNam}': flytepropeller does not know it", "'podName'?"]),
    (on(TWO, flyte_log_links=[{"name": "n", "uri": "x", "hide_once_finished": "no"}]), ["flyte_log_links[0].hide_once_finished = 'no': has to be true or"]),
    (on(TWO, flyte_kube_client_timeout=0), ["dataplane_2: flyte_kube_client_timeout = 0: has to be a whole number greater than 0"]),
    (on(TWO, flyte_user_settings="dbPassword: secret"), ["dataplane_2: flyte_user_settings = '(not shown)': has to be a mapping"]),
    (everywhere(flyte_removal_limit=2), ["controlplane: flyte_removal_limit = 2: has to be a number from 0 to 1"]),
    (everywhere(flyte_removal_limit="nan"), ["flyte_removal_limit = 'nan': has to be a number from 0 to 1"]),
    (everywhere(flyte_removal_limit=True), ["flyte_removal_limit = True: has to be a number from 0 to 1"]),
    (everywhere(flyte_concurrency=0), ["controlplane: flyte_concurrency = 0: has to be a whole number greater than 0"]),
    (everywhere(flyte_labels=["label1"]), ["controlplane: flyte_labels: is a list, and has to be a mapping"]),
    (everywhere(flyte_buckets=["Flyte_Data"]), ["controlplane: flyte_buckets = 'Flyte_Data': is no name that S3 takes"]),
    (everywhere(flyte_buckets=[]), ["controlplane: flyte_buckets = []: is required"]),
    (everywhere(flyte_aws_region=None), ["controlplane: flyte_aws_region = None: is required"]),
    (everywhere(flyte_cluster_enabled=False, flyte_execution_cluster_labels=[]), ["no cluster is enabled"]),
    (on(TWO, flyte_propeller_client_id="x"), ["dataplane_2: flyte_propeller_client_id = 'x': needs its secret: set flyte_propeller_client_secret or"]),
    (on(TWO, flyte_propeller_client_id=" ", flyte_propeller_client_secret="s"), ["dataplane_2: flyte_propeller_client_id = ' ': must not be empty"]),
    (on(TWO, flyte_propeller_client_secret="secret-4711\n"), ["dataplane_2: flyte_propeller_client_secret = '***': has to be text, not empty and without"]),
    (on(TWO, flyte_propeller_client_secret=4711), ["flyte_propeller_client_secret = '***': has to be text"]),
    (
        on(TWO, flyte_propeller_client_secret="secret-4711", flyte_propeller_client_secret_file="f"),
        ["dataplane_2: flyte_propeller_client_secret_file: stands beside flyte_propeller_client_secret: give one"],
    ),
    (on(TWO, flyte_propeller_scopes=["a b"]), ["dataplane_2: flyte_propeller_scopes = 'a b': is no scope"]),
    (on(TWO, flyte_propeller_authorization_header="a: b"), ["flyte_propeller_authorization_header = 'a: b': is no name of a header"]),
    (on(TWO, flyte_propeller_audience="a", flyte_propeller_audience_from_admin=True), ["flyte_propeller_audience = 'a': is not used with"]),
    (on(TWO, flyte_propeller_token_url="idp/token"), ["flyte_propeller_token_url = 'idp/token': has to be an https or http URL"]),
    (on(TWO, flyte_propeller_ca_cert=["x"]), ["flyte_propeller_ca_cert: has to be the path of a file, or a certificate as PEM"]),
    (on(TWO, flyte_api_ca_cert=""), ["dataplane_2: flyte_api_ca_cert = '': has to be the path of a file"]),
    (on(TWO, flyte_probe_from="hub"), ["dataplane_2: flyte_probe_from = 'hub': has to be one of controller, control_plane, none"]),
    (everywhere(flyte_probe_image="-x"), ["controlplane: flyte_probe_image = '-x': is no image"]),
]


def test_a_correct_inventory_has_no_fault(inventory: Inventory) -> None:
    site, faults = build(inventory)
    assert not faults and site is not None
    assert [cluster.name for cluster in site.data_planes] == ["dataplane_1", "dataplane_2"]
    assert site.settings["flyte_admin_endpoint"] == "flyte.example.com:443" and site.settings["flyte_admin_insecure"] is False
    assert Site.from_dict(site.as_dict()) == site


@pytest.mark.parametrize(("change", "said"), FAULTS, ids=[said[0][:60] for _change, said in FAULTS])
def test_a_fault_is_said(inventory: Inventory, change: t.Callable[[Inventory], None], said: list[str]) -> None:
    change(inventory)
    site, faults = build(inventory)
    assert site is None
    text = "\n".join(faults)
    assert all(part in text for part in said) and "secret-4711" not in text, text


def test_what_a_host_says_of_its_flytepropeller_is_kept_without_the_secret(inventory: Inventory) -> None:
    on(TWO, flyte_propeller_client_id="x", flyte_propeller_client_secret="secret-4711", flyte_propeller_scopes="all", flyte_probe_from="none")(inventory)
    site, faults = build(inventory)
    assert site is not None and not faults, faults
    assert site.data_planes[1].propeller == {"client_id": "x", "scopes": ["all"]} and site.data_planes[0].propeller == {}
    assert site.data_planes[1].probe_from == "none" and "secret-4711" not in str(site.as_dict())


def test_all_faults_are_said_together(inventory: Inventory) -> None:
    for change, _said in (FAULTS[0], FAULTS[9], FAULTS[18], FAULTS[20]):
        change(inventory)
    assert len(build(inventory)[1]) >= 4


def test_what_is_wrong_for_the_whole_site_is_said_once(inventory: Inventory) -> None:
    everywhere(flyte_buckets=["Flyte_Data"])(inventory)
    assert len(build(inventory)[1]) == 1


def test_each_cluster_may_have_buckets_of_its_own(inventory: Inventory) -> None:
    on(TWO, flyte_buckets=["second"], flyte_raw_data_bucket="second/raw")(inventory)
    on(ONE, flyte_raw_data_bucket="tasks/one/")(inventory)
    site, faults = build(inventory)
    assert site is not None and not faults
    # What lies in a bucket that is granted whole needs no right of its own.
    assert site.buckets == ["flyte-data", "tasks/one", "second"]


def test_the_mapping_to_namespaces_is_kept_in_plain_braces(inventory: Inventory) -> None:
    everywhere(flyte_namespace_mapping="x-{{ domain }}-{project}")(inventory)
    site, faults = build(inventory)
    assert site is not None and not faults and site.namespace_of("team1", "staging") == "x-staging-team1"
    site.settings["flyte_namespace_mapping"] = None
    assert site.namespace_of("team1", "staging") == "team1-staging"


@pytest.mark.parametrize("heads", [[], ["controlplane", "dataplane_1"]])
def test_there_is_exactly_one_control_plane(inventory: Inventory, heads: list[str]) -> None:
    site, faults = build(inventory, heads)
    assert site is None and f"flyte_control_plane = {heads!r}: the group has to have exactly one host, it has {len(heads)}" in faults[0]


def test_one_line_with_an_eks_cluster_is_enough(inventory: Inventory) -> None:
    on(TWO, flyte_kube_context=None, **EKS)(inventory)
    site, faults = build(inventory)
    assert site is not None and not faults, faults
    assert site.data_planes[1].eks["nodes_max"] == 3 and site.data_planes[1].eks["instance_types"] == ["t3.xlarge"]
    assert type(site).from_dict(site.as_dict()) == site


@pytest.mark.parametrize(
    "variable",
    sorted(
        {*declared_variables().site_connection, *declared_variables().host_connection}
        - {name for name in CONNECTION_VARIABLES if name.endswith(("_secret", "_secret_key", "_token", "_access_key", "_api_key", "_client_id"))}
    ),
)
@pytest.mark.parametrize("value", [{"secret": "secret-4711"}, ["secret-4711"], 7])
def test_what_says_how_something_is_reached_has_its_type(inventory: Inventory, variable: str, value: t.Any) -> None:
    if not (variable == "flyte_kubeconfig" and isinstance(value, dict)) and not (variable == "flyte_token_scopes" and isinstance(value, list)):
        everywhere(**{variable: value})(inventory)
        assert f"{HEAD}: {variable}" in "\n".join(build(inventory)[1])


@pytest.mark.parametrize("name", ["flyte_kube_validate_certs", "flyte_admin_validate_certs"])
def test_a_check_of_certificates_that_the_command_line_ends(inventory: Inventory, name: str) -> None:
    everywhere(**{name: "false"})(inventory)
    tables = {"flyte_kube_validate_certs": ACCESS_VARIABLES, "flyte_admin_validate_certs": ADMIN_VARIABLES}
    assert not build(inventory)[1] and options_of(ONE, lambda host, variable: inventory[host].get(variable), tables[name])["validate_certs"] is False


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("flyte_canary_version", "v1\x07", "has to be one line of text"),
        ("flyte_aws_profile", "prod\n", "has to be one line of text"),
        ("flyte_token_audience", "a\u202eb", "has to be one line of text"),
        ("flyte_authorization_header", "a\r\nb: c", "is no name of a header"),
        ("flyte_token_scopes", ["a b"], "= 'a b': is no scope"),
        ("flyte_kube_password", "secret-4711\udcff", ": is no text: it has bytes in it"),
        ("flyte_propeller_client_secret", "secret-4711\x00", ": is no text: it has bytes in it"),
        ("flyte_values", "flyteadmin: {password: secret-4711}", ": is text, and has to be a mapping. (It is not shown.)"),
        ("flyte_admin_url", ["bob:secret-4711@h"], ": is a list, and has to be text. (It is not shown.)"),
        ("flyte_kube_context", {"a": "secret-4711"}, ": is a mapping, and has to be text. (It is not shown.)"),
        ("flyte_propeller_ca_cert", ["secret-4711"], ": has to be the path of a file, or a certificate as PEM."),
        ("flyte_status_json", "https://bob:secret-4711@h/x", ": is a URL (not shown), and has to be the path of a file"),
        ("flyte_plan_file", "https://h/x?t=secret-4711", ": is a URL (not shown), and has to be the path of a file"),
        ("flyte_kubeconfig", "users:\n- secret-4711", ": has to be the path of a file, or what is in it as a mapping"),
        ("flyte_kube_username", " bob", "has to be one line of text"),
        ("flyte_chart_version", "../../x", "has to be a version of the chart"),
        ("flyte_chart_version", "", "must not be empty; left out, it is v1.16.8."),
        ("flyte_kube_context", "", "must not be empty; leave it out."),
        ("flyte_kubeconfig", "", "must not be empty; leave it out."),
        ("flyte_approved_plan", "", "must not be empty; leave it out."),
        ("flyte_plan_key", "", ": must not be empty; leave it out."),
        ("flyte_kube_password", "", ": must not be empty; leave it out."),
        ("flyte_values_files", [{"a": "secret-4711"}], ": has to be a list of texts"),
        ("flyte_aws_profile", "", "must not be empty; leave it out."),
        ("flyte_wait_timeout", "\u0661\u0662", "has to be a whole number greater than 0, at most 1000000."),
        ("flyte_wait_timeout", "1_0", "has to be a whole number greater than 0, at most 1000000."),
        ("flyte_removal_limit", "1_0e-1", "has to be a number from 0 to 1."),
        ("flyte_wait_timeout", 10**30, "has to be a whole number greater than 0, at most 1000000."),
        ("flyte_eks_security_groups", [None], "= None: has to be a list of texts"),
        ("flyte_buckets", ["b-1", 123], "= 123: has to be a list of texts"),
        ("flyte_release_name", "a" * 5000, "… (5002 characters): has to be"),
        ("flyte_kube_ca_cert", "-----BEGIN PRIVATE KEY-----\nsecret-4711\n", ": has to be the path of a file, not what is in it. (It is not shown.)"),
        ("flyte_admin_token_file", "secret-4711\nb", ": has to be the path of a file, not what is in it. (It is not shown.)"),
    ],
)
def test_what_a_text_and_a_number_have_to_be(inventory: Inventory, variable: str, value: t.Any, said: str) -> None:
    everywhere(**{variable: value})(inventory)
    text = "\n".join(build(inventory)[1])
    assert f"{HEAD}: {variable}" in text and said in text and "secret-4711" not in text, text


def test_two_logins_are_one_too_many(inventory: Inventory) -> None:
    everywhere(flyte_admin_token="secret-4711", flyte_client_id="c", flyte_client_secret="secret-4711", flyte_client_secret_file="/f")(inventory)
    assert build(inventory)[1] == [
        f"{HEAD}: flyte_client_id: stands beside flyte_admin_token: give one.",
        f"{HEAD}: flyte_client_secret_file: stands beside flyte_client_secret: give one.",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (everywhere(flyte_namespace="1e3"), [f"{HEAD}: flyte_namespace = '1e3': is a number, a date or a word"]),
        (on(TWO, flyte_release_name="no"), ["dataplane_2: flyte_release_name = 'no': is a number, a date or a word"]),
        (everywhere(flyte_token_max_age="ninety days"), [f"{HEAD}: flyte_token_max_age = 'ninety days': has to be a duration: numbers with the units"]),
        (everywhere(flyte_rotate_due=True), [f"{HEAD}: flyte_rotate_due = True: needs flyte_token_max_age"]),
        (
            everywhere(flyte_token_kind="bounded", flyte_token_lifetime="6h", flyte_token_renew_interval="4h"),
            [f"{HEAD}: flyte_token_lifetime = '6h': is shorter than twice flyte_token_renew_interval (4h)"],
        ),
        (
            everywhere(flyte_token_kind="bounded", flyte_token_lifetime="9m", flyte_token_renew_interval="1m"),
            [f"{HEAD}: flyte_token_lifetime = '9m': has to be between 10m"],
        ),
        (everywhere(flyte_token_lifetime="soon"), [f"{HEAD}: flyte_token_lifetime = 'soon': has to be a duration"]),
        (everywhere(flyte_token_renew_interval="often"), [f"{HEAD}: flyte_token_renew_interval = 'often': has to be a duration"]),
        (everywhere(flyte_rotate="some"), [f"{HEAD}: flyte_rotate = 'some': has to be one of all, due"]),
        (everywhere(flyte_rotate_serial=0), [f"{HEAD}: flyte_rotate_serial = 0: has to be a whole number greater than 0"]),
        (everywhere(flyte_token_secret="123"), [f"{HEAD}: flyte_token_secret = '123': is a number"]),
        (everywhere(flyte_domains=["development", "production", "on"]), [f"{HEAD}: flyte_domains = 'on': is a number"]),
        (on(ONE, flyte_namespace="kube-system"), ["dataplane_1: flyte_namespace = 'kube-system': begins with kube-"]),
        (everywhere(flyte_namespace_mapping="kube-{project}"), ["flyte_namespace_mapping = 'kube-{project}': has to be"]),
        (everywhere(flyte_projects=["a" * 64]), ["flyte_projects = 'aaa", "has to be at most 63"]),
        (everywhere(flyte_projects=["a" * 60]), ["flyte_projects = 'aaa", "the namespace of its tasks in development would be"]),
        (everywhere(flyte_projects=["kube"], flyte_domains=["development", "production", "system"]), ["flyte_projects = 'kube'", "kube-system: take"]),
        (row(project="team1", domain="development", workflow="a/../b", label="label1"), [".workflow = 'a/../b': is no name of a workflow"]),
        (row(project="team1", domain="development", workflow="..", label="label1"), [".workflow = '..': is no name of a workflow"]),
        (row(project="team1", domain="development", workflow="a\u202eb", label="label1"), [".workflow = 'a\\u202eb': has to be text without"]),
        (everywhere(flyte_aws_region="eu-west-1b"), ["flyte_aws_region = 'eu-west-1b': has to be the name of a region"]),
        (on(ONE, flyte_eks_region="x@evil.example/"), ["dataplane_1: flyte_eks_region = ", "has to be the name of a region"]),
        (on(ONE, flyte_eks_cluster="a b"), ["dataplane_1: flyte_eks_cluster = 'a b': has to be the name of an EKS cluster"]),
        (everywhere(flyte_api_endpoint="https://api:6443"), ["dataplane_2: flyte_api_endpoint = 'https://api:6443': is that of dataplane_1 already"]),
        (on(ONE, **{**EKS, "flyte_eks_version": "v1.34"}), ["flyte_eks_version = 'v1.34': has to be a version"]),
        (on(ONE, **{**EKS, "flyte_eks_subnets": ["subnet-1", "subnet-1"]}), ["flyte_eks_subnets", "at least two"]),
        (on(ONE, **{**EKS, "flyte_eks_subnets": ["subnet-1", "vpc-1"]}), ["flyte_eks_subnets = 'vpc-1': has to be ids of subnets"]),
        (on(ONE, **{**EKS, "flyte_eks_instance_types": []}), ["flyte_eks_instance_types = []: is required"]),
        (everywhere(flyte_iam_data_plane_role="r\u00f6le"), ["flyte_iam_data_plane_role", "has to be an IAM name"]),
        (everywhere(flyte_iam_data_plane_role="r", flyte_iam_control_plane_role="r"), ["makes a role r, which is the control plane's role already"]),
        (everywhere(flyte_user_settings={"accountNumber": 1406625984}), [f"{HEAD}: flyte_user_settings.accountNumber: has to be the 12 digits"]),
        (everywhere(flyte_user_settings={"dbPassword": 4711}), [f"{HEAD}: flyte_user_settings.dbPassword: has to be text"]),
        (everywhere(flyte_user_settings={"rdsHost": "https://db:5432"}), [f"{HEAD}: flyte_user_settings.rdsHost: has to be the name of a host"]),
        (on(ONE, flyte_user_settings={"bucketName": "b-2"}), [f"{ONE}: flyte_user_settings.bucketName: is something else than the first of flyte_buckets"]),
        (on(ONE, flyte_raw_data_bucket="b/c", flyte_user_settings={"rawDataBucketName": "b"}), [".rawDataBucketName: is something else than", "b/c: leave"]),
        (on(ONE, flyte_raw_data_bucket="raw/../x"), ["flyte_raw_data_bucket = 'raw/../x': has an empty part, '.' or '..'"]),
        (everywhere(flyte_buckets=["flyte-data", "other/a//b"]), ["flyte_buckets = 'other/a//b': has an empty part"]),
        (everywhere(flyte_token_secret="flyte-secret-auth"), ["flyte_token_secret = 'flyte-secret-auth': is a Secret of Flyte's own"]),
        (everywhere(flyte_gcp_domain_service_accounts={"staging": None}), ["flyte_gcp_domain_service_accounts.staging = None: has to be a Google"]),
        (everywhere(flyte_canary_workflow="a/b"), ["flyte_canary_workflow = 'a/b': must have none of /?#%"]),
        (everywhere(flyte_status_json="/s", flyte_status_page="/s"), ["flyte_status_page = '/s': is the file of flyte_status_json already"]),
        (row(project="team1", domain="staging", workflow="\uff21.b", label="label1"), [".workflow = '\uff21.b': is another Unicode form of 'A.b'"]),
        (everywhere(flyte_user_settings={"certificateArn": "x"}), [f"{HEAD}: flyte_user_settings.certificateArn: has to be the ARN of a certificate"]),
        (everywhere(flyte_canary_workflow="a b"), ["flyte_canary_workflow = 'a b': must have no white space"]),
        (everywhere(flyte_admin_url="https://" + "a" * 300), ["flyte_admin_url = ", "is no name of a host"]),
        (everywhere(flyte_iam_policy_size_limit=9000), ["flyte_iam_policy_size_limit = 9000: is more than IAM grants"]),
        (everywhere(flyte_admin_url="https://h/?token=secret-4711"), [f"{HEAD}: flyte_admin_url: must have no '?'"]),
        (on(ONE, flyte_api_endpoint="https://h/#secret-4711"), ["dataplane_1: flyte_api_endpoint: must have no '?'"]),
        (on(ONE, flyte_values_files=["https://u:secret-4711@h/v.yml"]), ["dataplane_1: flyte_values_files: is a URL (not shown)"]),
        (on(ONE, flyte_log_links=[{"name": "l", "uri": "https://u:secret-4711@h/{podName}"}]), ["flyte_log_links[0].uri: must not hold a password"]),
    ],
)
def test_what_the_last_consumer_would_not_take(inventory: Inventory, change: t.Callable[[Inventory], None], said: list[str]) -> None:
    change(inventory)
    text = "\n".join(build(inventory)[1])
    assert all(part in text for part in said) and "secret-4711" not in text, text


def test_what_looks_odd_and_is_right(inventory: Inventory) -> None:
    everywhere(flyte_client_id="c", flyte_token_url="https://login/token?tenant=t", flyte_chart_repo_url="https://h/charts?sig=x")(inventory)
    everywhere(flyte_log_links=[{"name": "l", "uri": "https://h/app#/?q=a:b@timestamp"}])(inventory)
    on(TWO, flyte_eks_cluster="dp1")(inventory)
    assert not build(inventory)[1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"access_key": "AKIA"}, f"{HEAD}: flyte_aws_access_key: needs flyte_aws_secret_key."),
        ({"access_key": "AKIA", "secret_key": "s", "profile": "p"}, f"{HEAD}: flyte_aws_profile = 'p': stands beside flyte_aws_access_key: give one."),
    ],
)
def test_who_asks_aws_is_said_once_and_whole(inventory: Inventory, given: dict[str, str], said: str) -> None:
    everywhere(**{f"flyte_aws_{name}": value for name, value in given.items()})(inventory)
    assert build(inventory)[1] == [said]


def test_one_kubeconfig_by_two_paths_is_one(inventory: Inventory) -> None:
    on(ONE, flyte_kubeconfig="/home/me/kubeconfig")(inventory)
    on(TWO, flyte_kubeconfig="/home//you/../me/kubeconfig", flyte_kube_context="dp1")(inventory)
    assert build(inventory)[1] == ["dataplane_2: flyte_kube_context = 'dp1': is the cluster of dataplane_1 already: each host needs a cluster of its own."]


def test_thirds_are_a_whole(inventory: Inventory) -> None:
    thirds = [{"cluster": ONE, "weight": 0.3333}, {"cluster": TWO, "weight": "0.6667"}]
    label(*thirds)(inventory)
    assert not build(inventory)[1]


@pytest.mark.parametrize("name", ["ab", "a" * 64, "Big", "under_score", "a..b", "a.-b", "-ab", "ab-", "192.168.1.1", "xn--abc", "abc-s3alias", 5])
def test_a_bucket_that_s3_would_refuse(name: t.Any) -> None:
    assert not valid_bucket(name)


@pytest.mark.parametrize("name", ["abc", "a" * 63, "my-bucket.data", "1-2"])
def test_a_bucket_that_s3_would_take(name: str) -> None:
    assert valid_bucket(name)


def test_extra_variables_are_text_and_still_work(inventory: Inventory) -> None:
    """``-e flyte_concurrency=4 -e flyte_control_plane_runs_workflows=true`` give text."""
    everywhere(flyte_concurrency="4", flyte_control_plane_runs_workflows="true", flyte_buckets="one-bucket", flyte_removal_limit="1")(inventory)
    site, faults = build(inventory)
    assert not faults and site is not None
    assert (site.settings["flyte_concurrency"], site.settings["flyte_control_plane_runs_workflows"]) == (4, True)
    assert site.settings["flyte_removal_limit"] == 1.0
    assert site.buckets == ["one-bucket"]
    assert [cluster.name for cluster in site.targets] == ["controlplane", "dataplane_1", "dataplane_2"]


def test_variables_of_connections_are_declared_too() -> None:
    spec = yaml.safe_load((REPOSITORY / "roles" / "preflight" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = spec["argument_specs"]["main"]["options"]
    assert {*ACCESS_VARIABLES, *ADMIN_VARIABLES, *AWS_VARIABLES} <= set(options)
    declared = declared_variables()
    assert CONNECTION_VARIABLES <= set(options) and set(declared.site) | set(declared.host) | CONNECTION_VARIABLES == set(options)
    assert declared.site["flyte_provider"].choices == ("aws", "gcp", "generic") and declared.host["flyte_namespace"].default == "flyte"


def test_a_version_that_yaml_makes_a_number_of_is_refused(inventory: Inventory) -> None:
    on(TWO, **{**EKS, "flyte_eks_version": 1.3})(inventory)
    site, faults = build(inventory)
    assert site is None and "dataplane_2: flyte_eks_version = 1.3: has to be text. Put it in quotes" in "\n".join(faults)


def test_clusters_of_one_name_in_two_accounts_are_two(inventory: Inventory) -> None:
    for number, host in enumerate((ONE, TWO)):
        inventory[host].update(flyte_kube_context=None, flyte_eks_cluster="flyte", flyte_eks_assume_role_arn=f"arn:aws:iam::12345678901{number}:role/x")
    assert not build(inventory)[1]
    inventory[TWO]["flyte_eks_assume_role_arn"] = inventory[ONE]["flyte_eks_assume_role_arn"]
    assert "is the cluster of dataplane_1 already" in "\n".join(build(inventory)[1])


@pytest.mark.parametrize("name", ["example-aws", "example-gcp"])
@pytest.mark.parametrize("playbook", ["site.yml", "status.yml", "verify.yml"])
def test_the_example_inventories_pass_the_syntax_check(name: str, playbook: str) -> None:
    command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "--syntax-check", "-i", f"inventories/{name}", f"playbooks/{playbook}"]
    answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def example(name: str) -> str:
    """Return the text of an example inventory: one of the folder, or the README's."""
    if name != "README.md":
        return (REPOSITORY / "inventories" / name / "hosts.yml").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(all:\n.*?)^```", (REPOSITORY / name).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.mark.parametrize("name", ["example-aws", "example-gcp", "README.md"])
def test_the_example_inventories_have_no_fault(name: str) -> None:
    content = yaml.safe_load(example(name))["all"]
    groups = {group: list(entry["hosts"]) for group, entry in content["children"].items()}
    variables = {host: {**content["vars"], **own} for entry in content["children"].values() for host, own in entry["hosts"].items()}
    site, faults = build_site(
        groups["flyte_control_plane"], groups["flyte_data_planes"], lambda host, variable: variables[host].get(variable), declared_variables()
    )
    assert site is not None and not faults


# -- who syncs, and with which role

ROLES = {"dataplane_1": {"flyte_iam_data_plane_role": "one"}, "dataplane_2": {"flyte_iam_data_plane_role": "two"}}


def _faults(inventory: Inventory) -> list[str]:
    return build(inventory)[1]


def with_hosts(inventory: Inventory, of_hosts: dict[str, dict[str, t.Any]], **site: t.Any) -> Inventory:
    return {host: {**own, **site, **of_hosts.get(host, {})} for host, own in inventory.items()}


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ({"flyte_sync": "data_plane", "flyte_control_plane_runs_workflows": True}, "flyte_sync = 'data_plane': leaves the control plane's own"),
        ({"flyte_sync": "data_plane", "flyte_sync_at_start": True}, "flyte_sync_at_start = True: lets flyteadmin wait"),
        ({"flyte_sync": "planes"}, "flyte_sync = 'planes'"),
        ({"flyte_dataplane_rbac": "least"}, "flyte_dataplane_rbac = 'least'"),
    ],
)
def test_what_cannot_sync_is_refused(inventory: Inventory, site: dict[str, t.Any], said: str) -> None:
    assert any(said in fault for fault in _faults(with_hosts(inventory, {}, **site)))


def test_one_syncresources_for_all_has_one_role_for_all(inventory: Inventory) -> None:
    (fault,) = _faults(with_hosts(inventory, ROLES))
    assert "dataplane_2: flyte_iam_data_plane_role = 'two': is another role than that of dataplane_1" in fault and "flyte_sync: data_plane" in fault
    for site in ({"flyte_sync": "data_plane"}, {"flyte_iam_mode": "pod_identity"}, {"flyte_iam_manage": False}):
        assert _faults(with_hosts(inventory, ROLES, **site)) == []
    arns = {host: {"flyte_data_plane_role_arn": f"arn:aws:iam::123456789012:role/{host}"} for host in ROLES}
    (fault,) = _faults(with_hosts(inventory, arns, flyte_iam_manage=False))
    assert "flyte_data_plane_role_arn" in fault and _faults(with_hosts(inventory, arns, flyte_sync="data_plane")) == []


def test_no_two_roles_of_clusters_are_one(inventory: Inventory) -> None:
    site = {"flyte_sync": "data_plane", "flyte_iam_domain_roles": True}
    clash = {"dataplane_1": {"flyte_iam_data_plane_role": "one"}, "dataplane_2": {"flyte_iam_data_plane_role": "one-production"}}
    assert any("makes a role one-production, which is a data plane's role already" in fault for fault in _faults(with_hosts(inventory, clash, **site)))
    shared = {host: {"flyte_iam_data_plane_role": "one"} for host in ROLES}
    assert _faults(with_hosts(inventory, shared, **site)) == []


def test_what_a_remedy_names_of_other_variables_is_shown_as_values_are(inventory: Inventory) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nsecret-4711\n-----END PRIVATE KEY-----"
    everywhere(flyte_namespace_mapping=f"{{project}}{key}", flyte_domains=["https://h/?t=secret-4711"], flyte_canary_project="p")(inventory)
    found = "\n".join(build(inventory)[1])
    assert "is none of flyte_domains: https://h/?…" in found and "secret-4711" not in found
