# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that lead from the inventory and the observation to the plan. They are thin: the planning is in module_utils.

Reading values files is the only I/O here. Values may hold passwords: they leave a filter only as a digest, or in
``release_values``, which is used in tasks with no_log.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import os
import pathlib
import typing as t

from ansible.errors import AnsibleError, AnsibleFilterError
from jinja2 import TemplateError, Undefined
from ansible_collections.flyte.multicluster.plugins.module_utils._common.text import age, table, wrapped
from ansible_collections.flyte.multicluster.plugins.module_utils._aws import session as _aws
from ansible_collections.flyte.multicluster.plugins.module_utils._iam import required as _iam
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import client as _kube
from ansible_collections.flyte.multicluster.plugins.module_utils._labels import rows as _labels
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import openshift as _openshift
from ansible_collections.flyte.multicluster.plugins.module_utils._plan import plan as _plan
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory import site as _site
from ansible_collections.flyte.multicluster.plugins.module_utils._iam import trust as _trust
from ansible_collections.flyte.multicluster.plugins.module_utils._helm import values as _values

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROVIDER_FILES = {"aws": "values-eks.yaml", "gcp": "values-gcp.yaml"}


def _plain(value: t.Any) -> t.Any:
    """Return plain data of what templating gives (lazy and tagged containers)."""
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def _reader(hostvars: Mapping[str, t.Any]) -> t.Callable[[str, str], t.Any]:
    """Return a function that reads a variable of a host, None where it is not set."""
    # Ansible merges all variables of a host anew each time that it is looked up.
    known: dict[str, t.Any] = {}

    def read(host: str, name: str) -> t.Any:
        if host not in known:
            known[host] = hostvars[host]
        variables = known[host]
        if name not in variables:
            return None
        value = variables[name]
        if isinstance(value, Undefined):
            # Its own message says which variable it is that is missing.
            raise AnsibleFilterError(getattr(value, "_undefined_message", None) or str(getattr(value, "_undefined_name", "undefined")))
        return _plain(value)

    return read


def site(hostvars: Mapping[str, t.Any], groups: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Read and check the whole inventory: ``site``, or ``faults`` as text."""
    read = _reader(hostvars)
    faulty: list[str] = []

    def careful(host: str, name: str) -> t.Any:
        try:
            return read(host, name)
        except (AnsibleError, TemplateError) as error:
            text = f"{host}: {name}: cannot be templated: {error}"
            if text not in faulty:
                faulty.append(text)
            return None

    built, faults = _site.build(list(groups.get("flyte_control_plane", [])), list(groups.get("flyte_data_planes", [])), careful)
    texts = faulty + [str(fault) for fault in faults]
    return {"site": built.as_dict() if built and not texts else None, "faults": texts}


#: what kubernetes.core.helm takes
_HELM_ACCESS = ("kubeconfig", "context", "host", "api_key", "ca_cert", "validate_certs")


def access(
    data: Mapping[str, t.Any], hostvars: Mapping[str, t.Any], host: str, *, aws: Mapping[str, t.Any] | None = None, helm: bool = False
) -> dict[str, t.Any]:
    """Return the options of kubernetes.core of a host, or those of them that its Helm modules take. They may be credentials.

    A host on EKS that has no access of its own gets the endpoint and CA of its cluster, and a token made for this use alone.
    """
    found = _access(_site.Site.from_dict(_plain(data)), _reader(hostvars), host, _plain(aws) if aws else None)
    return {option: value for option, value in found.items() if not helm or option in _HELM_ACCESS}


def _access(found: _site.Site, read: t.Callable[[str, str], t.Any], host: str, aws: Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    given = _site.access_of(host, read)
    cluster = next(entry for entry in found.clusters if entry.host == host)
    if cluster.openshift and given.get("host") and given.get("username") and not given.get("api_key"):
        return _openshift_access(given)
    if _kube.has_explicit_access(given) or not cluster.eks_cluster:
        return given
    known = ((aws or {}).get("clusters") or {}).get(host) or {}
    if not known.get("endpoint"):
        return given
    options = _site.aws_access_of(found.control_plane.host, read)
    token = _aws.eks_token(options, cluster.eks_cluster, region=cluster.eks_region, assume_role_arn=cluster.eks_assume_role_arn)
    return {**given, "host": known["endpoint"], "api_key": token, "ca_cert": _ca_file(known["ca_data"])}


def _openshift_access(given: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the options with a token in the place of user name and password, which OpenShift's API server does not take."""
    verify = given.get("ca_cert", True) if given.get("validate_certs", True) else False
    try:
        token = _openshift.login(given["host"], given["username"], given.get("password") or "", verify)
    except _kube.KubeError as error:
        raise AnsibleFilterError(f"{error.message}. {error.hint}") from error
    return {**{key: value for key, value in given.items() if key not in ("username", "password")}, "api_key": token}


def _ca_file(encoded: str) -> str:
    """Return the path of a file with a CA certificate, which is no secret: Helm and kubernetes.core take paths only."""
    content = base64.b64decode(encoded)
    folder = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "flyte-multicluster" / "ca"
    path = folder / f"{hashlib.sha256(content).hexdigest()[:32]}.crt"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(f".{os.getpid()}")
        scratch.write_bytes(content)
        scratch.replace(path)
    return str(path)


def aws_options(data: Mapping[str, t.Any], hostvars: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the options of the action groups of AWS modules. They may be credentials."""
    return _site.aws_access_of(_site.Site.from_dict(_plain(data)).control_plane.host, _reader(hostvars))


def admin_options(data: Mapping[str, t.Any], hostvars: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the options of the action group flyte.multicluster.flyteadmin. They may be credentials."""
    found = _site.Site.from_dict(_plain(data))
    return {"url": found.settings["flyte_admin_url"], **_site.admin_access_of(found.control_plane.host, _reader(hostvars))}


def cluster_specs(
    data: Mapping[str, t.Any], hostvars: Mapping[str, t.Any], hosts: Sequence[str], *, aws: Mapping[str, t.Any] | None = None
) -> list[dict[str, t.Any]]:
    """Return the ``clusters`` option of flyte_cluster_info for some hosts, without those that are still to be created."""
    found, read, known = _site.Site.from_dict(_plain(data)), _reader(hostvars), _plain(aws) if aws else None
    runs_workflows = found.settings["flyte_control_plane_runs_workflows"]
    return [
        {
            "name": cluster.host,
            "namespace": cluster.namespace,
            "release": cluster.release,
            "hub": cluster.is_control_plane,
            "data_plane": not cluster.is_control_plane or runs_workflows,
            "token_secret": found.settings["flyte_token_secret"],
            **_access(found, read, cluster.host, known),
        }
        for cluster in found.clusters
        if cluster.host in hosts and not _iam.is_missing(known, cluster.host)
    ]


def credential_specs(
    data: Mapping[str, t.Any],
    hostvars: Mapping[str, t.Any],
    hosts: Sequence[str],
    observations: Mapping[str, t.Any],
    *,
    aws: Mapping[str, t.Any] | None = None,
) -> list[dict[str, t.Any]]:
    """Return the ``clusters`` option of flyte_cluster_credentials for some hosts."""
    found, read, known = _site.Site.from_dict(_plain(data)), _reader(hostvars), _plain(aws) if aws else None
    return [
        {
            "name": cluster.name,
            "namespace": cluster.namespace,
            "token_secret": found.settings["flyte_token_secret"],
            "endpoint": cluster.endpoint or (observations.get(cluster.host) or {}).get("server"),
            **_access(found, read, cluster.host, known),
        }
        for cluster in found.data_planes
        if cluster.host in hosts
    ]


def eks_specs(data: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return the ``eks_clusters`` option of flyte_aws_info, by inventory host."""
    found = _site.Site.from_dict(_plain(data))
    return [
        {"key": cluster.host, "name": cluster.eks_cluster, "region": cluster.eks_region, "assume_role_arn": cluster.eks_assume_role_arn}
        for cluster in found.clusters
        if cluster.eks_cluster
    ]


# -- releases


@functools.lru_cache(maxsize=256)
def _parsed(path: str, _modified: float) -> _values.Values:
    with open(path, encoding="utf-8") as file:
        return _values.parse(file.read())


def _read_values(path: str, host: str) -> _values.Values:
    try:
        return _parsed(path, os.stat(path).st_mtime)
    except (OSError, ValueError) as error:
        raise AnsibleFilterError(f"{host}: values file {path}: {error}. Correct flyte_values_files.") from error


def _files(found: _site.Site, cluster: _site.Cluster, chart: Mapping[str, t.Any], hostvars: Mapping[str, t.Any]) -> list[str]:
    """Return the values files of a release, in Helm's order: the provider's, the plane's, the user's."""
    own = _PROVIDER_FILES.get(found.settings["flyte_provider"])
    plane = "values-controlplane.yaml" if cluster.is_control_plane else "values-dataplane.yaml"
    folder = str(_reader(hostvars)(cluster.host, "inventory_dir") or os.getcwd())
    users = [os.path.abspath(os.path.join(folder, os.path.expanduser(path))) for path in cluster.values_files]
    return [os.path.join(chart["path"], name) for name in (own, plane) if name] + users


def _control_annotations(found: _site.Site, aws: Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """Return the annotations of the control plane's accounts that read and write the buckets."""
    settings = found.settings
    if settings["flyte_provider"] == "gcp":
        account = settings["flyte_gcp_control_plane_service_account"]
        return {_values.GCP_ACCOUNT_ANNOTATION: account} if account else {}
    role = settings["flyte_control_plane_role_arn"]
    return _role_annotation(found, role or (_iam.role_arn(aws, settings["flyte_iam_control_plane_role"]) if aws else None))


def _propeller_annotations(found: _site.Site, aws: Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    settings = found.settings
    if settings["flyte_provider"] == "gcp":
        account = settings["flyte_gcp_data_plane_service_account"]
        return {_values.GCP_ACCOUNT_ANNOTATION: account} if account else {}
    return _role_annotation(found, settings["flyte_data_plane_role_arn"] or (_iam.role_arn(aws, settings["flyte_iam_data_plane_role"]) if aws else None))


def _role_annotation(found: _site.Site, role: str | None) -> dict[str, t.Any]:
    if found.settings["flyte_provider"] == "aws" and _iam.uses_pod_identity(found):
        # The annotation of values-eks.yaml has to go: a web identity counts before Pod Identity. Helm drops what is null.
        return {_values.EKS_ROLE_ANNOTATION: None}
    return {_values.EKS_ROLE_ANNOTATION: role} if role else {}


def _domain_values(found: _site.Site, aws: Mapping[str, t.Any] | None) -> tuple[str, dict[str, str]]:
    """Return the key of customData that says who tasks are, and its value for each domain; ``*`` is for every other one."""
    settings = found.settings
    if settings["flyte_provider"] == "gcp":
        return "gsa", {str(domain): str(account) for domain, account in settings["flyte_gcp_domain_service_accounts"].items()}
    given = settings["flyte_data_plane_role_arn"]
    if settings["flyte_provider"] == "aws" and _iam.uses_pod_identity(found):
        return "defaultIamRole", {"*": '""'}  # an empty annotation: the template of values-eks.yaml puts it there as it is
    if given:
        return "defaultIamRole", {"*": given}
    if not aws or not settings["flyte_iam_manage"]:
        return "defaultIamRole", {}
    roles = {domain: _iam.role_arn(aws, _iam.domain_role(found, domain)) for domain in found.domains if settings["flyte_iam_domain_roles"]}
    return "defaultIamRole", {**roles, "*": _iam.role_arn(aws, settings["flyte_iam_data_plane_role"])} if not roles else roles


def _propeller_override(found: _site.Site, cluster: _site.Cluster, aws: Mapping[str, t.Any] | None) -> _values.Values:
    settings = found.settings
    catalog = {"endpoint": settings["flyte_catalog_endpoint"], "insecure": settings["flyte_catalog_insecure"]} if settings["flyte_catalog_endpoint"] else None
    return _values.data_plane_override(
        name=cluster.name,
        admin_endpoint=settings["flyte_admin_endpoint"],
        admin_insecure=settings["flyte_admin_insecure"],
        catalog=catalog,
        propeller_annotations=_propeller_annotations(found, _managed(found, aws)),
        openshift=cluster.openshift,
    )


def _managed(found: _site.Site, aws: Mapping[str, t.Any] | None) -> Mapping[str, t.Any] | None:
    """Return what AWS has where this collection manages IAM."""
    return aws if found.settings["flyte_iam_manage"] else None


def _layers(
    found: _site.Site,
    cluster: _site.Cluster,
    chart: Mapping[str, t.Any],
    hostvars: Mapping[str, t.Any],
    aws: Mapping[str, t.Any] | None,
    hub: Mapping[str, t.Any] | None,
) -> tuple[list[_values.Values], _values.Values]:
    """Return the contents of the files, and the user's inline values with ours on top."""
    files = [_read_values(path, cluster.host) for path in _files(found, cluster, chart, hostvars)]
    users = _reader(hostvars)(cluster.host, "flyte_values") or {}
    if not cluster.is_control_plane:
        return files, _values.merge([users, _propeller_override(found, cluster, aws)])
    if hub is None:
        raise AnsibleFilterError(f"{cluster.host}: the release of the control plane needs hub.")
    base = _values.merge([_read_values(os.path.join(chart["path"], "values.yaml"), cluster.host), *files, users])
    key, domain_values = _domain_values(found, aws)
    runs = found.settings["flyte_control_plane_runs_workflows"]
    override = _values.control_plane_override(
        base=base,
        cluster_configs=hub["cluster_configs"],
        label_cluster_map=hub["label_cluster_map"],
        checksum=hub["checksum"],
        domain_key=key,
        domain_values=domain_values,
        service_account_annotations=_control_annotations(found, _managed(found, aws)),
        propeller=_propeller_override(found, cluster, aws)["flytepropeller"] if runs else None,
    )
    return files, _values.merge([users, override])


def _digest(
    found: _site.Site,
    cluster: _site.Cluster,
    chart: Mapping[str, t.Any],
    hostvars: Mapping[str, t.Any],
    aws: Mapping[str, t.Any] | None,
    hub: Mapping[str, t.Any] | None,
) -> str:
    """Return the digest of all values of a release."""
    files, on_top = _layers(found, cluster, chart, hostvars, aws, hub)
    return _values.digest(_values.merge([*files, on_top]))


def release(
    data: Mapping[str, t.Any],
    host: str,
    *,
    chart: Mapping[str, t.Any],
    hostvars: Mapping[str, t.Any],
    aws: Mapping[str, t.Any] | None = None,
    hub: Mapping[str, t.Any] | None = None,
    only: str | None = None,
) -> t.Any:
    """Return a release's ``files``, ``values`` and ``digest``; with ``only`` one of the three.

    ``values`` may hold passwords: use it in tasks with no_log only.
    """
    found = _site.Site.from_dict(_plain(data))
    cluster = next(entry for entry in found.clusters if entry.host == host)
    if only == "files":
        return _files(found, cluster, chart, hostvars)
    sources = (chart, hostvars, _plain(aws) if aws else None, _plain(hub) if hub else None)
    return _layers(found, cluster, *sources)[1] if only == "values" else _digest(found, cluster, *sources)


# -- the plan


def plan(
    data: Mapping[str, t.Any],
    observations: Mapping[str, t.Any],
    *,
    chart: Mapping[str, t.Any],
    hostvars: Mapping[str, t.Any],
    aws: Mapping[str, t.Any] | None = None,
) -> dict[str, t.Any]:
    """Return what has to be done: ``releases``, ``credentials``, ``hub``, ``iam``, ``failures`` and ``lines`` to show."""
    found, observed, aws_plain = _site.Site.from_dict(_plain(data)), _plain(observations), _plain(aws) if aws else None
    entries: list[_plan.Entry] = []
    failures: list[_plan.Failure] = []
    releases: dict[str, str] = {}
    for cluster in found.data_planes:
        observation = observed.get(cluster.host)
        if observation is None:
            continue
        if not observation["reachable"]:
            failures.append(_unreachable(cluster, observation))
            continue
        digest = _digest(found, cluster, chart, hostvars, aws_plain, None)
        reason = _release_reason(found, observation, chart, digest)
        if reason:
            releases[cluster.host] = reason
            entries.append(_plan.Entry(cluster.host, "dataplane", "Helm release " + cluster.release, reason))
        for pod in (observation["pods"] or {}).get("not_ready", []) if not reason else []:
            entries.append(_plan.Entry(cluster.host, "dataplane", "wait", f"{pod['name']}: {pod['reason']}"))
    due = _plan.credentials_due(found, observed, releases)
    entries += [_credential_entry(found, observed, host) for host in due]
    iam = _iam.plan(found, aws_plain) if aws_plain and found.settings["flyte_iam_manage"] else None
    entries += _iam_entries(found, iam)
    creating = [cluster for cluster in found.data_planes if cluster.eks_create and _iam.is_missing(aws_plain, cluster.host)]
    entries = [_eks_entry(cluster) for cluster in creating] + entries
    head = found.control_plane.host
    hub = None
    if head in observed:
        hub = _predicted_hub(found, observed, due)
        reason = _hub_reason(found, observed, hub, chart, hostvars, aws_plain)
        if reason:
            entries.append(_plan.Entry(head, "controlplane", "Helm release " + found.control_plane.release, reason))
            entries += _hub_entries(found, observed, hub)
    return {
        "releases": releases,
        "credentials": due,
        "hub": dataclasses.asdict(hub) if hub else None,
        "iam": iam,
        "eks": [cluster.host for cluster in creating],
        "waiting": [host for host, entry in observed.items() if entry["reachable"] and host != head and (entry["pods"] or {}).get("not_ready")],
        "failures": [dataclasses.asdict(failure) for failure in failures],
        "lines": [str(entry) for entry in entries],
    }


def _unreachable(cluster: _site.Cluster, observation: Mapping[str, t.Any]) -> _plan.Failure:
    error = observation["error"]
    return _plan.Failure(cluster.host, "observe", error["message"], f"{error['hint']} What is stored for it stays as it was; run again then.")


def _release_reason(found: _site.Site, observation: Mapping[str, t.Any], chart: Mapping[str, t.Any], digest: str) -> str | None:
    timeout = found.settings["flyte_pending_release_timeout"]
    return _plan.release_reason(observation, chart=chart["name"], version=chart["version"], digest=digest, pending_timeout=timeout)


def _predicted_hub(found: _site.Site, observed: Mapping[str, t.Any], due: Sequence[str]) -> _plan.HubPlan:
    """Return the hub's plan as it will be when the credentials that are due are stored and answer."""
    hub = observed[found.control_plane.host]["hub"] or {}
    names = [cluster.name for cluster in found.data_planes if cluster.host in due]
    made = {"token": "to be made", "ca_cert": "to be made"}
    credentials = {**(hub.get("credentials") or {}), **{name: made for name in names}}
    probes = {**(hub.get("probes") or {}), **{name: {"ok": True} for name in names}}
    return _plan.hub_plan(found, observed, credentials=credentials, probes=probes)


def _hub_reason(
    found: _site.Site,
    observed: Mapping[str, t.Any],
    hub: _plan.HubPlan,
    chart: Mapping[str, t.Any],
    hostvars: Mapping[str, t.Any],
    aws: Mapping[str, t.Any] | None,
) -> str | None:
    if not hub.cluster_configs:
        return None
    digest = _digest(found, found.control_plane, chart, hostvars, aws, dataclasses.asdict(hub))
    return _release_reason(found, observed[found.control_plane.host], chart, digest)


def _credential_entry(found: _site.Site, observed: Mapping[str, t.Any], host: str) -> _plan.Entry:
    cluster = next(entry for entry in found.data_planes if entry.host == host)
    token = observed[host].get("token")
    stored = ((observed[found.control_plane.host].get("hub") or {}).get("credentials") or {}).get(cluster.name)
    if not token:
        detail = f"make the token Secret {found.settings['flyte_token_secret']}"
    elif stored == _plan.fingerprints(token):
        detail = f"try the stored token {token['fingerprint'][:8]}"
    else:
        detail = f"store the token {token['fingerprint'][:8]} of {token['secret']}"
    return _plan.Entry(host, "credentials", f"{_values.SECRET_NAME}: {cluster.name}_token, {cluster.name}_cacert", detail)


def _eks_entry(cluster: _site.Cluster) -> _plan.Entry:
    nodes = f"{cluster.eks['nodes_min']} to {cluster.eks['nodes_max']} nodes {', '.join(cluster.eks['instance_types'])}"
    detail = f"version {cluster.eks['version']}, subnets {', '.join(str(subnet) for subnet in cluster.eks['subnets'])}, {nodes}; then it is planned anew"
    return _plan.Entry(cluster.host, "eks_cluster", f"create EKS cluster {cluster.eks_cluster}", detail)


def _iam_entries(found: _site.Site, iam: Mapping[str, t.Any] | None) -> list[_plan.Entry]:
    if iam is None:
        return []
    head = found.control_plane.host
    entries = [_plan.Entry(head, "iam", "OIDC provider", issuer) for issuer in iam["missing_issuers"]]
    if iam["policy_differs"]:
        entries.append(_plan.Entry(head, "iam", "policy", iam["policy"]["name"]))
    entries += [
        _plan.Entry(row["host"], "iam", "Pod Identity", f"{row['namespace']}:{row['service_account']} takes {row['role_arn']}")
        for row in iam["missing_associations"]
    ]
    limit = found.settings["flyte_iam_policy_size_limit"]
    for name, role in iam["roles"].items():
        if role["differs"]:
            fits = "" if role["room"] is None else f", {role['room']} more clusters fit"
            entries.append(_plan.Entry(head, "iam", "role", f"{name}: trust policy of {role['size']} of {limit} characters{fits}"))
        entries += [_plan.Entry(head, "iam", "role", f"{name}: {note}") for note in role["notes"]]
    return entries


def _hub_entries(found: _site.Site, observed: Mapping[str, t.Any], hub: _plan.HubPlan) -> list[_plan.Entry]:
    """Return what changes in the configuration that people care about: clusters and labels."""
    head = found.control_plane.host
    live = (observed[head]["hub"] or {}).get("clusters") or {}
    entries = []
    before = {entry["name"]: entry for entry in live.get("clusterConfigs") or []}
    for entry in hub.cluster_configs:
        if before.get(entry["name"]) != entry:
            place = "this cluster itself" if entry.get("inCluster") else entry["endpoint"]
            entries.append(_plan.Entry(head, "controlplane", "clusterConfigs", f"{entry['name']}: {place}, enabled {str(entry['enabled']).lower()}"))
    labels = live.get("labelClusterMap") or {}
    for label, targets in hub.label_cluster_map.items():
        if labels.get(label) != targets:
            text = ", ".join(f"{target['id']} {target['weight']:g}" for target in targets)
            entries.append(_plan.Entry(head, "controlplane", "labelClusterMap", f"{label}: {text}"))
    entries += [_plan.Entry(head, "controlplane", "labelClusterMap", f"{label}: removed") for label in labels if label not in hub.label_cluster_map]
    entries += [_plan.Entry(head, "controlplane", "kept", f"{what}, which the inventory does not have") for what in hub.kept]
    return entries


def hub_plan(
    data: Mapping[str, t.Any],
    observations: Mapping[str, t.Any],
    *,
    credentials: Mapping[str, t.Any],
    probes: Mapping[str, t.Any],
    chart: Mapping[str, t.Any],
    hostvars: Mapping[str, t.Any],
    aws: Mapping[str, t.Any] | None = None,
) -> dict[str, t.Any]:
    """Return what flyteadmin's configuration has to be now that the credentials are stored, and why Helm has to run."""
    found, observed = _site.Site.from_dict(_plain(data)), _plain(observations)
    hub = _plan.hub_plan(found, observed, credentials=_plain(credentials), probes=_plain(probes))
    reason = _hub_reason(found, observed, hub, chart, hostvars, _plain(aws) if aws else None)
    failures: list[_plan.Failure] = []
    if not hub.cluster_configs:
        failures.append(_plan.Failure(found.control_plane.host, "controlplane", "no data plane has credentials yet", "Mend a data plane, then run again."))
    if reason and hub.unreachable:
        problem = f"not rolled out: the enabled data plane {', '.join(hub.unreachable)} does not answer to flyteadmin's credentials"
        remedy = "flyteadmin's new pods would not start (init container sync-cluster-resources). Mend it, or drain it with flyte_cluster_enabled: false."
        failures.append(_plan.Failure(found.control_plane.host, "controlplane", problem, remedy))
        reason = None
    rows = [dataclasses.asdict(failure) for failure in failures]
    return {**dataclasses.asdict(hub), "reason": reason, "failures": rows}


# -- labels


def label_rows(data: Mapping[str, t.Any], clusters: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the inventory's rows that can be set now (``ready``), those whose label leads to no enabled cluster (``held``), and
    the projects to purge: none in which a row is held, since that row may be stored."""
    found, placement = _site.Site.from_dict(_plain(data)), _labels.Placement.from_section(_plain(clusters))
    split: dict[str, list[dict[str, t.Any]]] = {"ready": [], "held": []}
    for row in found.execution_cluster_labels:
        split["ready" if placement.shares(row.label) else "held"].append(dataclasses.asdict(row))
    held = {row["project"] for row in split["held"]}
    return {**split, "purge": [project for project in found.settings["flyte_execution_cluster_labels_purge"] if project not in held]}


def label_report(
    rows: Sequence[Mapping[str, t.Any]], clusters: Mapping[str, t.Any], project_domains: Sequence[Mapping[str, t.Any]]
) -> dict[str, t.Any]:
    """Return the stored rows that lead to no enabled cluster (``astray``), and the project-domains without a label (``unlabelled``)."""
    stored = {(row["project"], row["domain"], row["workflow"]): row["label"] for row in _plain(rows)}
    placement = _labels.Placement.from_section(_plain(clusters))
    places = [(place["project"], place["domain"]) for place in _plain(project_domains)]
    return {"astray": placement.astray(stored), "unlabelled": placement.unlabelled(stored, places)}


def verification(
    data: Mapping[str, t.Any],
    observations: Mapping[str, t.Any],
    rows: Sequence[Mapping[str, t.Any]],
    project_domains: Sequence[Mapping[str, t.Any]],
    *,
    planned: bool = False,
    known: Sequence[str] = (),
) -> dict[str, t.Any]:
    """Return what is not as it has to be (``failures``), and what to know (``lines``).

    Of hosts in ``known`` a failure was noted already.
    With ``planned`` (check mode) what is wrong may be what the run would mend: nothing is a failure then.
    """
    found, observed = _site.Site.from_dict(_plain(data)), _plain(observations)
    hub = (observed.get(found.control_plane.host) or {}).get("hub") or {}
    live = hub.get("clusters") or {}
    if not live:
        return {"failures": [], "lines": []}
    failures = [] if planned else [failure for failure in _plan.cluster_failures(found, observed) if failure.host not in known]
    report = label_report(rows, live, project_domains)
    lines = [f"{_place(row)}: label {row['label']!r}: {row['reason']}: it runs on any enabled cluster" for row in report["astray"]]
    if found.settings["flyte_strict_labels"] and not planned:
        head = found.control_plane.host
        failures += [_plan.Failure(head, "verify", line, "Set a label of labelClusterMap, or remove the row.") for line in lines]
        failures += [_plan.Failure(head, "verify", f"{place}: no label", "Set one: it runs on any enabled cluster.") for place in report["unlabelled"]]
    lines += [f"{place}: no label: it runs on any enabled cluster" for place in report["unlabelled"]]
    return {"failures": [dataclasses.asdict(failure) for failure in failures], "lines": lines}


def canary_report(canaries: Sequence[Mapping[str, t.Any]], host: str) -> dict[str, t.Any]:
    """Return what the canaries showed: a table as ``text``, and ``failures``."""
    rows = [
        {
            "project_domain": f"{entry['project']}/{entry['domain']}",
            "label": f"{entry['label']} ({entry['level']})",
            "expected": ", ".join(entry["expected"]),
            "cluster": entry["cluster"],
            "phase": entry["phase"],
            "verdict": entry["problem"] or "proven",
        }
        for entry in _plain(canaries)
    ]
    remedy = "Check labels with flyte_ecl_info, and the execution in the console; then run again."
    failures = [_plan.Failure(host, "verify: canary", f"{row['project_domain']}: {row['verdict']}", remedy) for row in rows if row["verdict"] != "proven"]
    return {
        "text": "\n".join(table(rows, ("project_domain", "label", "expected", "cluster", "phase", "verdict"))) + "\n",
        "failures": [dataclasses.asdict(failure) for failure in failures],
    }


def _place(row: Mapping[str, t.Any]) -> str:
    return _labels.describe((row["project"], row["domain"], row["workflow"]))


# -- showing


_STEPS = ("eks_cluster", "dataplane", "credentials", "controlplane", "ecl", "verify")


def failures(hostvars: Mapping[str, t.Any], groups: Mapping[str, t.Any], planned: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return what failed: in the plan, and in each role on each host (its variable ``<role>_failures``)."""
    read = _reader(hostvars)
    rows = list(_plain(planned)["failures"])
    for host in [*groups.get("flyte_control_plane", []), *groups.get("flyte_data_planes", [])]:
        for step in _STEPS:
            rows += [row for row in read(host, f"{step}_failures") or [] if row not in rows]
    return rows


def failure_table(found: Sequence[Mapping[str, t.Any]]) -> str:
    """Return the closing table as text of several lines."""
    rows = [{"cluster": row["host"], "failed at": row["step"], "what": row["problem"], "what to do": row["remedy"]} for row in _plain(found)]
    columns = {"cluster": 24, "failed at": 20, "what": 50, "what to do": 44}
    lines = table(wrapped(rows, columns), tuple(columns))
    return f"{len(rows)} thing(s) could not be done; everything else was.\n\n" + "\n".join(lines)


def status_table(
    data: Mapping[str, t.Any], observations: Mapping[str, t.Any], executions: Sequence[Mapping[str, t.Any]]
) -> str:
    """Return one line for each cluster that workflows can run on."""
    found, observed = _site.Site.from_dict(_plain(data)), _plain(observations)
    hub = (observed.get(found.control_plane.host) or {}).get("hub") or {}
    live = hub.get("clusters") or {}
    configs = {entry["name"]: entry for entry in live.get("clusterConfigs") or []}
    placed = [execution.get("cluster") for execution in _plain(executions)]
    rows = []
    for cluster in found.targets:
        observation, config = observed.get(cluster.host) or {}, configs.get(cluster.name) or {}
        installed, token = observation.get("release"), observation.get("token")
        labels = [label for label, entries in (live.get("labelClusterMap") or {}).items() if any(entry["id"] == cluster.name for entry in entries)]
        rows.append(
            {
                "cluster": cluster.name,
                "enabled": "yes" if config.get("enabled") else "no" if config else "not configured",
                "endpoint": "in cluster" if config.get("inCluster") else config.get("endpoint"),
                "release": f"{installed['name']} r{installed['revision']} {installed['status']}" if installed else None,
                "chart": f"{installed['chart']} {installed['version']}" if installed else None,
                "token_age": age(token["age"]) if token else None,
                "labels": ", ".join(sorted(labels)),
                "executions": str(placed.count(cluster.name)),
                "state": "ready" if observation.get("reachable") and not (observation.get("pods") or {}).get("not_ready") else "not ready",
            }
        )
    return "\n".join(table(rows, ("cluster", "enabled", "endpoint", "release", "chart", "token_age", "labels", "executions", "state"))) + "\n"


# -- IAM


def iam_faults(data: Mapping[str, t.Any], aws: Mapping[str, t.Any]) -> list[str]:
    """Return what AWS says against the inventory."""
    return [str(fault) for fault in _iam.faults(_site.Site.from_dict(_plain(data)), _plain(aws))]


def trust_policy(
    wanted: Sequence[Mapping[str, t.Any]],
    existing: Mapping[str, t.Any] | None = None,
    *,
    namespaces: Sequence[str] = ("flyte",),
    domains: Sequence[str] = ("development", "staging", "production"),
    compact: bool = False,
    prune: bool = False,
) -> dict[str, t.Any]:
    """Return an IAM trust policy for the accounts of the given OIDC providers."""
    given = [(entry["provider_arn"], entry["issuer"], entry["subjects"]) for entry in _plain(wanted)]
    own = _trust.Own(tuple(namespaces), tuple(domains))
    return _trust.merge_trust(_plain(existing) if existing else None, given, own=own, compact=compact, prune=prune).document


class FilterModule:
    """Filters of flyte.multicluster."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {
            "access": access,
            "admin_options": admin_options,
            "aws_options": aws_options,
            "canary_report": canary_report,
            "cluster_specs": cluster_specs,
            "credential_specs": credential_specs,
            "eks_specs": eks_specs,
            "failure_table": failure_table,
            "failures": failures,
            "hub_plan": hub_plan,
            "iam_faults": iam_faults,
            "label_report": label_report,
            "label_rows": label_rows,
            "plan": plan,
            "release": release,
            "site": site,
            "status_table": status_table,
            "trust_policy": trust_policy,
            "verification": verification,
        }
