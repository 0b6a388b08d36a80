# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``flyteadmin clusterresource run`` in a data plane: it works in its own cluster, with its pod's account, and asks flyteadmin for the projects.

The lab's kubelet runs it as a process, with what its Deployment mounts. See README.md: it is no Flyte.
"""

from __future__ import annotations

import argparse
import glob
import pathlib
import sys
import time
import typing as t

# What the lab's programs have in common lies beside them.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

import grpc  # noqa: E402
import requests  # noqa: E402
import yaml  # noqa: E402
from flyteidl.admin import matchable_resource_pb2, project_domain_attributes_pb2, project_pb2  # noqa: E402
from flyteidl.service import admin_pb2_grpc, auth_pb2, auth_pb2_grpc  # noqa: E402
from generation import Cluster, DataPlane, Generation, seconds  # noqa: E402
from resources import Resources  # noqa: E402

_TIMEOUT = 10


class Admin:
    """flyteadmin as its own client sees it: by the section ``admin`` of the configuration, with a token where it wants one."""

    def __init__(self, settings: dict[str, t.Any]) -> None:
        self._settings = settings
        endpoint = str(settings.get("endpoint") or "").removeprefix("dns:///")
        if not settings.get("insecure"):
            raise SystemExit("panic: the double calls flyteadmin without TLS only")
        self._channel = grpc.insecure_channel(endpoint)
        self._stub = admin_pb2_grpc.AdminServiceStub(self._channel)
        self._metadata: list[tuple[str, str]] = []

    def projects(self) -> dict[str, list[str]]:
        """Return the active projects, each with its domains."""
        answer = self._call(self._stub.ListProjects, project_pb2.ProjectListRequest(limit=100, filters="ne(state,1)"))
        return {project.id: [domain.id for domain in project.domains] for project in answer.projects}

    def attributes(self, project: str, domain: str) -> dict[str, str]:
        """Return the values of the templates that are stored for a project-domain."""
        kind = matchable_resource_pb2.CLUSTER_RESOURCE
        request = project_domain_attributes_pb2.ProjectDomainAttributesGetRequest(project=project, domain=domain, resource_type=kind)
        try:
            answer = self._call(self._stub.GetProjectDomainAttributes, request)
        except grpc.RpcError as problem:
            if problem.code() == grpc.StatusCode.NOT_FOUND:
                return {}
            raise
        return dict(answer.attributes.matching_attributes.cluster_resource_attributes.attributes)

    def _call(self, method: t.Callable[..., t.Any], request: t.Any) -> t.Any:
        try:
            return method(request, timeout=_TIMEOUT, metadata=self._metadata)
        except grpc.RpcError as problem:
            if problem.code() != grpc.StatusCode.UNAUTHENTICATED:
                raise
        self._metadata = [self._login()]
        return method(request, timeout=_TIMEOUT, metadata=self._metadata)

    def _login(self) -> tuple[str, str]:
        found = auth_pb2_grpc.AuthMetadataServiceStub(self._channel)
        server = found.GetOAuth2Metadata(auth_pb2.OAuth2MetadataRequest(), timeout=_TIMEOUT)
        public = found.GetPublicClientConfig(auth_pb2.PublicClientAuthConfigRequest(), timeout=_TIMEOUT)
        secret = pathlib.Path(self._settings["clientSecretLocation"]).read_text(encoding="utf-8").strip()
        form = {"grant_type": "client_credentials", "scope": " ".join(self._settings.get("scopes") or public.scopes)}
        answer = requests.post(server.token_endpoint, data=form, auth=(self._settings["clientId"], secret), timeout=_TIMEOUT)
        answer.raise_for_status()
        return public.authorization_metadata_key or "authorization", f"Bearer {answer.json()['access_token']}"


def _configuration(pattern: str) -> dict[str, t.Any]:
    merged: dict[str, t.Any] = {}
    for path in sorted(glob.glob(pattern)):
        merged.update(yaml.safe_load(pathlib.Path(path).read_text(encoding="utf-8")) or {})
    return merged


def _own_cluster(kubeconfig: pathlib.Path) -> Cluster:
    """Return the pod's own cluster; its token is read anew each time."""
    content = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    where, who = content["clusters"][0]["cluster"], content["users"][0]["user"]
    return Cluster("", True, where["server"], pathlib.Path(who["tokenFile"]).read_text(encoding="utf-8"), where["certificate-authority"])


def _templates(folder: str) -> dict[str, str]:
    return {str(path): path.read_text(encoding="utf-8") for path in pathlib.Path(folder).glob("*.yaml")}


def main() -> None:
    """Run until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=pathlib.Path, required=True, help="of the pod's own account")
    parser.add_argument("--config", required=True, help="a pattern of files")
    arguments = parser.parse_args()
    settings = _configuration(arguments.config)
    resources = settings.get("cluster_resources") or {}
    if not resources.get("standaloneDeployment"):
        raise SystemExit("panic: failed to connect to the database: it has none in a data plane")
    if (settings.get("clusters") or {}).get("clusterConfigs"):
        raise SystemExit("panic: it has clusterConfigs, and no credentials of these clusters")
    if not settings.get("admin"):
        raise SystemExit("panic: no section 'admin' says how flyteadmin is called")
    admin = Admin(settings["admin"])
    template = (settings.get("namespace_mapping") or {}).get("template") or "{{ project }}-{{ domain }}"
    own = Generation({"": _own_cluster(arguments.kubeconfig)}, {}, (), resources, _templates(str(resources["templatePath"])), namespace_template=template)
    work = Resources(own, lambda _cluster: DataPlane(_own_cluster(arguments.kubeconfig), None))
    while True:
        try:
            projects = admin.projects()
            for problem in work.sync(projects, admin.attributes):
                print(f"syncresources: {problem}", flush=True)
            print(f"syncresources: a round of {len(projects)} projects", flush=True)
        except (grpc.RpcError, requests.RequestException, OSError) as problem:  # as the real one, it goes on
            print(f"syncresources: flyteadmin cannot be asked: {problem}", flush=True)
        time.sleep(seconds(resources.get("refreshInterval")))


if __name__ == "__main__":
    main()
