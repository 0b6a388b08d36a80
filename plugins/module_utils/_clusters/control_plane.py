# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only the control plane has: stored credentials, flyteadmin's configuration, and whether each cluster answers to them."""

from __future__ import annotations

import typing as t

from .._common.threads import WIDE, in_threads
from .._flyteadmin.journal import ConfigMapJournal
from .._helm import values as _values
from .._helm.configuration import SECRET_NAME
from .._labels.rows import as_dict
from .client import Kube, decode
from .credentials import probe, secrets_path, stored_credentials

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def observe_control_plane(kube: Kube, namespace: str, *, timeout: float, service_accounts: bool) -> dict[str, t.Any]:
    data = decode(kube.find(secrets_path(namespace, SECRET_NAME)))
    clusters = flyteadmin_clusters(kube, namespace)
    stored = stored_credentials(data)
    pairs = {f"{name}_{suffix}" for name in stored for suffix in ("token", "cacert")}
    probes = probe_all(clusters.get("clusterConfigs") or [], data, timeout=timeout, service_accounts=service_accounts)
    journal = ConfigMapJournal(lambda: kube, namespace).read()
    return {
        "credentials": stored,
        "other_keys": sorted(set(data) - pairs),
        "clusters": clusters,
        "probes": probes,
        "journal": [as_dict(key, label) for key, label in sorted(journal.items())],
    }


def flyteadmin_clusters(kube: Kube, namespace: str) -> dict[str, t.Any]:
    """Return the section ``clusters`` of the configuration that flyteadmin's Deployment mounts.

    The ConfigMaps are found through the Deployment, as the pod finds them, not by a name that a chart may change.
    """
    deployment = kube.find(f"/apis/apps/v1/namespaces/{namespace}/deployments/flyteadmin")
    if deployment is None:
        return {}
    merged: dict[str, t.Any] = {}
    for name in config_maps(deployment["spec"]["template"]["spec"]):
        config_map = kube.find(f"/api/v1/namespaces/{namespace}/configmaps/{name}") or {}
        for key, text in sorted((config_map.get("data") or {}).items()):
            if key.endswith((".yaml", ".yml")) and "clusters:" in text:
                merged.update(_clusters_section(text))
    return {key: merged[key] for key in ("labelClusterMap", "clusterConfigs", "defaultExecutionLabel") if merged.get(key)}


def _clusters_section(text: str) -> dict[str, t.Any]:
    try:
        section = _values.parse(text).get("clusters")
    except ValueError:
        return {}  # a template for something else, with the word in it
    return section if isinstance(section, dict) else {}


def config_maps(pod_spec: Mapping[str, t.Any]) -> list[str]:
    """Return the names of the ConfigMaps that a pod mounts, also through projected volumes."""
    found = []
    for volume in pod_spec.get("volumes") or []:
        sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
        found += [source["configMap"]["name"] for source in sources if source.get("configMap")]
    return found


def probe_all(
    configs: Sequence[Mapping[str, t.Any]], data: Mapping[str, bytes], *, timeout: float, service_accounts: bool
) -> dict[str, dict[str, t.Any]]:
    """Ask every configured cluster with the credentials of the control plane's Secret."""

    def one(entry: Mapping[str, t.Any]) -> dict[str, t.Any]:
        token, ca_cert = (data.get(f"{entry['name']}_{suffix}") for suffix in ("token", "cacert"))
        if entry.get("inCluster"):
            return {"ok": True, "error": None, "hint": None, "kind": None, "denied": []}
        if token is None or ca_cert is None:
            hint = "Run site.yml with the tag credentials; flyteadmin does not start again before."
            return {"ok": False, "error": f"the Secret {SECRET_NAME} has no key of it", "hint": hint, "kind": "missing", "denied": []}
        if token != token.strip():
            hint = "Run site.yml with the tag credentials."
            return {"ok": False, "error": "its token has white space around it, which flyteadmin sends", "hint": hint, "kind": "token", "denied": []}
        return probe(entry.get("endpoint") or "", token.decode(), ca_cert.decode(), service_accounts=service_accounts, timeout=timeout)

    return dict(zip([entry["name"] for entry in configs], in_threads(one, configs, WIDE)))
