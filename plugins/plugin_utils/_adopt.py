# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An adoption from its beginning to its texts: asked, put together, secrets apart. Nothing of it changes any cluster."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._adopt import iam
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.found import FoundAdmin, FoundCluster
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.inventory import Draft, buckets, cluster_draft, site_variables
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.labels import found_labels
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.planes import found_planes, same_clusters
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.values import (
    effective,
    identities_of,
    own_values,
    without_generated,
    without_identities,
)
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.metadata import said_of_login, wants_tokens
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.words import in_inventory_words
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import Configuration
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.identity import credentials_of
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.namespaces import mapping_of
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import Sources, mapping_in_use, release_values
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import Values, merge, without
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import draft as site_draft
from ansible_collections.flyte.multicluster.plugins.module_utils._labels.rows import from_api
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.namespaces import namespace_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed, Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._adopt_aws import Cloud, region_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._adopt_clusters import answering, observe_candidates, observe_control_plane
from ansible_collections.flyte.multicluster.plugins.plugin_utils._adopt_texts import Adopted, written
from ansible_collections.flyte.multicluster.plugins.plugin_utils._chart import ValuesReader, provide, pull_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import admin_connection, admin_of, aws_options
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import declared_variables

if t.TYPE_CHECKING:
    from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.found import FoundControlPlane
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster, Site
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._adopt_accesses import Accesses


class Adoption:
    """One adoption."""

    def __init__(self, action: InventoryAction, accesses: Accesses) -> None:
        self._action, self._accesses = action, accesses
        self._aws: dict[str, t.Any] | None = None
        #: of projects and domains to namespaces, as the live values have it
        self._mapping: str | None = None
        declared = declared_variables()
        self._host_variables = frozenset({*declared.host, *declared.host_connection})

    def run(self) -> Adopted:
        """Ask everything, and put it together.

        :raises Refused: the control plane or flyteadmin cannot be asked, or the chart cannot be had.
        """
        accesses = self._accesses
        timeout = accesses.site.settings["flyte_request_timeout"]
        try:
            control = observe_control_plane(accesses.asked(accesses.control), timeout)
        except Exception as error:
            if not hasattr(error, "hint"):
                raise
            raise Refused(f"{accesses.control}: {getattr(error, 'message', None) or error}. {error.hint}") from error
        candidates = observe_candidates([accesses.asked(host) for host in accesses.candidates], timeout)
        admin = self._flyteadmin()
        planes = found_planes(control.clusters.get("clusterConfigs") or [], control.credentials, candidates)
        draft = cluster_draft(control, planes, accesses.given, self._host_variables)
        self._say_what_is_private(draft, timeout)
        draft.site["flyte_provider"] = self._provider(control, planes.values())
        if control.release and not accesses.read(accesses.control, "flyte_chart_version"):
            draft.site["flyte_chart_version"] = control.release.version
        chart = provide(self._site(draft), pull_of(self._action), accesses.read(accesses.control, "flyte_chart_repo_url"))
        for host, cluster in {draft.control: control, **draft.found}.items():
            if cluster and cluster.release and cluster.release.version != chart.version:
                draft.say(host, "", f"Its chart is {cluster.release.version}, and that of this inventory {chart.version}: it will be brought to that.")
        defaults = self._sources(draft, chart, draft.control).defaults
        site_variables(draft, control, admin, found_labels(control.clusters, admin.rows), defaults)
        buckets(draft, control, defaults)
        self._identities(draft, control, chart, admin.places)
        if admin.login:
            draft.say("", "flyte_admin_url", f"flyteadmin wants tokens: {'; '.join(admin.login)}. {_propeller_text(draft, control, defaults)}")
        own = {host: self._own(draft, chart, host, cluster) for host, cluster in {draft.control: control, **draft.found}.items() if cluster and cluster.release}
        adopted = written(draft, own)
        adopted.lines = [*_cluster_lines(draft, control, candidates), *adopted.lines]
        adopted.dead = [candidate for candidate in candidates if candidate.error]
        return adopted

    def _say_what_is_private(self, draft: Draft, timeout: float) -> None:
        """Let endpoints that only the control plane's network reaches be tried there."""
        elsewhere = {host: str(url) for host in draft.planes if draft.found[host] and (url := draft.hosts[host].get("flyte_api_endpoint"))}
        for host, answers in answering(elsewhere, timeout).items():
            if not answers and draft.read(host, "flyte_probe_from") is None:
                draft.hosts[host]["flyte_probe_from"] = "control_plane"
                draft.say(host, "flyte_probe_from", "This endpoint cannot be reached from here: a Job in the control plane's cluster tries it.")

    def _flyteadmin(self) -> FoundAdmin:
        """Return what flyteadmin has stored."""
        site, read = self._accesses.site, self._accesses.read
        try:
            admin = admin_of(site, read)
            rows, places = from_api(admin.label_rows()), admin.project_domains()
        except AdminError as error:
            said = in_inventory_words(f"{error.message} {error.hint}".strip())
            raise Refused(f"{self._accesses.control}: {said} Its labels and projects are needed: without them the inventory would not be whole.") from error
        connection = admin_connection(site, read)
        return FoundAdmin(rows, places, tuple(said_of_login(connection)) if wants_tokens(connection) else ())

    def _provider(self, control: FoundControlPlane, planes: t.Iterable[tuple[FoundCluster, str]]) -> str:
        given = self._accesses.site.settings["flyte_provider"]
        if given != "generic" or self._accesses.given(self._accesses.control).get("flyte_provider"):
            return str(given)
        clusters = [control, *(cluster for cluster, _how in planes)]
        settings = [cluster.release.values.get("userSettings") or {} for cluster in clusters if cluster.release]
        for provider, key in (("gcp", "googleProjectId"), ("aws", "accountNumber")):
            if any(key in own for own in settings) or any(iam.annotation_of(provider) in own for cluster in clusters for own in cluster.accounts.values()):
                return provider
        return "generic"

    # -- the site as far as it is known

    def _site(self, draft: Draft) -> Site:
        """Return the site of a draft, with defaults in the place of what cannot be known."""
        site, _faults = site_draft([draft.control], draft.planes, draft.read, declared_variables())
        if site is None:
            raise Refused(f"{draft.control}: is no host of the inventory.")
        site.settings["flyte_namespace_mapping"] = site.settings["flyte_namespace_mapping"] or self._mapping
        return site

    def _sources(self, draft: Draft, chart: Chart, host: str) -> Sources:
        """Return what the chart itself gives a release."""
        site = self._site(draft)
        return ValuesReader(site, chart, lambda _host, _name: None).sources(site.cluster(host))

    def _identities(self, draft: Draft, control: FoundControlPlane, chart: Chart, places: list[tuple[str, str]]) -> None:
        """Add who is who in the cloud, and ask AWS for it.

        :param places: all domains of all projects.
        """
        provider, given = draft.site["flyte_provider"], draft.site
        values = merge([self._sources(draft, chart, draft.control).defaults, control.release.values]) if control.release else {}
        self._mapping = mapping_of(values)
        found = iam.identities(
            control,
            [cluster for cluster in draft.found.values() if cluster],
            identities_of(values, "gsa" if provider == "gcp" else "defaultIamRole"),
            iam.annotation_of(provider),
        )
        if provider == "gcp":
            _google(draft, found)
        if provider != "aws":
            return
        endpoints = {host: cluster.server or "" for host, cluster in {draft.control: control, **draft.found}.items() if cluster}
        if not given.get("flyte_aws_region"):
            given["flyte_aws_region"] = region_of(draft, endpoints.values(), values.get("userSettings") or {})
        if self._accesses.site.settings["flyte_iam_manage"] is False:
            decided = iam.unmanaged(found, None)
        else:
            options = {**aws_options(self._accesses.site, self._accesses.read), **({"region": given["flyte_aws_region"]} if given["flyte_aws_region"] else {})}
            cloud = Cloud(self._action, draft, options, endpoints)
            try:
                cloud.ask(iam.names_to_ask(found, given))
                if not (found.control or found.propellers):
                    planes = {host: cluster for host, cluster in draft.found.items() if cluster}
                    spaces = {namespace_of(self._mapping, project, domain): domain for project, domain in places}
                    by_pods = iam.associated(cloud.associations(), control, planes, spaces)
                    found = by_pods if by_pods.arns else found
                    cloud.also(iam.names_to_ask(found, given))
            except ModuleFailed as error:
                raise Refused(
                    f"{draft.control}: {error} Or set flyte_iam_manage: false: then AWS is not asked, and the roles in use are written as they are."
                ) from error
            self._aws = cloud.found
            decided = iam.managed(found, given, (cloud.found or {})["roles"])
        for name, value in decided.variables.items():
            given.setdefault(name, value)
        for name, texts in decided.comments.items():
            draft.say("", name, *texts)
        if decided.roles:
            cloud.name_policy(decided)
            if cloud.settle(self._site(draft), decided.roles[1]):
                cloud.settle(self._site(draft), decided.roles[1])
        else:
            self._aws = None

    # -- values

    def _own(self, draft: Draft, chart: Chart, host: str, cluster: FoundCluster) -> Values:
        """Return the user's own values of a release. Secrets."""
        site = self._site(draft)
        sources = self._sources(draft, chart, host)
        live = cluster.release.values if cluster.release else {}
        base = merge(sources.chart_files)
        configuration = None
        if host == draft.control:
            section = cluster.clusters if hasattr(cluster, "clusters") else {}
            configuration = Configuration(section.get("clusterConfigs") or [], section.get("labelClusterMap") or {}, "", [], [], [], [])
            live = without_generated(live)
            key = "gsa" if site.settings["flyte_provider"] == "gcp" else "defaultIamRole"
            if self._aws or any(cluster.role_arn for cluster in site.targets) or site.settings["flyte_gcp_domain_service_accounts"]:
                live = without_identities(live, base, key)

        named = draft.read(draft.control, "flyte_namespace_mapping")

        def given(own: Values) -> Values:
            whole = Sources(sources.defaults, sources.chart_files, {}, [own], {})
            if host == draft.control:
                # As a plan takes it from the values.
                site.settings["flyte_namespace_mapping"] = named or mapping_in_use(whole)
            return release_values(site, site.cluster(host), whole, aws=self._aws, configuration=configuration)

        own = own_values(live, base, sources.defaults)
        left = effective(own, given(own), given({}))
        return _readable(draft, ValuesReader(site, chart, lambda _host, _name: None), site.cluster(host), left if given(left) == given(own) else own)


def _readable(draft: Draft, reader: ValuesReader, cluster: Cluster, own: Values) -> Values:
    """Return the user's values without what an inventory cannot have, since no template of the chart reads it: it is given up, and said."""
    for place, problem in list(reader.problems(cluster, own)):
        left = without(own, place)
        if left is not own:
            own = left
            draft.hosts[cluster.host].setdefault("flyte_drop_values", []).append(place)
            draft.say(cluster.host, "flyte_drop_values", f"{place} of its release {problem.partition(';')[0]}: it is given up.")
    return own


def _google(draft: Draft, found: iam.Identities) -> None:
    """Add the service accounts of Google."""
    for name, accounts in (("flyte_gcp_control_plane_service_account", found.control), ("flyte_gcp_data_plane_service_account", found.propellers)):
        if len(accounts) == 1:
            draft.site.setdefault(name, accounts[0])
        elif accounts:
            draft.say("", name, f"More than one is in use, which stays in the values: {', '.join(accounts)}.")
    if found.tasks:
        draft.site.setdefault("flyte_gcp_domain_service_accounts", found.tasks)


def _cluster_lines(draft: Draft, control: FoundControlPlane, candidates: list[FoundCluster]) -> list[str]:
    """Return what was found, in words."""
    lines = [f"{draft.control}: {_release_text(control)}"]
    for host, cluster in draft.found.items():
        if cluster is None:
            lines.append(f"{host}: none of the given clusters: a placeholder asks for its access")
        elif cluster.error is None:
            lines.append(f"{host}: {_release_text(cluster)}")
    used = [cluster.host for cluster in draft.found.values() if cluster]
    twice = same_clusters(candidates, used)
    for candidate in candidates:
        if candidate.host not in used and candidate.error is None:
            why = f"another access to {twice[candidate.host]}" if candidate.host in twice else "no data plane of this flyteadmin"
            lines.append(f"{candidate.host}: {why}: left out")
    for (host, name), texts in draft.comments.items():
        lines += [f"{host or 'site'}: {name}: {text}" for text in texts if name]
    return lines


def _propeller_text(draft: Draft, control: FoundControlPlane, defaults: Values) -> str:
    """Return which client flytepropeller is, as the values have it. Its secret, where they have it, is in the vault."""
    clusters = [control, *(cluster for cluster in draft.found.values() if cluster)]
    found = {credentials_of(merge([defaults, cluster.release.values])).client_id for cluster in clusters if cluster.release}
    return f"flytepropeller's client is {', '.join(sorted(found))}, by its values." if found else ""


def _release_text(cluster: FoundCluster) -> str:
    release = cluster.release
    return f"release {release.name} of {release.chart} {release.version} in {release.namespace}" if release else "no Helm release has Flyte there"
