# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that are given and, beside the others that are given, never read: who set one believes that it works. No I/O.

What somebody turned off explicitly (``flyte_iam_manage: false``, ``flyte_eks_create: false``) leaves what belongs to it unread knowingly, and what belongs to a
canary waits for ``-e flyte_canary_workflow``: neither is a fault. A host's variable is none either where another host reads the same value, from a
group of both.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .kinds import converted
from .reader import NOT_SHOWN
from .variables import CONNECTION_VARIABLES

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .reader import Reader
    from .variables import Variable, Variables

_AWS = "flyte_provider is not aws"
_ASSOCIATED = "with flyte_iam_mode: pod_identity accounts take the roles of their associations, flyte_iam_control_plane_role and flyte_iam_data_plane_role"
_NO_FORM = "flyte_provider is generic, for which the chart has no form to fill in: name it in flyte_values"
_GCP_ACCOUNTS = "flyte_provider is gcp: set flyte_gcp_control_plane_service_account and flyte_gcp_data_plane_service_account"
_CREATION = ("version", "role_arn", "node_role_arn", "subnets", "security_groups", "nodegroup", "instance_types", "nodes_min", "nodes_max", "nodes_desired")


class _Host:
    """What a host is given. Values may be secrets."""

    def __init__(self, reader: Reader, host: str, *, is_control_plane: bool, variables: Variables) -> None:
        self.host, self.is_control_plane = host, is_control_plane
        self._raw = reader.raw
        self._known = {**variables.site, **variables.host, **variables.site_connection, **variables.host_connection}

    def __getitem__(self, name: str) -> t.Any:
        """Return a variable, its default where it is not set, or not of its type, which is said elsewhere."""
        variable, value = self._known[name], self._raw(self.host, name)
        taken = None if value is None else converted(value, variable.kind)
        return variable.default if taken is None else taken

    def sets(self, name: str) -> bool:
        """Return whether a variable is given at all."""
        return self._raw(self.host, name) is not None

    def wants(self, name: str) -> bool:
        """Return whether a variable says something else than what holds without it."""
        variable: Variable = self._known[name]
        return self.sets(name) and self[name] not in (variable.default, "", [], {})

    def is_http(self, name: str) -> bool:
        """Return whether a URL is one without TLS."""
        return isinstance(self[name], str) and self[name].lower().startswith("http://")


@dataclasses.dataclass(frozen=True)
class _Rule:
    """Variables, when they are not read, and why: the end of a sentence that begins with "has no effect"."""

    names: tuple[str, ...]
    unread: t.Callable[[_Host, _Host], bool]
    why: str


def _named(prefix: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{prefix}{name}" for name in names)


def _no_aws(_host: _Host, site: _Host) -> bool:
    return bool(site["flyte_provider"] != "aws")


def _gcp(_host: _Host, site: _Host) -> bool:
    return bool(site["flyte_provider"] == "gcp")


def _pod_identity(site: _Host) -> bool:
    return bool(site["flyte_provider"] == "aws" and site["flyte_iam_mode"] == "pod_identity" and site["flyte_iam_manage"])


def _plain_admin(site: _Host) -> bool:
    """Return whether nothing that this collection calls for flyteadmin has TLS, as far as the inventory says."""
    return site.is_http("flyte_admin_url") and not site.sets("flyte_client_id") and not site.sets("flyte_token_url")


#: of the whole site; each is given its host twice
_OF_THE_SITE = (
    _Rule(("flyte_catalog_insecure",), lambda _h, site: not site["flyte_catalog_endpoint"], "flyte_catalog_endpoint is not set"),
    _Rule(
        _named("flyte_iam_", "mode", "domain_roles", "compact", "prune", "wildcard", "policy_name", "control_plane_role", "policy_size_limit"),
        _no_aws,
        _AWS,
    ),
    _Rule(
        _named("flyte_iam_", "compact", "wildcard"),
        lambda _h, site: _pod_identity(site),
        "with flyte_iam_mode: pod_identity no trust policy names accounts: each project-domain of flyte_projects has an association of its own",
    ),
    _Rule(
        ("flyte_control_plane_role_arn",),
        lambda _h, site: _pod_identity(site),
        _ASSOCIATED,
    ),
    _Rule(("flyte_control_plane_role_arn",), _gcp, _GCP_ACCOUNTS),
    _Rule(
        _named("flyte_gcp_", "control_plane_service_account", "data_plane_service_account", "domain_service_accounts"),
        lambda _h, site: site["flyte_provider"] != "gcp",
        "flyte_provider is not gcp",
    ),
    _Rule(_named("flyte_aws_", "region", "profile", "endpoint_url", "access_key", "secret_key", "session_token"), _no_aws, _AWS),
    _Rule(("flyte_aws_secret_key", "flyte_aws_session_token"), lambda _h, site: not site["flyte_aws_access_key"], "flyte_aws_access_key is not set"),
    _Rule(
        ("flyte_client_secret", "flyte_client_secret_file", "flyte_token_url", "flyte_token_scopes", "flyte_token_audience"),
        lambda _h, site: not site["flyte_client_id"],
        "flyte_client_id is not set: nobody logs in",
    ),
    _Rule(
        ("flyte_authorization_header",),
        lambda _h, site: not any(map(site.sets, ("flyte_client_id", "flyte_admin_token", "flyte_admin_token_file"))),
        "none of flyte_client_id, flyte_admin_token and flyte_admin_token_file is set: nobody logs in",
    ),
    _Rule(
        ("flyte_token_lifetime", "flyte_token_renew_interval"),
        lambda _h, site: site["flyte_token_kind"] != "bounded",
        "it is of tokens that end: flyte_token_kind is not bounded",
    ),
    _Rule(("flyte_admin_client_key",), lambda _h, site: not site["flyte_admin_client_cert"], "flyte_admin_client_cert is not set"),
    _Rule(
        ("flyte_admin_validate_certs", "flyte_admin_client_cert"),
        lambda _h, site: _plain_admin(site),
        "flyte_admin_url is http, where there are no certificates: make it https",
    ),
    _Rule(
        ("flyte_admin_ca_cert",),
        lambda _h, site: _plain_admin(site) and (site["flyte_admin_insecure"] is not False),
        "flyte_admin_url is http, and the data planes call it without TLS, too: make it https, or set flyte_admin_insecure: false",
    ),
)
#: of one host
_OF_A_HOST = (
    _Rule(("flyte_iam_data_plane_role",), _no_aws, _AWS),
    _Rule(("flyte_data_plane_role_arn",), lambda _h, site: _pod_identity(site), _ASSOCIATED),
    _Rule(("flyte_data_plane_role_arn",), _gcp, _GCP_ACCOUNTS),
    _Rule(
        ("flyte_iam_data_plane_role", "flyte_data_plane_role_arn"),
        lambda host, site: host.is_control_plane and not site["flyte_control_plane_runs_workflows"],
        "it is of data planes: the control plane's accounts take flyte_iam_control_plane_role, or flyte_control_plane_role_arn",
    ),
    _Rule(("flyte_dataplane_rbac",), lambda host, _s: host.is_control_plane, "it is of data planes: in its own cluster flyteadmin keeps the chart's rights"),
    _Rule(
        ("flyte_api_endpoint", "flyte_api_ca_cert", "flyte_kube_client_timeout", "flyte_kube_client_qps", "flyte_kube_client_burst", "flyte_probe_from"),
        lambda host, _s: host.is_control_plane,
        "it is of data planes: flyteadmin calls its own cluster from within",
    ),
    _Rule(("flyte_propeller_ca_cert",), lambda host, _s: host.is_control_plane, "it is of data planes: here flytepropeller calls flyteadmin in the cluster"),
    _Rule(
        ("flyte_cluster_enabled", "flyte_cluster_name", "flyte_log_links"),
        lambda host, site: host.is_control_plane and not site["flyte_control_plane_runs_workflows"],
        "the control plane runs no workflows: flyte_control_plane_runs_workflows is not true",
    ),
    _Rule(("flyte_raw_data_bucket",), lambda _h, site: site["flyte_provider"] == "generic", _NO_FORM),
    _Rule(
        ("flyte_raw_data_bucket",),
        lambda host, site: host.is_control_plane and _gcp(host, site) and not site["flyte_control_plane_runs_workflows"],
        "it is what tasks write, and the control plane runs no workflows: flyte_control_plane_runs_workflows is not true",
    ),
    _Rule(("flyte_eks_cluster", "flyte_eks_region", "flyte_eks_assume_role_arn", "flyte_eks_create"), _no_aws, _AWS),
    _Rule(_named("flyte_eks_", "region", "assume_role_arn"), lambda host, _s: not host["flyte_eks_cluster"], "flyte_eks_cluster is not set"),
    _Rule(
        _named("flyte_eks_", *_CREATION), lambda host, _s: not host.sets("flyte_eks_create"), "only clusters with flyte_eks_create: true are created from it"
    ),
    _Rule(("flyte_kube_client_key",), lambda host, _s: not host["flyte_kube_client_cert"], "flyte_kube_client_cert is not set"),
    _Rule(
        ("flyte_kube_ca_cert",), lambda host, _s: host["flyte_kube_validate_certs"] is False, "flyte_kube_validate_certs is false: no certificate is verified"
    ),
    _Rule(
        ("flyte_kube_ca_cert", "flyte_kube_client_cert", "flyte_kube_validate_certs"),
        lambda host, _s: host.is_http("flyte_kube_host"),
        "flyte_kube_host is http, where there are no certificates: make it https",
    ),
    _Rule(
        ("flyte_kube_username", "flyte_kube_password"), lambda host, _s: bool(host["flyte_kube_api_key"]), "flyte_kube_api_key is what logs in: give one"
    ),
)
_PROBE = ("flyte_probe_image", "flyte_probe_timeout")


def check_unread(reader: Reader, control_plane: str, planes: Sequence[str], variables: Variables) -> None:
    """Note a fault for each variable that is given and not read, of those with which nothing else is wrong."""
    site = _Host(reader, control_plane, is_control_plane=True, variables=variables)
    hosts = [site, *(_Host(reader, plane, is_control_plane=False, variables=variables) for plane in planes)]
    for rule in _OF_THE_SITE:
        for name in rule.names:
            if site.wants(name) and rule.unread(site, site):
                _note(reader, control_plane, name, site[name], rule.why)
    if not any(host["flyte_probe_from"] == "control_plane" for host in hosts[1:]):
        for name in filter(site.wants, _PROBE):
            _note(reader, control_plane, name, site[name], "no data plane has flyte_probe_from: control_plane")
    for rule in _OF_A_HOST:
        for name, host in _unread(rule, hosts, site):
            _note(reader, host.host, name, host[name], rule.why)
    _check_buckets(reader, hosts, site)


def _check_buckets(reader: Reader, hosts: Sequence[_Host], site: _Host) -> None:
    """Note the buckets that nobody reads: the chart's forms have the first one, IAM's policy has all, and whether the first ones differ says storage."""
    if site["flyte_provider"] == "aws":
        return
    named = [host for host in hosts if host.wants("flyte_buckets")]
    if site["flyte_provider"] == "generic" and len({str(host["flyte_buckets"][0]) for host in named}) == 1:
        _note(reader, named[0].host, "flyte_buckets", named[0]["flyte_buckets"], _NO_FORM)
    said: list[t.Any] = []
    for host in named:
        more = host["flyte_buckets"][1:]
        if more and more not in said:
            said.append(more)
            _note(reader, host.host, "flyte_buckets", more, "only the first bucket is read: the others are for IAM's policy, and flyte_provider is not aws")


def _unread(rule: _Rule, hosts: Sequence[_Host], site: _Host) -> Iterator[tuple[str, _Host]]:
    """Yield the variables of a rule that a host has and does not read; of those that all hosts have from one group, the first host's."""
    unread = [host for host in hosts if rule.unread(host, site)]
    for name in rule.names:
        read = [host[name] for host in hosts if host not in unread and host.wants(name)]
        said: list[t.Any] = []
        for host in unread:
            if host.wants(name) and host[name] not in (*read, *said):
                said.append(host[name])
                yield name, host


def _note(reader: Reader, host: str, name: str, value: t.Any, why: str) -> None:
    if not reader.has_fault(host, name):
        reader.fault(host, name, NOT_SHOWN if name in CONNECTION_VARIABLES else value, f"has no effect: {why}.")
