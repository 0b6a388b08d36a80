# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in IAM: OIDC providers, and the accounts of clusters that they vouch for. Pure functions."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._helm.namespaces import DEFAULT_MAPPING, namespace_of

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable

#: provider ARN, issuer, and the accounts of that cluster that may assume the role
Grant = tuple[str, str, t.Sequence[str]]

AUDIENCE = "sts.amazonaws.com"
_ACCOUNT = "system:serviceaccount:"
_COMPONENTS = ("flytepropeller", "flyteadmin", "datacatalog")


# -- providers


def issuer_path(issuer: str) -> str:
    """Return an OIDC issuer as condition keys and ARNs name it: without ``https://``."""
    return re.sub(r"^https?://", "", issuer).rstrip("/")


def provider_arn(account: str, issuer: str, partition: str = "aws") -> str:
    """Return the ARN of the account's OIDC provider of an issuer.

    :param partition: ``aws``, ``aws-cn``, ``aws-us-gov`` and so on.
    """
    return f"arn:{partition}:iam::{account}:oidc-provider/{issuer_path(issuer)}"


# -- subjects


def control_plane_subjects(namespace: str) -> list[str]:
    """Return the accounts of the control plane that read and write the buckets."""
    return [f"{_ACCOUNT}{namespace}:flyteadmin", f"{_ACCOUNT}{namespace}:datacatalog"]


def propeller_subject(namespace: str) -> str:
    """Return the account of flytepropeller."""
    return f"{_ACCOUNT}{namespace}:flytepropeller"


def task_namespaces(projects: Iterable[str], domains: Iterable[str], mapping: str = DEFAULT_MAPPING) -> list[str]:
    """Return the namespaces of the tasks' pods, each once: a mapping may let projects, or domains, share one.

    :param mapping: ``{project}-{domain}`` and the like.
    """
    # Where no project has a namespace of its own, those of the domains are there before any project.
    named = sorted(set(projects)) if "{project}" in mapping else [""]
    ordered = list(domains)
    return list(dict.fromkeys(namespace_of(mapping, project, domain) for project in named for domain in ordered))


def task_subjects(projects: Iterable[str], domains: Iterable[str], *, wildcard: bool, mapping: str = DEFAULT_MAPPING) -> list[str]:
    """Return the accounts of the tasks' pods.

    :param wildcard: the guide's ``*:default`` instead of the enumerated namespaces; of one domain ``*-<domain>:default``.
    """
    ordered = list(domains)
    if wildcard and (len(ordered) > 1 or "{domain}" not in mapping):
        return [f"{_ACCOUNT}*:default"]
    return [f"{_ACCOUNT}{namespace}:default" for namespace in task_namespaces(["*"] if wildcard else projects, ordered, mapping)]


def data_plane_subjects(
    namespace: str, projects: Iterable[str], domains: Iterable[str], *, wildcard: bool, mapping: str = DEFAULT_MAPPING
) -> list[str]:
    """Return the accounts of a data plane: flytepropeller and those of the tasks' pods."""
    tasks = [f"{_ACCOUNT}*:default"] if wildcard else task_subjects(projects, domains, wildcard=False, mapping=mapping)
    return [propeller_subject(namespace), *tasks]


@dataclasses.dataclass(frozen=True)
class Own:
    """What accounts of Flyte's look like in a trust policy that this collection, or the guide, wrote.

    :param namespaces: Flyte's namespaces.
    :param domains: Flyte's domains: ``<project>-<domain>:default`` is an account of Flyte's tasks.
    :param mapping: of projects and domains to namespaces, where it is another one; those of Flyte's own mapping stay Flyte's.
    :param projects: Flyte's projects, for a mapping without domains: any namespace could be one of some project.
    """

    namespaces: Collection[str] = ("flyte",)
    domains: Collection[str] = ("development", "staging", "production")
    mapping: str = DEFAULT_MAPPING
    projects: Collection[str] = ()

    def has(self, subject: str) -> bool:
        """Return whether a subject is one of Flyte's own accounts."""
        place, _colon, account = subject.removeprefix(_ACCOUNT).rpartition(":")
        if account == "default":
            return place == "*" or any(self._is_mapped(place, mapping) for mapping in (DEFAULT_MAPPING, self.mapping))
        return place in self.namespaces and account in _COMPONENTS

    def _is_mapped(self, place: str, mapping: str) -> bool:
        """Return whether a namespace is one of Flyte's tasks."""
        projects = "[^/]+" if "{domain}" in mapping else _one_of(self.projects)
        pattern = re.escape(mapping).replace(r"\{domain\}", _one_of(self.domains)).replace(r"\{project\}", projects)
        return bool(re.fullmatch(pattern, place))


def _one_of(names: Collection[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, names))})" if names else "(?!)"
