# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The double of a data plane's syncresources: it asks flyteadmin as a client, and works in its own cluster with its pod's account."""

from __future__ import annotations

import pathlib
import socket
import subprocess
import sys
import typing as t

import pytest
import yaml
from api_server import ApiServer
from conftest import REPOSITORY, Double
from gateway import grpc_server

PROGRAM = REPOSITORY / "tests" / "lab" / "flyteadmin" / "clusterresource.py"
RESOURCES = {"standaloneDeployment": True, "refreshInterval": "1s", "customData": [{"production": [{"role": {"value": "of-production"}}]}]}
TEMPLATE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {{ namespace }}\n  annotations: {role: '{{ role }}'}\n"
POST = "POST /api/v1/namespaces"


class Plane(ApiServer):
    """A data plane's API server that takes namespaces, and notes who made them."""

    def made(self) -> dict[str, str]:
        """The bodies of the namespaces that were made."""
        return {yaml.safe_load(body)["metadata"]["name"]: body.decode() for method, path, _headers, body in self.seen if (method, path) == ("POST", POST[5:])}


@pytest.fixture(name="folder")
def _folder(tmp_path: pathlib.Path) -> pathlib.Path:
    for name in ("config", "templates", "secrets"):
        (tmp_path / name).mkdir()
    (tmp_path / "secrets" / "client_secret").write_text("right secret", encoding="utf-8")
    (tmp_path / "templates" / "a.yaml").write_text(TEMPLATE, encoding="utf-8")
    (tmp_path / "token").write_text("its-own-token", encoding="utf-8")
    return tmp_path


def started(folder: pathlib.Path, plane: ApiServer, port: int, **sections: t.Any) -> subprocess.Popen[str]:
    """Start the program on what a pod would mount."""
    admin = {"endpoint": f"dns:///127.0.0.1:{port}", "insecure": True, "clientId": "client", "clientSecretLocation": str(folder / "secrets/client_secret")}
    resources = {**RESOURCES, "templatePath": str(folder / "templates")}
    settings = {"cluster_resources": resources, "admin": admin, "clusters": {"clusterConfigs": []}, **sections}
    for name, content in settings.items():
        (folder / "config" / f"{name}.yaml").write_text(yaml.safe_dump({name: content}), encoding="utf-8")
    user = {"name": "pod", "user": {"tokenFile": str(folder / "token")}}
    kubeconfig = {"clusters": [{"name": "pod", "cluster": {"server": plane.url, "certificate-authority": "/dev/null"}}], "users": [user]}
    (folder / "kubeconfig").write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
    command = [sys.executable, str(PROGRAM), "--kubeconfig", str(folder / "kubeconfig"), "--config", str(folder / "config" / "*.yaml")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("secret", [None, "right secret", "wrong"])
def test_it_makes_the_namespaces_of_flyteadmins_projects_with_its_pods_token(folder: pathlib.Path, secret: str | None) -> None:
    double = Double(auth=secret is not None)
    (folder / "secrets" / "client_secret").write_text(f"{secret}\n", encoding="utf-8")
    with Plane({POST: {}}) as plane, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        server = grpc_server(port, double.service, double.auth, lambda: True)
        server.start()
        process = started(folder, plane, port)
        try:
            said = ""
            for line in process.stdout or ():
                said += line
                if "a round of" in line or "cannot be asked" in line:
                    break
        finally:
            process.kill()
            process.communicate()
            server.stop(0)
            double.close()
        if secret == "wrong":
            assert "cannot be asked" in said and "401" in said and not plane.seen
            return
        assert set(plane.made()) == {f"{project}-{domain}" for project in ("team1", "project1") for domain in ("development", "staging", "production")}
        assert {headers["authorization"] for _method, _path, headers, _body in plane.seen} == {"Bearer its-own-token"}
        assert '"of-production"' in plane.made()["team1-production"] and '"{{ role }}"' in plane.made()["team1-staging"]


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"cluster_resources": {"standaloneDeployment": False}}, "failed to connect to the database"),
        ({"clusters": {"clusterConfigs": [{"name": "a"}]}}, "no credentials of these clusters"),
        ({"admin": {}}, "no section 'admin'"),
    ],
)
def test_it_ends_where_the_real_one_would_not_work_for_its_own_cluster(folder: pathlib.Path, sections: dict[str, t.Any], said: str) -> None:
    with ApiServer() as plane:
        process = started(folder, plane, 1, **sections)
        output, _errors = process.communicate(timeout=60)
    assert process.returncode != 0 and said in output and not plane.seen
