# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the control plane has: the Secret of credentials, what flyteadmin reads of it, the journal of labels."""

from __future__ import annotations

import typing as t

from .._helm import values as _values
from .._helm.configuration import SECRET_NAME
from .client import Kube
from .credentials import stored_credentials
from .errors import reading
from .secrets import read_secret

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping

#: seconds for flyteadmin to say whether it wants tokens: a run does not depend on it
_ASK_TIMEOUT = 5.0


def observe_control_plane(
    kube: Kube, namespace: str, *, timeout: float, service_accounts: bool, unprobed: Collection[str] = (), flyteadmin: Mapping[str, t.Any] | None = None
) -> dict[str, t.Any]:
    """Return what only the control plane has, fingerprints in the place of credentials.

    :param unprobed: names of clusters that are not asked from here as flyteadmin asks them.
    :param flyteadmin: how it is reached, None where it is not asked whether it wants tokens.
    """
    # Who only reads the configuration does without these.
    from .._flyteadmin.journal import ConfigMapJournal
    from .._labels import rows as _labels
    from .probe import probe_all

    data = read_secret(kube, namespace, SECRET_NAME)[1]
    settings = flyteadmin_settings(kube, namespace)
    clusters = settings["clusters"]
    stored = stored_credentials(data)
    pairs = {f"{name}_{suffix}" for name in stored for suffix in ("token", "cacert")}
    probes = probe_all(clusters.get("clusterConfigs") or [], data, timeout=timeout, service_accounts=service_accounts, unprobed=unprobed)
    journal = ConfigMapJournal(lambda: kube, namespace)
    with reading(f"the journal {journal.place}", "It holds labels to restore: mend it, or move it away."):
        rows = [_labels.as_dict(key, label) for key, label in sorted(journal.read().items())]
    return {
        "credentials": stored,
        "other_keys": sorted(set(data) - pairs),
        **settings,
        "probes": probes,
        "journal": rows,
        "authentication": _authentication(flyteadmin, timeout) if flyteadmin and clusters else None,
    }


def _authentication(flyteadmin: Mapping[str, t.Any], timeout: float) -> bool | None:
    """Return whether flyteadmin wants tokens, None where it does not say: it may not run yet."""
    from .._flyteadmin.metadata import wants_tokens

    return wants_tokens({**flyteadmin, "timeout": min(timeout, _ASK_TIMEOUT), "retry_for": 0.0})


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


def sections_of(text: str, names: Collection[str] = _SECTIONS) -> dict[str, dict[str, t.Any]]:
    """Return sections of a configuration file, those of flyteadmin's that are read here where none are named; nothing where it has none."""
    try:
        content = _values.parse(text)
    except ValueError:
        return {}  # a template for something else, with the word in it
    return {section: content[section] for section in names if isinstance(content.get(section), dict)}


def config_maps(pod_spec: Mapping[str, t.Any]) -> list[str]:
    """Return the names of the ConfigMaps that a pod mounts, also through projected volumes."""
    found = []
    for volume in pod_spec.get("volumes") or []:
        sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
        found += [source["configMap"]["name"] for source in sources if source.get("configMap")]
    return found
