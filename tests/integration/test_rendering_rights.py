# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Least rights and flyte_sync: data_plane, rendered by Helm: what the releases will be, without a cluster."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
import yaml
from test_rendering import AWS_SITE, IDENTITIES, Objects, _planned, _rendered

from ansible_collections.flyte.multicluster.plugins.module_utils._helm.identity import Identity
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.rules import same
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.templates import synced, synced_of_chart

#: it needs no lab, or brings up its own: it runs beside the stories of the lab that the others share
pytestmark = pytest.mark.own_lab

ALONE = {"flyte_sync": "data_plane"}
MINIMAL = {"flyte_dataplane_rbac": "minimal"}
ROLES = ("ClusterRole", "ClusterRoleBinding")


def _pod(found: Objects) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", found["Deployment", "syncresources"]["spec"]["template"])


def _files(found: Objects) -> dict[str, t.Any]:
    data = found["ConfigMap", "flyte-clusterresourcesync-config"]["data"]
    return {name: content for text in data.values() for name, content in yaml.safe_load(text).items()}


@pytest.mark.parametrize("provider", ["aws", "gcp", "generic"])
def test_with_minimal_rights_the_chart_gives_flyteadmin_none(tmp_path: pathlib.Path, provider: str) -> None:
    site = AWS_SITE if provider == "aws" else {"flyte_provider": provider}
    plain, plane = (_rendered(tmp_path, "plane", **site, **more) for more in ({}, MINIMAL))
    assert all((kind, name) in plain for kind, name in (("ClusterRole", "flyte-flyteadmin"), ("ClusterRoleBinding", "flyte-flyteadmin-binding")))
    assert not [name for kind, name in plane if kind in ROLES and "flyteadmin" in name] and ("ServiceAccount", "flyteadmin") in plane
    assert set(plain) - set(plane) == {("ClusterRole", "flyte-flyteadmin"), ("ClusterRoleBinding", "flyte-flyteadmin-binding")}
    # The control plane's own stays: flyteadmin writes its Secrets there.
    assert ("ClusterRole", "flyte-flyteadmin") in _rendered(tmp_path, "hub", **site, **MINIMAL)


def test_each_plane_syncs_itself_and_the_control_plane_nothing(tmp_path: pathlib.Path) -> None:
    plane, hub = (_rendered(tmp_path, host, **AWS_SITE, **ALONE, **MINIMAL, flyte_admin_endpoint="admin.example.com:443") for host in ("plane", "hub"))
    assert ("Deployment", "syncresources") not in hub and ("ConfigMap", "clusterresource-template") not in hub
    assert "sync-cluster-resources" not in json.dumps(hub["Deployment", "flyteadmin"])
    pod, files = _pod(plane)["spec"], _files(plane)
    assert pod["serviceAccountName"] == "syncresources" and ("ServiceAccount", "syncresources") not in plane  # which we make, with its rights
    mounts = {mount["mountPath"].rstrip("/"): mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert set(mounts) == {"/etc/secrets", "/etc/flyte/clusterresource/templates", "/etc/flyte/config"}
    assert volumes[mounts["/etc/secrets"]]["secret"]["secretName"] == "flyte-secret-auth" and len(volumes) == 3
    # Without clusterConfigs it works in its own cluster; the projects it asks flyteadmin for, as flytepropeller's client.
    assert files["clusters"] == {"labelClusterMap": {}, "clusterConfigs": []} and files["cluster_resources"]["standaloneDeployment"] is True
    assert files["admin"]["endpoint"] == "admin.example.com:443" and files["admin"]["clientSecretLocation"] == "/etc/secrets/client_secret"
    pairs = [pair for of_domain in files["cluster_resources"]["customData"] for pairs in of_domain.values() for pair in pairs]
    roles = [pair["defaultIamRole"]["value"] for pair in pairs if "defaultIamRole" in pair]
    assert roles == ["arn:aws:iam::123456789012:role/flyte-dataplane-role"] * 3
    templates = [{"key": key, "value": text} for key, text in plane["ConfigMap", "clusterresource-template"]["data"].items()]
    assert same(synced(templates).rules, synced_of_chart(provider_files=True).rules)
    assert "syncresources" not in {name for kind, name in _rendered(tmp_path, "plane", **AWS_SITE) if kind == "Deployment"}


def test_with_the_charts_rights_it_has_the_charts_account(tmp_path: pathlib.Path) -> None:
    assert _pod(_rendered(tmp_path, "plane", **AWS_SITE, **ALONE))["spec"]["serviceAccountName"] == "flyteadmin"


def test_each_plane_may_have_a_role_of_its_own(tmp_path: pathlib.Path) -> None:
    plane = _rendered(tmp_path, "plane", of_plane={"flyte_iam_data_plane_role": "flyte-of-plane"}, **AWS_SITE, **ALONE)
    text = json.dumps(_files(plane)["cluster_resources"]["customData"])
    assert text.count("role/flyte-of-plane") == 3 and "flyte-dataplane-role" not in text and "projectQuotaCpu" in text
    annotations = plane["ServiceAccount", "flytepropeller"]["metadata"]["annotations"]
    assert annotations["eks.amazonaws.com/role-arn"].endswith("role/flyte-of-plane")


def test_what_the_control_planes_values_say_of_it_goes_along(tmp_path: pathlib.Path) -> None:
    """Templates and their values that stand for the control plane's host alone would be gone without a word otherwise."""
    template = {"key": "zz_limits", "value": "apiVersion: v1\nkind: LimitRange\nmetadata:\n  name: limits\n  namespace: {{ namespace }}\n"}
    of_hub = {
        "cluster_resource_manager": {
            "templates": [template],
            "config": {"cluster_resources": {"refreshInterval": "7m"}},
            "nodeSelector": {"only": "there"},
            "podAnnotations": {"only": "there"},
        },
        "configmap": {"clusters": {"labelClusterMap": {"sneaked": []}}},
    }
    site = {**AWS_SITE, **ALONE, "flyte_values": of_hub, "flyte_namespace_mapping": "{project}.{domain}".replace(".", "-x-")}
    plane = _rendered(tmp_path, "plane", of_plane={"flyte_values": {"cluster_resource_manager": {"config": {"cluster_resources": {"more": "x"}}}}}, **site)
    files = _files(plane)
    assert list(plane["ConfigMap", "clusterresource-template"]["data"]) == ["zz_limits.yaml"]
    assert files["cluster_resources"]["refreshInterval"] == "7m" and files["cluster_resources"]["more"] == "x"
    assert files["namespace_mapping"]["template"] == "{{ project }}-x-{{ domain }}" and files["clusters"]["labelClusterMap"] == {}
    # Where its pods run is the control plane's own affair.
    assert "only" not in json.dumps(_pod(plane))


def test_it_starts_anew_with_another_client_and_trusts_the_same_authority(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = Identity("me", "x", False, {"client_secret": "1234", "token_ca.crt": "5678"}, {})
    monkeypatch.setitem(IDENTITIES, "plane", identity)
    values = {"cluster_resource_manager": {"podEnv": [{"name": "MINE", "value": "1"}]}}
    pod = _pod(_rendered(tmp_path, "plane", **AWS_SITE, **ALONE, of_plane={"flyte_values": values}))
    assert pod["metadata"]["annotations"]["flyte.multicluster/identity-checksum"] == identity.checksum
    assert {entry["name"]: entry["value"] for entry in pod["spec"]["containers"][0]["env"]} == {
        "MINE": "1",
        "SSL_CERT_DIR": "/etc/ssl/certs:/etc/pki/tls/certs:/etc/secrets",
    }


@pytest.mark.parametrize("provider", ["gcp", "generic"])
def test_other_providers_too(tmp_path: pathlib.Path, provider: str) -> None:
    accounts = {"flyte_gcp_domain_service_accounts": {"production": "flyte-production@example.iam.gserviceaccount.com"}} if provider == "gcp" else {}
    planned = _planned(tmp_path, "plane", flyte_provider=provider, **ALONE, **MINIMAL, **accounts)
    assert not planned.faults
    text = json.dumps(_files(planned.objects()))
    assert ("flyte-production@example" in text) is (provider == "gcp") and "defaultIamRole" not in text
