# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Both provider files, rendered by Helm with the generated override on top: what the releases will be, without a cluster."""

from __future__ import annotations

import atexit
import dataclasses
import functools
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import typing as t

import pytest
import yaml
from conftest import REPOSITORY

sys.path[:0] = [str(REPOSITORY / ".collections"), str(REPOSITORY / "tests" / "lab")]

import binaries  # noqa: E402
from lab_chart import chart_folder  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import Configuration  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.identity import Identity  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import NOT_CONFIGURED, chart_files, release_values  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.user_settings import left_open, not_passed_on  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import build  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster, Site  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rendered import rendering_failure  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.plugin_utils._chart import ValuesReader  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.plugin_utils._rendering import rendered_clusters  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import declared_variables  # noqa: E402

#: it needs no lab, or brings up its own: it runs beside the stories of the lab that the others share
pytestmark = pytest.mark.own_lab

ACCOUNT = "123456789012"
PASSWORD = "the-password-of-the-database"
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
    unreachable=[],
)
#: who the flytepropeller of a host is, where a test says it
IDENTITIES: dict[str, Identity] = {}


SETTINGS = {
    "aws": {"certificateArn": "arn:aws:acm:us-east-2:123456789012:certificate/x", "rdsHost": "rds.example.com", "dbPassword": PASSWORD, "logGroup": "flyte"},
    "gcp": {"googleProjectId": "my-project", "dbHost": "10.0.0.9", "dbPassword": PASSWORD},
    "generic": {},
}
FILES = {"aws": "values-eks.yaml", "gcp": "values-gcp.yaml"}
Objects = dict[tuple[str, str], dict[str, t.Any]]


@functools.cache
def _chart() -> Chart:
    scratch = tempfile.TemporaryDirectory(prefix="flyte-chart-")
    atexit.register(scratch.cleanup)
    return Chart(str(chart_folder(pathlib.Path(scratch.name))), "flyte-core", "x")


class Planned(t.NamedTuple):
    """What a release would be: its values, the placeholders that are left in them, and how it is rendered."""

    values: dict[str, t.Any]
    faults: list[str]
    cluster: Cluster

    def objects(self) -> Objects:
        """Return the objects of the release by kind and name."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as override:
            json.dump(self.values, override)
            override.flush()
            command = [str(binaries.find("helm")), "template", "flyte", _chart().path, "--namespace", self.cluster.namespace, "--values", override.name]
            answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert answer.returncode == 0, answer.stderr
        assert "<no value>" not in answer.stdout
        documents = [document for document in yaml.safe_load_all(answer.stdout) if document]
        return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def _planned(tmp_path: pathlib.Path, host: str, *, of_plane: t.Mapping[str, t.Any] | None = None, **variables: t.Any) -> Planned:
    """Plan a host's release.

    :param of_plane: variables of the data plane alone.
    """
    provider = variables["flyte_provider"]
    common = {
        "flyte_admin_url": "https://flyte.example.com",
        "flyte_labels": {"label1": [{"cluster": "plane", "weight": 1}]},
        "flyte_projects": ["team1"],
        **({"flyte_buckets": ["flyte-data"]} if provider in FILES else {}),
        "flyte_user_settings": SETTINGS[provider],
        "inventory_dir": str(tmp_path),
        **variables,
    }
    of_aws = ("flyte_eks_cluster",) if provider == "aws" else ()
    hostvars = {name: {**common, "flyte_kube_context": name, **dict.fromkeys(of_aws, name)} for name in ("hub", "plane")}
    hostvars["plane"] |= of_plane or {}

    def read(name: str, variable: str) -> t.Any:
        return hostvars[name].get(variable)

    site, faults = build(["hub"], ["plane"], read, declared_variables())
    assert site is not None, faults
    cluster = site.cluster(host)
    # The provider's file, then the plane's, then ours: the order of the guide's upgrade on GKE.
    own = [FILES[provider]] if provider in FILES else []
    assert chart_files(site, cluster) == [*own, "values-controlplane.yaml" if host == "hub" else "values-dataplane.yaml"]
    aws = AWS if provider == "aws" and site.settings["flyte_iam_manage"] else None
    sources = ValuesReader(site, _chart(), read).sources(cluster)
    configuration = dataclasses.replace(CONFIGURATION, default_label=site.settings["flyte_default_execution_label"])
    values = release_values(site, cluster, sources, aws=aws, configuration=configuration if host == "hub" else None, identity=IDENTITIES.get(host))
    return Planned(values, _open(site, cluster, sources, aws), cluster)


def _open(site: Site, cluster: Cluster, sources: t.Any, aws: t.Any) -> list[str]:
    """Return what is left open in a release, also where nothing is known of the cluster yet."""
    values = release_values(site, cluster, sources, aws=aws, configuration=NOT_CONFIGURED if cluster.is_control_plane else None)
    return [str(fault) for fault in left_open(cluster.host, values)]


def _region(provider: str) -> dict[str, str]:
    return {"flyte_aws_region": "us-east-2"} if provider == "aws" else {}


def _rendered(tmp_path: pathlib.Path, host: str, **variables: t.Any) -> Objects:
    """Return the objects of a host's release, in which nothing is left open."""
    planned = _planned(tmp_path, host, **variables)
    assert not planned.faults
    found = planned.objects()
    assert not re.search(r"<[A-Z][A-Z_-]+>", json.dumps([*found.values()]))
    return found


def test_values_files_of_any_name_are_taken(tmp_path: pathlib.Path) -> None:
    """They are read here and merged in memory: white space, a comma or a quote in a name is none of Helm's business."""
    name = "it's my, values.yaml"
    (tmp_path / name).write_text("flytepropeller: {podAnnotations: {from: file}}\n", encoding="utf-8")
    plane = _rendered(tmp_path, "plane", flyte_provider="gcp", flyte_values_files=[name])
    assert plane[("Deployment", "flytepropeller")]["spec"]["template"]["metadata"]["annotations"]["from"] == "file"


def test_what_flyteadmin_would_read_is_what_went_in(tmp_path: pathlib.Path) -> None:
    """As it is read back before a control plane is installed; a label that values bring in beside it is found."""
    clusters = []
    for more in ({}, {"flyte_values": {"configmap": {"clusters": {"labelClusterMap": {"sneaked": [{"id": "plane", "weight": 1}]}}}}}):
        planned = _planned(tmp_path, "hub", flyte_provider="gcp", flyte_default_execution_label="label1", **more)
        clusters.append(rendered_clusters(str(binaries.find("helm")), _chart().path, planned.cluster, planned.values))
    wanted = dataclasses.replace(CONFIGURATION, default_label="label1")
    assert rendering_failure("hub", wanted, clusters[0]) is None
    failure = rendering_failure("hub", wanted, clusters[1])
    assert failure is not None and "label sneaked: is none of the plan's" in failure.problem


@pytest.mark.parametrize("provider", list(FILES))
def test_what_a_cluster_put_into_a_bucket_of_its_own_is_read_by_all(tmp_path: pathlib.Path, provider: str) -> None:
    """flyteadmin answers with outputs that lie in the bucket of the data plane, which without this it takes for one that is not there."""

    def storage(host: str, config: str, **of_plane: t.Any) -> dict[str, t.Any]:
        found = _rendered(tmp_path, host, of_plane=of_plane, flyte_provider=provider, **_region(provider))
        return t.cast("dict[str, t.Any]", yaml.safe_load(found["ConfigMap", config]["data"]["storage.yaml"])["storage"])

    configs = [("hub", "flyte-admin-base-config"), ("hub", "datacatalog-config"), ("plane", "flyte-propeller-config")]
    assert [storage(*config)["enable-multicontainer"] for config in configs] == [False, False, False]
    found = [storage(*config, flyte_buckets=["flyte-of-plane"]) for config in configs]
    assert [(one["container"], one["enable-multicontainer"]) for one in found] == [("flyte-data", True), ("flyte-data", True), ("flyte-of-plane", True)]
    # The same for what tasks write; a prefix in the same bucket is none of another one.
    for raw, many in (("flyte-raw/tasks", True), ("flyte-data/tasks", False)):
        found = [storage(*config, flyte_raw_data_bucket=raw) for config in configs]
        assert [(one["container"], one["enable-multicontainer"]) for one in found] == [("flyte-data", many)] * 3


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


AWS_SITE = {"flyte_provider": "aws", "flyte_aws_region": "us-east-2"}
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
    # Left out, what values-gcp.yaml has stays, with the project of the user settings.
    assert "gsa-flyteadmin@my-project." in _annotations(_rendered(tmp_path, "hub", flyte_provider="gcp"), "flyteadmin")[annotation]


# -- what the chart's values files leave open

#: the user settings that objects of each plane have; asked for nowhere else
USED = {
    ("aws", "hub"): {"accountNumber", "accountRegion", "certificateArn", "dbPassword", "rdsHost", "bucketName"},
    ("aws", "plane"): {"accountNumber", "accountRegion", "bucketName", "rawDataBucketName", "logGroup"},
    ("gcp", "hub"): {"googleProjectId", "dbHost", "dbPassword", "bucketName", "hostName"},
    ("gcp", "plane"): {"googleProjectId", "bucketName", "rawDataBucketName"},
}


def _open_settings(provider: str) -> dict[str, str]:
    """Return the placeholders of a provider's values file by name, found in it."""
    values = yaml.safe_load((pathlib.Path(_chart().path) / FILES[provider]).read_text(encoding="utf-8"))
    found = {name: value for name, value in values["userSettings"].items() if value.startswith("<")}
    assert len(found) >= 6
    return found


@pytest.mark.parametrize("host", ["hub", "plane"])
@pytest.mark.parametrize(("provider", "name"), [(provider, name) for provider in FILES for name in _open_settings(provider)])
def test_a_placeholder_is_refused_where_the_plane_uses_it(tmp_path: pathlib.Path, provider: str, name: str, host: str) -> None:
    placeholders = _open_settings(provider)
    checked = {"accountNumber": "123456789012", "certificateArn": "arn:aws:acm:us-east-2:123456789012:certificate/x"}
    given = {other: checked.get(other, f"x-{other.lower()}") for other in placeholders if other != name}
    # An inventory that says none of them by itself.
    variables = {"flyte_iam_manage": False, "flyte_buckets": [], "flyte_admin_url": "https://10.0.0.1"}
    planned = _planned(tmp_path, host, flyte_provider=provider, flyte_user_settings=given, **variables)
    if name in USED[provider, host]:
        (fault,) = planned.faults
        assert fault.startswith(f"{host}: userSettings.{name} = '{placeholders[name]}': ") and f"flyte_user_settings.{name}" in fault
    else:
        assert not planned.faults and placeholders[name] not in json.dumps(planned.values)
        planned.objects()


@pytest.mark.parametrize(("provider", "host"), list(USED))
def test_everything_that_is_open_is_said_together(tmp_path: pathlib.Path, provider: str, host: str) -> None:
    variables = {"flyte_iam_manage": False, "flyte_buckets": [], "flyte_admin_url": "https://10.0.0.1", "flyte_user_settings": {}}
    planned = _planned(tmp_path, host, flyte_provider=provider, **variables)
    assert {re.sub(r".*userSettings\.(\w+) = .*", r"\1", fault) for fault in planned.faults} == USED[provider, host]


def test_what_users_refer_to_and_leave_open_is_refused_too(tmp_path: pathlib.Path) -> None:
    redis = {"type": "redis", "redis": {"hostPath": "{{ .Values.userSettings.redisHostUrl }}", "hostKey": "key-of-<MY_REDIS>"}}
    values = {"configmap": {"resource_manager": {"propeller": {"resourcemanager": redis}}}}
    planned = _planned(tmp_path, "plane", **AWS_SITE, flyte_values=values)
    assert sorted(fault.split(" = ")[0] for fault in planned.faults) == [
        "plane: configmap.resource_manager.propeller.resourcemanager.redis.hostKey",
        "plane: userSettings.redisHostUrl",
    ]
    assert "set configmap.resource_manager.propeller.resourcemanager.redis.hostKey in flyte_values" in planned.faults[-1] + planned.faults[0]
    assert "key-of-" not in "".join(planned.faults)


def test_what_the_inventory_says_is_filled_in(tmp_path: pathlib.Path) -> None:
    variables: dict[str, t.Any] = {**AWS_SITE, "flyte_raw_data_bucket": "flyte-raw/tasks"}
    hub, plane = (_rendered(tmp_path, host, **variables) for host in ("hub", "plane"))
    storage = yaml.safe_load(plane["ConfigMap", "flyte-propeller-config"]["data"]["storage.yaml"])["storage"]
    assert storage["container"] == "flyte-data" and storage["connection"]["region"] == "us-east-2"
    core = yaml.safe_load(plane["ConfigMap", "flyte-propeller-config"]["data"]["core.yaml"])["propeller"]
    assert core["rawoutput-prefix"] == "s3://flyte-raw/tasks/"
    assert yaml.safe_load(hub["ConfigMap", "flyte-admin-base-config"]["data"]["storage.yaml"])["storage"]["container"] == "flyte-data"
    accounts = {f"flyte_gcp_{name}_service_account": f"flyte-{name[0]}@my-project.iam.gserviceaccount.com" for name in ("control_plane", "data_plane")}
    settings = {"dbHost": "10.0.0.9", "dbPassword": PASSWORD}
    hub = _rendered(tmp_path, "hub", flyte_provider="gcp", flyte_user_settings=settings, **accounts)
    assert hub["Ingress", "flyte-core"]["spec"]["rules"][0]["host"] == "flyte.example.com"
    stow = yaml.safe_load(hub["ConfigMap", "flyte-admin-base-config"]["data"]["storage.yaml"])["storage"]["stow"]
    assert stow["config"]["project_id"] == "my-project"


def test_the_users_own_values_win_over_what_is_filled_in(tmp_path: pathlib.Path) -> None:
    (tmp_path / "mine.yaml").write_text("userSettings: {bucketName: from-a-file, accountRegion: <AWS_REGION>}\n", encoding="utf-8")
    planned = _planned(tmp_path, "plane", **AWS_SITE, flyte_values_files=["mine.yaml"], flyte_values={"userSettings": {"logGroup": "inline"}})
    assert not planned.faults
    assert {"bucketName": "from-a-file", "accountRegion": "us-east-2", "logGroup": "inline"}.items() <= planned.values["userSettings"].items()


@pytest.mark.parametrize("provider", list(FILES))
def test_a_password_is_what_it_was_or_refused(tmp_path: pathlib.Path, provider: str) -> None:
    def planned(password: str, values: t.Mapping[str, t.Any] | None = None) -> Planned:
        settings = {**SETTINGS[provider], "dbPassword": password}
        return _planned(tmp_path, "hub", flyte_provider=provider, **_region(provider), flyte_user_settings=settings, flyte_values=values)

    def made(found: Planned) -> str:
        return str(found.objects()["Secret", "db-pass"]["stringData"]["pass.txt"])

    for password in ('q"x', "back\\slash", "{{x}}", "#x: y", "4711", "true"):
        found = planned(password)
        assert not not_passed_on("hub", found.values) and made(found) == password
    for password in ("it's", "a''b"):
        assert not_passed_on("hub", planned(password).values)
        own = planned("unused", {"common": {"databaseSecret": {"secretManifest": {"stringData": {"pass.txt": password}}}}})
        assert not not_passed_on("hub", own.values) and made(own) == password


# -- what a data plane does not get


@pytest.mark.parametrize("provider", [*FILES, "generic"])
def test_a_data_plane_gets_nothing_of_the_database_and_no_ingress(tmp_path: pathlib.Path, provider: str) -> None:
    """Values of the whole site are merged into all releases."""
    (tmp_path / "mine.yaml").write_text(f"db: {{admin: {{database: {{password: {PASSWORD}}}}}}}\nuserSettings: {{dbPassword: {PASSWORD}}}\n", encoding="utf-8")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine"}, "type": "Opaque", "stringData": {"pass.txt": PASSWORD}}
    values = {
        "db": {"admin": {"database": {"host": "rds", "password": PASSWORD}}, "datacatalog": {"database": {"password": PASSWORD}}},
        "common": {"databaseSecret": {"name": "mine", "secretManifest": secret}, "ingress": {"enabled": True}},
        "flyteadmin": {"env": [{"name": "DB_PASSWORD", "value": PASSWORD}], "secrets": {"db": PASSWORD}},
        "datacatalog": {"enabled": True, "podEnv": [{"name": "DB_PASSWORD", "value": PASSWORD}]},
        "workflow_scheduler": {"enabled": True, "type": "native"},
    }
    more = {"flyte_provider": provider, **_region(provider), "flyte_values": values, "flyte_values_files": ["mine.yaml"]}
    planned = _planned(tmp_path, "plane", **more)
    plane = _rendered(tmp_path, "plane", **more)
    assert PASSWORD not in json.dumps(planned.values) and PASSWORD not in json.dumps([*plane.values()])
    assert {kind for kind, _name in plane} & {"Ingress", "Secret"} == {"Secret"} and ("Secret", "mine") not in plane
    assert {name for kind, name in plane if kind == "Deployment"} == {"flytepropeller", "flyte-pod-webhook"}
    assert "/etc/db" not in json.dumps([*plane.values()])
    assert ("ServiceAccount", "flyteadmin") in plane and ("ClusterRole", "flyte-flyteadmin") in plane
    hub = _rendered(tmp_path, "hub", **more)
    assert ("Ingress", "flyte-core") in hub and "/etc/db" in json.dumps([*hub.values()]) and PASSWORD in json.dumps([*hub.values()])


# -- namespaces


@pytest.mark.parametrize("provider", [*FILES, "generic"])
def test_everything_follows_flytes_namespace(tmp_path: pathlib.Path, provider: str) -> None:
    variables = {"flyte_provider": provider, **_region(provider), "flyte_namespace": "elsewhere"}
    for host in ("hub", "plane"):
        found = _rendered(tmp_path, host, **variables)
        text = json.dumps([*found.values()])
        assert not re.search(r"flyte\.svc|namespace: flyte\b|\"namespace\": \"flyte\"|@flyte\b", text), host
    core = yaml.safe_load(found["ConfigMap", "flyte-propeller-config"]["data"]["core.yaml"])
    assert core["propeller"]["leader-election"]["lock-config-map"] == {"name": "propeller-leader", "namespace": "elsewhere"}
    hub = _rendered(tmp_path, "hub", **variables)
    uris = yaml.safe_load(hub["ConfigMap", "flyte-admin-base-config"]["data"]["server.yaml"])["auth"]["authorizedUris"]
    assert "http://flyteadmin.elsewhere.svc.cluster.local:80" in uris and "http://flyteadmin:80" in uris


def _mapping(objects: Objects) -> str | None:
    """Return the mapping that flyteadmin and syncresources have; they have to agree."""
    found = set()
    for name in ("flyte-admin-base-config", "flyte-clusterresourcesync-config"):
        text = objects["ConfigMap", name]["data"].get("namespace_config.yaml")
        found.add(yaml.safe_load(text)["namespace_mapping"]["template"] if text else None)
    (mapping,) = found
    return mapping


def test_the_mapping_to_namespaces_is_the_inventorys_or_the_charts(tmp_path: pathlib.Path) -> None:
    assert _mapping(_rendered(tmp_path, "hub", **AWS_SITE)) is None
    assert _mapping(_rendered(tmp_path, "hub", **AWS_SITE, flyte_namespace_mapping="flyte-{project}-{domain}")) == "flyte-{{ project }}-{{ domain }}"
    assert _mapping(_rendered(tmp_path, "hub", flyte_provider="gcp", flyte_namespace_mapping="{domain}")) == "{{ domain }}"
    assert _mapping(_rendered(tmp_path, "hub", flyte_provider="gcp", flyte_namespace_mapping="{project}-{domain}")) == "{{ project }}-{{ domain }}"


# -- the rest of what flyteadmin and flytepropeller are told


def test_flyteadmin_waits_for_no_plane_unless_it_is_told_to(tmp_path: pathlib.Path) -> None:
    def init(**more: t.Any) -> list[str]:
        hub = _rendered(tmp_path, "hub", **AWS_SITE, **more)
        assert ("Deployment", "syncresources") in hub
        return [container["name"] for container in hub["Deployment", "flyteadmin"]["spec"]["template"]["spec"]["initContainers"]]

    assert "sync-cluster-resources" not in init() and "run-migrations" in init()
    assert "sync-cluster-resources" in init(flyte_sync_at_start=True)


@pytest.mark.parametrize(("labels", "has_them"), [(CONFIGURATION.label_cluster_map, True), ({}, False)])
def test_syncresources_has_the_credentials_only_where_there_is_a_label(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, labels: dict[str, t.Any], has_them: bool
) -> None:
    """Which is why there always is one: _plan/canary.canary_labels."""
    monkeypatch.setattr(sys.modules[__name__], "CONFIGURATION", dataclasses.replace(CONFIGURATION, label_cluster_map=labels))
    pod = _pod(_rendered(tmp_path, "hub", **AWS_SITE), "syncresources")
    assert ("/var/run/credentials" in _mounted(pod)) is has_them


def test_the_default_label_is_in_flyteadmins_configuration(tmp_path: pathlib.Path) -> None:
    hub = _rendered(tmp_path, "hub", **AWS_SITE, flyte_default_execution_label="label1")
    for name in ("flyte-admin-clusters-config", "flyte-clusterresourcesync-config"):
        assert yaml.safe_load(hub["ConfigMap", name]["data"]["clusters.yaml"])["clusters"]["defaultExecutionLabel"] == "label1"


def test_log_links_reach_flytepropeller_with_its_own_braces(tmp_path: pathlib.Path) -> None:
    links = [
        {"name": "Logs of {podName}", "uri": 'https://logs.example.com/?q={"pod":"{podName}"}&ns={namespace}', "show_while_pending": True},
        {"name": "Other", "uri": "{namespace}/{podRFC3339StartTime}"},
    ]
    mine = {"displayName": "Mine", "templateUris": ["https://mine"]}
    values = {"configmap": {"task_logs": {"plugins": {"logs": {"templates": [mine, {"displayName": "Other", "templateUris": ["old"]}]}}}}}
    plane = _rendered(tmp_path, "plane", **AWS_SITE, flyte_log_links=links, flyte_values=values)
    found = yaml.safe_load(plane["ConfigMap", "flyte-propeller-config"]["data"]["task_logs.yaml"])["plugins"]["logs"]
    assert found["templates"] == [
        mine,
        {
            "displayName": "Logs of {{ .podName }}",
            "templateUris": ['https://logs.example.com/?q={"pod":"{{ .podName }}"}&ns={{ .namespace }}'],
            "showWhilePending": True,
        },
        {"displayName": "Other", "templateUris": ["{{ .namespace }}/{{ .podRFC3339StartTime }}"]},
    ]
    assert found["cloudwatch-log-group"] == "flyte" and found["cloudwatch-region"] == "us-east-2"
    elsewhere = _rendered(tmp_path, "plane", **AWS_SITE, flyte_eks_region="eu-west-1")
    found = yaml.safe_load(elsewhere["ConfigMap", "flyte-propeller-config"]["data"]["task_logs.yaml"])["plugins"]["logs"]
    assert found["cloudwatch-region"] == "eu-west-1"


@pytest.mark.parametrize("provider", [*FILES, "generic"])
def test_a_data_plane_looks_for_no_datacatalog_that_it_does_not_have(tmp_path: pathlib.Path, provider: str) -> None:
    """flytepropeller fails a task that is to be cached where it cannot ask; without a catalog it runs it each time."""

    def cache(host: str = "plane", values: t.Mapping[str, t.Any] | None = None, **more: t.Any) -> dict[str, t.Any]:
        given = {"configmap": {"catalog": {"catalog-cache": values}}} if values else {}
        found = _rendered(tmp_path, host, flyte_provider=provider, **_region(provider), flyte_values=given, **more)
        return t.cast("dict[str, t.Any]", yaml.safe_load(found["ConfigMap", "flyte-propeller-config"]["data"]["catalog.yaml"])["catalog-cache"])

    assert cache()["type"] == "noop"
    given = cache(flyte_catalog_endpoint="datacatalog.example.com:89")
    assert given == {"endpoint": "datacatalog.example.com:89", "insecure": False, "type": "datacatalog"}
    assert cache(values={"endpoint": "mine:89"}) == {"endpoint": "mine:89", "insecure": True, "type": "datacatalog"}
    # The control plane has one beside flytepropeller.
    assert cache("hub", flyte_control_plane_runs_workflows=True) == {"endpoint": "datacatalog:89", "insecure": True, "type": "datacatalog"}


@pytest.mark.parametrize("provider", list(FILES))
def test_flytepropeller_can_carry_out_the_canary(tmp_path: pathlib.Path, provider: str) -> None:
    """Also where the user's list of plugins, which replaces the chart's, has no echo."""

    def plugins(host: str, enabled: list[str] | None, **more: t.Any) -> list[str]:
        values = {"configmap": {"enabled_plugins": {"tasks": {"task-plugins": {"enabled-plugins": enabled}}}}} if enabled else {}
        found = _rendered(tmp_path, host, flyte_provider=provider, **_region(provider), flyte_values=values, **more)
        text = found["ConfigMap", "flyte-propeller-config"]["data"]["enabled_plugins.yaml"]
        return t.cast("list[str]", yaml.safe_load(text)["tasks"]["task-plugins"]["enabled-plugins"])

    canary = {"flyte_canary_project": "team1"}
    assert plugins("plane", None) == plugins("plane", None, **canary) == ["container", "sidecar", "k8s-array", "connector-service", "echo"]
    assert plugins("plane", ["container", "spark"]) == ["container", "spark"]
    assert plugins("plane", ["container", "spark"], **canary) == ["container", "spark", "echo"]
    assert plugins("hub", ["container"], **canary, flyte_control_plane_runs_workflows=True) == ["container", "echo"]


def _read_by_flytepropeller(folder: pathlib.Path, data: t.Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Let the real flytepropeller read its configuration, with what it does not know as a fault."""
    command = [str(binaries.find("flytepropeller")), "config", "validate", "--strict"]
    for name, text in data.items():
        (folder / name).write_text(text, encoding="utf-8")
        command += ["--file", str(folder / name)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("provider", [*FILES, "generic"])
def test_flytepropeller_itself_knows_all_that_it_is_told(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, provider: str) -> None:
    """What it does not know it ignores at its start, so that a mistyped key of ours would be seen by nobody."""
    login = {"scopes": ["a"], "audience": "b", "useAudienceFromAdmin": True, "tokenUrl": "https://idp/token", "authorizationHeader": "x-auth"}
    monkeypatch.setitem(IDENTITIES, "plane", Identity("me", "x", False, {"client_secret": "1234", "flyteadmin_ca.crt": "5678"}, login))
    links = [{"name": "Logs of {podName}", "uri": "https://logs/{podName}", "show_while_pending": True, "hide_once_finished": True}]
    more = {"flyte_namespace": "elsewhere", "flyte_log_links": links, "flyte_canary_project": "team1", "flyte_catalog_endpoint": "10.0.0.9:89"}
    plane = _rendered(tmp_path, "plane", flyte_provider=provider, **_region(provider), flyte_admin_endpoint="10.0.0.9:81", **more)
    data = plane["ConfigMap", "flyte-propeller-config"]["data"]
    core = yaml.safe_load(data["core.yaml"])
    core.pop("manager")  # the chart's own, of another program
    known = {**data, "core.yaml": yaml.safe_dump(core)}
    read = _read_by_flytepropeller(tmp_path, known)
    assert read.returncode == 0, read.stdout + read.stderr
    for wrong in ({"endpoint": "10.0.0.9:81"}, {"caCertFile": "/etc/secrets/flyteadmin_ca.crt"}):
        admin = yaml.safe_load(data["admin.yaml"])
        admin["admin"] |= wrong
        assert _read_by_flytepropeller(tmp_path, {**known, "admin.yaml": yaml.safe_dump(admin)}).returncode != 0, wrong


def test_a_control_plane_that_runs_workflows_is_told_what_a_data_plane_is(tmp_path: pathlib.Path) -> None:
    more = {"flyte_control_plane_runs_workflows": True, "flyte_namespace": "elsewhere", "flyte_raw_data_bucket": "flyte-raw"}
    hub = _rendered(tmp_path, "hub", **AWS_SITE, **more, flyte_log_links=[{"name": "n", "uri": "{podName}"}])
    data = hub["ConfigMap", "flyte-propeller-config"]["data"]
    core = yaml.safe_load(data["core.yaml"])["propeller"]
    assert core["leader-election"]["lock-config-map"]["namespace"] == "elsewhere" and core["rawoutput-prefix"] == "s3://flyte-raw/"
    assert "{{ .podName }}" in data["task_logs.yaml"] and ("Ingress", "flyte-core") in hub


@pytest.mark.parametrize("name", ["example-aws", "example-gcp"])
def test_the_example_inventories_leave_nothing_open(name: str) -> None:
    content = yaml.safe_load((REPOSITORY / "inventories" / name / "hosts.yml").read_text(encoding="utf-8"))["all"]
    groups = {group: list(entry["hosts"]) for group, entry in content["children"].items()}
    variables = {host: {**content["vars"], **own} for entry in content["children"].values() for host, own in entry["hosts"].items()}

    def read(host: str, variable: str) -> t.Any:
        return variables[host].get(variable)

    site, faults = build(groups["flyte_control_plane"], groups["flyte_data_planes"], read, declared_variables())
    assert site is not None, faults
    reader = ValuesReader(site, _chart(), read)
    for cluster in site.clusters:
        assert not _open(site, cluster, reader.sources(cluster), AWS if name == "example-aws" else None)


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
