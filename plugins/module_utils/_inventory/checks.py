# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the settings of the site and of each cluster have to be. No I/O."""

from __future__ import annotations

import posixpath
import re
import typing as t

from .._clusters.client import has_explicit_access
from .._common.text import nearest
from .._helm.configuration import SECRET_NAME
from .._helm.identity import AUTH_SECRET
from .aws import check_aws_login, check_eks, check_iam, check_names, check_role_arns
from .endpoints import called_twice
from .keys import key_problem, reads_otherwise
from .reader import NOT_SHOWN
from .urls import as_called, check_host_urls, check_site_urls
from .user_settings import check_user_settings
from .variables import ACCESS_VARIABLES, options_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .reader import Reader
    from .site import Cluster

#: how the namespaces begin that are Kubernetes' own
KUBERNETES_OWN = "kube-"
PROVIDERS = ("aws", "gcp", "generic")
#: weights of a label may miss 1 by this much, for thirds written with four digits
WEIGHT_TOLERANCE = 1e-3
#: what flyte-core, or this collection, has in the namespace of a release
_TAKEN_SECRETS = frozenset({SECRET_NAME, AUTH_SECRET, "db-pass", "flyte-admin-secrets", "flyte-pod-webhook"})
IDENTIFIER = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_OTHERWISE = "is a number, a date or a word like 'true' for YAML, where the chart writes it without quotes: take another name, with a letter in front."
#: it stands in the name of a folder
_VERSION = re.compile(r"[A-Za-z0-9^~<>=*][A-Za-z0-9.+*^~<>=|,_ -]{0,99}")
_DOMAINS = "flyte_gcp_domain_service_accounts"
_SERVICE_ACCOUNT = re.compile(r"[a-z]([-a-z0-9]{4,28}[a-z0-9])@[a-z][-a-z0-9.:]*\.iam\.gserviceaccount\.com")
_RELEASE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def is_identifier(name: t.Any) -> bool:
    """Return whether this can be the name of a project or a domain: namespaces are named after both."""
    return isinstance(name, str) and len(name) <= 63 and bool(IDENTIFIER.fullmatch(name))


def check_settings(reader: Reader, host: str, settings: dict[str, t.Any]) -> None:
    if settings["flyte_provider"] is None and not reader.has_fault(host, "flyte_provider"):
        reader.fault(host, "flyte_provider", None, f"is required: one of {', '.join(PROVIDERS)}.")
    url = settings["flyte_admin_url"]
    if url is not None:
        settings["flyte_admin_url"] = url.rstrip("/")
    elif not reader.has_fault(host, "flyte_admin_url"):
        reader.fault(host, "flyte_admin_url", None, "is required: the URL of flyteadmin, for example https://flyte.example.com.")
    check_site_urls(reader, host)
    _check_kubernetes_name(reader, host, "flyte_token_secret", settings["flyte_token_secret"])
    if settings["flyte_token_secret"] in _TAKEN_SECRETS:
        reader.fault(host, "flyte_token_secret", settings["flyte_token_secret"], "is a Secret of Flyte's own, which is no token: take another name.")
    version = settings["flyte_chart_version"]
    if version and not _VERSION.fullmatch(version):
        reader.fault(host, "flyte_chart_version", version, "has to be a version of the chart, or a range of them as Helm takes it, for example v1.16.8.")
    for name in ("flyte_projects", "flyte_domains", "flyte_execution_cluster_labels_purge", "flyte_canary_projects"):
        for value in settings[name] or []:
            if not is_identifier(value):
                reader.fault(host, name, value, "has to be at most 63 lower-case letters, digits and '-': namespaces are named after it.")
    for domain in settings["flyte_domains"]:
        if is_identifier(domain) and reads_otherwise(domain):
            reader.fault(host, "flyte_domains", domain, _OTHERWISE)
    _check_canary(reader, host, settings)
    _check_sync(reader, host, settings)
    if settings["flyte_provider"] == "aws" and settings["flyte_iam_manage"]:
        check_iam(reader, host, settings)
    if settings["flyte_provider"] == "aws":
        check_aws_login(reader, host)
    check_names(reader, host, settings)
    check_role_arns(reader, host, settings, ("flyte_control_plane_role_arn",))
    _check_gcp(reader, host, settings)
    page = settings["flyte_status_page"]
    if page and page == settings["flyte_status_json"]:
        reader.fault(host, "flyte_status_page", page, "is the file of flyte_status_json already: give each its own.")


def _check_sync(reader: Reader, host: str, settings: Mapping[str, t.Any]) -> None:
    """Check that what writes the namespaces of tasks can."""
    if settings["flyte_sync"] != "data_plane":
        return
    if settings["flyte_control_plane_runs_workflows"]:
        remedy = (
            "leaves the control plane's own namespaces to nobody: its syncresources has flyteadmin's clusterConfigs and would go on to every data plane. "
            "Set flyte_control_plane_runs_workflows: false, or flyte_sync: control_plane."
        )
        reader.fault(host, "flyte_sync", settings["flyte_sync"], remedy)
    if settings["flyte_sync_at_start"]:
        reader.fault(host, "flyte_sync_at_start", True, "lets flyteadmin wait for what flyte_sync: data_plane leaves to each data plane: leave it out.")


def _check_canary(reader: Reader, host: str, settings: Mapping[str, t.Any]) -> None:
    project, domain = settings["flyte_canary_project"], settings["flyte_canary_domain"]
    known = [str(name) for name in settings["flyte_domains"]]
    for name in ("flyte_canary_workflow", "flyte_canary_version"):
        if re.search(r"\s", settings[name] or ""):
            reader.fault(host, name, settings[name], "must have no white space in it.")
        elif re.search(r"[/?#%]", settings[name] or ""):
            reader.fault(host, name, settings[name], "must have none of /?#% in it: it stands in the path of a URL.")
    if project is not None and not is_identifier(project):
        reader.fault(host, "flyte_canary_project", project, "is no name of a project: lower-case letters, digits and '-'.")
    if project is not None and domain not in known:
        reader.fault(host, "flyte_canary_domain", domain, f"is none of flyte_domains: {', '.join(known)}.{nearest(domain, known)}")


def _check_gcp(reader: Reader, host: str, settings: Mapping[str, t.Any]) -> None:
    accounts = {f"flyte_gcp_{plane}_service_account": settings[f"flyte_gcp_{plane}_service_account"] for plane in ("control_plane", "data_plane")}
    for domain, account in settings["flyte_gcp_domain_service_accounts"].items():
        accounts[f"{_DOMAINS}.{domain}"] = account
        if domain not in settings["flyte_domains"]:
            known = [str(name) for name in settings["flyte_domains"]]
            reader.fault(host, _DOMAINS, domain, f"is none of flyte_domains: {', '.join(known)}.{nearest(domain, known)}")
    for name, account in accounts.items():
        # A domain that is named has to have one.
        if (account is not None or name.startswith(_DOMAINS)) and not _SERVICE_ACCOUNT.fullmatch(str(account)):
            reader.fault(host, name, account, "has to be a Google service account, for example NAME@PROJECT.iam.gserviceaccount.com.")


def _check_kubernetes_name(reader: Reader, host: str, variable: str, value: str) -> None:
    if not IDENTIFIER.fullmatch(value) or len(value) > 63:
        reader.fault(host, variable, value, "has to be a Kubernetes name: at most 63 lower-case letters, digits and '-'.")
    elif reads_otherwise(value):
        reader.fault(host, variable, value, _OTHERWISE)
    elif variable == "flyte_namespace" and value.startswith(KUBERNETES_OWN):
        reader.fault(host, variable, value, f"begins with {KUBERNETES_OWN}, as Kubernetes' own namespaces do: Flyte needs one of its own.")


def check_host(reader: Reader, host: str, is_control_plane: bool, values: Mapping[str, t.Any], settings: Mapping[str, t.Any]) -> None:
    """Check the variables of one cluster."""
    name = values["flyte_cluster_name"] or host
    problem = key_problem(name)
    if problem:
        variable = "flyte_cluster_name" if values["flyte_cluster_name"] else "inventory_hostname"
        reader.fault(host, variable, name[:80], f"the name of a cluster {problem} Set flyte_cluster_name.")
    check_host_urls(reader, host)
    _check_kubernetes_name(reader, host, "flyte_namespace", values["flyte_namespace"])
    release = values["flyte_release_name"]
    if not _RELEASE.fullmatch(release) or len(release) > 53:
        reader.fault(host, "flyte_release_name", release, "has to be a Helm release name: at most 53 lower-case letters, digits and '-'.")
    elif reads_otherwise(release):
        reader.fault(host, "flyte_release_name", release, _OTHERWISE)
    for path in values["flyte_values_files"]:
        if "://" in path:
            # It may hold a password, which would stand in the path that is made of it.
            reader.fault(host, "flyte_values_files", NOT_SHOWN, "is a URL (not shown), and has to be the path of a values file: fetch it first.")
    check_names(reader, host, values)
    check_role_arns(reader, host, values, ("flyte_eks_assume_role_arn", "flyte_eks_role_arn", "flyte_eks_node_role_arn"))
    check_eks(reader, host, is_control_plane, values)
    check_user_settings(reader, host, values, settings)
    if settings["flyte_provider"] == "aws" and settings["flyte_iam_manage"] and not values["flyte_eks_cluster"]:
        remedy = "is required with flyte_provider aws: the EKS cluster whose OIDC issuer the roles trust. Or set flyte_iam_manage: false."
        reader.fault(host, "flyte_eks_cluster", None, remedy)


def _path(kubeconfig: t.Any) -> str:
    return posixpath.normpath(kubeconfig) if isinstance(kubeconfig, str) else str(kubeconfig)


def check_clusters(reader: Reader, control_plane: Cluster, planes: Sequence[Cluster], settings: Mapping[str, t.Any]) -> None:
    by_name: dict[str, str] = {}
    by_access: dict[tuple[str, ...], str] = {}
    for cluster in (control_plane, *planes):
        named = cluster is not control_plane or settings["flyte_control_plane_runs_workflows"]
        if named and cluster.name in by_name:
            reader.fault(cluster.host, "flyte_cluster_name", cluster.name, f"is the name of {by_name[cluster.name]} already: names of clusters have to differ.")
        elif named:
            by_name[cluster.name] = cluster.host
        access = options_of(cluster.host, reader.raw, ACCESS_VARIABLES)
        if not has_explicit_access(access) and settings["flyte_provider"] == "aws" and cluster.eks_cluster:
            # Endpoint and CA come from EKS, and a token is made for each use.
            # Clusters of two accounts may have one name: the role that is taken on tells them apart.
            account = f" of {cluster.eks_assume_role_arn}" if cluster.eks_assume_role_arn else ""
            access = {"host": f"EKS {cluster.eks_region or settings['flyte_aws_region']}/{cluster.eks_cluster}{account}"}
        if not has_explicit_access(access):
            reader.fault(
                cluster.host,
                "flyte_kube_context",
                None,
                "has no explicit Kubernetes access: set flyte_kube_context, flyte_kubeconfig, flyte_kube_host with flyte_kube_api_key, or on AWS "
                "flyte_eks_cluster. "
                "Without it the cluster that is current on this machine would be changed.",
            )
            continue
        key = (_path(access.get("kubeconfig")), str(access.get("context")), as_called(str(access.get("host"))), cluster.namespace)
        if key in by_access:
            # A kubeconfig may be given by its content, a URL may hold a password.
            names = ("flyte_kube_context", "flyte_kube_host", "flyte_kubeconfig", "flyte_eks_cluster")
            variable = next(name for name in names if reader.raw(cluster.host, name))
            where = access["context"] if variable == "flyte_kube_context" and isinstance(access["context"], str) else NOT_SHOWN
            remedy = f"is the cluster of {by_access[key]} already: each host needs a cluster of its own."
            reader.fault(cluster.host, variable, where, remedy)
        else:
            by_access[key] = cluster.host
    # One of them is a copy of the other's line.
    for cluster, endpoint, first in called_twice((plane, plane.endpoint) for plane in planes):
        reader.fault(cluster.host, "flyte_api_endpoint", endpoint, f"is that of {first} already: each host needs a cluster of its own.")
