# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in IAM: OIDC providers, and the accounts of clusters that they vouch for. Pure functions."""

from __future__ import annotations

import dataclasses
import re
import typing as t

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


def task_subjects(projects: Iterable[str], domains: Iterable[str], *, wildcard: bool) -> list[str]:
    """Return the accounts of the tasks' pods.

    :param wildcard: the guide's ``*:default`` instead of the enumerated namespaces; of one domain ``*-<domain>:default``.
    """
    ordered = list(domains)
    if wildcard:
        return [f"{_ACCOUNT}*-{ordered[0]}:default"] if len(ordered) == 1 else [f"{_ACCOUNT}*:default"]
    return [f"{_ACCOUNT}{project}-{domain}:default" for project in sorted(set(projects)) for domain in ordered]


def data_plane_subjects(namespace: str, projects: Iterable[str], domains: Iterable[str], *, wildcard: bool) -> list[str]:
    """Return the accounts of a data plane: flytepropeller and those of the tasks' pods."""
    tasks = [f"{_ACCOUNT}*:default"] if wildcard else task_subjects(projects, domains, wildcard=False)
    return [propeller_subject(namespace), *tasks]


@dataclasses.dataclass(frozen=True)
class Own:
    """What accounts of Flyte's look like in a trust policy that this collection, or the guide, wrote.

    :param namespaces: Flyte's namespaces.
    :param domains: Flyte's domains: ``<project>-<domain>:default`` is an account of Flyte's tasks.
    """

    namespaces: Collection[str] = ("flyte",)
    domains: Collection[str] = ("development", "staging", "production")

    def has(self, subject: str) -> bool:
        """Return whether a subject is one of Flyte's own accounts."""
        place, _colon, account = subject.removeprefix(_ACCOUNT).rpartition(":")
        if account == "default":
            return place == "*" or any(place.endswith(f"-{domain}") and len(place) > len(domain) + 1 for domain in self.domains)
        return place in self.namespaces and account in _COMPONENTS
