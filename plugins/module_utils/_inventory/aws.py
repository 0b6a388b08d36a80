# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the variables of AWS have to be: regions, roles, EKS clusters and what they are created from. No I/O."""

from __future__ import annotations

import re
import typing as t

from .reader import NOT_SHOWN
from .variables import EKS_REQUIRED

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .reader import Reader
    from .site import Cluster

_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_IAM_NAME = "has to be an IAM name: at most 64 letters, digits and +=,.@-_."
_ARN = "has to be the ARN of an IAM role, for example arn:aws:iam::123456789012:role/NAME."
_LONGEST_ROLE = 64
#: the most that IAM grants on request
_LARGEST_POLICY = 8192
#: part of the host that is called; with a letter at its end it is an availability zone
_REGION = re.compile(r"(?!.*-[0-9]+[a-z]$)[a-z0-9]+(-[a-z0-9]+)*")
#: what a name of AWS has to be, and what to say otherwise
_NAMES: dict[str, tuple[re.Pattern[str], str]] = {
    "flyte_aws_region": (_REGION, "has to be the name of a region, for example us-east-2."),
    "flyte_eks_region": (_REGION, "has to be the name of a region, for example us-east-2."),
    "flyte_eks_cluster": (
        re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}"),
        "has to be the name of an EKS cluster: at most 100 letters, digits, '-' and '_', beginning with a letter or digit.",
    ),
}
_NAMES_OF_A_NEW_CLUSTER: dict[str, tuple[re.Pattern[str], str]] = {
    "flyte_eks_version": (re.compile(r"[0-9]+\.[0-9]+"), "has to be a version of Kubernetes as EKS names it, for example '1.34'."),
    "flyte_eks_nodegroup": (re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}"), "has to be at most 63 letters, digits, '-' and '_'."),
    "flyte_eks_subnets": (re.compile(r"subnet-[0-9a-z]+"), "has to be ids of subnets, for example subnet-0123456789abcdef0."),
    "flyte_eks_instance_types": (re.compile(r"[a-z0-9-]+\.[a-z0-9-]+"), "has to be types of instances, for example t3.xlarge."),
}


def check_names(reader: Reader, host: str, values: Mapping[str, t.Any]) -> None:
    """Check what AWS has to take as a name, of those that these values have; what is not set is no fault here."""
    _check_patterns(reader, host, values, _NAMES)


def _check_patterns(reader: Reader, host: str, values: Mapping[str, t.Any], patterns: Mapping[str, tuple[re.Pattern[str], str]]) -> None:
    for name, (pattern, remedy) in patterns.items():
        given = values.get(name) or []
        for text in given if isinstance(given, list) else [given]:
            if not pattern.fullmatch(text):
                reader.fault(host, name, text, remedy)


def check_iam(reader: Reader, host: str, settings: Mapping[str, t.Any]) -> None:
    """Check what IAM is given."""
    if not settings["flyte_aws_region"]:
        reader.fault(host, "flyte_aws_region", None, "is required with flyte_provider aws: the region of the EKS clusters, for example us-east-2.")
    for name in ("flyte_iam_control_plane_role", "flyte_iam_policy_name"):
        if not _ROLE_NAME.fullmatch(settings[name]):
            reader.fault(host, name, settings[name], _IAM_NAME)
    limit = settings["flyte_iam_policy_size_limit"]
    if limit > _LARGEST_POLICY:
        reader.fault(host, "flyte_iam_policy_size_limit", limit, f"is more than IAM grants on request: at most {_LARGEST_POLICY}.")


def check_aws_login(reader: Reader, host: str) -> None:
    """Check who asks AWS: what is given twice, or by half, would be refused by boto3, in its own words."""
    profile, key, secret = (reader.raw(host, f"flyte_aws_{name}") for name in ("profile", "access_key", "secret_key"))
    if profile and key:
        reader.fault(host, "flyte_aws_profile", profile, "stands beside flyte_aws_access_key: give one.")
    if key and not secret:
        reader.fault(host, "flyte_aws_access_key", NOT_SHOWN, "needs flyte_aws_secret_key.")


def check_plane_roles(reader: Reader, clusters: Sequence[Cluster], settings: Mapping[str, t.Any]) -> None:
    """Check the data-plane role of each cluster; what is wrong for many is said once.

    :param clusters: those that workflows run on.
    """
    first: dict[str, Cluster] = {}
    for cluster in clusters:
        if cluster.role_arn and not _ROLE_ARN.fullmatch(cluster.role_arn) and cluster.role_arn not in first:
            reader.fault(cluster.host, "flyte_data_plane_role_arn", cluster.role_arn, _ARN)
        first.setdefault(cluster.role_arn or "", cluster)
    if settings["flyte_provider"] != "aws":
        return
    if settings["flyte_iam_manage"]:
        _check_own_names(reader, clusters, settings)
    if settings["flyte_sync"] == "data_plane" or settings["flyte_iam_mode"] == "pod_identity":
        return
    for name, variable in (("role_arn", "flyte_data_plane_role_arn"), *([("role", "flyte_iam_data_plane_role")] if settings["flyte_iam_manage"] else [])):
        for cluster in clusters:
            if getattr(cluster, name) != getattr(clusters[0], name):
                remedy = f"is another role than that of {clusters[0].host}, and the control plane's syncresources writes one into all data planes"
                reader.fault(cluster.host, variable, getattr(cluster, name), f"{remedy}: set flyte_sync: data_plane.")


def _check_own_names(reader: Reader, clusters: Sequence[Cluster], settings: Mapping[str, t.Any]) -> None:
    """Check that the names are some, and that no two roles are one: each would be given the trust policy of the other."""
    variable = "flyte_iam_data_plane_role"
    roles = {settings["flyte_iam_control_plane_role"]: "the control plane's role"}
    for base, host in {cluster.role: cluster.host for cluster in reversed(clusters)}.items():
        if not _ROLE_NAME.fullmatch(base):
            reader.fault(host, variable, base, _IAM_NAME)
        for name in (base, *(f"{base}-{domain}" for domain in settings["flyte_domains"] if settings["flyte_iam_domain_roles"])):
            if len(name) > _LONGEST_ROLE and name != base:
                reader.fault(host, variable, base, f"is too long: the role of the domain {name[len(base) + 1:]} would be {name}, of more than 64 characters.")
            if name in roles:
                reader.fault(host, variable, base, f"makes a role {name}, which is {roles[name]} already: take another name.")
            roles[name] = "a data plane's role"


def check_role_arns(reader: Reader, host: str, values: Mapping[str, t.Any], names: Sequence[str]) -> None:
    """Check what has to be the ARN of a role."""
    for name in names:
        if values[name] and not _ROLE_ARN.fullmatch(values[name]):
            reader.fault(host, name, values[name], _ARN)


def check_eks(reader: Reader, host: str, is_control_plane: bool, values: Mapping[str, t.Any]) -> None:
    """Check what an EKS cluster is to be created from, before anything is."""
    if not values["flyte_eks_create"]:
        return
    _check_patterns(reader, host, values, _NAMES_OF_A_NEW_CLUSTER)
    if is_control_plane:
        reader.fault(host, "flyte_eks_create", True, "creates data planes only: flyteadmin's database and ingress belong to the control plane's cluster.")
    for name in ("flyte_eks_cluster", *EKS_REQUIRED, "flyte_eks_instance_types"):
        if not values[name]:
            reader.fault(host, name, values[name], "is required with flyte_eks_create: true.")
    if values["flyte_eks_subnets"] and len(set(values["flyte_eks_subnets"])) < 2:
        reader.fault(host, "flyte_eks_subnets", values["flyte_eks_subnets"], "has to be at least two private subnets, in different availability zones.")
    low, desired, high = (values[f"flyte_eks_nodes_{name}"] for name in ("min", "desired", "max"))
    if not low <= desired <= high:
        sizes = {"min": low, "desired": desired, "max": high}
        reader.fault(host, "flyte_eks_nodes_desired", sizes, "has to lie between flyte_eks_nodes_min and flyte_eks_nodes_max.")
