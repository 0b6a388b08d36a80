# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release has to be given: the chart's files, the user's, ours on top. No I/O: the files' contents are handed in.

Values may hold passwords: use them, return only their digest.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._iam.required import domain_role, role_arn, uses_pod_identity
from .identity import identity_override
from .overrides import EKS_ROLE_ANNOTATION, GCP_ACCOUNT_ANNOTATION, control_plane_override, data_plane_override
from .values import Values, merge

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._inventory.site import Cluster, Site
    from .configuration import Configuration
    from .identity import Identity

PROVIDER_FILES = {"aws": "values-eks.yaml", "gcp": "values-gcp.yaml"}
PLANE_FILES = {True: "values-controlplane.yaml", False: "values-dataplane.yaml"}
_Aws = t.Optional[t.Mapping[str, t.Any]]


def chart_files(site: Site, cluster: Cluster) -> list[str]:
    """Return the names of the chart's values files of a release, in Helm's order: the provider's, then the plane's."""
    own = PROVIDER_FILES.get(site.settings["flyte_provider"])
    return [name for name in (own, PLANE_FILES[cluster.is_control_plane]) if name]


def needed_files(site: Site) -> list[str]:
    """Return the names of the values files that the chart has to have."""
    own = PROVIDER_FILES.get(site.settings["flyte_provider"])
    return ["values.yaml", *PLANE_FILES.values(), *([own] if own else [])]


@dataclasses.dataclass(frozen=True)
class Sources:
    """What a release's values are made of. Secrets."""

    #: the chart's own defaults
    defaults: Values
    #: contents of the chart's values files and of the user's, in Helm's order
    files: Sequence[Values]
    #: the user's inline values
    inline: Values


def users_values(sources: Sources, *sections: str) -> Values:
    """Return what is below ours of a release, the chart's defaults among it, or some sections of it. Secrets."""
    layers = [sources.defaults, *sources.files, sources.inline]
    return merge({key: layer[key] for key in sections if key in layer} if sections else layer for layer in layers)


def release_values(
    site: Site, cluster: Cluster, sources: Sources, *, aws: _Aws, configuration: Configuration | None = None, identity: Identity | None = None
) -> Values:
    """Return everything that Helm is given for a release.

    :param aws: what AWS has, the result of flyte_aws_info; None where it was not asked.
    :param configuration: what flyteadmin's configuration has to be, for the control plane's release.
    :param identity: who flytepropeller is, None where that is left to the values.
    """
    own = identity_override(identity, users_values(sources, "flytepropeller"), is_control_plane=cluster.is_control_plane) if identity else {}
    managed = aws if site.settings["flyte_iam_manage"] else None
    users = merge([*sources.files, sources.inline])
    if not cluster.is_control_plane:
        return merge([users, _propeller_override(site, cluster, managed), own])
    if configuration is None:
        raise ValueError("the release of the control plane needs its configuration")
    key, domain_values = domain_identities(site, aws)
    override = control_plane_override(
        base=users_values(sources),
        cluster_configs=configuration.cluster_configs,
        label_cluster_map=configuration.label_cluster_map,
        checksum=configuration.checksum,
        domain_key=key,
        domain_values=domain_values,
        service_account_annotations=_control_plane_annotations(site, managed),
        propeller=_propeller_override(site, cluster, managed)["flytepropeller"] if site.settings["flyte_control_plane_runs_workflows"] else None,
    )
    return merge([users, override, own])


def _control_plane_annotations(site: Site, aws: _Aws) -> dict[str, t.Any]:
    """Return the annotations of the control plane's accounts that read and write the buckets."""
    settings = site.settings
    if settings["flyte_provider"] == "gcp":
        return _gcp_annotation(settings["flyte_gcp_control_plane_service_account"])
    given = settings["flyte_control_plane_role_arn"]
    return _role_annotation(site, given or (role_arn(aws, settings["flyte_iam_control_plane_role"]) if aws else None))


def _propeller_annotations(site: Site, aws: _Aws) -> dict[str, t.Any]:
    settings = site.settings
    if settings["flyte_provider"] == "gcp":
        return _gcp_annotation(settings["flyte_gcp_data_plane_service_account"])
    given = settings["flyte_data_plane_role_arn"]
    return _role_annotation(site, given or (role_arn(aws, settings["flyte_iam_data_plane_role"]) if aws else None))


def _gcp_annotation(account: str | None) -> dict[str, t.Any]:
    return {GCP_ACCOUNT_ANNOTATION: account} if account else {}


def _role_annotation(site: Site, role: str | None) -> dict[str, t.Any]:
    if site.settings["flyte_provider"] == "aws" and uses_pod_identity(site):
        # The annotation of values-eks.yaml has to go: a web identity counts before Pod Identity. Helm drops what is null.
        return {EKS_ROLE_ANNOTATION: None}
    return {EKS_ROLE_ANNOTATION: role} if role else {}


def domain_identities(site: Site, aws: _Aws) -> tuple[str, dict[str, str]]:
    """Return the key of customData that says who tasks are, and its value for each domain; ``*`` is for every other one."""
    settings = site.settings
    if settings["flyte_provider"] == "gcp":
        return "gsa", {str(domain): str(account) for domain, account in settings["flyte_gcp_domain_service_accounts"].items()}
    if settings["flyte_provider"] == "aws" and uses_pod_identity(site):
        return "defaultIamRole", {"*": '""'}  # an empty annotation: the template of values-eks.yaml puts it there as it is
    if settings["flyte_data_plane_role_arn"]:
        return "defaultIamRole", {"*": settings["flyte_data_plane_role_arn"]}
    if not aws or not settings["flyte_iam_manage"]:
        return "defaultIamRole", {}
    if settings["flyte_iam_domain_roles"]:
        return "defaultIamRole", {domain: role_arn(aws, domain_role(site, domain)) for domain in site.domains}
    return "defaultIamRole", {"*": role_arn(aws, settings["flyte_iam_data_plane_role"])}


def _propeller_override(site: Site, cluster: Cluster, aws: _Aws) -> Values:
    settings = site.settings
    catalog: Mapping[str, t.Any] | None = None
    if settings["flyte_catalog_endpoint"]:
        catalog = {"endpoint": settings["flyte_catalog_endpoint"], "insecure": settings["flyte_catalog_insecure"]}
    return data_plane_override(
        name=cluster.name,
        admin_endpoint=settings["flyte_admin_endpoint"],
        admin_insecure=settings["flyte_admin_insecure"],
        catalog=catalog,
        propeller_annotations=_propeller_annotations(site, aws),
        openshift=cluster.openshift,
    )
