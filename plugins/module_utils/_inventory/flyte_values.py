# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes values of the chart: buckets, links to logs, the namespaces of tasks. No I/O."""

from __future__ import annotations

import itertools
import re
import typing as t

from .._common.text import nearest
from .._helm.log_links import KEYS, NAMES, unknown_names
from .._helm.namespaces import namespace_of, plain_mapping
from .checks import IDENTIFIER, KUBERNETES_OWN
from .reader import NOT_SHOWN

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .reader import Reader
    from .site import Cluster, Site

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[\w!.()=+,:@&;/-]+", re.ASCII)
#: a user and a password in the host of a URL; an "@" behind it is none
_CREDENTIALS = re.compile(r"://[^/?#\s]*:[^/?#\s]*@")
_LONGEST_NAMESPACE = 63
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


def check_buckets(reader: Reader, clusters: Sequence[Cluster], settings: Mapping[str, t.Any]) -> None:
    """Check the buckets of every cluster; what is wrong for the whole site is said once."""
    manages = settings["flyte_provider"] == "aws" and settings["flyte_iam_manage"]
    said: set[str] = set()
    for cluster in clusters:
        named: list[tuple[str, t.Any]] = [("flyte_buckets", bucket) for bucket in cluster.buckets]
        if cluster.raw_data_bucket is not None:
            named.append(("flyte_raw_data_bucket", cluster.raw_data_bucket))
        found = [(variable, bucket, _bucket_problem(bucket)) for variable, bucket in named]
        if cluster.buckets and "/" in cluster.buckets[0] and not found[0][2]:
            found.append(("flyte_buckets", cluster.buckets[0], _WHOLE))
        if manages and not cluster.buckets:
            found.append(("flyte_buckets", [], "is required with flyte_provider aws: the S3 buckets of Flyte. Or set flyte_iam_manage: false."))
        for variable, bucket, problem in found:
            if problem and f"{variable}={bucket}" not in said:
                said.add(f"{variable}={bucket}")
                reader.fault(cluster.host, variable, bucket, problem)


_WHOLE = "cannot have a prefix: the first bucket is Flyte's own, which lies in it under metadata/. Put the tasks' with its prefix into flyte_raw_data_bucket."


def _bucket_problem(bucket: str) -> str:
    name, slash, prefix = bucket.partition("/")
    if not valid_bucket(name):
        return (
            "is no name that S3 takes: 3 to 63 lower-case letters, digits, '.' and '-', beginning and ending with a letter or digit, no IP address, no '..'."
        )
    if slash and (not prefix.strip("/") or not _PREFIX.fullmatch(prefix)):
        # It stands in an IAM policy, where '*', '?' and '${aws:username}' mean more than themselves.
        return "has to be bucket or bucket/prefix: a prefix without wildcards and white space, of letters, digits and !-_.()=+,:@&;/."
    if slash and {"", ".", ".."} & set(prefix.rstrip("/").split("/")):
        return "has an empty part, '.' or '..' in its prefix, of which clients of object stores make other paths."
    return ""


def valid_bucket(name: t.Any) -> bool:
    """Return whether S3 takes this as the name of a bucket."""
    if not isinstance(name, str) or not _BUCKET.fullmatch(name) or _ADDRESS.fullmatch(name):
        return False
    forbidden = name.startswith(("xn--", "sthree-", "amzn-s3-demo-")) or name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3"))
    return not forbidden and ".." not in name and ".-" not in name and "-." not in name


def check_namespace_mapping(reader: Reader, host: str, settings: dict[str, t.Any]) -> None:
    """Check how projects and domains become namespaces, and keep it in plain braces."""
    given = settings["flyte_namespace_mapping"]
    if given is None:
        return
    mapping = plain_mapping(given) or ""
    if "{" not in mapping or not makes_namespaces(mapping):
        example = "for example '{project}-{domain}'"
        remedy = f"has to be the name of a namespace with {{project}}, {{domain}} or both in it, not one of Kubernetes' own (kube-…), {example}."
        reader.fault(host, "flyte_namespace_mapping", given, remedy)
        return
    settings["flyte_namespace_mapping"] = mapping


def makes_namespaces(mapping: str) -> bool:
    """Return whether names of namespaces, none of them Kubernetes' own, come out of a mapping in plain braces."""
    example = namespace_of(mapping, "p", "d")
    return bool(IDENTIFIER.fullmatch(example)) and not example.startswith(KUBERNETES_OWN)


def check_task_namespaces(reader: Reader, host: str, site: Site) -> None:
    """Check the namespaces of the tasks of all projects and domains that the inventory names."""
    for project, domain in itertools.product(site.projects, site.domains):
        name = site.namespace_of(project, domain)
        variable = "flyte_projects" if project in site.settings["flyte_projects"] else "flyte_execution_cluster_labels"
        if len(name) > _LONGEST_NAMESPACE:
            reader.fault(host, variable, project, f"is too long: the namespace of its tasks in {domain} would be {name}, of more than 63 characters.")
        elif name in _SYSTEM:
            reader.fault(host, variable, project, f"would have its tasks of {domain} in Kubernetes' own namespace {name}: take another name.")


def log_links(reader: Reader, host: str, links: Sequence[t.Any]) -> list[dict[str, t.Any]]:
    """Return the links from a task to its logs, checked."""
    found = []
    for number, link in enumerate(links):
        variable = f"flyte_log_links[{number}]"
        if not isinstance(link, dict):
            reader.fault(host, variable, link, "has to be a mapping with name and uri.")
            continue
        before = len(reader.faults)
        for key in link:
            if key not in KEYS:
                reader.fault(host, f"{variable}.{key}", link[key], f"is an unknown key, known are {', '.join(KEYS)}.{nearest(key, tuple(KEYS))}")
        for key in ("name", "uri"):
            _check_link_text(reader, host, f"{variable}.{key}", link.get(key))
        for key in ("show_while_pending", "hide_once_finished"):
            if not isinstance(link.get(key, False), bool):
                reader.fault(host, f"{variable}.{key}", link[key], "has to be true or false.")
        if len(reader.faults) == before:
            found.append(dict(link))
    return found


def _check_link_text(reader: Reader, host: str, variable: str, text: t.Any) -> None:
    if not isinstance(text, str) or not text:
        reader.fault(host, variable, text, "is required, as text.")
        return
    if _CREDENTIALS.search(text):
        reader.fault(host, variable, NOT_SHOWN, "must not hold a password: everybody who sees the task reads it. (It is not shown.)")
        return
    for name in unknown_names(text):
        remedy = f"flytepropeller does not know it; it fills in {', '.join('{' + known + '}' for known in NAMES)}.{nearest(name, NAMES)}"
        reader.fault(host, variable, f"{{{name}}}", remedy)
