# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``flyteadmin clusterresource`` does: each project-domain's namespace, account and quota on every enabled cluster."""

from __future__ import annotations

import concurrent.futures
import re
import typing as t

import requests
import yaml
from generation import Cluster, DataPlane, Generation

_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ResourceQuota": "/api/v1/namespaces/{namespace}/resourcequotas",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "LimitRange": "/api/v1/namespaces/{namespace}/limitranges",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings",
}


class Resources:
    """One process of it: what it applied it remembers, as the real one does, for a namespace as a whole once any cluster took it."""

    def __init__(self, generation: Generation, plane: t.Callable[[Cluster], DataPlane]) -> None:
        self._generation = generation
        self._plane = plane
        self._applied: set[tuple[str, str, str]] = set()
        self._values = _values(generation.resources)

    def sync(self, projects: t.Mapping[str, list[str]], attributes: t.Callable[[str, str], dict[str, str]] = lambda _project, _domain: {}) -> list[str]:
        """Apply everything once; return what went wrong. A cluster that is down does not keep the others from getting theirs.

        :param projects: each with its domains.
        :param attributes: returns the values of templates that are stored for a project-domain.
        """
        problems: list[str] = []
        enabled = [cluster for cluster in self._generation.clusters.values() if cluster.enabled]
        # Clusters side by side, unlike the real one: how long it takes is no subject of the lab.
        with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
            for project, domains in projects.items():
                for domain in domains:
                    namespace, stored = self._generation.namespace(project, domain), attributes(project, domain)
                    for name, text in sorted(self._generation.templates.items()):
                        problems += self._apply(namespace, name, self._filled(text, namespace, domain, stored), enabled, pool)
        return problems

    def _filled(self, text: str, namespace: str, domain: str, stored: dict[str, str]) -> str:
        values = {**self._values.get(domain, {}), **stored, "namespace": namespace}
        return re.sub(r"{{\s*(\w+)\s*}}", lambda match: str(values.get(match[1], match[0])), text)

    def _apply(self, namespace: str, name: str, text: str, clusters: list[Cluster], pool: concurrent.futures.Executor) -> list[str]:
        if (namespace, name, text) in self._applied:
            return []
        try:
            manifest = yaml.safe_load(text) or {}
        except yaml.YAMLError as problem:
            return [f"template {name} of {namespace} has a value that customData does not set: {problem}"]
        path = _PATHS.get(manifest.get("kind", ""))
        if path is None:
            return []

        def apply(cluster: Cluster) -> tuple[bool, str]:
            try:
                return _applied(self._plane(cluster), path.format(namespace=namespace), manifest), ""
            except (requests.RequestException, ValueError) as problem:
                return False, f"{cluster.name}: {manifest['kind']} {manifest['metadata']['name']}: {problem}"

        results = list(pool.map(apply, clusters))
        if any(changed for changed, _problem in results):
            self._applied.add((namespace, name, text))
        return [problem for _changed, problem in results if problem]


def _values(settings: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """Return the values of the templates by domain."""
    found: dict[str, dict[str, t.Any]] = {}
    for of_domains in settings.get("customData") or []:
        for domain, pairs in of_domains.items():
            found[domain] = {key: value.get("value") for pair in pairs for key, value in pair.items()}
    return found


def _applied(plane: DataPlane, path: str, manifest: dict[str, t.Any]) -> bool:
    """Create or update an object; return whether that changed anything."""
    answer = plane.call("POST", path, manifest)
    if answer.status_code != 409:
        _raise(answer)
        return True
    own = f"{path}/{manifest['metadata']['name']}"
    before = plane.call("GET", own)
    _raise(before)
    after = plane.call("PATCH", own, manifest, "application/merge-patch+json")
    _raise(after)
    versions = [found.json()["metadata"]["resourceVersion"] for found in (before, after)]
    return bool(versions[0] != versions[1])


def _raise(answer: requests.Response) -> None:
    if answer.status_code >= 300:
        raise ValueError(f"HTTP {answer.status_code} {answer.text[:300]}")
