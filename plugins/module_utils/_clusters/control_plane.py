# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the control plane has: the Secret of credentials, what flyteadmin reads of it, the journal of labels."""

from __future__ import annotations

import functools
import math
import typing as t

from .._common.names import FLYTEADMIN, label_as_read
from .._helm import values as _values
from .._helm.configuration import SECRET_NAME
from .._labels.placement import weight_of
from .bounded import term_claimed
from .client import Kube
from .credentials import stored_credentials
from .errors import reading
from .readers import readers_of
from .secrets import read_secret

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from .._rights.rules import Rule

#: seconds for flyteadmin to say whether it wants tokens: a run does not depend on it
_ASK_TIMEOUT = 5.0


#: what is read of flyteadmin's configuration
SECTIONS = ("clusters", "namespace_mapping", "cluster_resources")


def observe_control_plane(
    kube: Kube,
    namespace: str,
    *,
    timeout: float,
    rules: Sequence[Rule],
    exact: Mapping[str, Sequence[Rule]] | None = None,
    unprobed: Collection[str] = (),
    flyteadmin: Mapping[str, t.Any] | None = None,
) -> tuple[dict[str, t.Any], Callable[[], dict[str, t.Any]]]:
    """Return what only the control plane has, fingerprints in the place of credentials; and what asks the clusters that flyteadmin knows as it does.

    Of them each has a time of its own: where many are dead, all take longer together than the control plane may.

    :param rules: what flyteadmin has to be allowed in the data planes.
    :param exact: what it may be allowed at most, by the names of the clusters of which that is asked.
    :param unprobed: names of clusters that are not asked from here as flyteadmin asks them.
    :param flyteadmin: how it is reached, None where it is not asked whether it wants tokens.
    """
    # Who only reads the configuration does without these.
    from .._flyteadmin.journal import ConfigMapJournal
    from .._labels import rows as _labels
    from .probe import probe_all

    data = read_secret(kube, namespace, SECRET_NAME)[1]
    configured = flyteadmin_configuration(kube, namespace)
    clusters = _clusters_of(configured)
    stored = stored_credentials(data)
    pairs = {f"{name}_{suffix}" for name in stored for suffix in ("token", "cacert")}
    probing = functools.partial(probe_all, clusters.get("clusterConfigs") or [], data, timeout=timeout, rules=rules, exact=exact, unprobed=unprobed)
    journal = ConfigMapJournal(lambda: kube, namespace)
    with reading(f"the journal {journal.place}", "It holds labels to restore: mend it, or move it away."):
        rows = [_labels.as_dict(key, label) for key, label in sorted(journal.read().items())]
    found = {
        "credentials": stored,
        "terms": {name: term for name in stored if (term := term_claimed(data[f"{name}_token"].decode("ascii", "replace")))},
        "other_keys": sorted(set(data) - pairs),
        "clusters": clusters,
        "journal": rows,
        "readers": readers_of(kube, namespace),
        "namespace_mapping": _setting(configured, "namespace_mapping", "template"),
        "refresh_interval": _setting(configured, "cluster_resources", "refreshInterval"),
        "authentication": _authentication(flyteadmin, timeout) if flyteadmin and clusters else None,
    }
    return found, probing


def _setting(configured: Mapping[str, t.Any], section: str, key: str) -> str | None:
    """Return a setting that is text, None where it is none."""
    found = (configured.get(section) or {}).get(key)
    return found if isinstance(found, str) else None


def _authentication(flyteadmin: Mapping[str, t.Any], timeout: float) -> bool | None:
    """Return whether flyteadmin wants tokens, None where it does not say: it may not run yet."""
    from .._flyteadmin.client import PATIENCE
    from .._flyteadmin.metadata import wants_tokens

    # In all, not more than one answer of the API server may take: it is not the control plane's failure.
    return wants_tokens({**flyteadmin, "timeout": min(timeout, _ASK_TIMEOUT) / PATIENCE, "retry_for": 0.0})


def flyteadmin_clusters(kube: Kube, namespace: str) -> dict[str, t.Any]:
    """Return the section ``clusters`` of the configuration that flyteadmin's Deployment mounts."""
    return _clusters_of(flyteadmin_configuration(kube, namespace))


def _clusters_of(configured: Mapping[str, t.Any]) -> dict[str, t.Any]:
    section = configured.get("clusters") or {}
    with reading("the section clusters of flyteadmin's configuration", "flyteadmin cannot read it either: correct it in the ConfigMap that it mounts."):
        for entry in section.get("clusterConfigs") or []:
            _text(entry["name"])
        for label, entries in (section.get("labelClusterMap") or {}).items():
            _text(label)
            for entry in entries or []:
                _text(entry["id"])
                if not math.isfinite(weight_of(entry)):
                    raise ValueError("a weight is no number")
        _text(section.get("defaultExecutionLabel") or "")
    found = {key: section[key] for key in ("labelClusterMap", "clusterConfigs", "defaultExecutionLabel") if section.get(key)}
    if "labelClusterMap" in found:
        found["labelClusterMap"] = {label_as_read(label): entries for label, entries in found["labelClusterMap"].items()}
    return found


def _text(value: t.Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a name is no text")
    return value


def flyteadmin_configuration(kube: Kube, namespace: str) -> dict[str, dict[str, t.Any]]:
    """Return the sections of :data:`SECTIONS` that the configuration has that flyteadmin's Deployment mounts."""
    return mounted_sections(kube, namespace, FLYTEADMIN, SECTIONS) or {}


def mounted_sections(kube: Kube, namespace: str, deployment: str, sections: Collection[str]) -> dict[str, dict[str, t.Any]] | None:
    """Return those sections that the configuration has that a Deployment mounts, None where there is no such Deployment.

    The ConfigMaps are found through the Deployment, as the pod finds them, not by a name that a chart may change.
    """
    found = kube.find(f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}")
    if found is None:
        return None
    merged: dict[str, dict[str, t.Any]] = {}
    with reading(f"what the Deployment {namespace}/{deployment} mounts", f"Look at it: kubectl -n {namespace} get deployment {deployment} -o yaml"):
        names = _config_maps(found["spec"]["template"]["spec"])
    for name in names:
        config_map = kube.find(f"/api/v1/namespaces/{namespace}/configmaps/{name}") or {}
        with reading(f"the ConfigMap {namespace}/{name}", f"Look at it: kubectl -n {namespace} get configmap {name} -o yaml"):
            for key, text in sorted((config_map.get("data") or {}).items()):
                for section in (section for section in sections if key.endswith((".yaml", ".yml")) and f"{section}:" in text):
                    merged.setdefault(section, {}).update(section_of(text, section))
    return merged


def section_of(text: str, name: str) -> dict[str, t.Any]:
    """Return a section of a configuration file, nothing where it has none."""
    try:
        section = _values.parse(text).get(name)
    except ValueError:
        return {}  # a template for something else, with the word in it
    return section if isinstance(section, dict) else {}


def _config_maps(pod_spec: Mapping[str, t.Any]) -> list[str]:
    """Return the names of the ConfigMaps that a pod mounts, also through projected volumes."""
    found = []
    for volume in pod_spec.get("volumes") or []:
        sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
        found += [source["configMap"]["name"] for source in sources if source.get("configMap")]
    return found
