# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whole adoptions of installations of several shapes: what is written reads back as what there was, and has no secret in it."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import os
import pathlib
import types
import typing as t

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.found import Credential, FoundAdmin, FoundCluster, FoundControlPlane, FoundRelease
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.texts import HOSTS, VAULT
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import Configuration
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.ours import judge
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import mapping_in_use, release_layers, release_values
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shown_values import Shower
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import Values, lookup, merge, parse
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.documents import pod_identity_statement
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import build
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.placeholders import unfilled
from ansible_collections.flyte.multicluster.plugins.modules import flyte_aws_info
from ansible_collections.flyte.multicluster.plugins.plugin_utils import _adopt
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed, Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._adopt_accesses import Accesses
from ansible_collections.flyte.multicluster.plugins.plugin_utils._adopt_files import Vault, present, write_files
from ansible_collections.flyte.multicluster.plugins.plugin_utils._chart import ValuesReader, provide
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import HostVariables, declared_variables, known_names
from conftest import REPOSITORY

CHART = REPOSITORY / "tests" / "lab" / "chart" / "flyte-core"
PASSWORD = "for-tests-only"
SECRET = "pw-of-the-database"
ROLE = "arn:aws:iam::123456789012:role/"


@pytest.fixture(autouse=True)
def _kubeconfig(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this machine a kubeconfig with the contexts of all hosts."""
    names = ("hub", "first", "second", "elsewhere", "a", "b", "arn:aws:eks:eu-west-1:123456789012:cluster/flyte-dp-1")
    content = {
        "clusters": [{"name": "c", "cluster": {"server": "https://c.example.com"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in names],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(content), encoding="utf-8")
    monkeypatch.setenv("K", str(tmp_path / "kubeconfig"))


def chart(*names: str) -> Values:
    """Return the chart's values files, merged."""
    return merge([parse((CHART / name).read_text(encoding="utf-8")) for name in names])


def release(values: Values, name: str, namespace: str = "flyte") -> FoundRelease:
    """Return a release of the chart."""
    return FoundRelease(name, namespace, "flyte-core", "v1.16.8", values)


def plane(host: str, number: int, values: Values | None, name: str = "flyte-core-data", **more: t.Any) -> FoundCluster:
    """Return a data plane."""
    found = release(values, name) if values is not None else None
    return FoundCluster(
        host, server=f"https://dp{number}.example.com", namespace="flyte", release=found, tokens={f"dataplane{number}-token": f"t{number}"}, **more
    )


def entry(name: str, number: int, **more: t.Any) -> dict[str, t.Any]:
    """Return an entry of clusterConfigs as the guide has it."""
    paths = {"tokenPath": f"/var/run/credentials/{name}_token", "certPath": f"/var/run/credentials/{name}_cacert"}
    return {"name": name, "endpoint": f"https://dp{number}.example.com:443", "enabled": True, "auth": {"type": "file_path", **paths}, **more}


def credential(name: str, number: int) -> Credential:
    """Return what flyteadmin has of it."""
    return Credential(f"cluster-credentials/{name}_token", f"cluster-credentials/{name}_cacert", f"t{number}", f"ca{number}")


@dataclasses.dataclass
class Installation:
    """What is found, and what the inventory of accesses has."""

    control: FoundControlPlane
    candidates: list[FoundCluster]
    admin: FoundAdmin
    accesses: dict[str, dict[str, t.Any]]


def installation(control: Values, clusters: dict[str, t.Any], planes: list[FoundCluster], name: str = "flyte-core", **variables: t.Any) -> Installation:
    """Return an installation whose candidates are reached by contexts of their names."""
    found = FoundControlPlane("hub", server="https://hub.example.com", namespace="flyte", release=release(control, name), clusters=clusters)
    found.credentials = {one["name"]: credential(one["name"], number) for number, one in enumerate(clusters["clusterConfigs"], 1) if "auth" in one}
    rows = {("team1", "development", ""): "label1", ("project1", "development", "example.w"): "project1"}
    admin = FoundAdmin(rows, [(project, domain) for project in ("team1", "project1") for domain in ("development", "staging", "production")])
    common = {"flyte_admin_url": "https://flyte.example.com", "flyte_chart_ref": str(CHART), "flyte_kubeconfig": os.environ["K"], **variables}
    hosts = {host: {**common, "flyte_kube_context": host} for host in ("hub", *(cluster.host for cluster in planes))}
    return Installation(found, planes, admin, hosts)


class Reader:
    """Variables of hosts, as an action reads them."""

    def __init__(self, hosts: dict[str, dict[str, t.Any]]) -> None:
        self.hosts = hosts

    def raw(self, host: str) -> dict[str, t.Any]:
        return self.hosts[host]

    def read(self, host: str, name: str) -> t.Any:
        return self.hosts[host].get(name)


def adopted(monkeypatch: pytest.MonkeyPatch, given: Installation, **options: t.Any) -> _adopt.Adopted:
    """Adopt an installation, without asking anybody."""
    groups = {"flyte_control_plane": ["hub"], "flyte_data_planes": [host for host in given.accesses if host != "hub"]}
    monkeypatch.setattr(_adopt, "observe_control_plane", lambda *_arguments: copy.deepcopy(given.control))
    monkeypatch.setattr(_adopt, "observe_candidates", lambda *_arguments: copy.deepcopy(given.candidates))
    monkeypatch.setattr(_adopt, "answering", lambda endpoints, _timeout: {host: "10.0.0." not in url for host, url in endpoints.items()})
    monkeypatch.setattr(_adopt.Adoption, "_flyteadmin", lambda _self: given.admin)
    accesses = Accesses(groups, t.cast(t.Any, Reader(given.accesses)), [], [])
    return _adopt.Adoption(t.cast(t.Any, types.SimpleNamespace(**options)), accesses).run()


class Written:
    """An inventory that was written, read by Ansible itself."""

    def __init__(self, folder: pathlib.Path, found: _adopt.Adopted) -> None:
        loader = DataLoader()
        loader.set_vault_secrets([("default", VaultSecret(PASSWORD.encode()))])
        vault = Vault(loader, None)
        texts = {**found.texts, **({VAULT: vault.encrypted(found.vault)} if found.vault else {})}
        write_files(folder, texts, private=VAULT)
        manager = InventoryManager(loader=loader, sources=[str(folder / HOSTS)])
        variables = VariableManager(loader=loader, inventory=manager)
        self.groups = manager.get_groups_dict()
        self.variables = HostVariables({"hostvars": HostVars(inventory=manager, variable_manager=variables, loader=loader)}, loader)
        self.planes = [host for host in self.groups.get("flyte_data_planes", []) if host != "hub"]
        self.site, self.faults = build(["hub"], self.planes, self.variables.read, declared_variables())
        self.open = unfilled(["hub", *self.planes], self.variables.raw, known_names())

    def values(self, host: str, clusters: dict[str, t.Any], aws: t.Any = None) -> tuple[Values, Values]:
        """Return all values that a release is given, and the chart's own."""
        assert self.site is not None, self.faults
        cluster = self.site.cluster(host)
        reader = ValuesReader(self.site, provide(self.site, lambda *_more: None), self.variables.read)
        assert not reader.faults(cluster)
        configuration = Configuration(clusters["clusterConfigs"], clusters["labelClusterMap"], "x", [], [], [], []) if cluster.is_control_plane else None
        sources = reader.sources(cluster)
        self.site.settings["flyte_namespace_mapping"] = mapping_in_use(reader.sources(self.site.control_plane))
        if configuration:
            configuration.default_label = self.site.settings["flyte_default_execution_label"]
        return release_values(self.site, cluster, sources, aws=aws, configuration=configuration), sources.defaults


#: what this collection says of every release, whatever was there
OURS = (
    "podAnnotations", "kubeClientConfig", "standalone_deploy", "additionalVolume", "clusterName", "lock-config-map", "catalog-cache", "role-arn", "customData",
    "gcp-service-account", "Release.Name", "initContainerClusterSync", "storage.enableMultiContainer",
)  # fmt: skip


def leaves(values: t.Any, path: str = "") -> dict[str, t.Any]:
    """Return all values by their path; null is none."""
    if isinstance(values, dict):
        return {key: value for name, item in values.items() for key, value in leaves(item, f"{path}.{name}").items()}
    return {} if values is None else {path: values}


def assert_nothing_is_lost(live: Values, new: Values, defaults: Values, part_off: t.Callable[[str], bool]) -> None:
    """Assert that a release has every value that it had, but those of ours and those of parts that are off."""
    before, after = leaves(merge([defaults, live])), leaves(merge([defaults, new]))
    lost = {
        path: (value, after.get(path))
        for path, value in before.items()
        if after.get(path) != value and not any(name in path for name in OURS) and not part_off(path)
    }
    assert not lost, lost


CLUSTERS: dict[str, t.Any] = {
    "clusterConfigs": [entry("dataplane_1", 1), entry("dataplane_2", 2)],
    "labelClusterMap": {"label1": [{"id": "dataplane_1", "weight": 1}], "label2": [{"id": "dataplane_2", "weight": 1}]},
}
SETTINGS = {
    "accountNumber": "123456789012", "accountRegion": "us-east-2", "certificateArn": "arn:aws:acm:us-east-2:123456789012:certificate/x", "dbPassword": SECRET,
    "rdsHost": "rds.example.com", "bucketName": "flyte-meta", "rawDataBucketName": "flyte-raw", "logGroup": "/flyte",
}  # fmt: skip
OVERRIDE: Values = {
    "flyteadmin": {
        "replicaCount": 5,
        "additionalVolumes": [{"name": "cluster-credentials", "secret": {"secretName": "cluster-credentials"}}],
        "additionalVolumeMounts": [{"name": "cluster-credentials", "mountPath": "/var/run/credentials"}],
        "initContainerClusterSyncAdditionalVolumeMounts": [{"name": "cluster-credentials", "mountPath": "/etc/credentials"}],
    },
    "configmap": {"clusters": CLUSTERS},
}
_CONTROL_OFF = ("flytepropeller", "webhook", "configmap.core", "configmap.k8s", "configmap.task_logs", "configmap.copilot", "configmap.resource_manager")
_CONTROL_OFF += ("configmap.enabled_plugins", "configmap.catalog", "workflow_notifications", "userSettings.logGroup", "userSettings.redis")
_CONTROL_OFF += ("userSettings.rawDataBucketName",)
_PLANE_OFF = (
    "flyteadmin",
    "datacatalog",
    "flyteconsole",
    "flytescheduler",
    "workflow_scheduler",
    "workflow_notifications",
    "cluster_resource_manager",
    "common",
    "db",
)
_PLANE_OFF += (
    "userSettings",
    "configmap.adminServer",
    "configmap.task_resource_defaults",
    "configmap.namespace_config",
    "configmap.remoteData",
    "configmap.domain",
)


def off(*parts: str) -> t.Callable[[str], bool]:
    """Return whether a path belongs to one of the parts that a release does not have."""
    return lambda path: path.lstrip(".").startswith(parts)


def guide(**variables: t.Any) -> Installation:
    """Return what the guide leads to on EKS, without IAM: the chart's files filled in, values-override.yaml on top."""
    filled = merge([chart("values-eks.yaml"), {"userSettings": SETTINGS}])
    control = merge([chart("values-controlplane.yaml"), filled, OVERRIDE])
    to_admin = {"endpoint": "flyte.example.com:443", "insecure": False}
    data = merge([filled, chart("values-dataplane.yaml"), {"configmap": {"admin": {"admin": to_admin}, "catalog": {"catalog-cache": to_admin}}}])
    other = merge([data, {"flytepropeller": {"replicaCount": 7}, "configmap": {"core": {"propeller": {"workers": 80}}}}])
    planes = [plane("second", 2, other), plane("first", 1, data), plane("elsewhere", 9, None)]
    aws = {"flyte_aws_region": "us-east-2", "flyte_iam_manage": False, "flyte_provider": "aws"}
    return installation(control, CLUSTERS, planes, "flyte-core-control", **{**aws, **variables})


def test_the_guides_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    given = guide()
    found = adopted(monkeypatch, given)
    written = Written(tmp_path, found)
    assert not written.faults and not written.open and written.site is not None
    assert written.planes == ["dataplane_1", "dataplane_2"]
    assert written.variables.read("dataplane_1", "flyte_kube_context") == "first" and written.variables.read("dataplane_2", "flyte_kube_context") == "second"
    assert written.site.control_plane.release == "flyte-core-control" and written.site.settings["flyte_chart_version"] == "v1.16.8"
    assert written.site.labels == {name: [{"cluster": f"dataplane_{name[-1]}", "weight": 1}] for name in ("label1", "label2")}
    assert [dataclasses.astuple(row) for row in written.site.execution_cluster_labels] == [("team1", "development", "", "label1")]
    assert written.site.projects == ["project1", "team1"] and written.site.control_plane.buckets == ["flyte-meta"]
    assert written.site.data_planes[0].raw_data_bucket == "flyte-raw"
    # Values: all that there were, and no secret outside the vault.
    for host, live, parts in (
        ("hub", given.control.release, _CONTROL_OFF),
        ("dataplane_1", given.candidates[1].release, _PLANE_OFF),
        ("dataplane_2", given.candidates[0].release, _PLANE_OFF),
    ):
        assert live is not None
        new, defaults = written.values(host, CLUSTERS)
        assert_nothing_is_lost(live.values, new, defaults, off(*parts))
    control = parse(found.texts["values-controlplane.yaml"])
    assert control == {"flyteadmin": {"replicaCount": 5}}
    assert "replicaCount: 7" in found.texts["values-dataplane_2.yaml"] and "workers: 80" in found.texts["values-dataplane_2.yaml"]
    assert lookup(written.values("hub", CLUSTERS)[0], "userSettings.dbPassword") == SECRET
    assert found.vault and SECRET in found.vault and not [name for name, text in found.texts.items() if SECRET in text]
    assert "userSettings" not in str({name: text for name, text in found.texts.items() if name != HOSTS})
    assert SECRET not in (tmp_path / VAULT).read_text(encoding="utf-8") and (tmp_path / VAULT).stat().st_mode & 0o077 == 0
    # What cannot stand in an inventory is said, there and in the output.
    said = "\n".join(found.lines)
    assert "project1/development/example.w: 'project1' is no label" in said and "elsewhere: no data plane of this flyteadmin: left out" in said
    assert "datacatalog is not behind that Ingress" in found.texts[HOSTS] and "Found as first, by its token." in found.texts[HOSTS]
    assert SECRET not in said


def test_a_plane_that_is_not_among_the_candidates_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    given = guide()
    given.candidates = [cluster for cluster in given.candidates if cluster.host == "first"]
    dead = FoundCluster("second", server=None, error={"message": "https://dp2 does not answer", "hint": "Check it."})
    given.candidates.append(dead)
    found = adopted(monkeypatch, given)
    written = Written(tmp_path, found)
    assert [(fault.host, fault.variable) for fault in written.open] == [("dataplane_2", "flyte_kube_context")]
    assert "how the cluster at https://dp2.example.com:443 is reached" in str(written.open[0])
    assert found.dead == [dead] and "dataplane_2: none of the given clusters" in "\n".join(found.lines)
    # One whose address is known is known by it; what it has is asked for.
    given.candidates[-1] = dataclasses.replace(dead, server="https://dp2.example.com")
    written = Written(tmp_path / "again", adopted(monkeypatch, given))
    assert written.variables.read("dataplane_2", "flyte_kube_context") == "second"
    assert [(fault.host, fault.variable) for fault in written.open] == [("dataplane_2", "flyte_release_name")]


def test_values_files_of_gcp(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    settings = {"googleProjectId": "proj-1", "dbHost": "10.0.0.3", "dbPassword": SECRET, "bucketName": "gcs-meta", "hostName": "flyte.example.com"}
    filled = merge([chart("values-gcp.yaml"), {"userSettings": settings}])
    account = {"iam.gke.io/gcp-service-account": "flyte-propeller@proj-1.iam.gserviceaccount.com"}
    given = installation(
        merge([filled, chart("values-controlplane.yaml"), {"configmap": {"clusters": CLUSTERS}}]),
        CLUSTERS,
        [plane(name, number, merge([filled, chart("values-dataplane.yaml")]), accounts={"flytepropeller": account}) for number, name in ((1, "a"), (2, "b"))],
    )
    given.control.accounts = {"flyteadmin": {"iam.gke.io/gcp-service-account": "flyte-admin@proj-1.iam.gserviceaccount.com"}}
    found = adopted(monkeypatch, given)
    written = Written(tmp_path, found)
    assert not written.faults and written.site is not None and not written.open
    assert written.site.settings["flyte_provider"] == "gcp"
    assert written.site.settings["flyte_gcp_data_plane_service_account"] == "flyte-propeller@proj-1.iam.gserviceaccount.com"
    new, defaults = written.values("hub", CLUSTERS)
    assert given.control.release
    assert_nothing_is_lost(given.control.release.values, new, defaults, off(*_CONTROL_OFF))
    assert not [name for name, text in found.texts.items() if SECRET in text] and SECRET in str(found.vault)


def test_inline_values_without_any_file_of_the_chart(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """--set alone, several clusters in a label, the control plane among them, other namespaces, one disabled."""
    clusters: dict[str, t.Any] = {
        "clusterConfigs": [
            {**entry("eu", 1), "kubeClientConfig": {"qps": 40, "burst": 20, "timeout": "30s"}},
            {**entry("us", 2), "enabled": False},
            {"name": "hub", "inCluster": True, "enabled": True},
        ],
        "labelClusterMap": {"any": [{"id": "eu", "weight": 0.3}, {"id": "hub", "weight": 0.7}], "old": [{"id": "gone", "weight": 1}]},
        "defaultExecutionLabel": "any",
    }
    inline: Values = {
        "storage": {"type": "s3", "bucketName": "own-bucket", "s3": {"endpoint": "http://minio:9000", "accessKey": "minio", "secretKey": "minio-secret"}},
        "db": {"admin": {"database": {"host": "pg", "password": SECRET}}},
        "flyteadmin": {"env": [{"name": "DB_PASSWORD", "value": SECRET}]},
        "configmap": {"namespace_config": {"namespace_mapping": {"template": "t-{{ project }}-{{ domain }}"}}},
    }
    planes = [plane("a", 1, {"storage": inline["storage"], "flyteadmin": {"enabled": False}}, "plane", ca="ca1")]
    planes[0] = dataclasses.replace(planes[0], namespace="flyte-eu")
    given = installation(merge([inline, {"configmap": {"clusters": clusters}}]), clusters, planes, "hand-made")
    found = adopted(monkeypatch, given)
    written = Written(tmp_path, found)
    assert not written.faults and written.site is not None
    assert written.site.settings["flyte_provider"] == "generic" and written.site.settings["flyte_control_plane_runs_workflows"] is True
    assert written.site.labels == {"any": [{"cluster": "eu", "weight": 0.3}, {"cluster": "hub", "weight": 0.7}]}
    assert written.site.settings["flyte_default_execution_label"] == "any"
    eu, us = written.site.data_planes
    assert (eu.namespace, eu.release, eu.kube_client) == ("flyte-eu", "plane", {"qps": 40, "burst": 20, "timeout": "30s"})
    assert us.enabled is False and [fault.host for fault in written.open] == ["us"]
    new, defaults = written.values("hub", clusters)
    assert given.control.release
    assert_nothing_is_lost(given.control.release.values, new, defaults, off("flytepropeller.enabled", "webhook"))
    texts = "\n".join(found.texts.values())
    assert SECRET not in texts and "minio-secret" not in texts
    assert "label old: gone is no cluster of clusterConfigs" in texts


def test_each_value_that_an_adopted_release_gets_otherwise_has_its_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    given = guide()
    written = Written(tmp_path, adopted(monkeypatch, given))
    assert written.site is not None and given.control.release
    second, first, _elsewhere = given.candidates
    assert first.release and second.release
    live = {"hub": given.control.release.values, "dataplane_1": first.release.values, "dataplane_2": second.release.values}
    configuration = Configuration(CLUSTERS["clusterConfigs"], CLUSTERS["labelClusterMap"], "x", [], [], [], [])
    reader = ValuesReader(written.site, provide(written.site, lambda *_more: None), written.variables.read)
    for host, values in live.items():
        cluster = written.site.cluster(host)
        layers = release_layers(written.site, cluster, reader.sources(cluster), aws=None, configuration=configuration if host == "hub" else None)
        found = judge(values, layers, Shower("key"), label=None, digest="d")
        assert not found.losses and found.unused
        left = {change.path for change in found.changes if not change.why}
        assert not [path for path in left if not path.startswith("cluster_resource_manager.config.cluster_resources.customData")], left


def test_what_no_template_reads_is_given_up_since_an_inventory_with_it_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    given = guide()
    assert given.control.release
    odd: Values = {"flyteconsole": {"replicaCuont": 2, "replicaCount": 3}, "flyteadmin": {"serviceAccount": "mine"}}
    given.control.release = dataclasses.replace(given.control.release, values=merge([given.control.release.values, odd]))
    found = adopted(monkeypatch, given)
    written = Written(tmp_path, found)
    new, _defaults = written.values("hub", CLUSTERS)  # it has no fault
    assert "replicaCuont" not in new["flyteconsole"] and new["flyteconsole"]["replicaCount"] == 3
    assert written.variables.read("hub", "flyte_drop_values") == ["flyteadmin.serviceAccount", "flyteconsole.replicaCuont"]
    said = " ".join(found.texts[HOSTS].replace("#", "").split())
    assert "flyteconsole.replicaCuont of its release is no key of the chart, which has 'replicaCount' there: it is given up." in said


PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA0b1c2d3e4f5a\n" * 3 + "-----END RSA PRIVATE KEY-----\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ\n-----END CERTIFICATE-----\n"
_ACCOUNT_KEY = json.dumps({"type": "service_account", "private_key": PEM})
#: values with a secret in an odd place, and the secret
ODD: list[tuple[Values, str]] = [
    ({"args": ["serve", "--auth-password", "word-one", "--verbose"]}, "word-one"),
    ({"args": ["--token=word-one"]}, "word-one"),
    ({"lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", "export DB_PASSWORD=word-one; run"]}}}}, "word-one"),
    ({"env": [{"name": "DSN", "value": "postgres://flyte:word-one@pg:5432/db"}]}, "word-one"),
    ({"env": [{"name": "REDIS", "value": "redis://:word-one@redis:6379"}]}, "word-one"),
    ({"env": [{"name": "GIT", "value": "https://word-one@git.example.com/x"}]}, "word-one"),
    ({"env": [{"name": "BACK", "value": "https://h.example.com/?user=a&token=word-one"}]}, "word-one"),
    ({"env": [{"name": "LIBPQ", "value": "host=pg user=flyte password=word-one dbname=f"}]}, "word-one"),
    ({"env": [{"name": "AZURE", "value": "AccountName=a;AccountKey=word-one;EndpointSuffix=x"}]}, "word-one"),
    ({"env": [{"name": "HOOK", "value": "https://hooks.slack.com/services/T0000/B0000/word1"}]}, "T0000/B0000/word1"),
    ({"env": [{"name": "BOT", "value": "xoxb-1234-word-one-abcdef"}]}, "xoxb-1234-word-one"),
    ({"env": [{"name": "AWS_SECRET_ACCESS_KEY", "value": "word/one"}]}, "word/one"),
    ({"probe": {"httpHeaders": [{"name": "Authorization", "value": "Basic d29yZDpvbmU="}]}}, "d29yZDpvbmU"),
    ({"podAnnotations": {"inline": '{"user":"a","password":"word-one"}'}}, "word-one"),
    ({"saml": "<conf><password>word-one</password></conf>"}, "word-one"),
    ({"pgpass": "pg:5432:flyteadmin:flyte:word-one"}, "word-one"),
    ({"clients": [{"id": "x", "client_secret": "word-one", "grant": "a"}]}, "word-one"),
    ({"adminPassword": 47114711}, "47114711"),
    ({"adminPassword": "pä55wörd-☃"}, "pä55wörd-☃"),
    ({"extra": {"tls.pem": CERTIFICATE + PEM}}, "MIIEowIBAAKCAQEA0b1c2d3e4f5a"),
    ({"extra": {"bundle": base64.b64encode((CERTIFICATE + PEM).encode()).decode()}}, base64.b64encode((CERTIFICATE + PEM).encode()).decode()[80:120]),
    ({"extra": {"sa.json": _ACCOUNT_KEY}}, "MIIEowIBAAKCAQEA0b1c2d3e4f5a"),
]


@pytest.mark.parametrize(("odd", "secret"), ODD, ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")
def test_a_secret_in_an_odd_place_is_in_no_file_in_plain_text(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, odd: Values, secret: str) -> None:
    given = guide()
    assert given.control.release
    # Beside it something with letters of other alphabets, which nothing is lost of.
    live = merge([given.control.release.values, {"flyteadmin": odd}, {"flyteadmin": {"podLabels": {"größe": "ü-日本"}}}])
    given.control.release = dataclasses.replace(given.control.release, values=live)
    found = adopted(monkeypatch, given)
    written = Written(tmp_path, found)
    assert not written.faults and not written.open
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_text(encoding="utf-8")]
    assert found.vault and secret in "\n".join(map(str, yaml.safe_load(found.vault).values())) and secret not in "\n".join(found.lines)
    new, _defaults = written.values("hub", CLUSTERS)
    for key, value in {**odd, "podLabels": {"größe": "ü-日本"}}.items():
        assert {name: new["flyteadmin"][key][name] for name in value} == value if isinstance(value, dict) else new["flyteadmin"][key] == value
    assert '"größe": "ü-日本"' in found.texts["values-controlplane.yaml"]


def test_what_only_names_a_secret_stays_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    given = guide()
    assert given.control.release
    plain: Values = {
        "args": ["--token-file=/etc/token", "--verbose"],
        "env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "pass"}}}, {"name": "URL", "value": "https://h.example.com/x"}],
        "extra": {"ca.crt": CERTIFICATE, "bundle": base64.b64encode(CERTIFICATE.encode()).decode()},
        "text": "password: {{ .Values.userSettings.dbPassword }}\ntoken: <TOKEN>\n",
    }
    given.control.release = dataclasses.replace(given.control.release, values=merge([given.control.release.values, {"flyteadmin": plain}]))
    assert parse(adopted(monkeypatch, given).texts["values-controlplane.yaml"])["flyteadmin"] == {"replicaCount": 5, **plain}


def test_a_candidate_that_no_helm_release_has(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    given = guide()
    given.candidates[1] = dataclasses.replace(given.candidates[1], release=None)
    written = Written(tmp_path, adopted(monkeypatch, given))
    assert ("dataplane_1", "flyte_release_name") in [(fault.host, fault.variable) for fault in written.open]


def test_accesses_with_secrets_leave_them_in_the_vault(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    given = guide(flyte_client_id="ops", flyte_client_secret="client-secret-1", flyte_admin_proxy="http://me:proxy-secret@proxy:3128")
    for host, variables in given.accesses.items():
        del variables["flyte_kubeconfig"], variables["flyte_kube_context"]
        variables |= {"flyte_kube_host": f"https://{host}.example.com", "flyte_kube_api_key": f"key-of-{host}"}
    found = adopted(monkeypatch, given)
    texts = "\n".join(found.texts.values())
    for secret in ("client-secret-1", "proxy-secret", "key-of-hub", "key-of-first", "key-of-second"):
        assert secret not in texts and secret in str(found.vault)
    written = Written(tmp_path, found)
    assert not written.faults and written.variables.read("dataplane_1", "flyte_kube_api_key") == "key-of-first"
    assert written.variables.read("hub", "flyte_admin_proxy") == "http://me:proxy-secret@proxy:3128"


def test_a_private_endpoint_is_tried_from_where_it_can_be_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """The context leads through a bastion; flyteadmin calls the address behind it."""
    given = guide()
    given.control.clusters = copy.deepcopy(CLUSTERS)
    given.control.clusters["clusterConfigs"][0]["endpoint"] = "https://10.0.0.7"
    given.candidates[0].release = dataclasses.replace(t.cast(FoundRelease, given.candidates[0].release), version="v1.15.0")
    found = adopted(monkeypatch, given)
    written = Written(tmp_path, found)
    assert not written.faults and written.site is not None
    assert [(plane.endpoint, plane.probe_from) for plane in written.site.data_planes] == [("https://10.0.0.7", "control_plane"), (None, "controller")]
    assert "Its chart is v1.15.0, and that of this inventory v1.16.8" in found.texts[HOSTS]


def test_who_may_log_in_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    given = guide()
    given.admin.login = ("issuer https://idp.example.com", "scopes all, offline")
    text = " ".join(adopted(monkeypatch, given).texts[HOSTS].replace("\n    # ", " ").split())
    assert "flyteadmin wants tokens: issuer https://idp.example.com; scopes all, offline. flytepropeller's client is flytepropeller, by its values." in text


def test_adopting_twice_writes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = adopted(monkeypatch, guide()), adopted(monkeypatch, guide())
    assert first.texts == second.texts and first.vault == second.vault


AWS: dict[str, t.Any] = {"account": "123456789012", "partition": "aws", "policy": None, "oidc_providers": [], "clusters": {}, "roles": {}}


def _of_aws(answers: dict[str, t.Any]) -> t.Callable[..., dict[str, t.Any]]:
    def here(operation: t.Any, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        assert operation is flyte_aws_info.OPERATION and arguments["region"] == "us-east-2"
        issuer = "https://oidc.eks.us-east-2.amazonaws.com/id/"
        clusters = {one.get("key", one["name"]): {"issuer": issuer + one["name"], "status": "ACTIVE", "endpoint": None} for one in arguments["eks_clusters"]}
        policy = {"arn": "x", "document": {"Statement": [{"Action": "s3:GetObject*"}]}} if arguments["policy"] == "flyte-data" else None
        return {**AWS, "clusters": clusters, "policy": policy, "roles": {name: answers.get(name) for name in arguments["roles"]}}

    return here


def test_roles_policy_and_a_trust_policy_that_has_no_room(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    wide = {"Condition": {"StringLike": {"x:sub": ["system:serviceaccount:*:default"]}}, "Principal": {"Federated": "p"}}
    policies = ["arn:aws:iam::aws:policy/ReadOnly", "arn:aws:iam::123456789012:policy/other", "arn:aws:iam::123456789012:policy/flyte-data"]
    roles = {
        "flyte-controlplane-role": {"arn": f"{ROLE}flyte-controlplane-role", "policies": policies[2:], "trust": {"Statement": []}},
        "flyte-dataplane-role": {"arn": f"{ROLE}flyte-dataplane-role", "policies": policies, "trust": {"Statement": [wide]}},
    }
    given = guide()
    for host, variables in given.accesses.items():
        del variables["flyte_iam_manage"]
        variables["flyte_eks_cluster"] = f"eks-{host}"
    found = adopted(monkeypatch, given, here=_of_aws(roles))
    written = Written(tmp_path / "one", found)
    assert not written.faults and written.site is not None
    settings = written.site.settings
    assert settings["flyte_iam_policy_name"] == "flyte-data" and settings["flyte_iam_wildcard"] is False
    assert {cluster.role for cluster in written.site.targets} == {"flyte-dataplane-role"}
    assert "flyte_iam_wildcard: true keeps it" in found.texts[HOSTS]
    # With thirty projects the namespaces do not fit into the quota: what the guide has stays, and why is said.
    given.admin = FoundAdmin({}, [(f"project-{number}", domain) for number in range(30) for domain in ("development", "staging", "production")])
    found = adopted(monkeypatch, given, here=_of_aws(roles))
    assert yaml.safe_load(found.texts[HOSTS].replace("!unsafe ", ""))["all"]["vars"]["flyte_iam_wildcard"] is True
    assert "would exceed IAM's quota" in found.texts[HOSTS]


def _with_associations(given: Installation, *, allowed: bool = True) -> t.Callable[..., dict[str, t.Any]]:
    """Let accounts take roles of other names through Pod Identity alone, and AWS answer so."""
    for host, variables in given.accesses.items():
        del variables["flyte_iam_manage"]
        variables["flyte_eks_cluster"] = f"eks-{host}"
    pods = {"Statement": [pod_identity_statement()]}
    names = ("our-hub", "our-planes")
    answer = _of_aws({name: {"arn": ROLE + name, "policies": ["arn:aws:iam::123456789012:policy/flyte-data"], "trust": pods} for name in names})

    def association(namespace: str, account: str, role: str) -> dict[str, t.Any]:
        return {"id": "a-1", "namespace": namespace, "service_account": account, "role_arn": ROLE + role, "tags": {}}

    ours = {
        "hub": [association("flyte", "flyteadmin", "our-hub"), association("kube-system", "flyteadmin", "nobodys")],
        "dataplane_1": [association("flyte", "flytepropeller", "our-planes"), association("team1-development", "default", "our-planes")],
        "dataplane_2": [association("elsewhere", "default", "nobodys")],
    }

    def here(operation: t.Any, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        if arguments["pod_identity"] and not allowed:
            raise ModuleFailed({"failed": True, "msg": "not authorized to perform: eks:ListPodIdentityAssociations"})
        found = answer(operation, arguments)
        for host, cluster in found["clusters"].items() if arguments["pod_identity"] else ():
            cluster["associations"] = ours[host]
        return found

    return here


def test_roles_that_accounts_take_through_pod_identity_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """They leave no trace in the clusters: without them roles of other names would be made, and accounts annotated, which counts more."""
    given = guide()
    found = adopted(monkeypatch, given, here=_with_associations(given))
    written = Written(tmp_path, found)
    assert not written.faults and written.site is not None
    settings = written.site.settings
    assert settings["flyte_iam_mode"] == "pod_identity" and settings["flyte_iam_control_plane_role"] == "our-hub"
    assert {cluster.role for cluster in written.site.targets} == {"our-planes"} and settings["flyte_iam_policy_name"] == "flyte-data"
    assert "IAM has no such role" not in found.texts[HOSTS]


def test_where_pod_identity_must_not_be_asked_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    given = guide()
    found = adopted(monkeypatch, given, here=_with_associations(given, allowed=False))
    assert not Written(tmp_path, found).faults
    said = " ".join(found.texts[HOSTS].replace("#", "").split())
    assert "whether EKS Pod Identity gives them some could not be asked: not authorized to perform: eks:ListPodIdentityAssociations" in said


def test_the_name_of_an_eks_cluster_is_in_its_context_or_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    given = guide()
    for variables in given.accesses.values():
        del variables["flyte_iam_manage"]
    given.accesses["first"]["flyte_kube_context"] = "arn:aws:eks:eu-west-1:123456789012:cluster/flyte-dp-1"
    monkeypatch.setattr("ansible_collections.flyte.multicluster.plugins.plugin_utils._adopt_aws.Cloud._all", lambda _self: ["hub-of-eks"])
    written = Written(tmp_path, adopted(monkeypatch, given, here=_of_aws({})))
    assert (
        written.variables.read("dataplane_1", "flyte_eks_cluster") == "flyte-dp-1" and written.variables.read("dataplane_1", "flyte_eks_region") == "eu-west-1"
    )
    assert ("hub", "flyte_eks_cluster") in [(fault.host, fault.variable) for fault in written.open]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"flyte_admin_url": None}, "hub: flyte_admin_url = None: is required"),
        ({"flyte_admin_url": "nonsense"}, "flyte_admin_url = 'nonsense': has to be an https or http URL"),
        ({"flyte_kube_context": None, "flyte_kubeconfig": None}, "has no explicit Kubernetes access"),
        ({"flyte_admin_ur": "x"}, "flyte_admin_ur: is no variable of this collection. Did you mean 'flyte_admin_url'?"),
        ({"flyte_request_timeout": "soon"}, "flyte_request_timeout = 'soon': has to be a whole number"),
    ],
)
def test_accesses_that_cannot_work_are_refused(monkeypatch: pytest.MonkeyPatch, change: dict[str, t.Any], said: str) -> None:
    given = guide()
    given.accesses["hub"] |= change
    with pytest.raises(Refused) as raised:
        adopted(monkeypatch, given)
    assert said in str(raised.value)


def test_without_a_vault_password_or_with_another_label_nothing_is_done() -> None:
    with pytest.raises(Refused, match="no vault password.*--vault-password-file"):
        Vault(DataLoader(), None)
    loader = DataLoader()
    loader.set_vault_secrets([("one", VaultSecret(b"x")), ("two", VaultSecret(b"y"))])
    with pytest.raises(Refused, match="flyte_adopt_vault_id = 'three': there is no vault password of that label, there is one, two"):
        Vault(loader, "three")
    text = Vault(loader, "two").encrypted("hidden")
    assert text.startswith("$ANSIBLE_VAULT;1.2;AES256;two") and "hidden" not in text
    assert Vault(loader, None).encrypted("hidden").startswith("$ANSIBLE_VAULT;")


def test_files_are_whole_or_not_there(tmp_path: pathlib.Path) -> None:
    write_files(tmp_path / "new", {"a/b": "text", VAULT: "$ANSIBLE_VAULT"}, private=VAULT)
    assert sorted(path.name for path in (tmp_path / "new").rglob("*") if path.is_file()) == ["b", "vault.yml"]
    assert present(tmp_path / "new", ["a/b", "c"]) == [str(tmp_path / "new" / "a/b")]
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Refused, match="flyte_adopt_to = .*cannot be written"):
        write_files(tmp_path / "file", {"a": "b"}, private=VAULT)
