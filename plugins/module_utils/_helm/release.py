# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release has to be given: the chart's files, the user's, ours on top. No I/O: the files' contents are handed in.

Values may hold passwords: use them, return only their digest.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from .._iam.required import domain_role, role_arn, uses_pod_identity
from . import echo, log_links, namespaces, sync
from .configuration import Configuration
from .identity import identity_override, login_override
from .overrides import EKS_ROLE_ANNOTATION, GCP_ACCOUNT_ANNOTATION, control_plane_override, custom_data_with, data_plane_override
from .parts import used_only, without_control_plane
from .user_settings import filled_in
from .values import Values, lookup, merge

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._inventory.site import Cluster, Site
    from .identity import Identity

PROVIDER_FILES = {"aws": "values-eks.yaml", "gcp": "values-gcp.yaml"}
PLANE_FILES = {True: "values-controlplane.yaml", False: "values-dataplane.yaml"}
#: where the chart looks for datacatalog
_CHARTS_CATALOG = "datacatalog:89"
#: of a control plane of which nothing is known yet
NOT_CONFIGURED = Configuration([], {}, "", [], [], [])
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
    #: contents of the chart's values files, in Helm's order
    chart_files: Sequence[Values]
    #: the user's ``userSettings``, on top of them
    user_settings: Values
    #: contents of the user's values files
    files: Sequence[Values]
    #: the user's inline values
    inline: Values


@dataclasses.dataclass(frozen=True)
class Layers:
    """What a release's values are made of, merged, in Helm's order. Secrets."""

    #: the chart's own defaults, which Helm has already
    defaults: Values
    #: contents of the chart's values files, in Helm's order
    chart_files: Sequence[Values]
    #: the chart's files and the user's, with what the inventory fills in
    users: Values
    #: what this collection generates
    ours: Values
    data_plane: bool

    @functools.cached_property
    def chart(self) -> Values:
        """What the chart's values files give."""
        return merge(self.chart_files)

    @functools.cached_property
    def whole(self) -> Values:
        """All of it, also what no object uses."""
        return merge([self.defaults, self.users, self.ours])

    @functools.cached_property
    def given(self) -> Values:
        """What Helm is given."""
        return used_only(merge([self.users, self.ours]), self.defaults, data_plane=self.data_plane)


def release_values(
    site: Site, cluster: Cluster, sources: Sources, *, aws: _Aws, configuration: Configuration | None = None, identity: Identity | None = None
) -> Values:
    """Return everything that Helm is given for a release. The parameters are those of :func:`release_layers`."""
    return release_layers(site, cluster, sources, aws=aws, configuration=configuration, identity=identity).given


def release_layers(
    site: Site, cluster: Cluster, sources: Sources, *, aws: _Aws, configuration: Configuration | None = None, identity: Identity | None = None
) -> Layers:
    """Return what the values of a release are made of.

    :param aws: what AWS has, the result of flyte_aws_info; None where it was not asked.
    :param configuration: what flyteadmin's configuration has to be, for the control plane's release.
    :param identity: who flytepropeller is, None where that is left to the values.
    """
    managed = aws if site.settings["flyte_iam_manage"] else None
    users = filled_in(users_values(sources), site, cluster, aws)
    base = merge([sources.defaults, users])
    if not cluster.is_control_plane:
        override = merge([_propeller_override(site, cluster, managed, base), without_control_plane(), *_sync_overrides(site, cluster, base, aws)])
    elif configuration is None:
        raise ValueError("the release of the control plane needs its configuration")
    else:
        override = _admin_override(site, cluster, base, configuration, aws)
    syncs = site.syncs_itself and not cluster.is_control_plane
    own = login_override(cluster.propeller)
    if identity:
        own = identity_override(identity, base, is_control_plane=cluster.is_control_plane, syncs=syncs)
    ours = merge([override, own, _storage_override(site)])
    return Layers(sources.defaults, sources.chart_files, users, ours, data_plane=not cluster.is_control_plane)


def _sync_overrides(site: Site, cluster: Cluster, base: Values, aws: _Aws) -> list[Values]:
    """Return our values of a data plane for flyteadmin's rights, and for a syncresources of its own."""
    found = [sync.rights_override()] if cluster.rbac == "minimal" else []
    if site.syncs_itself:
        key, values = domain_identities(site, aws, cluster)
        custom_data = lookup(base, f"{sync.MANAGER}.config.cluster_resources.customData", [])
        found.append(sync.data_plane_override(custom_data_with(custom_data, key, values) if values else None, minimal=cluster.rbac == "minimal"))
        found.append(namespaces.mapping_override(base, site.mapping))
    return found


def _storage_override(site: Site) -> Values:
    """Return our values of Flyte's own storage. Each of its programs uses its own bucket alone, and outputs lie in that of the cluster that made them.

    What tasks write may lie in one more, which flyteadmin signs links to, and which the sidecar of a container task, told what flytepropeller is, writes to.
    """
    used = (name for cluster in site.clusters for name in (*cluster.buckets[:1], cluster.raw_data_bucket) if name)
    return {"storage": {"enableMultiContainer": True}} if len({name.partition("/")[0] for name in used}) > 1 else {}


def mapping_in_use(sources: Sources) -> str | None:
    """Return the mapping of projects and domains to namespaces that the control plane's values have, None where they have none."""
    return namespaces.mapping_of(merge([sources.defaults, users_values(sources)]))


def users_values(sources: Sources) -> Values:
    """Return what the chart's files and the user give a release, on top of the chart's defaults. Secrets."""
    return merge([*sources.chart_files, {"userSettings": sources.user_settings} if sources.user_settings else {}, *sources.files, sources.inline])


def _admin_override(site: Site, cluster: Cluster, base: Values, configuration: Configuration, aws: _Aws) -> Values:
    settings = site.settings
    managed = aws if settings["flyte_iam_manage"] else None
    key, domain_values = domain_identities(site, aws, cluster)
    runs = settings["flyte_control_plane_runs_workflows"]
    propeller = _propeller_override(site, cluster, managed, base) if runs else {}
    override = control_plane_override(
        base=base,
        cluster_configs=configuration.cluster_configs,
        label_cluster_map=configuration.label_cluster_map,
        checksum=configuration.checksum,
        domain_key=key,
        domain_values=domain_values,
        service_account_annotations=_control_plane_annotations(site, managed),
        propeller=propeller["flytepropeller"] if runs else None,
        default_label=configuration.default_label,
        sync_at_start=settings["flyte_sync_at_start"],
    )
    if site.syncs_itself:
        # It would go on to all data planes, with what flyteadmin may not do there any more.
        override[sync.MANAGER] = {"enabled": False}
    more = [namespaces.admin_override(base, cluster.namespace, site.mapping)]
    return merge([override, *more, *(_workflow_overrides(site, cluster, base) if runs else [])])


def _workflow_overrides(site: Site, cluster: Cluster, base: Values) -> list[Values]:
    """Return our values of a release that runs workflows, in a data plane or the control plane."""
    found = [namespaces.propeller_override(base, cluster.namespace), log_links.override(base, cluster.log_links)]
    if site.settings["flyte_canary_project"]:
        found.append(echo.override(base))
    region = "configmap.task_logs.plugins.logs.cloudwatch-region"
    if cluster.eks_region and cluster.eks_region != site.settings["flyte_aws_region"] and "userSettings.accountRegion" in str(lookup(base, region)):
        # The buckets' region is the site's; the logs lie where the pods are.
        found.append({"configmap": {"task_logs": {"plugins": {"logs": {"cloudwatch-region": cluster.eks_region}}}}})
    return found


def _control_plane_annotations(site: Site, aws: _Aws) -> dict[str, t.Any]:
    """Return the annotations of the control plane's accounts that read and write the buckets."""
    settings = site.settings
    if settings["flyte_provider"] == "gcp":
        return _gcp_annotation(settings["flyte_gcp_control_plane_service_account"])
    given = settings["flyte_control_plane_role_arn"]
    return _role_annotation(site, given or (role_arn(aws, settings["flyte_iam_control_plane_role"]) if aws else None))


def _propeller_annotations(site: Site, cluster: Cluster, aws: _Aws) -> dict[str, t.Any]:
    settings = site.settings
    if settings["flyte_provider"] == "gcp":
        return _gcp_annotation(settings["flyte_gcp_data_plane_service_account"])
    return _role_annotation(site, cluster.role_arn or (role_arn(aws, cluster.role) if aws else None))


def _gcp_annotation(account: str | None) -> dict[str, t.Any]:
    return {GCP_ACCOUNT_ANNOTATION: account} if account else {}


def _role_annotation(site: Site, role: str | None) -> dict[str, t.Any]:
    if site.settings["flyte_provider"] == "aws" and uses_pod_identity(site):
        # The annotation of values-eks.yaml has to go: a web identity counts before Pod Identity. Helm drops what is null.
        return {EKS_ROLE_ANNOTATION: None}
    return {EKS_ROLE_ANNOTATION: role} if role else {}


def domain_identities(site: Site, aws: _Aws, cluster: Cluster) -> tuple[str, dict[str, str]]:
    """Return the key of customData that says who tasks are, and its value for each domain; ``*`` is for every other one.

    :param cluster: whose syncresources writes them; that of the control plane writes them for all, which have one role then.
    """
    settings = site.settings
    own = cluster if site.is_target(cluster) else site.targets[0]
    if settings["flyte_provider"] == "gcp":
        return "gsa", {str(domain): str(account) for domain, account in settings["flyte_gcp_domain_service_accounts"].items()}
    if settings["flyte_provider"] == "aws" and uses_pod_identity(site):
        return "defaultIamRole", {"*": '""'}  # an empty annotation: the template of values-eks.yaml puts it there as it is
    if own.role_arn:
        return "defaultIamRole", {"*": own.role_arn}
    if not aws or not settings["flyte_iam_manage"]:
        return "defaultIamRole", {}
    if settings["flyte_iam_domain_roles"]:
        return "defaultIamRole", {domain: role_arn(aws, domain_role(site, own, domain)) for domain in site.domains}
    return "defaultIamRole", {"*": role_arn(aws, own.role)}


def _propeller_override(site: Site, cluster: Cluster, aws: _Aws, base: Values) -> Values:
    settings = site.settings
    override = data_plane_override(
        name=cluster.name,
        admin_endpoint=settings["flyte_admin_endpoint"],
        admin_insecure=settings["flyte_admin_insecure"],
        catalog=_catalog(site, base),
        propeller_annotations=_propeller_annotations(site, cluster, aws),
        openshift=cluster.openshift,
    )
    return merge([override, *_workflow_overrides(site, cluster, base)])


def _catalog(site: Site, base: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return our values of a data plane's cache. By the chart datacatalog is beside flytepropeller, where no data plane has it: cached tasks fail so."""
    settings = site.settings
    if settings["flyte_catalog_endpoint"]:
        return {"endpoint": settings["flyte_catalog_endpoint"], "insecure": settings["flyte_catalog_insecure"]}
    return {"type": "noop"} if lookup(base, "configmap.catalog.catalog-cache.endpoint") == _CHARTS_CATALOG else {}
