# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the settings of the site and of each cluster have to be. No I/O."""

from __future__ import annotations

import re
import typing as t

from .._clusters.client import has_explicit_access
from .._common.text import nearest
from .keys import key_problem
from .reader import NOT_SHOWN
from .urls import check_host_urls, check_site_urls
from .variables import ACCESS_VARIABLES, EKS_REQUIRED, options_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .reader import Reader
    from .site import Cluster

PROVIDERS = ("aws", "gcp", "generic")
#: weights of a label may miss 1 by this much, for thirds written with four digits
WEIGHT_TOLERANCE = 1e-3
_IDENTIFIER = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_SERVICE_ACCOUNT = re.compile(r"[a-z]([-a-z0-9]{4,28}[a-z0-9])@[a-z][-a-z0-9.:]*\.iam\.gserviceaccount\.com")
_RELEASE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def is_identifier(name: t.Any) -> bool:
    """Return whether this can be the name of a project or a domain: namespaces are named after both."""
    return isinstance(name, str) and bool(_IDENTIFIER.fullmatch(name))


def check_settings(reader: Reader, host: str, settings: dict[str, t.Any]) -> None:
    if settings["flyte_provider"] is None and not any(fault.variable == "flyte_provider" for fault in reader.faults):
        reader.fault(host, "flyte_provider", None, f"is required: one of {', '.join(PROVIDERS)}.")
    url = settings["flyte_admin_url"]
    if url is None:
        reader.fault(host, "flyte_admin_url", None, "is required: the URL of flyteadmin, for example https://flyte.example.com.")
    else:
        settings["flyte_admin_url"] = url.rstrip("/")
    check_site_urls(reader, host)
    _check_kubernetes_name(reader, host, "flyte_token_secret", settings["flyte_token_secret"])
    for name in ("flyte_projects", "flyte_domains", "flyte_execution_cluster_labels_purge", "flyte_canary_projects"):
        for value in settings[name] or []:
            if not is_identifier(value):
                reader.fault(host, name, value, "has to be lower-case letters, digits and '-': namespaces are named after it.")
    _check_canary(reader, host, settings)
    if settings["flyte_provider"] == "aws" and settings["flyte_iam_manage"]:
        _check_aws(reader, host, settings)
    _check_role_arns(reader, host, settings, ("flyte_control_plane_role_arn", "flyte_data_plane_role_arn"))
    _check_gcp(reader, host, settings)


def _check_canary(reader: Reader, host: str, settings: Mapping[str, t.Any]) -> None:
    project, domain = settings["flyte_canary_project"], settings["flyte_canary_domain"]
    known = [str(name) for name in settings["flyte_domains"]]
    if project is not None and not is_identifier(project):
        reader.fault(host, "flyte_canary_project", project, "is no name of a project: lower-case letters, digits and '-'.")
    if project is not None and domain not in known:
        reader.fault(host, "flyte_canary_domain", domain, f"is none of flyte_domains: {', '.join(known)}.{nearest(domain, known)}")


def _check_gcp(reader: Reader, host: str, settings: Mapping[str, t.Any]) -> None:
    accounts = {f"flyte_gcp_{plane}_service_account": settings[f"flyte_gcp_{plane}_service_account"] for plane in ("control_plane", "data_plane")}
    for domain, account in settings["flyte_gcp_domain_service_accounts"].items():
        accounts[f"flyte_gcp_domain_service_accounts.{domain}"] = account
        if domain not in settings["flyte_domains"]:
            known = [str(name) for name in settings["flyte_domains"]]
            reader.fault(host, "flyte_gcp_domain_service_accounts", domain, f"is none of flyte_domains: {', '.join(known)}.{nearest(domain, known)}")
    for name, account in accounts.items():
        if account is not None and not _SERVICE_ACCOUNT.fullmatch(str(account)):
            reader.fault(host, name, account, "has to be a Google service account, for example NAME@PROJECT.iam.gserviceaccount.com.")


def _check_kubernetes_name(reader: Reader, host: str, variable: str, value: str) -> None:
    if not _IDENTIFIER.fullmatch(value) or len(value) > 63:
        reader.fault(host, variable, value, "has to be a Kubernetes name: at most 63 lower-case letters, digits and '-'.")


def _check_aws(reader: Reader, host: str, settings: dict[str, t.Any]) -> None:
    if not settings["flyte_aws_region"]:
        reader.fault(host, "flyte_aws_region", None, "is required with flyte_provider aws: the region of the EKS clusters, for example us-east-2.")
    for name in ("flyte_iam_control_plane_role", "flyte_iam_data_plane_role", "flyte_iam_policy_name"):
        if not _ROLE_NAME.fullmatch(settings[name]):
            reader.fault(host, name, settings[name], "has to be an IAM name: at most 64 letters, digits and +=,.@-_.")
    if settings["flyte_iam_domain_roles"]:
        for domain in settings["flyte_domains"]:
            name = f"{settings['flyte_iam_data_plane_role']}-{domain}"
            if len(name) > 64:
                remedy = f"is too long: the role of the domain {domain} would be {name}, of more than 64 characters."
                reader.fault(host, "flyte_iam_data_plane_role", settings["flyte_iam_data_plane_role"], remedy)


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
    for path in values["flyte_values_files"]:
        if not isinstance(path, str) or not path.strip() or "\0" in path:
            reader.fault(host, "flyte_values_files", path, "has to be the path of a values file, absolute or relative to the inventory.")
    _check_role_arns(reader, host, values, ("flyte_eks_assume_role_arn", "flyte_eks_role_arn", "flyte_eks_node_role_arn"))
    _check_eks(reader, host, is_control_plane, values)
    if settings["flyte_provider"] == "aws" and settings["flyte_iam_manage"] and not values["flyte_eks_cluster"]:
        remedy = "is required with flyte_provider aws: the EKS cluster whose OIDC issuer the roles trust. Or set flyte_iam_manage: false."
        reader.fault(host, "flyte_eks_cluster", None, remedy)


def _check_role_arns(reader: Reader, host: str, values: Mapping[str, t.Any], names: Sequence[str]) -> None:
    for name in names:
        if values[name] and not _ROLE_ARN.fullmatch(values[name]):
            reader.fault(host, name, values[name], "has to be the ARN of an IAM role, for example arn:aws:iam::123456789012:role/NAME.")


def _check_eks(reader: Reader, host: str, is_control_plane: bool, values: Mapping[str, t.Any]) -> None:
    """Check what an EKS cluster is to be created from, before anything is."""
    if not values["flyte_eks_create"]:
        return
    if is_control_plane:
        reader.fault(host, "flyte_eks_create", True, "creates data planes only: flyteadmin's database and ingress belong to the control plane's cluster.")
    for name in ("flyte_eks_cluster", *EKS_REQUIRED):
        if not values[name]:
            reader.fault(host, name, values[name], "is required with flyte_eks_create: true.")
    if values["flyte_eks_subnets"] and len(values["flyte_eks_subnets"]) < 2:
        reader.fault(host, "flyte_eks_subnets", values["flyte_eks_subnets"], "has to be at least two private subnets, in different availability zones.")
    low, desired, high = (values[f"flyte_eks_nodes_{name}"] for name in ("min", "desired", "max"))
    if not low <= desired <= high:
        sizes = {"min": low, "desired": desired, "max": high}
        reader.fault(host, "flyte_eks_nodes_desired", sizes, "has to lie between flyte_eks_nodes_min and flyte_eks_nodes_max.")


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
        key = (*(str(access.get(option)) for option in ("kubeconfig", "context", "host")), cluster.namespace)
        if key in by_access:
            # A kubeconfig may be given by its content, a URL may hold a password.
            names = ("flyte_kube_context", "flyte_kube_host", "flyte_kubeconfig", "flyte_eks_cluster")
            variable = next(name for name in names if reader.raw(cluster.host, name))
            where = access["context"] if variable == "flyte_kube_context" else NOT_SHOWN
            remedy = f"is the cluster of {by_access[key]} already: each host needs a cluster, or a flyte_namespace in it, of its own."
            reader.fault(cluster.host, variable, where, remedy)
        else:
            by_access[key] = cluster.host
