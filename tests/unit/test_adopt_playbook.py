# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""playbooks/adopt.yml as a person runs it, on API servers from a table: nothing is written there, and no secret gets anywhere but into the vault."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from conftest import REPOSITORY, Double

from adopt_answers import ALL, RELEASES, deployment, record
from api_server import CONFIG_MAPS, DEPLOYMENTS, SECRETS, TOKENS, Answers, ApiServer, encoded, token_secret

DB, ENV, TOKEN, KEY = "db-password-4711", "of-the-environment-4712", "its-token-4713", "api-key-4714"
PASSWORD = "vault-password-4715"
CHART = REPOSITORY / "tests" / "lab" / "chart" / "flyte-core"


def plane() -> Answers:
    """Return the answers of a data plane."""
    chart = yaml.safe_load((CHART / "values-dataplane.yaml").read_text(encoding="utf-8"))
    values = {**chart, "configmap": {"admin": {"admin": {"endpoint": "flyte.example.com:443", "insecure": False}}}, "flytepropeller": {"replicaCount": 7}}
    return {
        ALL.format("flytepropeller"): {"items": [deployment("flytepropeller")]},
        RELEASES: {"items": [record("flyte-core-data", values)]},
        TOKENS: {"items": [token_secret("dataplane1-token", encoded(token=TOKEN, ca__crt="its-ca"))]},
    }


def control_plane(endpoint: str) -> Answers:
    """Return the answers of a control plane."""
    paths = {"tokenPath": "/var/run/credentials/dataplane_1_token", "certPath": "/var/run/credentials/dataplane_1_cacert"}
    section = {
        "clusterConfigs": [{"name": "dataplane_1", "endpoint": endpoint, "enabled": True, "auth": {"type": "file_path", **paths}}],
        "labelClusterMap": {"label1": [{"id": "dataplane_1", "weight": 1}]},
    }
    values: dict[str, t.Any] = {
        "db": {"admin": {"database": {"host": "db.example.com", "password": DB}}},
        "flyteadmin": {"env": [{"name": "SMTP_PASSWORD", "value": ENV}], "replicaCount": 5},
        "configmap": {"clusters": section},
    }
    pod = {
        "volumes": [{"name": "c", "configMap": {"name": "flyte-admin-clusters-config"}}, {"name": "s", "secret": {"secretName": "cluster-credentials"}}],
        "containers": [{"volumeMounts": [{"name": "c", "mountPath": "/etc/flyte"}, {"name": "s", "mountPath": "/var/run/credentials"}]}],
    }
    admin = deployment("flyteadmin", "flyte-core-control", **pod)
    return {
        ALL.format("flyteadmin"): {"items": [admin]},
        f"{DEPLOYMENTS}/flyteadmin": admin,
        RELEASES: {"items": [record("flyte-core-control", values)]},
        TOKENS: {"items": []},
        f"{CONFIG_MAPS}/flyte-admin-clusters-config": {"data": {"clusters.yaml": yaml.safe_dump({"clusters": section})}},
        f"{SECRETS}/cluster-credentials": {"data": encoded(dataplane_1_token=TOKEN, dataplane_1_cacert="its-ca")},
    }


def adopt(folder: pathlib.Path, accesses: dict[str, t.Any], *arguments: str) -> tuple[int, str]:
    """Run the playbook; return its exit code and what it printed."""
    (folder / "accesses.yml").write_text(yaml.safe_dump(accesses), encoding="utf-8")
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    (folder / "tmp").mkdir(exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "AWS_", "FLYTE_"))}
    environment |= {name: str(folder / "tmp") for name in ("TMPDIR", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TEMP")}
    command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "-i", str(folder / "accesses.yml"), "playbooks/adopt.yml"]
    command += ["--vault-password-file", str(folder / "password"), *arguments]
    answer = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return answer.returncode, answer.stdout + answer.stderr


@pytest.mark.parametrize("dead", [False, True])
def test_an_adoption(tmp_path: pathlib.Path, admin: Double, dead: bool) -> None:
    with ApiServer(plane()) as first, ApiServer(control_plane(first.url)) as hub:
        common = {
            "flyte_admin_url": admin.url,
            "flyte_kube_api_key": KEY,
            "flyte_chart_ref": str(CHART),
            "flyte_request_timeout": 5,
            "flyte_adopt_to": str(tmp_path / "to"),
        }
        planes = {"a": {"flyte_kube_host": first.url}, **({"gone": {"flyte_kube_host": "https://127.0.0.1:9"}} if dead else {})}
        groups = {"flyte_control_plane": {"hosts": {"hub": {"flyte_kube_host": hub.url}}}, "flyte_data_planes": {"hosts": planes}}
        code, output = adopt(tmp_path, {"all": {"vars": common, "children": groups}}, "-vvv", "--diff")
        assert {method for server in (first, hub) for method, *_more in server.seen} == {"GET"}
    assert (code != 0) is dead and ("gone" in output) is dead, output[-3000:]
    vault = tmp_path / "to" / "group_vars" / "all" / "vault.yml"
    files = {path: path.read_bytes() for path in [*(tmp_path / "to").rglob("*"), *(tmp_path / "tmp").rglob("*")] if path.is_file()}
    for secret in (DB, ENV, TOKEN, KEY, PASSWORD):
        assert secret not in output and not [path for path, content in files.items() if secret.encode() in content], secret
    content = VaultLib([("default", VaultSecret(PASSWORD.encode()))]).decrypt(vault.read_bytes()).decode()
    assert all(secret in content for secret in (DB, ENV, KEY)) and TOKEN not in content
    hosts = yaml.safe_load((tmp_path / "to" / "hosts.yml").read_text(encoding="utf-8").replace("!unsafe ", ""))["all"]
    assert hosts["children"]["flyte_control_plane"]["hosts"]["hub"]["flyte_release_name"] == "flyte-core-control"
    assert list(hosts["children"]["flyte_data_planes"]["hosts"]) == ["dataplane_1"]
    assert yaml.safe_load((tmp_path / "to" / "values-dataplanes.yaml").read_text(encoding="utf-8")) == {"flytepropeller": {"replicaCount": 7}}
