# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one edge where the inventory becomes typed objects. All faults are collected and reported together. No I/O."""

from __future__ import annotations

import dataclasses
import math
import re
import typing as t
import urllib.parse

from .._clusters import client as _kube
from .._common.text import nearest

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PROVIDERS = ("aws", "gcp", "generic")
#: weights of a label may miss 1 by this much, for thirds written with four digits
WEIGHT_TOLERANCE = 1e-3
#: a key of a Secret has at most 253 of these characters; the longest one that we make of a name ends in "_cacert"
_NAME = re.compile(r"[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?")
_NAME_LENGTH = 253 - len("_cacert")
_IDENTIFIER = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}")
_ROLE_ARN = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/\S+")
_SERVICE_ACCOUNT = re.compile(r"[a-z]([-a-z0-9]{4,28}[a-z0-9])@[a-z][-a-z0-9.:]*\.iam\.gserviceaccount\.com")
_RELEASE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


@dataclasses.dataclass(frozen=True)
class Variable:
    """An inventory variable: its type, its default, and what it has to be."""

    kind: str
    default: t.Any = None
    choices: tuple[str, ...] = ()


#: variables of the whole site, read from the control plane's host (set them for ``all``)
SITE_VARIABLES: dict[str, Variable] = {
    "flyte_provider": Variable("str", choices=PROVIDERS),
    "flyte_admin_url": Variable("str"),
    "flyte_admin_endpoint": Variable("str"),
    "flyte_admin_insecure": Variable("bool"),
    "flyte_catalog_endpoint": Variable("str"),
    "flyte_catalog_insecure": Variable("bool", False),
    "flyte_chart_ref": Variable("str", "flyte-core"),
    "flyte_chart_repo_url": Variable("str", "https://flyteorg.github.io/flyte"),
    "flyte_chart_version": Variable("str", "v1.16.8"),
    "flyte_helm_binary": Variable("str", "helm"),
    "flyte_labels": Variable("dict", {}),
    "flyte_labels_prune": Variable("bool", False),
    "flyte_execution_cluster_labels": Variable("list", []),
    "flyte_projects": Variable("list", []),
    "flyte_domains": Variable("list", ["development", "staging", "production"]),
    "flyte_control_plane_runs_workflows": Variable("bool", False),
    "flyte_token_secret": Variable("str", "flyteadmin-token"),
    "flyte_concurrency": Variable("int", 16),
    "flyte_request_timeout": Variable("int", 15),
    "flyte_wait_timeout": Variable("int", 600),
    "flyte_pending_release_timeout": Variable("int", 120),
    "flyte_execution_cluster_labels_purge": Variable("list", []),
    "flyte_strict_labels": Variable("bool", False),
    "flyte_canary_workflow": Variable("str"),
    "flyte_canary_version": Variable("str"),
    "flyte_canary_inputs": Variable("dict", {}),
    "flyte_canary_projects": Variable("list"),
    "flyte_canary_timeout": Variable("int", 600),
    "flyte_iam_manage": Variable("bool", True),
    "flyte_iam_mode": Variable("str", "irsa", ("irsa", "pod_identity")),
    "flyte_iam_wildcard": Variable("bool", False),
    "flyte_iam_domain_roles": Variable("bool", False),
    "flyte_iam_compact": Variable("bool", False),
    "flyte_iam_prune": Variable("bool", False),
    "flyte_iam_policy_name": Variable("str", "flyte-s3"),
    "flyte_iam_control_plane_role": Variable("str", "flyte-controlplane-role"),
    "flyte_iam_data_plane_role": Variable("str", "flyte-dataplane-role"),
    "flyte_control_plane_role_arn": Variable("str"),
    "flyte_data_plane_role_arn": Variable("str"),
    "flyte_iam_policy_size_limit": Variable("int", 2048),
    "flyte_gcp_control_plane_service_account": Variable("str"),
    "flyte_gcp_data_plane_service_account": Variable("str"),
    "flyte_gcp_domain_service_accounts": Variable("dict", {}),
    "flyte_buckets": Variable("list", []),
    "flyte_aws_region": Variable("str"),
    "flyte_aws_profile": Variable("str"),
    "flyte_aws_endpoint_url": Variable("str"),
}

#: variables of one host
HOST_VARIABLES: dict[str, Variable] = {
    "flyte_cluster_name": Variable("str"),
    "flyte_namespace": Variable("str", "flyte"),
    "flyte_cluster_enabled": Variable("bool", True),
    "flyte_api_endpoint": Variable("str"),
    "flyte_release_name": Variable("str"),
    "flyte_values_files": Variable("list", []),
    "flyte_values": Variable("dict", {}),
    "flyte_openshift": Variable("bool", False),
    "flyte_eks_cluster": Variable("str"),
    "flyte_eks_region": Variable("str"),
    "flyte_eks_assume_role_arn": Variable("str"),
    "flyte_eks_create": Variable("bool", False),
    "flyte_eks_version": Variable("str"),
    "flyte_eks_role_arn": Variable("str"),
    "flyte_eks_node_role_arn": Variable("str"),
    "flyte_eks_subnets": Variable("list", []),
    "flyte_eks_security_groups": Variable("list", []),
    "flyte_eks_nodegroup": Variable("str", "flyte"),
    "flyte_eks_instance_types": Variable("list", ["t3.xlarge"]),
    "flyte_eks_nodes_min": Variable("int", 1),
    "flyte_eks_nodes_max": Variable("int", 3),
    "flyte_eks_nodes_desired": Variable("int", 2),
}

#: what a cluster and its node group are created from
EKS_VARIABLES = tuple(name for name in HOST_VARIABLES if name.startswith("flyte_eks_") and name not in ("flyte_eks_cluster", "flyte_eks_create"))
#: of them, what has no default
EKS_REQUIRED = ("flyte_eks_version", "flyte_eks_role_arn", "flyte_eks_node_role_arn", "flyte_eks_subnets")

#: how a host reaches its cluster: variable to option of kubernetes.core
ACCESS_VARIABLES: dict[str, str] = {
    "flyte_kubeconfig": "kubeconfig",
    "flyte_kube_context": "context",
    "flyte_kube_host": "host",
    "flyte_kube_api_key": "api_key",
    "flyte_kube_username": "username",
    "flyte_kube_password": "password",
    "flyte_kube_validate_certs": "validate_certs",
    "flyte_kube_ca_cert": "ca_cert",
    "flyte_kube_client_cert": "client_cert",
    "flyte_kube_client_key": "client_key",
    "flyte_kube_proxy": "proxy",
}

#: how flyteadmin is reached: variable to option of the doc fragment flyte.multicluster.flyteadmin
ADMIN_VARIABLES: dict[str, str] = {
    "flyte_admin_token": "token",
    "flyte_admin_token_file": "token_file",
    "flyte_client_id": "client_id",
    "flyte_client_secret": "client_secret",
    "flyte_client_secret_file": "client_secret_file",
    "flyte_token_url": "token_url",
    "flyte_token_ca_cert": "token_ca_cert",
    "flyte_token_scopes": "scopes",
    "flyte_token_audience": "audience",
    "flyte_authorization_header": "authorization_header",
    "flyte_admin_validate_certs": "validate_certs",
    "flyte_admin_ca_cert": "ca_cert",
    "flyte_admin_client_cert": "client_cert",
    "flyte_admin_client_key": "client_key",
    "flyte_admin_proxy": "proxy",
}

#: how AWS is reached: variable to option of the doc fragment flyte.multicluster.aws; the same names as amazon.aws'
AWS_VARIABLES: dict[str, str] = {
    "flyte_aws_region": "region",
    "flyte_aws_profile": "profile",
    "flyte_aws_endpoint_url": "endpoint_url",
    "flyte_aws_access_key": "access_key",
    "flyte_aws_secret_key": "secret_key",
    "flyte_aws_session_token": "session_token",
}


@dataclasses.dataclass(frozen=True)
class Fault:
    """One thing that is wrong in the inventory."""

    host: str
    variable: str
    value: t.Any
    remedy: str

    def __str__(self) -> str:
        value = self.value
        if isinstance(value, str):
            value = re.sub(r"//[^/@]*@", "//***@", value)  # a URL may hold a password
        return f"{self.host}: {self.variable} = {value!r}: {self.remedy}"


@dataclasses.dataclass
class Cluster:
    """One cluster of the site."""

    host: str
    name: str
    is_control_plane: bool
    enabled: bool
    endpoint: str | None
    namespace: str
    release: str
    values_files: list[str]
    has_values: bool
    openshift: bool
    eks_cluster: str | None
    eks_region: str | None
    eks_assume_role_arn: str | None
    eks_create: bool
    #: ``flyte_eks_…`` without the prefix
    eks: dict[str, t.Any]


@dataclasses.dataclass
class Label:
    """One row of the stored execution cluster labels: a project, a project-domain or a workflow, and its label."""

    project: str
    domain: str
    workflow: str
    label: str


@dataclasses.dataclass
class Site:
    """The whole inventory, checked. It holds no credentials."""

    settings: dict[str, t.Any]
    control_plane: Cluster
    data_planes: list[Cluster]
    labels: dict[str, list[dict[str, t.Any]]]
    execution_cluster_labels: list[Label]
    projects: list[str]
    domains: list[str]

    def as_dict(self) -> dict[str, t.Any]:
        """Return plain data, for a fact."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, t.Any]) -> Site:
        """Return the site from :meth:`as_dict`'s data."""
        return cls(
            settings=dict(data["settings"]),
            control_plane=Cluster(**data["control_plane"]),
            data_planes=[Cluster(**entry) for entry in data["data_planes"]],
            labels={label: [dict(entry) for entry in entries] for label, entries in data["labels"].items()},
            execution_cluster_labels=[Label(**entry) for entry in data["execution_cluster_labels"]],
            projects=list(data["projects"]),
            domains=list(data["domains"]),
        )

    @property
    def clusters(self) -> list[Cluster]:
        """All clusters, the control plane first."""
        return [self.control_plane, *self.data_planes]

    @property
    def targets(self) -> list[Cluster]:
        """The clusters that workflows can run on."""
        own = [self.control_plane] if self.settings["flyte_control_plane_runs_workflows"] else []
        return own + self.data_planes


class Reader:
    """Reads variables of hosts and collects what is wrong with them."""

    def __init__(self, hostvars: Callable[[str, str], t.Any]) -> None:
        self._hostvars = hostvars
        self.faults: list[Fault] = []

    def fault(self, host: str, variable: str, value: t.Any, remedy: str) -> None:
        """Note a fault."""
        self.faults.append(Fault(host, variable, value, remedy))

    def read(self, host: str, name: str, variable: Variable) -> t.Any:
        """Return a variable's value, its default where it is not set or wrong."""
        value = self._hostvars(host, name)
        if value is None:
            return variable.default
        converted = _convert(value, variable.kind)
        if converted is None:
            self.fault(host, name, value, f"has to be {_KIND_NAMES[variable.kind]}.")
            return variable.default
        if variable.choices and converted not in variable.choices:
            self.fault(host, name, value, f"has to be one of {', '.join(variable.choices)}.{nearest(converted, variable.choices)}")
            return variable.default
        return converted


_KIND_NAMES = {"str": "text", "bool": "true or false", "int": "a whole number greater than 0", "list": "a list", "dict": "a mapping"}


def _convert(value: t.Any, kind: str) -> t.Any:
    """Return the value as that kind, None where it is none. ``-e name=value`` gives text for everything."""
    if kind == "str":
        return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
    if kind == "bool":
        if isinstance(value, bool):
            return value
        return {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}.get(str(value).lower())
    if kind == "int":
        try:
            number = int(value)
        except (TypeError, ValueError):
            return None
        return number if number > 0 and not isinstance(value, bool) else None
    if kind == "list":
        return [value] if isinstance(value, str) and value else list(value) if isinstance(value, (list, tuple)) else None
    return dict(value) if isinstance(value, dict) else None


def build(control_planes: Sequence[str], data_planes: Sequence[str], hostvars: Callable[[str, str], t.Any]) -> tuple[Site | None, list[Fault]]:
    """Read and check the whole inventory.

    :param control_planes: the hosts of the group flyte_control_plane.
    :param data_planes: the hosts of the group flyte_data_planes.
    :param hostvars: returns a variable of a host, None where it is not set.
    :returns: the site, and what is wrong; the site is None where something is.
    """
    reader = Reader(hostvars)
    if len(control_planes) != 1:
        reader.fault("inventory", "flyte_control_plane", list(control_planes), f"the group has to have exactly one host, it has {len(control_planes)}.")
        return None, reader.faults
    head = control_planes[0]
    settings = {name: reader.read(head, name, variable) for name, variable in SITE_VARIABLES.items()}
    _check_settings(reader, head, settings)
    if head in data_planes:
        reader.fault(
            head, "flyte_data_planes", head, "the control plane cannot be in this group; flyte_control_plane_runs_workflows: true lets it run workflows."
        )
    hub = _cluster(reader, head, True, settings)
    planes = [_cluster(reader, host, False, settings) for host in data_planes if host != head]
    _check_clusters(reader, hub, planes, settings)
    targets = ([hub] if settings["flyte_control_plane_runs_workflows"] else []) + planes
    if not targets:
        reader.fault("inventory", "flyte_data_planes", [], "the group has to have at least one host, or set flyte_control_plane_runs_workflows: true.")
    labels = _labels(reader, head, settings["flyte_labels"], targets)
    rows = _rows(reader, head, settings, labels)
    _check_used_labels(reader, head, labels, rows, targets)
    projects = sorted({str(project) for project in settings["flyte_projects"]} | {row.project for row in rows})
    site = Site(settings, hub, planes, labels, rows, projects, [str(domain) for domain in settings["flyte_domains"]])
    return (None if reader.faults else site), reader.faults


def _check_settings(reader: Reader, host: str, settings: dict[str, t.Any]) -> None:
    if settings["flyte_provider"] is None and not any(fault.variable == "flyte_provider" for fault in reader.faults):
        reader.fault(host, "flyte_provider", None, f"is required: one of {', '.join(PROVIDERS)}.")
    url = settings["flyte_admin_url"]
    if url is None:
        reader.fault(host, "flyte_admin_url", None, "is required: the URL of flyteadmin, for example https://flyte.example.com.")
    else:
        problem = _url_problem(url, ("https", "http"))
        if problem:
            reader.fault(host, "flyte_admin_url", url, problem)
        else:
            settings["flyte_admin_url"] = url.rstrip("/")
            _admin_endpoint(settings, urllib.parse.urlsplit(url))
    for name in ("flyte_admin_endpoint", "flyte_catalog_endpoint"):
        value = settings[name]
        if value is not None and not re.fullmatch(r"(dns:///)?[^/:\s]+(:\d+)?", value):
            reader.fault(host, name, value, "has to be host:port, without a scheme or a path: it is a gRPC address.")
    _check_kubernetes_name(reader, host, "flyte_token_secret", settings["flyte_token_secret"])
    for name in ("flyte_projects", "flyte_domains", "flyte_execution_cluster_labels_purge", "flyte_canary_projects"):
        for value in settings[name] or []:
            if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
                reader.fault(host, name, value, "has to be lower-case letters, digits and '-': namespaces are named after it.")
    if settings["flyte_provider"] == "aws" and settings["flyte_iam_manage"]:
        _check_aws(reader, host, settings)
    _check_gcp(reader, host, settings)


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


def _admin_endpoint(settings: dict[str, t.Any], url: urllib.parse.SplitResult) -> None:
    """Derive what data planes call from flyteadmin's URL where it is not given."""
    if settings["flyte_admin_endpoint"] is None:
        settings["flyte_admin_endpoint"] = f"{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}"
    if settings["flyte_admin_insecure"] is None:
        settings["flyte_admin_insecure"] = url.scheme == "http"


def _check_aws(reader: Reader, host: str, settings: dict[str, t.Any]) -> None:
    if not settings["flyte_buckets"]:
        remedy = "is required with flyte_provider aws: the S3 buckets of Flyte, for the IAM policy. Or set flyte_iam_manage: false."
        reader.fault(host, "flyte_buckets", [], remedy)
    for bucket in settings["flyte_buckets"]:
        name, slash, prefix = str(bucket).partition("/")
        if not valid_bucket(name):
            reader.fault(
                host,
                "flyte_buckets",
                bucket,
                "is no name that S3 takes: 3 to 63 lower-case letters, digits, '.' and '-', beginning and ending with a letter or digit, "
                "no IP address, no '..'.",
            )
        elif slash and (not prefix.strip("/") or re.search(r"[*?\s]", prefix)):
            reader.fault(host, "flyte_buckets", bucket, "has to be bucket or bucket/prefix: a prefix without wildcards and white space.")
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


def valid_bucket(name: t.Any) -> bool:
    """Return whether S3 takes this as the name of a bucket."""
    if not isinstance(name, str) or not _BUCKET.fullmatch(name) or _ADDRESS.fullmatch(name):
        return False
    forbidden = name.startswith(("xn--", "sthree-", "amzn-s3-demo-")) or name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3"))
    return not forbidden and ".." not in name and ".-" not in name and "-." not in name


def _url_problem(url: str, schemes: Sequence[str]) -> str:
    try:
        parts = urllib.parse.urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        return f"is no URL: {error}."
    if parts.scheme not in schemes or not host:
        return f"has to be an {' or '.join(schemes)} URL, for example {schemes[0]}://host:443."
    if parts.username or parts.password:
        return "must not hold credentials."
    return ""


def _cluster(reader: Reader, host: str, is_hub: bool, settings: Mapping[str, t.Any]) -> Cluster:
    values = {name: reader.read(host, name, variable) for name, variable in HOST_VARIABLES.items()}
    name = values["flyte_cluster_name"] or host
    if not _NAME.fullmatch(name) or len(name) > _NAME_LENGTH:
        variable = "flyte_cluster_name" if values["flyte_cluster_name"] else "inventory_hostname"
        reader.fault(
            host,
            variable,
            name,
            f"cannot be part of a Secret's key: at most {_NAME_LENGTH} letters, digits, '.', '_' and '-', beginning and ending with a letter or digit. "
            "Set flyte_cluster_name.",
        )
    endpoint = values["flyte_api_endpoint"]
    if endpoint is not None:
        problem = _url_problem(endpoint, ("https",))
        if problem:
            reader.fault(host, "flyte_api_endpoint", endpoint, problem)
        endpoint = endpoint.rstrip("/")
    _check_kubernetes_name(reader, host, "flyte_namespace", values["flyte_namespace"])
    release = values["flyte_release_name"] or ("flyte-core" if is_hub else "flyte-core-data")
    if not _RELEASE.fullmatch(release) or len(release) > 53:
        reader.fault(host, "flyte_release_name", release, "has to be a Helm release name: at most 53 lower-case letters, digits and '-'.")
    for path in values["flyte_values_files"]:
        if re.search(r"\s", str(path)):
            reader.fault(host, "flyte_values_files", path, "must not have white space in it: kubernetes.core.helm cannot pass such a path.")
    _check_eks(reader, host, is_hub, values)
    wants_eks = settings["flyte_provider"] == "aws" and settings["flyte_iam_manage"]
    if wants_eks and not values["flyte_eks_cluster"]:
        remedy = "is required with flyte_provider aws: the EKS cluster whose OIDC issuer the roles trust. Or set flyte_iam_manage: false."
        reader.fault(host, "flyte_eks_cluster", None, remedy)
    return Cluster(
        host=host,
        name=name,
        is_control_plane=is_hub,
        enabled=values["flyte_cluster_enabled"],
        endpoint=endpoint,
        namespace=values["flyte_namespace"],
        release=release,
        values_files=[str(path) for path in values["flyte_values_files"]],
        has_values=bool(values["flyte_values"]),
        openshift=values["flyte_openshift"],
        eks_cluster=values["flyte_eks_cluster"],
        eks_region=values["flyte_eks_region"],
        eks_assume_role_arn=values["flyte_eks_assume_role_arn"],
        eks_create=values["flyte_eks_create"],
        eks={name.removeprefix("flyte_eks_"): values[name] for name in EKS_VARIABLES} if values["flyte_eks_create"] else {},
    )


def _check_eks(reader: Reader, host: str, is_hub: bool, values: Mapping[str, t.Any]) -> None:
    """Check what an EKS cluster is to be created from, before anything is."""
    if not values["flyte_eks_create"]:
        return
    if is_hub:
        reader.fault(host, "flyte_eks_create", True, "creates data planes only: flyteadmin's database and ingress belong to the control plane's cluster.")
    for name in ("flyte_eks_cluster", *EKS_REQUIRED):
        if not values[name]:
            reader.fault(host, name, values[name], "is required with flyte_eks_create: true.")
    if values["flyte_eks_subnets"] and len(values["flyte_eks_subnets"]) < 2:
        reader.fault(host, "flyte_eks_subnets", values["flyte_eks_subnets"], "has to be at least two private subnets, in different availability zones.")
    for name in ("flyte_eks_role_arn", "flyte_eks_node_role_arn"):
        if values[name] and not _ROLE_ARN.fullmatch(values[name]):
            reader.fault(host, name, values[name], "has to be the ARN of an IAM role, for example arn:aws:iam::123456789012:role/NAME.")
    low, desired, high = (values[f"flyte_eks_nodes_{name}"] for name in ("min", "desired", "max"))
    if not low <= desired <= high:
        sizes = {"min": low, "desired": desired, "max": high}
        reader.fault(host, "flyte_eks_nodes_desired", sizes, "has to lie between flyte_eks_nodes_min and flyte_eks_nodes_max.")


def _options(host: str, hostvars: Callable[[str, str], t.Any], variables: Mapping[str, str]) -> dict[str, t.Any]:
    found = {option: hostvars(host, variable) for variable, option in variables.items()}
    return {option: value for option, value in found.items() if value is not None}


def access_of(host: str, hostvars: Callable[[str, str], t.Any]) -> dict[str, t.Any]:
    """Return the access options of a host. They may be credentials: use them, keep them nowhere."""
    return _options(host, hostvars, ACCESS_VARIABLES)


def aws_access_of(host: str, hostvars: Callable[[str, str], t.Any]) -> dict[str, t.Any]:
    """Return the options that say how AWS is reached. They may be credentials: use them, keep them nowhere."""
    return _options(host, hostvars, AWS_VARIABLES)


def admin_access_of(host: str, hostvars: Callable[[str, str], t.Any]) -> dict[str, t.Any]:
    """Return the options that say who to be at flyteadmin. They may be credentials: use them, keep them nowhere."""
    return _options(host, hostvars, ADMIN_VARIABLES)


def _check_clusters(reader: Reader, hub: Cluster, planes: Sequence[Cluster], settings: Mapping[str, t.Any]) -> None:
    by_name: dict[str, str] = {}
    by_access: dict[tuple[str, ...], str] = {}
    for cluster in (hub, *planes):
        named = cluster is not hub or settings["flyte_control_plane_runs_workflows"]
        if named and cluster.name in by_name:
            reader.fault(cluster.host, "flyte_cluster_name", cluster.name, f"is the name of {by_name[cluster.name]} already: names of clusters have to differ.")
        elif named:
            by_name[cluster.name] = cluster.host
        access = access_of(cluster.host, reader._hostvars)
        if not _kube.has_explicit_access(access) and settings["flyte_provider"] == "aws" and cluster.eks_cluster:
            # Endpoint and CA come from EKS, and a token is made for each use.
            access = {"host": f"EKS {cluster.eks_region or settings['flyte_aws_region']}/{cluster.eks_cluster}"}
        if not _kube.has_explicit_access(access):
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
            where = access.get("context") or access.get("host") or access.get("kubeconfig")
            reader.fault(
                cluster.host,
                "flyte_kube_context",
                where,
                f"is the cluster of {by_access[key]} already: each host needs a cluster, or a flyte_namespace in it, of its own.",
            )
        else:
            by_access[key] = cluster.host


def _labels(reader: Reader, host: str, labels: Mapping[str, t.Any], targets: Sequence[Cluster]) -> dict[str, list[dict[str, t.Any]]]:
    known = [cluster.name for cluster in targets]
    result: dict[str, list[dict[str, t.Any]]] = {}
    for label, entries in labels.items():
        variable = f"flyte_labels.{label}"
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
            reader.fault(host, variable, entries, "has to be a list like [{cluster: NAME, weight: 1}].")
            continue
        before = len(reader.faults)
        checked = [_label_entry(reader, host, variable, entry, known) for entry in entries]
        names = [entry["cluster"] for entry in checked]
        for name in sorted({name for name in names if names.count(name) > 1}):
            reader.fault(host, variable, name, "stands twice in this label: give each cluster one weight.")
        if len(reader.faults) == before:
            total = sum(entry["weight"] for entry in checked)
            if abs(total - 1) > WEIGHT_TOLERANCE:
                weights = {entry["cluster"]: entry["weight"] for entry in checked}
                reader.fault(host, variable, weights, f"the weights of a label have to sum to 1, these sum to {total:g}.")
        result[str(label)] = checked
    return result


def _unknown_keys(reader: Reader, host: str, variable: str, entry: Mapping[str, t.Any], known: Sequence[str]) -> None:
    for key in entry:
        if key not in known:
            reader.fault(host, f"{variable}.{key}", entry[key], f"is an unknown key, known are {', '.join(known)}.{nearest(key, known)}")


def _label_entry(reader: Reader, host: str, variable: str, entry: Mapping[str, t.Any], known: Sequence[str]) -> dict[str, t.Any]:
    _unknown_keys(reader, host, variable, entry, ("cluster", "weight"))
    name = str(entry.get("cluster", ""))
    if name not in known:
        reader.fault(host, f"{variable}.cluster", entry.get("cluster"), f"is no cluster of the inventory: {', '.join(known)}.{nearest(name, known)}")
    weight = _weight(entry.get("weight"))
    if weight is None or not 0 <= weight <= 1:
        reader.fault(host, f"{variable}.weight", entry.get("weight"), f"the weight of {name or 'a cluster'} has to be a number from 0 to 1.")
    return {"cluster": name, "weight": weight or 0}


def _weight(value: t.Any) -> float | int | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if math.isnan(number) or math.isinf(number):
        return None
    return int(number) if number.is_integer() else number


_ROW_KEYS = ("project", "domain", "workflow", "label")


def _rows(reader: Reader, host: str, settings: Mapping[str, t.Any], labels: Mapping[str, t.Any]) -> list[Label]:
    rows: list[Label] = []
    seen: set[tuple[str, str, str]] = set()
    for number, entry in enumerate(settings["flyte_execution_cluster_labels"]):
        variable = f"flyte_execution_cluster_labels[{number}]"
        if not isinstance(entry, dict):
            reader.fault(host, variable, entry, "has to be a mapping with project, domain, workflow and label.")
            continue
        _unknown_keys(reader, host, variable, entry, _ROW_KEYS)
        row = Label(*(str(entry.get(key) or "") for key in _ROW_KEYS))
        if not row.project:
            reader.fault(host, f"{variable}.project", entry.get("project"), "is required.")
        elif not _IDENTIFIER.fullmatch(row.project):
            reader.fault(host, f"{variable}.project", row.project, "is no name of a project: lower-case letters, digits and '-'.")
        if row.workflow and not row.domain:
            reader.fault(host, f"{variable}.domain", None, "is required where a workflow is given.")
        if row.domain and row.domain not in settings["flyte_domains"]:
            known = [str(domain) for domain in settings["flyte_domains"]]
            reader.fault(host, f"{variable}.domain", row.domain, f"is none of flyte_domains: {', '.join(known)}.{nearest(row.domain, known)}")
        if row.label not in labels:
            known = list(labels)
            reader.fault(host, f"{variable}.label", entry.get("label"), f"is none of flyte_labels: {', '.join(known)}.{nearest(row.label, known)}")
        key = (row.project, row.domain, row.workflow)
        if key in seen:
            reader.fault(host, variable, "/".join(part for part in key if part), "stands twice: one label for each project, domain and workflow.")
        seen.add(key)
        rows.append(row)
    return rows


def _check_used_labels(reader: Reader, host: str, labels: Mapping[str, t.Any], rows: Sequence[Label], targets: Sequence[Cluster]) -> None:
    enabled = {cluster.name for cluster in targets if cluster.enabled}
    known = {cluster.name for cluster in targets}
    for label in sorted({row.label for row in rows} & set(labels)):
        entries = labels[label]
        if any(entry["cluster"] not in known for entry in entries):
            continue  # said already
        if not any(entry["cluster"] in enabled and entry["weight"] > 0 for entry in entries):
            reader.fault(
                host,
                f"flyte_labels.{label}",
                [entry["cluster"] for entry in entries],
                "all of its clusters are disabled, but execution cluster labels use it: Flyte would run those workflows on any other cluster, silently. "
                "Enable one of them, or move those rows to another label first.",
            )
    if targets and not enabled:
        reader.fault("inventory", "flyte_cluster_enabled", False, "no cluster is enabled: flyteadmin does not start so.")
