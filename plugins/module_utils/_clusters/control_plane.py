# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the control plane has: the Secret of credentials, what flyteadmin reads of it, the journal of labels."""

from __future__ import annotations

import typing as t

from .._helm import values as _values
from .._helm.configuration import SECRET_NAME
from .client import Kube, decode
from .credentials import secrets_path, stored_credentials
from .errors import reading

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def observe_control_plane(kube: Kube, namespace: str, *, timeout: float, service_accounts: bool) -> dict[str, t.Any]:
    """Return what only the control plane has, fingerprints in the place of credentials."""
    # Who only reads the configuration does without these.
    from .._flyteadmin.journal import ConfigMapJournal
    from .._labels import rows as _labels
    from .probe import probe_all

    data = read_secret(kube, namespace, SECRET_NAME)[1]
    settings = flyteadmin_settings(kube, namespace)
    clusters = settings["clusters"]
    stored = stored_credentials(data)
    pairs = {f"{name}_{suffix}" for name in stored for suffix in ("token", "cacert")}
    probes = probe_all(clusters.get("clusterConfigs") or [], data, timeout=timeout, service_accounts=service_accounts)
    journal = ConfigMapJournal(lambda: kube, namespace)
    with reading(f"the journal {journal.place}", "It holds labels to restore: mend it, or move it away."):
        rows = [_labels.as_dict(key, label) for key, label in sorted(journal.read().items())]
    return {
        "credentials": stored,
        "other_keys": sorted(set(data) - pairs),
        **settings,
        "probes": probes,
        "journal": rows,
    }


def read_secret(kube: Kube, namespace: str, name: str) -> tuple[bool, dict[str, bytes]]:
    """Return whether there is a Secret of credentials, and its data. Secrets."""
    secret = kube.find(secrets_path(namespace, name))
    remedy = f"Look at its keys: kubectl -n {namespace} describe secret {name}; delete the one that is no base64, and run again."
    with reading(f"the Secret {namespace}/{name}", remedy):
        return secret is not None, decode(secret)


def flyteadmin_clusters(kube: Kube, namespace: str) -> dict[str, t.Any]:
    """Return the section ``clusters`` of the configuration that flyteadmin's Deployment mounts."""
    return t.cast("dict[str, t.Any]", flyteadmin_settings(kube, namespace)["clusters"])


def flyteadmin_settings(kube: Kube, namespace: str) -> dict[str, t.Any]:
    """Return what the configuration that flyteadmin's Deployment mounts says: ``clusters``, ``namespace_template`` and ``refresh_interval``.

    The ConfigMaps are found through the Deployment, as the pod finds them, not by a name that a chart may change.
    """
    sections = _mounted_sections(kube, namespace, "flyteadmin")
    clusters, resources, mapping = (sections[key] for key in _SECTIONS)
    return {
        "clusters": {key: clusters[key] for key in ("labelClusterMap", "clusterConfigs", "defaultExecutionLabel") if clusters.get(key)},
        "namespace_template": mapping.get("template") or None,
        "refresh_interval": resources.get("refreshInterval") or None,
    }


#: what is read of flyteadmin's configuration
_SECTIONS = ("clusters", "cluster_resources", "namespace_mapping")


def _mounted_sections(kube: Kube, namespace: str, name: str) -> dict[str, dict[str, t.Any]]:
    """Return the sections of the configuration that a Deployment mounts; those that it does not have, or all where it is not there, are empty."""
    merged: dict[str, dict[str, t.Any]] = {key: {} for key in _SECTIONS}
    deployment = kube.find(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
    if deployment is None:
        return merged
    with reading(f"what the Deployment {namespace}/{name} mounts", f"Look at it: kubectl -n {namespace} get deployment {name} -o yaml"):
        names = config_maps(deployment["spec"]["template"]["spec"])
    for mounted in names:
        config_map = kube.find(f"/api/v1/namespaces/{namespace}/configmaps/{mounted}") or {}
        with reading(f"the ConfigMap {namespace}/{mounted}", f"Look at it: kubectl -n {namespace} get configmap {mounted} -o yaml"):
            for key, text in sorted((config_map.get("data") or {}).items()):
                if key.endswith((".yaml", ".yml")) and any(f"{section}:" in text for section in _SECTIONS):
                    for section, content in sections_of(text).items():
                        merged[section].update(content)
    return merged


def sections_of(text: str) -> dict[str, dict[str, t.Any]]:
    """Return the sections of a configuration file that are read here, nothing where it has none."""
    try:
        content = _values.parse(text)
    except ValueError:
        return {}  # a template for something else, with the word in it
    return {section: content[section] for section in _SECTIONS if isinstance(content.get(section), dict)}


def config_maps(pod_spec: Mapping[str, t.Any]) -> list[str]:
    """Return the names of the ConfigMaps that a pod mounts, also through projected volumes."""
    found = []
    for volume in pod_spec.get("volumes") or []:
        sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
        found += [source["configMap"]["name"] for source in sources if source.get("configMap")]
    return found
