# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one edge where the inventory becomes typed objects. All faults are collected and reported together. No I/O."""

from __future__ import annotations

import typing as t

from .aws import check_plane_roles
from .checks import check_clusters, check_host, check_settings
from .endpoints import admin_endpoints
from .flyte_values import check_buckets, check_namespace_mapping, check_task_namespaces, log_links
from .identity import check_admin_login, check_identity, check_probe_image, propeller_settings
from .labels import check_used_labels, label_cluster_map, label_rows
from .reader import Reader
from .site import Cluster, Site
from .texts import check_connection, check_texts
from .tokens import check_tokens
from .unread import check_unread
from .urls import without_query
from .variables import EKS_NOT_FOR_CREATION

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .reader import Fault
    from .variables import Variables


def build(
    control_planes: Sequence[str], data_planes: Sequence[str], read: Callable[[str, str], t.Any], variables: Variables
) -> tuple[Site | None, list[Fault]]:
    """Read and check the whole inventory.

    :param control_planes: the hosts of the group flyte_control_plane.
    :param data_planes: the hosts of the group flyte_data_planes.
    :param read: returns a variable of a host, None where it is not set.
    :param variables: what the inventory may have.
    :returns: the site, and what is wrong; the site is None where something is.
    """
    site, faults = draft(control_planes, data_planes, read, variables)
    return (None if faults else site), faults


def draft(
    control_planes: Sequence[str], data_planes: Sequence[str], read: Callable[[str, str], t.Any], variables: Variables
) -> tuple[Site | None, list[Fault]]:
    """Read an inventory that is not whole yet; parameters as of :func:`build`.

    :returns: the site, with defaults in the place of what is wrong, None without a control plane; and what is wrong.
    """
    reader = Reader(read)
    if len(control_planes) != 1:
        reader.fault("inventory", "flyte_control_plane", list(control_planes), f"the group has to have exactly one host, it has {len(control_planes)}.")
        return None, reader.faults
    host = control_planes[0]
    settings = {name: reader.read(host, name, variable) for name, variable in variables.site.items()}
    check_settings(reader, host, settings)
    admin_endpoints(reader, host, settings)
    check_namespace_mapping(reader, host, settings)
    check_probe_image(reader, host, settings["flyte_probe_image"])
    check_admin_login(reader, host)
    check_tokens(reader, host, settings)
    check_connection(reader, host, variables.site_connection)
    check_texts(reader, host, {**variables.site, **variables.site_connection})
    if host in data_planes:
        reader.fault(
            host, "flyte_data_planes", host, "the control plane cannot be in this group; flyte_control_plane_runs_workflows: true lets it run workflows."
        )
    control_plane = _cluster(reader, host, True, settings, variables)
    planes = [_cluster(reader, plane, False, settings, variables) for plane in data_planes if plane != host]
    check_clusters(reader, control_plane, planes, settings)
    check_buckets(reader, [control_plane, *planes], settings)
    targets = ([control_plane] if settings["flyte_control_plane_runs_workflows"] else []) + planes
    if not targets:
        reader.fault("inventory", "flyte_data_planes", [], "the group has to have at least one host, or set flyte_control_plane_runs_workflows: true.")
    check_plane_roles(reader, targets, settings)
    labels = label_cluster_map(reader, host, settings["flyte_labels"], targets)
    rows = label_rows(reader, host, settings, labels)
    check_used_labels(reader, host, labels, rows, settings["flyte_default_execution_label"], targets)
    projects = sorted({str(project) for project in settings["flyte_projects"]} | {row.project for row in rows})
    site = Site(settings, control_plane, planes, labels, rows, projects, [str(domain) for domain in settings["flyte_domains"]])
    check_task_namespaces(reader, host, site)
    settings["flyte_chart_repo_url"] = without_query(settings["flyte_chart_repo_url"])
    check_unread(reader, host, [plane.host for plane in planes], variables)
    return site, reader.faults


def _cluster(reader: Reader, host: str, is_control_plane: bool, settings: Mapping[str, t.Any], variables: Variables) -> Cluster:
    values = {name: reader.read(host, name, variable) for name, variable in variables.host.items()}
    values["flyte_release_name"] = values["flyte_release_name"] or ("flyte-core" if is_control_plane else "flyte-core-data")
    check_host(reader, host, is_control_plane, values, settings)
    check_identity(reader, host, values)
    check_connection(reader, host, variables.host_connection)
    check_texts(reader, host, {**variables.host, **variables.host_connection})
    creation = [name for name in variables.host if name.startswith("flyte_eks_") and name not in EKS_NOT_FOR_CREATION]
    return Cluster(
        host=host,
        name=values["flyte_cluster_name"] or host,
        is_control_plane=is_control_plane,
        enabled=values["flyte_cluster_enabled"],
        endpoint=values["flyte_api_endpoint"].rstrip("/") if values["flyte_api_endpoint"] else None,
        namespace=values["flyte_namespace"],
        release=values["flyte_release_name"],
        values_files=[str(path) for path in values["flyte_values_files"]],
        openshift=values["flyte_openshift"],
        eks_cluster=values["flyte_eks_cluster"],
        eks_region=values["flyte_eks_region"],
        eks_assume_role_arn=values["flyte_eks_assume_role_arn"],
        eks_create=values["flyte_eks_create"],
        buckets=[str(bucket) for bucket in values["flyte_buckets"]],
        raw_data_bucket=values["flyte_raw_data_bucket"],
        log_links=log_links(reader, host, values["flyte_log_links"]),
        kube_client={
            "qps": values["flyte_kube_client_qps"],
            "burst": values["flyte_kube_client_burst"],
            "timeout": f"{values['flyte_kube_client_timeout']}s",
        },
        eks={name.removeprefix("flyte_eks_"): values[name] for name in creation} if values["flyte_eks_create"] else {},
        propeller=propeller_settings(values),
        probe_from=values["flyte_probe_from"],
        drop_values=[path.strip() for path in values["flyte_drop_values"]],
        secret_values=[path.strip() for path in values["flyte_secret_values"]],
        rbac=values["flyte_dataplane_rbac"],
        role=values["flyte_iam_data_plane_role"],
        role_arn=values["flyte_data_plane_role_arn"],
    )
