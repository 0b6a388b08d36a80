# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of what was found: variables of the site, of groups and of hosts, with comments. No I/O."""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t
import urllib.parse

from .._helm.values import lookup, merge
from .._inventory.endpoints import as_propeller_takes_it
from .._inventory.placeholders import change_me
from .planes import located_text, normal_endpoint
from .values import resolved

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .found import Credential, FoundAdmin, FoundCluster, FoundControlPlane
    from .labels import FoundLabels

    Read = Callable[[str, str], t.Any]

CONTROL_GROUP, PLANES_GROUP = "flyte_control_plane", "flyte_data_planes"
DEFAULT_DOMAINS = ["development", "staging", "production"]
_DEFAULT_RELEASES = {True: "flyte-core", False: "flyte-core-data"}
_CHARTS_CATALOG = ("datacatalog:89", None)
_HOST_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_ACCESS = ("flyte_kubeconfig", "flyte_kube_context", "flyte_kube_host")
#: what was found counts more than what the inventory of accesses says
_FOUND = frozenset(
    {f"flyte_{name}" for name in ("labels", "execution_cluster_labels", "default_execution_label", "cluster_enabled", "cluster_name")}
    | {f"flyte_{name}" for name in ("values_files", "values", "user_settings", "allow_unknown_variables")}
)
#: of kubeClientConfig: variable and the number in its text
_CLIENT = {"qps": "flyte_kube_client_qps", "burst": "flyte_kube_client_burst", "timeout": "flyte_kube_client_timeout"}


@dataclasses.dataclass
class Draft:
    """An inventory in the making. It holds secrets until they are taken apart."""

    control: str
    planes: list[str] = dataclasses.field(default_factory=list)
    site: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    #: variables of the groups of the control plane and of the data planes
    groups: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    hosts: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    #: by host and variable; the host is "" for variables of the site, the variable "" for what concerns the whole host
    comments: dict[tuple[str, str], list[str]] = dataclasses.field(default_factory=dict)
    #: where each data plane was found, None where it was not
    found: dict[str, FoundCluster | None] = dataclasses.field(default_factory=dict)

    def read(self, host: str, name: str) -> t.Any:
        """Return a variable of a host as Ansible would."""
        group = self.groups.get(CONTROL_GROUP if host == self.control else PLANES_GROUP, {})
        for scope in (self.hosts.get(host, {}), group, self.site):
            if name in scope:
                return scope[name]
        return None

    def say(self, host: str, variable: str, *texts: str) -> None:
        """Add comments."""
        self.comments.setdefault((host, variable), []).extend(texts)


def cluster_draft(
    control: FoundControlPlane, planes: Mapping[str, tuple[FoundCluster, str]], given: Callable[[str], Mapping[str, t.Any]], host_variables: t.Collection[str]
) -> Draft:
    """Return a draft with all clusters: how they are reached, what they are called, their releases.

    :param planes: of :func:`planes.found_planes`.
    :param given: returns what the inventory of accesses says of a host.
    :param host_variables: the names of those that are one host's own.
    """
    draft = Draft(control.host)
    draft.site = {name: value for name, value in given(control.host).items() if name not in host_variables and name not in _FOUND}
    draft.hosts[control.host] = {name: value for name, value in given(control.host).items() if name in host_variables and name not in _FOUND}
    _release_variables(draft, control.host, control)
    for entry in control.clusters.get("clusterConfigs") or []:
        name = str(entry["name"])
        if entry.get("inCluster"):
            draft.site["flyte_control_plane_runs_workflows"] = True
            draft.hosts[control.host] |= {"flyte_cluster_name": name} if name != control.host else {}
            draft.hosts[control.host] |= {} if entry.get("enabled") is True else {"flyte_cluster_enabled": False}
            continue
        cluster, how = planes.get(name, (None, ""))
        host = _host_of(name, cluster, draft)
        own = {key: value for key, value in given(cluster.host).items() if key in host_variables and key not in _FOUND} if cluster else {}
        draft.planes.append(host)
        draft.hosts[host], draft.found[host] = own, cluster
        _plane_variables(draft, host, entry, cluster, how, control.credentials.get(name))
    _hoist(draft, host_variables)
    return draft


def _host_of(name: str, cluster: FoundCluster | None, draft: Draft) -> str:
    """Return the name of a data plane's host: that of clusterConfigs, where it can be one."""
    if _HOST_NAME.fullmatch(name) and name not in (draft.control, *draft.planes):
        return name
    return cluster.host if cluster and cluster.host not in (draft.control, *draft.planes) else f"plane_{len(draft.planes) + 1}"


def _release_variables(draft: Draft, host: str, cluster: FoundCluster) -> None:
    release, own = cluster.release, draft.hosts[host]
    namespace = cluster.namespace or (release.namespace if release else None)
    if namespace and namespace != "flyte":
        own["flyte_namespace"] = namespace
    if release and release.name != _DEFAULT_RELEASES[host == draft.control]:
        own["flyte_release_name"] = release.name
    elif release is None and cluster.error:
        own["flyte_release_name"] = change_me("the name of its Helm release; the cluster did not answer when this was written")
        draft.say(host, "", f"It did not answer: {cluster.error['message']}. Its release and values are not known: adopt again once it does.")
    elif release is None:
        what = "flyteadmin" if host == draft.control else "flytepropeller"
        own["flyte_release_name"] = change_me(f"no Helm release has the Deployment {what}: the name of the one that is to have it")
        draft.say(host, "flyte_release_name", "Helm takes over objects that it did not make only with its own labels and annotations on them.")
    for other in cluster.others:
        draft.say(
            host, "", f"Helm has a release {other} of this chart there, too: its objects are not this one's. Look at it (helm -n {namespace} status {other})."
        )


def _plane_variables(draft: Draft, host: str, entry: Mapping[str, t.Any], cluster: FoundCluster | None, how: str, credential: Credential | None) -> None:
    name, endpoint, own = str(entry["name"]), entry.get("endpoint"), draft.hosts[host]
    if name != host:
        own["flyte_cluster_name"] = name
    if entry.get("enabled") is not True:
        own["flyte_cluster_enabled"] = False
        draft.say(host, "flyte_cluster_enabled", *([] if "enabled" in entry else ["'enabled' is left out in clusterConfigs, which means false."]))
    if cluster is None:
        own["flyte_kube_context"] = change_me(f"how the cluster at {endpoint} is reached, none of the given ones is it")
        own["flyte_api_endpoint"] = endpoint
    else:
        draft.say(host, "", f"Found as {cluster.host}, by {how}.")
        if normal_endpoint(cluster.server) != normal_endpoint(endpoint):
            own["flyte_api_endpoint"] = endpoint
        _release_variables(draft, host, cluster)
    own |= _client_settings(entry.get("kubeClientConfig") or {})
    _credential_variables(draft, host, cluster, credential)


def _client_settings(given: Mapping[str, t.Any]) -> dict[str, int]:
    found = {}
    for key, variable in _CLIENT.items():
        number = re.fullmatch(r"(\d+)s?", str(given.get(key) or ""))
        if number and int(number.group(1)) > 0:
            found[variable] = int(number.group(1))
    return found


def _credential_variables(draft: Draft, host: str, cluster: FoundCluster | None, credential: Credential | None) -> None:
    name = draft.hosts[host].get("flyte_cluster_name", host)
    if credential is None or not credential.token_key:
        draft.say(host, "", "flyteadmin mounts no Secret at its tokenPath.")
        return
    said = f"Its token is the key {located_text(credential.token_key)}"
    if cluster and credential.token:
        secret = next((secret for secret, found in cluster.tokens.items() if found == credential.token), None)
        said += f", of the Secret {secret} there" if secret else ", which is no token of the account flyteadmin there (any more)"
    elif not credential.token:
        said += ", which is not there"
    draft.say(host, "", said + ".")
    if credential.token_key != f"cluster-credentials/{name}_token":
        draft.say(host, "", f"It will be stored as cluster-credentials/{name}_token; the key of before stays.")
    if cluster and credential.ca_cert and cluster.ca and credential.ca != cluster.ca and credential.token in cluster.tokens.values():
        draft.hosts[host]["flyte_api_ca_cert"] = credential.ca_cert
        draft.say(host, "flyte_api_ca_cert", "flyteadmin trusts another CA for this endpoint than the cluster's own.")


def _hoist(draft: Draft, host_variables: t.Collection[str]) -> None:
    """Put what all hosts have alike to the site, and what all data planes have alike to their group."""
    everybody = [draft.control, *draft.planes]
    for name in sorted(host_variables):
        values = [draft.hosts[host].get(name) for host in everybody]
        if len(everybody) > 1 and values[0] is not None and all(value == values[0] for value in values):
            draft.site[name] = values[0]
            for host in everybody:
                del draft.hosts[host][name]
        elif name not in _ACCESS and len(draft.planes) > 1 and values[1] is not None and all(value == values[1] for value in values[1:]):
            draft.groups.setdefault(PLANES_GROUP, {})[name] = values[1]
            for host in draft.planes:
                del draft.hosts[host][name]


def site_variables(draft: Draft, control: FoundControlPlane, admin: FoundAdmin, labels: FoundLabels, defaults: Mapping[str, t.Any]) -> None:
    """Add what the whole site has: provider, endpoints, labels, rows, projects, domains.

    :param defaults: the chart's own values.
    """
    planes = [cluster for cluster in draft.found.values() if cluster and cluster.release]
    values = [merge([defaults, cluster.release.values]) for cluster in planes if cluster.release]
    _endpoints(draft, values)
    draft.site["flyte_labels"] = labels.labels
    draft.say("", "flyte_labels", *labels.about_labels)
    if labels.default:
        draft.site["flyte_default_execution_label"] = labels.default
    draft.site["flyte_execution_cluster_labels"] = labels.rows
    draft.say("", "flyte_execution_cluster_labels", *labels.about_rows)
    domains = list(dict.fromkeys(domain for _project, domain in admin.places))
    if domains and set(domains) != set(DEFAULT_DOMAINS):
        draft.site["flyte_domains"] = domains
    projects = sorted({project for project, _domain in admin.places} - {row["project"] for row in labels.rows})
    if projects:
        draft.site["flyte_projects"] = projects
        draft.say("", "flyte_projects", "Active projects without a label: the trust policy names their namespaces.")
    secrets = {
        next((secret for secret, token in cluster.tokens.items() if credential and token == credential.token), None)
        for host, cluster in draft.found.items()
        if cluster and (credential := control.credentials.get(str(draft.hosts[host].get("flyte_cluster_name", host))))
    }
    if len(secrets) == 1 and None not in secrets and secrets != {"flyteadmin-token"}:
        draft.site.setdefault("flyte_token_secret", secrets.pop())


def _endpoints(draft: Draft, values: Sequence[Mapping[str, t.Any]]) -> None:
    """Add what the data planes call."""
    client, catalog = "configmap.admin.admin", "configmap.catalog.catalog-cache"
    url = urllib.parse.urlsplit(str(draft.site.get("flyte_admin_url")))
    derived = as_propeller_takes_it(f"{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}") if url.hostname else None
    endpoint = _most(draft, "flyte_admin_endpoint", [resolved(lookup(each, f"{client}.endpoint"), each) for each in values])
    if endpoint and as_propeller_takes_it(endpoint) != derived:
        draft.site.setdefault("flyte_admin_endpoint", endpoint)
    insecure = _most(draft, "flyte_admin_insecure", [lookup(each, f"{client}.insecure") for each in values])
    if isinstance(insecure, bool) and insecure != (url.scheme == "http"):
        draft.site.setdefault("flyte_admin_insecure", insecure)
    cached = [each for each in values if lookup(each, f"{catalog}.type") != "noop" and lookup(each, f"{catalog}.endpoint") not in _CHARTS_CATALOG]
    address = _most(draft, "flyte_catalog_endpoint", [resolved(lookup(each, f"{catalog}.endpoint"), each) for each in cached])
    if address and "flyte_catalog_endpoint" not in draft.site:
        draft.site["flyte_catalog_endpoint"] = address
        if _most(draft, "flyte_catalog_insecure", [lookup(each, f"{catalog}.insecure") for each in cached]) is True:
            draft.site["flyte_catalog_insecure"] = True
        if endpoint and _without_scheme(address) == _without_scheme(endpoint):
            text = "This is flyteadmin's own address, as the guide has it: datacatalog is not behind that Ingress, and tasks that are to be cached fail."
            draft.say("", "flyte_catalog_endpoint", f"{text} Name datacatalog's own address, or leave it out: then nothing is cached.")


def _without_scheme(address: str) -> str:
    return address.removeprefix("dns:///")


def _most(draft: Draft, variable: str, values: Sequence[t.Any]) -> t.Any:
    """Return what most data planes have; that others have something else is said."""
    counted = collections.Counter(value for value in values if value is not None)
    if len(counted) > 1:
        draft.say("", variable, "Data planes differ in this, and get one: " + ", ".join(f"{value} ({count})" for value, count in counted.most_common()))
    return counted.most_common(1)[0][0] if counted else None


def buckets(draft: Draft, control: FoundControlPlane, defaults: Mapping[str, t.Any]) -> None:
    """Add the buckets: of the control plane's release, and of each data plane where it has others."""
    if draft.site.get("flyte_provider") == "generic":
        return  # the chart has no form for it to fill in: the values say it
    clusters: dict[str, FoundCluster | None] = {control.host: control, **draft.found}
    found = {host: _buckets_of(merge([defaults, cluster.release.values])) for host, cluster in clusters.items() if cluster and cluster.release}
    if control.host not in found or "flyte_buckets" in draft.site or "flyte_buckets" in draft.hosts[control.host]:
        return
    metadata, raw = found[control.host]
    if metadata:
        draft.site["flyte_buckets"] = [metadata]
    elif draft.site.get("flyte_provider") == "aws":
        draft.site["flyte_buckets"] = [change_me("the bucket of Flyte's metadata")]
    # The control plane's own values say nothing of the tasks' bucket where it runs none.
    raws = [own for host, (_metadata, own) in found.items() if host != control.host and own]
    raw = collections.Counter(raws).most_common(1)[0][0] if raws else raw
    if raw and raw != metadata:
        draft.site["flyte_raw_data_bucket"] = raw
    for host, (own, own_raw) in found.items():
        if host != control.host:
            draft.hosts[host] |= {"flyte_buckets": [own]} if own and own != metadata else {}
            draft.hosts[host] |= {"flyte_raw_data_bucket": own_raw} if own_raw and own_raw != (raw or metadata) else {}


def _buckets_of(values: Mapping[str, t.Any]) -> tuple[str | None, str | None]:
    metadata = resolved(lookup(values, "storage.bucketName"), values)
    prefix = resolved(lookup(values, "configmap.core.propeller.rawoutput-prefix"), values)
    raw = prefix.partition("://")[2].rstrip("/") if prefix else None
    return tuple(None if not name or "<" in name else name for name in (metadata, raw))  # type: ignore[return-value]
