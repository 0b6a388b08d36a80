# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An installation that is made otherwise than the guide's is adopted: other names, namespaces and keys, on no cloud, secrets in odd places."""

from __future__ import annotations

import base64
import json
import pathlib
import subprocess
import typing as t

import pytest
import yaml
from by_hand import ByHand
from conftest import as_json
from test_adopt import VAULT_PASSWORD, Adopting, _with_secret, made_by

pytestmark = pytest.mark.own_lab

KEY = "key-of-the-fingerprints-of-this-test"
#: of the one that is no certificate anybody has
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIOddPlacesKey4711\n-----END EC PRIVATE KEY-----\n"
SECRETS = ("url-pw-4711", "arg-pw-4711", "json-pw-4711", "query-pw-4711", "MHcCAQEEIOddPlacesKey4711", base64.b64encode(PEM.encode()).decode()[48:80])
ENV = [
    {"name": "STATS_URL", "value": "redis://:url-pw-4711@redis.example:6379"},
    {"name": "CALLBACK", "value": "https://hooks.example/x?user=a&token=query-pw-4711"},
    {"name": "LOG_LEVEL", "value": "5"},
]
ADMIN: dict[str, t.Any] = {
    "replicaCount": 2,
    "initialProjects": ["team1"],
    "env": ENV,
    "extraArgs": ["--smtp-password", "arg-pw-4711"],
    "podAnnotations": {"example.com/inline": '{"user": "a", "password": "json-pw-4711"}', "example.com/note": "größer ☃"},
    "additionalVolumes": [{"name": "keys", "secret": {"secretName": "cluster-credentials"}}],
    "additionalVolumeMounts": [{"name": "keys", "mountPath": "/var/run/credentials"}],
}
#: cluster, context, namespace, release, and what its keys are called
PLANES = (("eu", "dataplane1", "ml", "eu-plane"), ("us", "dataplane2", "flyte", "flyte-core-data"))
HUB = "flyte-hub"


class Otherwise(ByHand):
    """A person who knows better than the guide."""

    def install(self) -> None:
        """Make it, with Helm and kubectl alone."""
        for cluster, context, namespace, release in PLANES:
            values = yaml.safe_load((self.chart / "values-dataplane.yaml").read_text(encoding="utf-8"))
            values["configmap"] = {"admin": {"admin": {"endpoint": f"dns:///127.0.0.1:{self.lab.admin_grpc_port}", "insecure": True}}}
            values["flytepropeller"] = {"extra": {"bundle": base64.b64encode(PEM.encode()).decode(), "tls.pem": PEM}, "podAnnotations": {"team": cluster}}
            own = self.file(f"{cluster}.yaml", values)
            self.run("helm", "--kube-context", context, "-n", namespace, "install", release, str(self.chart), "--values", own, "--create-namespace")
            self.kubectl(context, "-n", namespace, "apply", "-f", "-", text=_token(namespace))
        data = {"readme": base64.b64encode(b"ask the platform team").decode()}
        for cluster, context, namespace, _release in PLANES:
            found = self.filled(context, namespace)
            data |= {f"{cluster}.tok": found["token"], f"{cluster}.crt": found["ca.crt"]}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cluster-credentials", "namespace": HUB}, "type": "Opaque", "data": data}
        namespace_of_hub = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HUB}}
        self.kubectl("controlplane", "apply", "-f", "-", text=yaml.safe_dump_all([namespace_of_hub, secret]))
        configs = [
            {
                "name": cluster,
                "endpoint": self.lab.api_url(context),
                "enabled": True,
                "auth": {"type": "file_path", "tokenPath": f"/var/run/credentials/{cluster}.tok", "certPath": f"/var/run/credentials/{cluster}.crt"},
            }
            for cluster, context, _namespace, _release in PLANES
        ]
        labels = {"both": [{"id": "eu", "weight": 0.5}, {"id": "us", "weight": 0.5}], "us-only": [{"id": "us", "weight": 1}]}
        own = self.file("hub.yaml", {"flyteadmin": ADMIN, "configmap": {"clusters": {"clusterConfigs": configs, "labelClusterMap": labels}}})
        files = ["--values", str(self.chart / "values-controlplane.yaml"), "--values", own]
        self.run("helm", "--kube-context", "controlplane", "-n", HUB, "install", "hub", str(self.chart), *files)
        self.serving()
        config = self.file("flytectl.yaml", {"admin": {"endpoint": f"dns:///127.0.0.1:{self.lab.admin_grpc_port}", "insecure": True}})
        for number, row in enumerate(ROWS):
            self.run("flytectl", "--config", config, "update", "execution-cluster-label", "--force", "--attrFile", self.file(f"ecl-{number}.yaml", row))


ROWS = (
    {"project": "team1", "domain": "development", "value": "both"},
    {"project": "team1", "domain": "development", "workflow": "example.training_workflow", "value": "us-only"},
)


def _token(namespace: str) -> str:
    metadata = {"name": "hub-access", "namespace": namespace, "annotations": {"kubernetes.io/service-account.name": "flyteadmin"}}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/service-account-token"})


@pytest.fixture(name="made", scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Adopting]:
    with made_by(Otherwise, tmp_path_factory) as made:
        groups = made.accesses["all"]
        groups["vars"] = {name: value for name, value in groups["vars"].items() if not name.startswith("flyte_aws_")}
        del groups["children"]["flyte_data_planes"]["hosts"]["gone"]
        yield made


def _snapshots(made: Adopting) -> dict[str, dict[str, str]]:
    return {name: made.cluster(name).snapshot(("flyte", "ml", HUB)) for name in made.lab.clusters()}


def test_it_is_adopted_and_agreed_with(made: Adopting, tmp_path: pathlib.Path) -> None:
    before = _snapshots(made)
    tokens = [value for key, value in made.cluster("controlplane").secret("cluster-credentials", HUB).items() if key.endswith(".tok")]
    result = made.play("adopt", "-vvv", "--diff")
    assert result.code == 0 and _snapshots(made) == before, result.output[-4000:]
    secrets = (*SECRETS, *tokens, VAULT_PASSWORD)
    assert not _with_secret(made.to, secrets) and not _with_secret(made.temporary, secrets) and not [one for one in secrets if one in result.output]
    group = yaml.safe_load((made.to / "hosts.yml").read_text(encoding="utf-8").replace("!unsafe ", ""))["all"]["children"]
    hub = group["flyte_control_plane"]["hosts"]["hub"]
    assert (hub["flyte_namespace"], hub["flyte_release_name"]) == (HUB, "hub")
    planes = group["flyte_data_planes"]["hosts"]
    assert {name: (own["flyte_kube_context"], own.get("flyte_namespace"), own.get("flyte_release_name")) for name, own in planes.items()} == {
        "eu": ("dataplane1", "ml", "eu-plane"),
        "us": ("dataplane2", None, None),
    }

    path = tmp_path / "plan.json"
    key = ("-e", f"flyte_plan_key={KEY}")
    planned = made.site_play("--check", "--diff", *key, "-e", f"flyte_plan_file={path}")
    assert planned.code == 0 and _snapshots(made) == before, planned.output[-5000:]
    plan = json.loads(path.read_text(encoding="utf-8"))
    releases = [row for row in plan["rows"] if row["what"].startswith("Helm release ")]
    unexplained = [change for row in releases for change in row["changes"] if not change.get("why")]
    assert [row["host"] for row in releases] == ["eu", "us", "hub"] and not unexplained, as_json(unexplained)
    assert f"for hub: {made.cluster('controlplane').server}, namespace {HUB}" in plan["text"]
    # Another namespace of the same cluster is another place.
    other = made.site_play("--check", *key, "-e", f"flyte_approved_plan={path}", "-e", json.dumps({"flyte_namespace": "elsewhere"}))
    assert other.code != 0 and "Nothing was changed." in other.output and "namespace elsewhere here, the approved plan is for" in other.flat, other.output

    done = made.site_play(*key, "-e", f"flyte_approved_plan={path}")
    assert done.code == 0, done.output[-5000:]
    second = made.site_play()
    assert second.code == 0 and set(second.changed.values()) == {0}, second.output[-5000:]
    stored = made.cluster("controlplane").secret("cluster-credentials", HUB)
    assert {f"{cluster}{end}" for cluster, *_more in PLANES for end in (".tok", ".crt", "_token", "_cacert")} | {"readme"} == set(stored)
    helm = [str(made.lab.folder / "bin" / "helm"), "--kubeconfig", str(made.lab.kubeconfig), "--kube-context", "controlplane", "--namespace", HUB]
    given = subprocess.run([*helm, "get", "values", "hub", "--output", "json"], capture_output=True, text=True, check=True, timeout=60).stdout
    has, replaced = json.loads(given)["flyteadmin"], ("additionalVolumes", "additionalVolumeMounts", "podAnnotations")
    assert {name: has[name] for name in ADMIN if name not in replaced} == {name: value for name, value in ADMIN.items() if name not in replaced}
    assert ADMIN["podAnnotations"].items() < has["podAnnotations"].items()
    assert [(mount["name"], mount["mountPath"]) for mount in has["additionalVolumeMounts"]] == [("cluster-credentials", "/var/run/credentials")]
    assert made.labels() == {"team1/development": "both", "team1/development/example.training_workflow": "us-only"}
    assert not [one for one in secrets if one in planned.output + done.output + second.output + path.read_text(encoding="utf-8")]
