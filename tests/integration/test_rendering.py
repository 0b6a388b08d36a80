# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Both provider files, rendered by Helm with the generated override on top: what the releases will be, without a cluster."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml
from conftest import REPOSITORY

sys.path[:0] = [str(REPOSITORY / ".collections"), str(REPOSITORY / "tests" / "lab")]

import binaries  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import Configuration  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.identity import Identity  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import chart_files, release_values  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import build  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.plugin_utils._chart import ValuesReader, provide  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import declared_variables  # noqa: E402

ACCOUNT = "123456789012"
ISSUER = "https://oidc.eks.us-east-2.amazonaws.com/id/ABC"
AWS: dict[str, t.Any] = {
    "account": ACCOUNT,
    "partition": "aws",
    "clusters": {host: {"missing": False, "issuer": ISSUER + host, "error": None} for host in ("hub", "plane")},
    "roles": {},
    "policy": None,
    "oidc_providers": [],
}
CONFIGURATION = Configuration(
    cluster_configs=[{"name": "plane", "endpoint": "https://plane", "enabled": True, "auth": {"type": "file_path", "tokenPath": "t", "certPath": "c"}}],
    label_cluster_map={"label1": [{"id": "plane", "weight": 1}]},
    checksum="abc",
    left_out=[],
    kept=[],
    unserved=[],
    unreachable=[],
)
#: who the flytepropeller of a host is, where a test says it
IDENTITIES: dict[str, Identity] = {}


def _chart_ref() -> str:
    path = os.environ.get("FLYTE_CHART") or str(REPOSITORY / "tests" / "lab" / "chart" / "flyte-core")
    if not pathlib.Path(path).exists():
        pytest.skip("FLYTE_CHART is no folder and no file")
    return path


def _pull(*_arguments: t.Any) -> None:
    raise AssertionError("the chart is given")


def _rendered(tmp_path: pathlib.Path, host: str, **variables: t.Any) -> dict[tuple[str, str], dict[str, t.Any]]:
    """Return the objects of a host's release by kind and name."""
    common = {
        "flyte_admin_url": "https://flyte.example.com",
        "flyte_labels": {"label1": [{"cluster": "plane", "weight": 1}]},
        "flyte_projects": ["team1"],
        "inventory_dir": str(tmp_path),
        "flyte_chart_ref": _chart_ref(),
        **variables,
    }
    hostvars = {name: {**common, "flyte_kube_context": name, "flyte_eks_cluster": name} for name in ("hub", "plane")}

    def read(name: str, variable: str) -> t.Any:
        return hostvars[name].get(variable)

    site, faults = build(["hub"], ["plane"], read, declared_variables())
    assert site is not None, faults
    # A checkout's chart lacks its dependencies: they are put into a copy.
    chart, cluster = provide(site, _pull), site.cluster(host)
    # The provider's file, then the plane's, then ours: the order of the guide's upgrade on GKE.
    assert chart_files(site, cluster) == [
        {"aws": "values-eks.yaml", "gcp": "values-gcp.yaml"}[variables["flyte_provider"]],
        "values-controlplane.yaml" if host == "hub" else "values-dataplane.yaml",
    ]
    aws = AWS if variables["flyte_provider"] == "aws" else None
    sources = ValuesReader(site, chart, read).sources(cluster)
    values = release_values(site, cluster, sources, aws=aws, configuration=CONFIGURATION if host == "hub" else None, identity=IDENTITIES.get(host))
    override = tmp_path / "values.yaml"
    override.write_text(json.dumps(values), encoding="utf-8")
    command = [str(binaries.find("helm")), "template", "flyte", chart.path, "--namespace", "flyte", "--values", str(override)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 0, answer.stderr
    documents = [document for document in yaml.safe_load_all(answer.stdout) if document]
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def test_values_files_of_any_name_are_taken(tmp_path: pathlib.Path) -> None:
    """They are read here and merged in memory: white space, a comma or a quote in a name is none of Helm's business."""
    name = "it's my, values.yaml"
    (tmp_path / name).write_text("flytepropeller: {podAnnotations: {from: file}}\n", encoding="utf-8")
    plane = _rendered(tmp_path, "plane", flyte_provider="gcp", flyte_values_files=[name])
    assert plane[("Deployment", "flytepropeller")]["spec"]["template"]["metadata"]["annotations"]["from"] == "file"


def _annotations(found: dict[tuple[str, str], dict[str, t.Any]], account: str) -> dict[str, str]:
    return found[("ServiceAccount", account)]["metadata"].get("annotations") or {}


def _custom_data(found: dict[tuple[str, str], dict[str, t.Any]], key: str) -> dict[str, t.Any]:
    """Return a key of customData by domain; the quotas have to be there too."""
    text = found[("ConfigMap", "flyte-clusterresourcesync-config")]["data"]["cluster_resources.yaml"]
    values: dict[str, t.Any] = {}
    for of_domains in yaml.safe_load(text)["cluster_resources"]["customData"]:
        for domain, pairs in of_domains.items():
            flat = {name: value["value"] for pair in pairs for name, value in pair.items()}
            assert flat["projectQuotaCpu"] and flat["projectQuotaMemory"], domain
            values[domain] = flat.get(key)
    return values


AWS_SITE = {"flyte_provider": "aws", "flyte_aws_region": "us-east-2", "flyte_buckets": ["flyte-data"]}
ROLE = "eks.amazonaws.com/role-arn"


def test_eks_with_roles_through_oidc(tmp_path: pathlib.Path) -> None:
    hub = _rendered(tmp_path, "hub", **AWS_SITE)
    for account in ("flyteadmin", "datacatalog"):
        assert _annotations(hub, account)[ROLE] == f"arn:aws:iam::{ACCOUNT}:role/flyte-controlplane-role"
    assert set(_custom_data(hub, "defaultIamRole").values()) == {f"arn:aws:iam::{ACCOUNT}:role/flyte-dataplane-role"}
    clusters = yaml.safe_load(hub[("ConfigMap", "flyte-admin-clusters-config")]["data"]["clusters.yaml"])["clusters"]
    assert clusters["clusterConfigs"][0]["name"] == "plane" and clusters["labelClusterMap"]["label1"] == [{"id": "plane", "weight": 1}]
    plane = _rendered(tmp_path, "plane", **AWS_SITE)
    assert _annotations(plane, "flytepropeller")[ROLE] == f"arn:aws:iam::{ACCOUNT}:role/flyte-dataplane-role"
    assert ("ServiceAccount", "flyteadmin") in plane


def test_eks_with_a_role_for_each_domain(tmp_path: pathlib.Path) -> None:
    hub = _rendered(tmp_path, "hub", **AWS_SITE, flyte_iam_domain_roles=True)
    roles = {domain: f"arn:aws:iam::{ACCOUNT}:role/flyte-dataplane-role-{domain}" for domain in ("development", "staging", "production")}
    assert _custom_data(hub, "defaultIamRole") == roles


def test_eks_with_pod_identity_has_no_role_annotation(tmp_path: pathlib.Path) -> None:
    """A web identity counts before Pod Identity."""
    hub = _rendered(tmp_path, "hub", **AWS_SITE, flyte_iam_mode="pod_identity")
    assert ROLE not in _annotations(hub, "flyteadmin") and ROLE not in _annotations(hub, "datacatalog")
    assert set(_custom_data(hub, "defaultIamRole").values()) == {'""'}
    assert ROLE not in _annotations(_rendered(tmp_path, "plane", **AWS_SITE, flyte_iam_mode="pod_identity"), "flytepropeller")


def test_gke_with_workload_identity(tmp_path: pathlib.Path) -> None:
    accounts = {
        "flyte_gcp_control_plane_service_account": "flyte-control@example.iam.gserviceaccount.com",
        "flyte_gcp_data_plane_service_account": "flyte-data@example.iam.gserviceaccount.com",
        "flyte_gcp_domain_service_accounts": {"production": "flyte-production@example.iam.gserviceaccount.com"},
    }
    annotation = "iam.gke.io/gcp-service-account"
    hub = _rendered(tmp_path, "hub", flyte_provider="gcp", **accounts)
    assert _annotations(hub, "flyteadmin")[annotation] == "flyte-control@example.iam.gserviceaccount.com"
    found = _custom_data(hub, "gsa")
    assert found["production"] == "flyte-production@example.iam.gserviceaccount.com" and found["staging"] not in (None, found["production"])
    plane = _rendered(tmp_path, "plane", flyte_provider="gcp", **accounts)
    assert _annotations(plane, "flytepropeller")[annotation] == "flyte-data@example.iam.gserviceaccount.com"
    # Left out, what values-gcp.yaml has stays.
    assert "gsa-flyteadmin@" in _annotations(_rendered(tmp_path, "hub", flyte_provider="gcp"), "flyteadmin")[annotation]


def _pod(found: dict[tuple[str, str], dict[str, t.Any]], name: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", found[("Deployment", name)]["spec"]["template"])


def _mounted(pod: dict[str, t.Any]) -> dict[str, str]:
    """Return where a pod's first container has which Secret."""
    secrets = {volume["name"]: volume["secret"]["secretName"] for volume in pod["spec"]["volumes"] if "secret" in volume}
    return {mount["mountPath"].rstrip("/"): secrets[mount["name"]] for mount in pod["spec"]["containers"][0]["volumeMounts"] if mount["name"] in secrets}


@pytest.mark.parametrize("provider", ["aws", "gcp"])
def test_a_release_mounts_flytepropellers_secret_and_does_not_have_it(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, provider: str) -> None:
    site = AWS_SITE if provider == "aws" else {"flyte_provider": "gcp"}
    keys = {"client_secret": "1234", "flyteadmin_ca.crt": "5678"}
    identity = Identity("me", "x", False, keys, {"scopes": ["a"], "audience": "b", "tokenUrl": "https://idp/token", "authorizationHeader": "x-auth"})
    for host in ("hub", "plane"):
        monkeypatch.setitem(IDENTITIES, host, identity)
    plane = _rendered(tmp_path, "plane", **site, flyte_values={"flytepropeller": {"podEnv": [{"name": "MINE", "value": "1"}]}})
    assert ("Secret", "flyte-secret-auth") not in plane
    pod = _pod(plane, "flytepropeller")
    assert _mounted(pod)["/etc/secrets"] == "flyte-secret-auth" and pod["metadata"]["annotations"]["flyte.multicluster/identity-checksum"] == identity.checksum
    environment = {entry["name"]: entry.get("value") for entry in pod["spec"]["containers"][0]["env"]}
    assert environment["SSL_CERT_DIR"].endswith(":/etc/secrets") and environment["MINE"] == "1"
    client = yaml.safe_load(plane[("ConfigMap", "flyte-propeller-config")]["data"]["admin.yaml"])["admin"]
    assert {key: client[key] for key in ("clientId", "clientSecretLocation", "scopes", "audience", "tokenUrl", "authorizationHeader", "caCertFilePath")} == {
        "clientId": "me", "clientSecretLocation": "/etc/secrets/client_secret", **identity.login, "caCertFilePath": "/etc/secrets/flyteadmin_ca.crt",
    }  # fmt: skip
    assert client["endpoint"] == "flyte.example.com:443"
    monkeypatch.setitem(IDENTITIES, "hub", Identity("me", "x", False, {"client_secret": "1234"}, {}))
    hub = _rendered(tmp_path, "hub", **site)
    scheduler = _pod(hub, "flytescheduler")
    assert ("Secret", "flyte-secret-auth") not in hub and _mounted(scheduler)["/etc/secrets"] == "flyte-secret-auth"
    assert scheduler["metadata"]["annotations"]["flyte.multicluster/identity-checksum"] == IDENTITIES["hub"].checksum


def test_a_release_without_an_identity_of_ours_is_left_to_the_values(tmp_path: pathlib.Path) -> None:
    assert ("Secret", "flyte-secret-auth") in _rendered(tmp_path, "hub", **AWS_SITE)
