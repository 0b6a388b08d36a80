# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: eks
short_description: Every EKS cluster with given tags is a data plane
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - Lists the EKS clusters of given regions and accounts, and makes each one with the given tags a host of the group
    C(flyte_data_planes). To add a data plane is to tag a cluster then.
  - A host gets C(flyte_eks_cluster), C(flyte_eks_region) and, for a cluster of another account, C(flyte_eks_assume_role_arn), with which the
    playbooks reach it, and C(eks_tags), C(eks_version), C(eks_status), C(eks_arn) and C(eks_account) for O(compose), O(groups) and
    O(keyed_groups).
  - The file's name has to end in C(eks.yml) or C(eks.yaml).
  - Labels and the control plane come from another inventory source, unless O(control_plane_tags) finds it here.
options:
  plugin:
    description: Has to be V(flyte.multicluster.eks).
    type: str
    required: true
    choices: [flyte.multicluster.eks]
  regions:
    description: Regions to look in.
    type: list
    elements: str
    required: true
  assume_role_arns:
    description: ARNs of roles to take on, one for each further account to look in. This identity's own account is always looked in.
    type: list
    elements: str
    default: []
  tags:
    description: Tags that a data plane's cluster has to have, all of them.
    type: dict
    required: true
  control_plane_tags:
    description: Tags of the control plane's cluster, which becomes the host of the group C(flyte_control_plane).
    type: dict
  statuses:
    description: Clusters in any other status are left out.
    type: list
    elements: str
    default: [ACTIVE, UPDATING]
  hostname_format:
    description:
      - Name of a host, from C({name}), C({region}) and C({account}). It is the name in flyteadmin's clusterConfigs too; it should not change
        later.
    type: str
    default: "{name}"
  endpoint_url:
    env:
      - name: AWS_URL
      - name: AWS_ENDPOINT_URL
extends_documentation_fragment:
  - constructed
  - inventory_cache
  - flyte.multicluster.aws.plugins
"""

EXAMPLES = r"""
# dataplanes.eks.yml: every cluster tagged flyte=dataplane, in two regions and two accounts
plugin: flyte.multicluster.eks
regions: [us-east-2, eu-west-1]
assume_role_arns: [arn:aws:iam::210987654321:role/flyte-automation]
tags: {flyte: dataplane}
control_plane_tags: {flyte: controlplane}
strict: true
compose:
  flyte_cluster_enabled: eks_tags['flyte-enabled'] | default('true') == 'true'
keyed_groups:
  - {key: flyte_eks_region, prefix: region}
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/flyte-multicluster/inventory
"""

import concurrent.futures
import typing as t

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.flyte.multicluster.plugins.module_utils._aws.errors import AwsError, attempt
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.session import client

_CONNECTION = ("profile", "endpoint_url", "access_key", "secret_key", "session_token")
Cluster = dict[str, t.Any]


def list_clusters(options: t.Mapping[str, t.Any], regions: t.Sequence[str], roles: t.Sequence[str]) -> list[Cluster]:
    """Return all EKS clusters of these regions, in this identity's account and those of the roles; regions and clusters side by side."""
    places = [(region, role) for role in (None, *roles) for region in regions]
    with concurrent.futures.ThreadPoolExecutor(max_workers=16) as pool:
        clients = list(pool.map(lambda place: client(options, "eks", region=place[0], assume_role_arn=place[1]), places))

        def names(eks: t.Any) -> list[str]:
            found = attempt(f"list the EKS clusters of {eks.meta.region_name}", eks.get_paginator("list_clusters").paginate().build_full_result)
            return list(found.get("clusters") or [])

        wanted = [(place, eks, name) for place, eks, found in zip(places, clients, pool.map(names, clients)) for name in found]
        described = pool.map(lambda entry: attempt(f"describe the EKS cluster {entry[2]}", entry[1].describe_cluster, name=entry[2])["cluster"], wanted)
        return [_cluster(cluster, region, role) for ((region, role), _eks, _name), cluster in zip(wanted, described)]


def _cluster(cluster: t.Mapping[str, t.Any], region: str, role: str | None) -> Cluster:
    return {
        "name": cluster["name"],
        "region": region,
        "role": role,
        "arn": cluster["arn"],
        "account": cluster["arn"].split(":")[4],
        "version": cluster.get("version"),
        "status": cluster.get("status"),
        "tags": dict(cluster.get("tags") or {}),
    }


def has_tags(cluster: Cluster, tags: t.Mapping[str, t.Any] | None) -> bool:
    """Return whether a cluster has all of these tags."""
    return bool(tags) and all(cluster["tags"].get(str(key)) == str(value) for key, value in (tags or {}).items())


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]  # ansible has no types
    """Inventory plugin flyte.multicluster.eks."""

    NAME = "flyte.multicluster.eks"

    def verify_file(self, path: str) -> bool:
        """Return whether a file is this plugin's, by its name."""
        return bool(super().verify_file(path)) and path.endswith(("eks.yml", "eks.yaml"))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Fill the inventory."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        for cluster in self._clusters(self.get_cache_key(path), cache):
            self._add(cluster)

    def _clusters(self, key: str, cache: bool) -> list[Cluster]:
        """Return the clusters from the cache where it holds them, else from AWS. Credentials are never in the cache."""
        if cache and self.get_option("cache"):
            try:
                return t.cast("list[Cluster]", self._cache[key])
            except KeyError:
                pass
        found = self._ask()
        if self.get_option("cache"):
            self._cache[key] = found
        return found

    def _ask(self) -> list[Cluster]:
        options = {name: self.get_option(name) for name in _CONNECTION}
        try:
            return list_clusters(options, self.get_option("regions"), self.get_option("assume_role_arns"))
        except ImportError as error:
            raise AnsibleParserError("the inventory plugin flyte.multicluster.eks needs boto3") from error
        except AwsError as error:
            hint = "Check regions, assume_role_arns and the credentials of the inventory plugin flyte.multicluster.eks."
            raise AnsibleParserError(f"{error.message} {hint}") from error

    def _add(self, cluster: Cluster) -> None:
        is_control_plane = has_tags(cluster, self.get_option("control_plane_tags"))
        if cluster["status"] not in self.get_option("statuses") or not (is_control_plane or has_tags(cluster, self.get_option("tags"))):
            return
        try:
            host = self.get_option("hostname_format").format(**{key: cluster[key] for key in ("name", "region", "account")})
        except (KeyError, IndexError, ValueError) as error:
            raise AnsibleParserError(f"hostname_format {self.get_option('hostname_format')!r}: only {{name}}, {{region}} and {{account}} are known") from error
        known = self.inventory.get_host(host)
        if known is not None and known.get_vars().get("eks_arn") not in (None, cluster["arn"]):
            raise AnsibleParserError(f"{known.get_vars()['eks_arn']} and {cluster['arn']} are both {host!r}: set hostname_format: '{{name}}-{{region}}'")
        group = self.inventory.add_group("flyte_control_plane" if is_control_plane else "flyte_data_planes")
        self.inventory.add_host(host, group=group)
        variables = {
            "flyte_eks_cluster": cluster["name"],
            "flyte_eks_region": cluster["region"],
            **({"flyte_eks_assume_role_arn": cluster["role"]} if cluster["role"] else {}),
            **{f"eks_{key}": cluster[key] for key in ("tags", "version", "status", "arn", "account")},
        }
        for name, value in variables.items():
            self.inventory.set_variable(host, name, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)
