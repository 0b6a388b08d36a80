# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the clusters of an installation that somebody made what is there. It reads only; one that does not answer is that cluster's failure.

Here and not as a module: what it reads are secrets, and a module's result goes through more hands.
"""

from __future__ import annotations

import socket
import typing as t
import urllib.parse

from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.found import Credential, FoundCluster, FoundControlPlane, FoundRelease
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.planes import located, normal_endpoint
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import method_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, KubeError, decode
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.control_plane import flyteadmin_clusters
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.credentials import ACCOUNT_ANNOTATION, TOKEN_TYPE, secrets_path
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.each import PATIENCE
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import failure_of, reading
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.releases import given_values
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.secrets import read_secret
from ansible_collections.flyte.multicluster.plugins.module_utils._common.fingerprints import fingerprint
from ansible_collections.flyte.multicluster.plugins.module_utils._common.names import FLYTEADMIN, PROPELLER
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.module_utils._common.threads import WIDE, Overdue, in_threads

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHART, _NAMESPACE = "flyte-core", "flyte"
_CONTROL, _PLANE = (FLYTEADMIN,), (PROPELLER, "flytepropeller-manager")
_ACCOUNTS = (FLYTEADMIN, "datacatalog", PROPELLER)
_RELEASE, _RELEASE_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"


class Asked(t.NamedTuple):
    """A cluster to ask."""

    host: str
    options: dict[str, t.Any]
    #: of Flyte, None where it has to be found
    namespace: str | None
    release: str | None


def observe_control_plane(asked: Asked, timeout: float) -> FoundControlPlane:
    """Return what there is in the control plane's cluster.

    :raises KubeError: it cannot be asked, or has no flyteadmin, or several.
    """

    def work(asked: Asked) -> FoundControlPlane:
        kube = method_of(asked.options).connect(timeout)
        found = FoundControlPlane(asked.host)
        deployment = _observe(kube, asked, found, _CONTROL)
        if deployment is None or found.namespace is None:
            where = f"in the namespace {asked.namespace}" if asked.namespace else "in any namespace"
            raise KubeError("config", f"{kube.server} has no Deployment flyteadmin {where}", hint="Check the access and flyte_namespace of the control plane.")
        found.clusters = flyteadmin_clusters(kube, found.namespace)
        with reading(f"what the Deployment {found.namespace}/flyteadmin mounts", "Look at it with kubectl get deployment flyteadmin -o yaml."):
            found.credentials = _credentials(kube, found, deployment["spec"]["template"]["spec"])
        return found

    return in_threads(work, [asked], 1, seconds=2 * PATIENCE * timeout)[0]


def observe_candidates(asked: Sequence[Asked], timeout: float) -> list[FoundCluster]:
    """Return what there is in the clusters that may be data planes, in their order."""

    def work(one: Asked) -> FoundCluster:
        found = FoundCluster(one.host)
        try:
            kube = method_of(one.options).connect(timeout)
            _observe(kube, one, found, _PLANE)
        except Exception as error:  # pylint: disable=broad-except  # one cluster's failure, whatever it is
            failure = failure_of(error)
            # It gets into a file, too.
            return FoundCluster(one.host, server=found.server, error={**failure, "message": SECRETS.text(failure["message"])})
        return found

    def late(one: Asked, why: Overdue) -> FoundCluster:
        return FoundCluster(one.host, error=failure_of(why))

    return in_threads(work, asked, WIDE, seconds=PATIENCE * timeout, late=late)


def answering(endpoints: Mapping[str, str], timeout: float) -> dict[str, bool]:
    """Return whether each address of an API server can be reached from here, by host: only a connection is made."""

    def work(url: str) -> bool:
        try:
            parts = urllib.parse.urlsplit(normal_endpoint(url))
            with socket.create_connection((str(parts.hostname), int(parts.port or 443)), timeout=timeout):
                return True
        except (OSError, ValueError):
            return False

    return dict(zip(endpoints, in_threads(work, list(endpoints.values()), WIDE)))


def _observe(kube: Kube, asked: Asked, found: FoundCluster, names: Sequence[str]) -> dict[str, t.Any] | None:
    """Fill in what every cluster has; return the Deployment that makes it what it is."""
    found.server = kube.server
    deployment = _deployment(kube, asked, names)
    namespace = asked.namespace or _NAMESPACE
    if deployment is not None:
        with reading(f"a Deployment {names[0]}", "Look at it with kubectl get deployments --all-namespaces."):
            namespace = found.namespace = str(deployment["metadata"]["namespace"])
            annotations = deployment["metadata"].get("annotations") or {}
        _find_release(kube, asked, found, annotations)
    found.ca = _own_ca(kube, namespace)
    found.tokens = _tokens(kube, namespace)
    found.accounts = {name: _annotations(kube, namespace, name) for name in _ACCOUNTS}
    return deployment


def _deployment(kube: Kube, asked: Asked, names: Sequence[str]) -> dict[str, t.Any] | None:
    """Return the Deployment of Flyte's, in the namespace that is given, else wherever it is.

    :raises KubeError: there are several.
    """
    for name in names:
        there = [entry for entry in _named(kube, asked.namespace, name) if entry]
        if len(there) > 1:
            places = ", ".join(sorted(str(entry["metadata"]["namespace"]) for entry in there))
            raise KubeError("config", f"{kube.server} has a Deployment {name} in more than one namespace: {places}", hint="Set flyte_namespace for this host.")
        if there:
            return t.cast("dict[str, t.Any]", there[0])
    return None


def _named(kube: Kube, namespace: str | None, name: str) -> list[t.Any]:
    """Return the Deployments of a name; who may not look into all namespaces looks into that of the chart."""
    if not namespace:
        try:
            with reading("the Deployments of all namespaces", "Look at them: kubectl get deployments --all-namespaces"):
                return list(kube.get("/apis/apps/v1/deployments", fieldSelector=f"metadata.name={name}").get("items") or [])
        except KubeError as error:
            if error.status != 403:
                raise
    return [kube.find(f"/apis/apps/v1/namespaces/{namespace or _NAMESPACE}/deployments/{name}")]


def _find_release(kube: Kube, asked: Asked, found: FoundCluster, annotations: Mapping[str, str]) -> None:
    """Fill in the release that has the Deployment: by Helm's annotation on it, since a release of before may have records of the same objects."""
    namespace = str(annotations.get(_RELEASE_NAMESPACE) or found.namespace)
    there = given_values(kube, namespace, CHART)
    name = asked.release or annotations.get(_RELEASE)
    if name in there:
        found.release = FoundRelease(str(name), namespace, CHART, there[name].version, there[name].values)
        SECRETS.know_values(there[name].values)
    # Another plane's release in the same namespace is none of these: its objects are others.
    found.others = tuple(sorted(other for other in there if other != name))


def _own_ca(kube: Kube, namespace: str) -> str | None:
    config_map = kube.find(f"/api/v1/namespaces/{namespace}/configmaps/kube-root-ca.crt") or {}
    text = (config_map.get("data") or {}).get("ca.crt")
    return fingerprint(text.strip()) if isinstance(text, str) else None


def _tokens(kube: Kube, namespace: str) -> dict[str, str]:
    """Return the fingerprints of the tokens of flyteadmin's account, by their Secrets."""
    found: dict[str, str] = {}
    with reading(f"the token Secrets in the namespace {namespace}", f"Look at them: kubectl -n {namespace} get secrets --field-selector type={TOKEN_TYPE}"):
        for secret in kube.get(secrets_path(namespace), fieldSelector=f"type={TOKEN_TYPE}").get("items") or []:
            if (secret["metadata"].get("annotations") or {}).get(ACCOUNT_ANNOTATION) == FLYTEADMIN:
                token = decode(secret).get("token", b"").decode().strip()
                SECRETS.know(token)
                found |= {str(secret["metadata"]["name"]): fingerprint(token)} if token else {}
    return found


def _annotations(kube: Kube, namespace: str, account: str) -> dict[str, str]:
    found = kube.find(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}") or {}
    return {str(key): str(value) for key, value in ((found.get("metadata") or {}).get("annotations") or {}).items()}


def _credentials(kube: Kube, found: FoundControlPlane, pod: Mapping[str, t.Any]) -> dict[str, Credential]:
    """Return what flyteadmin has of each cluster, through the paths of its configuration and what its pod mounts there."""
    stored: dict[str, dict[str, bytes]] = {}

    def content(path: t.Any) -> tuple[str | None, bytes]:
        place = located(str(path), pod) if path else None
        if place is None:
            return None, b""
        if place[0] not in stored:
            stored[place[0]] = read_secret(kube, str(found.namespace), place[0])[1]
        return "/".join(place), stored[place[0]].get(place[1], b"").strip()

    credentials = {}
    for entry in found.clusters.get("clusterConfigs") or []:
        auth = entry.get("auth") or {}
        (token_key, token), (ca_key, ca_cert) = content(auth.get("tokenPath")), content(auth.get("certPath"))
        SECRETS.know(token.decode(errors="replace"))
        credentials[str(entry["name"])] = Credential(
            token_key, ca_key, fingerprint(token) if token else None, fingerprint(ca_cert) if ca_cert else None, ca_cert.decode(errors="replace") or None
        )
    return credentials
