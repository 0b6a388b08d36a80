# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks AWS which EKS clusters, roles and policies an installation uses. It reads only."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._adopt import iam
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.planes import normal_endpoint
from ansible_collections.flyte.multicluster.plugins.module_utils._common.explain import NOTES
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.required import plan
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.documents import size
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.placeholders import change_me
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import observed_aws

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.inventory import Draft
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction

_EKS_ARN = re.compile(r"arn:aws[\w-]*:eks:([\w-]+):\d{12}:cluster/([\w-]+)")
_EKS_ENDPOINT = re.compile(r"https://[\w-]+\.[\w-]+\.([a-z0-9-]+)\.eks\.amazonaws\.com")
_OTHER = "eks:"
_MOST_POLICIES = 6
#: what IAM grants of a trust policy's length by default, and on request
_LIMIT, _LARGEST_LIMIT = 2048, 8192
_WILDCARD = "system:serviceaccount:*:default"


def region_of(draft: Draft, endpoints: t.Iterable[str], settings: Mapping[str, t.Any]) -> str | None:
    """Return the region that the installation itself names."""
    for text in (settings.get("accountRegion"), *(match.group(1) for match in map(_EKS_ENDPOINT.match, endpoints) if match)):
        if isinstance(text, str) and text and "<" not in text:
            return text
    arns = [match for host in (draft.control, *draft.planes) if (match := _EKS_ARN.fullmatch(str(draft.read(host, "flyte_kube_context"))))]
    return arns[0].group(1) if arns else None


class Cloud:
    """What AWS has of an installation."""

    def __init__(self, action: InventoryAction, draft: Draft, options: Mapping[str, t.Any], endpoints: Mapping[str, str]) -> None:
        """Begin to ask.

        :param options: of amazon.aws' modules.
        :param endpoints: of the API servers, by host.
        """
        self._action, self._draft, self._options, self._endpoints = action, draft, options, endpoints
        #: as flyte_aws_info returns it; None before it was asked
        self.found: dict[str, t.Any] | None = None

    def ask(self, roles: list[str]) -> None:
        """Ask for the EKS clusters of all hosts and for roles; name the EKS clusters of hosts that have none by their endpoints."""
        draft = self._draft
        clusters: list[dict[str, t.Any]] = []
        nameless = []
        for host in (draft.control, *draft.planes):
            arn = _EKS_ARN.fullmatch(str(draft.read(host, "flyte_kube_context")))
            if not draft.read(host, "flyte_eks_cluster") and arn:
                draft.hosts[host]["flyte_eks_cluster"] = arn.group(2)
                if arn.group(1) != draft.site.get("flyte_aws_region"):
                    draft.hosts[host]["flyte_eks_region"] = arn.group(1)
            clusters += self._named([host])
            nameless += [] if draft.read(host, "flyte_eks_cluster") else [host]
        known = {entry["name"] for entry in clusters}
        clusters += [{"key": _OTHER + name, "name": name} for name in (self._all() if nameless else []) if name not in known]
        self.found = self._asked(eks_clusters=clusters, roles=roles, policy=None)
        for host in nameless:
            self._name(host)

    def _named(self, hosts: t.Iterable[str]) -> list[dict[str, t.Any]]:
        """Return the EKS clusters of hosts, as flyte_aws_info takes them; those that are known by now."""
        read, found = self._draft.read, []
        for host in hosts:
            more = {"region": read(host, "flyte_eks_region"), "assume_role_arn": read(host, "flyte_eks_assume_role_arn")}
            name = str(read(host, "flyte_eks_cluster") or "<")
            found += [] if name.startswith("<") else [{"key": host, "name": name, **{key: value for key, value in more.items() if value}}]
        return found

    def _asked(self, **arguments: t.Any) -> dict[str, t.Any]:
        found = observed_aws(self._action, {**self._options, "pod_identity": False, **arguments})
        return {key: found[key] for key in ("account", "partition", "clusters", "roles", "policy", "oidc_providers")}

    def associations(self) -> dict[str, list[dict[str, t.Any]]]:
        """Return the Pod Identity associations of the EKS cluster of each host, none where this identity must not see them."""
        try:
            answers = self._asked(eks_clusters=self._named([self._draft.control, *self._draft.planes]), roles=[], policy=None, pod_identity=True)["clusters"]
        except ModuleFailed as error:
            text = f"No account has a role, and whether EKS Pod Identity gives them some could not be asked: {error}"
            self._draft.say("", "flyte_iam_mode", text)
            return {}
        return {host: list(answer.get("associations") or []) for host, answer in answers.items()}

    def also(self, roles: list[str]) -> None:
        """Ask for further roles."""
        found = t.cast("dict[str, t.Any]", self.found)
        found["roles"] = {**found["roles"], **self._asked(eks_clusters=[], roles=roles, policy=None)["roles"]}

    def _all(self) -> list[str]:
        """Return the names of all EKS clusters of the region, none where this identity must not list them."""
        from ansible_collections.flyte.multicluster.plugins.module_utils._aws.errors import AwsError, attempt
        from ansible_collections.flyte.multicluster.plugins.module_utils._aws.session import shared_client

        try:
            pages = shared_client(self._options, "eks").get_paginator("list_clusters").paginate()
            return list(attempt("list the EKS clusters", pages.build_full_result).get("clusters") or [])
        except AwsError as error:
            NOTES.note(error)
            return []

    def _name(self, host: str) -> None:
        clusters = t.cast("dict[str, t.Any]", self.found)["clusters"]
        place = normal_endpoint(self._endpoints.get(host))
        key = next((key for key, found in clusters.items() if key.startswith(_OTHER) and place and normal_endpoint(found.get("endpoint")) == place), None)
        if key:
            self._draft.hosts[host]["flyte_eks_cluster"] = key.removeprefix(_OTHER)
            clusters[host] = clusters[key]
        else:
            self._draft.hosts[host]["flyte_eks_cluster"] = change_me(
                f"the EKS cluster at {self._endpoints.get(host) or 'its endpoint'}, or set flyte_iam_manage: false"
            )

    def name_policy(self, managed: iam.FoundIam) -> None:
        """Find the policy that the roles share."""
        found = t.cast("dict[str, t.Any]", self.found)
        if self._draft.site.get("flyte_iam_policy_name"):
            names = [self._draft.site["flyte_iam_policy_name"]]
        else:
            names = iam.policy_names(managed, found["roles"])[:_MOST_POLICIES]
        for name in names:
            policy = self._asked(eks_clusters=[], roles=[], policy=name)["policy"]
            if iam.is_s3_policy(policy):
                self._draft.site["flyte_iam_policy_name"], found["policy"] = name, policy
                return
        self._draft.say(
            "", "flyte_iam_policy_name", "The roles have no policy of this account that grants S3: the guide's, flyte-s3, will be made and attached to them."
        )

    def settle(self, site: Site, data_role: str) -> bool:
        """Say what the trust policy needs to fit into IAM's limit; return whether a variable was added, so that the site is another one."""
        found, draft = t.cast("dict[str, t.Any]", self.found), self._draft
        trust = (found["roles"].get(data_role) or {}).get("trust") or {}
        length, added = size(trust), False
        if length > _LIMIT and "flyte_iam_policy_size_limit" not in draft.site:
            draft.site["flyte_iam_policy_size_limit"] = next(limit for limit in (4096, _LARGEST_LIMIT) if length <= limit)
            draft.say("", "flyte_iam_policy_size_limit", f"The trust policy of {data_role} has {length} characters already, so that this quota was raised.")
            added = True
        limit = draft.site.get("flyte_iam_policy_size_limit", _LIMIT)
        wide = _WILDCARD in str(trust)
        too_long = any(role["size"] > limit for role in plan(site, found)["roles"].values())
        if wide and too_long and "flyte_iam_wildcard" not in draft.site:
            draft.site["flyte_iam_wildcard"] = True
            text = (
                f"The trust policy of {data_role} lets the default account of every namespace take it, as the guide has it. With the namespaces of all projects"
            )
            draft.say("", "flyte_iam_wildcard", f"{text} it would exceed IAM's quota: flyte_iam_domain_roles, flyte_iam_compact or a higher quota make room.")
            return True
        if wide and not draft.site.get("flyte_iam_wildcard"):
            text = "Its trust policy lets the default account of every namespace take it, as the guide has it; it will name the namespaces of the projects."
            draft.say("", "flyte_iam_data_plane_role", f"{text} flyte_iam_wildcard: true keeps it.")
        return added
