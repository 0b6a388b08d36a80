# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Helm would make of a release: rendered here, and read back by what reads it from a cluster. Values are secrets: they go through a pipe."""

from __future__ import annotations

import os
import re
import subprocess
import typing as t

import yaml
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.control_plane import flyteadmin_clusters
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import parse
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster

#: where the API server has the kinds that flyteadmin's configuration is in
_PATHS = {"Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments/{name}", "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps/{name}"}
_SECONDS = 120


def rendered_clusters(helm: str, chart: str, cluster: Cluster, values: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the section ``clusters`` of the configuration that flyteadmin would mount.

    :param helm: path or name of Helm.
    :raises ModuleFailed: Helm cannot render it.
    """
    manifest = rendered(helm, chart, cluster, values)
    try:
        objects = _Objects(manifest, cluster.namespace)
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ModuleFailed({"msg": f"what it renders cannot be read back ({error})"}) from error
    return flyteadmin_clusters(t.cast("Kube", objects), cluster.namespace)


def rendered(helm: str, chart: str, cluster: Cluster, values: Mapping[str, t.Any]) -> str:
    """Return what Helm would make of a release, as its manifest.

    :raises ModuleFailed: Helm cannot render it.
    """
    command = [helm, "template", cluster.release, chart, "--namespace", cluster.namespace, "--values", "-"]
    # No plugin and no cluster has a part in it.
    environment = {**os.environ, "HELM_PLUGINS": os.devnull, "KUBECONFIG": os.devnull}
    text = yaml.dump(dict(values), Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))
    try:
        answer = subprocess.run(command, input=text.encode(), env=environment, capture_output=True, timeout=_SECONDS, check=False)
    except OSError as error:
        raise ModuleFailed({"msg": f"{helm} (flyte_helm_binary) cannot be run: {error.strerror}"}) from error
    except subprocess.TimeoutExpired as error:
        raise ModuleFailed({"msg": f"{helm} (flyte_helm_binary) did not end within {_SECONDS} seconds"}) from error
    if answer.returncode:
        raise ModuleFailed({"msg": answer.stderr.decode(errors="replace").strip() or f"it ended with {answer.returncode}"})
    return answer.stdout.decode(errors="replace")


class _Objects:
    """Finds objects in a manifest as a client finds them in a cluster."""

    def __init__(self, manifest: str, namespace: str) -> None:
        self._by_path: dict[str, dict[str, t.Any]] = {}
        for document in re.split(r"^---[ \t]*$", manifest, flags=re.MULTILINE):
            if not any(f"kind: {kind}" in document for kind in _PATHS):
                continue  # most of it, which need not be read
            found = parse(document)
            if found.get("kind") in _PATHS:
                metadata = found["metadata"]
                path = _PATHS[found["kind"]].format(namespace=metadata.get("namespace") or namespace, name=metadata["name"])
                self._by_path[path] = found

    def find(self, path: str) -> dict[str, t.Any] | None:
        """Return an object, None where there is none."""
        return self._by_path.get(path)
