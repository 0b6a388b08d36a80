# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that this collection generates, on top of the chart's and the user's. No I/O."""

from __future__ import annotations

import typing as t

from .configuration import CHECKSUM_ANNOTATION, MOUNT_PATH, SECRET_NAME
from .values import Values, lookup

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VOLUME_NAME = "cluster-credentials"
EKS_ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
GCP_ACCOUNT_ANNOTATION = "iam.gke.io/gcp-service-account"
#: OpenShift gives each namespace a range of user ids of its own and refuses pods that name another one
_OPENSHIFT_POD = {"runAsUser": None, "runAsGroup": None, "fsGroup": None, "fsGroupChangePolicy": None, "seLinuxOptions": None}


def without_replaced(values: Mapping[str, t.Any]) -> tuple[list[dict[str, t.Any]], list[dict[str, t.Any]]]:
    """Return flyteadmin's volumes and mounts without those in whose place ours come: what is called so, and what is mounted there, whatever its name.

    Kubernetes takes no two mounts at one path.
    """
    volumes, mounts = (_entries(lookup(values, f"flyteadmin.{name}")) for name in ("additionalVolumes", "additionalVolumeMounts"))
    left = [mount for mount in mounts if mount.get("name") != VOLUME_NAME and str(mount.get("mountPath")).rstrip("/") != MOUNT_PATH]
    gone = {VOLUME_NAME, *(mount.get("name") for mount in mounts)} - {mount.get("name") for mount in left}
    return [volume for volume in volumes if volume.get("name") not in gone], left


def _entries(items: t.Any) -> list[dict[str, t.Any]]:
    return [dict(item) for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def custom_data_with(custom_data: Sequence[Mapping[str, t.Any]], key: str, values: Mapping[str, str]) -> list[dict[str, t.Any]]:
    """Return the customData list with a key of each domain set, everything else (the quotas) kept.

    :param custom_data: a list of maps of one domain each, as the chart has it.
    :param key: ``defaultIamRole``, or ``gsa`` on GCP.
    :param values: domain to value; the key ``*`` is for every other domain. A domain without a value keeps what it has.
    """
    result: list[dict[str, t.Any]] = []
    seen = set()
    for of_domains in custom_data:
        entry: dict[str, t.Any] = {}
        for domain, pairs in of_domains.items():
            seen.add(domain)
            value = values.get(domain, values.get("*"))
            kept = [dict(pair) for pair in pairs or [] if value is None or key not in pair]
            entry[domain] = kept + ([{key: {"value": value}}] if value is not None else [])
        result.append(entry)
    for domain in sorted(set(values) - seen - {"*"}):
        result.append({domain: [{key: {"value": values[domain]}}]})
    return result


def data_plane_override(
    *,
    name: str,
    admin_endpoint: str,
    admin_insecure: bool,
    catalog: Mapping[str, t.Any],
    propeller_annotations: Mapping[str, t.Any],
    openshift: bool = False,
) -> Values:
    """Return our values of a data plane's release (guide: "Data Plane Deployment", step 2).

    :param name: the cluster's name in clusterConfigs; propeller reports it as the cluster of its events.
    :param admin_endpoint: ``host:port`` that flytepropeller calls.
    :param catalog: of the chart's catalog-cache, empty to leave it as it is. datacatalog is not behind the ingress.
    """
    configmap: Values = {"admin": {"admin": {"endpoint": admin_endpoint, "insecure": admin_insecure}}}
    if catalog:
        configmap["catalog"] = {"catalog-cache": dict(catalog)}
    propeller: Values = {"clusterName": name}
    if propeller_annotations:
        propeller["serviceAccount"] = {"annotations": dict(propeller_annotations)}
    override: Values = {"configmap": configmap, "flytepropeller": propeller}
    if openshift:
        propeller["securityContext"] = dict(_OPENSHIFT_POD)
        override["webhook"] = {"securityContext": dict(_OPENSHIFT_POD)}
    return override


def control_plane_override(
    *,
    base: Mapping[str, t.Any],
    cluster_configs: Sequence[Mapping[str, t.Any]],
    label_cluster_map: Mapping[str, Sequence[Mapping[str, t.Any]]],
    checksum: str,
    domain_key: str,
    domain_values: Mapping[str, str],
    service_account_annotations: Mapping[str, t.Any],
    propeller: Mapping[str, t.Any] | None,
    default_label: str | None = None,
    sync_at_start: bool = False,
) -> Values:
    """Return our values of the control plane's release (guide: ``values-override.yaml``).

    :param base: everything below ours, merged; lists in it are carried along, since Helm replaces lists whole.
    :param checksum: of the credentials; as a pod annotation it restarts flyteadmin and syncresources when they change,
        which read each token once, at start.
    :param domain_key: the key of customData that says who the tasks of a domain are.
    :param domain_values: its values by domain, empty to leave them as they are.
    :param propeller: our values of flytepropeller where the control plane runs workflows, else None.
    :param default_label: the label of executions that no other one holds for.
    :param sync_at_start: whether flyteadmin's pods start only after every enabled plane was synchronised.
    """
    volumes, mounts = without_replaced(base)
    admin: Values = {
        "additionalVolumes": [*volumes, {"name": VOLUME_NAME, "secret": {"secretName": SECRET_NAME}}],
        "additionalVolumeMounts": [*mounts, {"name": VOLUME_NAME, "mountPath": MOUNT_PATH, "readOnly": True}],
        "podAnnotations": {CHECKSUM_ANNOTATION: checksum},
    }
    manager: Values = {"podAnnotations": {CHECKSUM_ANNOTATION: checksum}, "standalone_deploy": not sync_at_start}
    override: Values = {
        "flyteadmin": admin,
        "cluster_resource_manager": manager,
        "configmap": {
            "clusters": {
                "labelClusterMap": {label: [dict(entry) for entry in entries] for label, entries in label_cluster_map.items()},
                "clusterConfigs": [dict(entry) for entry in cluster_configs],
                **({"defaultExecutionLabel": default_label} if default_label else {}),
            }
        },
    }
    if service_account_annotations:
        admin["serviceAccount"] = {"annotations": dict(service_account_annotations)}
        override["datacatalog"] = {"serviceAccount": {"annotations": dict(service_account_annotations)}}
    if domain_values:
        custom_data = lookup(base, "cluster_resource_manager.config.cluster_resources.customData", [])
        manager["config"] = {"cluster_resources": {"customData": custom_data_with(custom_data, domain_key, domain_values)}}
    if propeller is not None:
        # values-controlplane.yaml turns these off; as a data plane of its own the control plane needs all three.
        override["flytepropeller"] = {**propeller, "enabled": True, "createCRDs": True}
        override["webhook"] = {"enabled": True}
    return override
