# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small inventory that an adoption begins with: how the control plane, flyteadmin, AWS and the candidates of data planes are reached."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import method_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import draft
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.credentials import unsendable_credentials
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.names import unknown_variables
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._adopt_clusters import Asked
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import cluster_options
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import HostVariables, TemplateFault, declared_variables, known_names

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster, Site

#: the role's own variables
OWN_VARIABLES = tuple(f"flyte_adopt_{name}" for name in ("to", "force", "vault_id", "contexts", "eks_clusters"))
#: what nobody goes without, and what says so by its absence
_NEEDED = ("flyte_admin_url", "flyte_kube_context")


class Accesses:
    """The inventory of accesses, read and checked as far as it goes."""

    def __init__(self, groups: Mapping[str, Sequence[str]], variables: HostVariables, contexts: Sequence[str], eks_clusters: Sequence[str]) -> None:
        """Read it.

        :param contexts: of the control plane's kubeconfig, candidates of data planes beside the hosts of flyte_data_planes.
        :param eks_clusters: names of EKS clusters, candidates too.
        :raises Refused: something is wrong with what it has.
        """
        control_planes, hosts = (list(map(str, groups.get(name) or [])) for name in ("flyte_control_plane", "flyte_data_planes"))
        if len(control_planes) != 1:
            raise Refused(f"The group flyte_control_plane has to have exactly one host, with the access to flyteadmin's cluster; it has {len(control_planes)}.")
        self._variables = variables
        self.control = control_planes[0]
        kubeconfig = {"flyte_kubeconfig": variables.read(self.control, "flyte_kubeconfig")}
        #: candidates that are no hosts, with their variables
        self._more: dict[str, dict[str, t.Any]] = {context: {**kubeconfig, "flyte_kube_context": context} for context in contexts}
        self._more |= {name: {"flyte_eks_cluster": name} for name in eks_clusters}
        self.candidates = list(dict.fromkeys([*(host for host in hosts if host != self.control), *self._more]))
        self.site = self._checked()

    def read(self, host: str, name: str) -> t.Any:
        """Return a variable, None where it is not set."""
        if name == "flyte_provider":
            return self._variables.read(self.control, name) or self._provider()
        if host in self._more:
            return self._more[host].get(name)
        return self._variables.read(host, name)

    def given(self, host: str) -> dict[str, t.Any]:
        """Return all of the collection's variables that a host has."""
        found = {name: self.read(host, name) for name in sorted(known_names()) if name != "flyte_provider"}
        return {name: value for name, value in found.items() if value is not None}

    def asked(self, host: str) -> Asked:
        """Return how a cluster is asked."""
        return Asked(host, self.options(self.site.cluster(host)), self.read(host, "flyte_namespace"), self.read(host, "flyte_release_name"))

    def options(self, cluster: Cluster) -> dict[str, t.Any]:
        """Return the options that say how a cluster is reached."""
        return cluster_options(self.site, cluster, self.read)

    def _provider(self) -> str:
        """Return the provider that the accesses themselves speak of."""
        hosts = [self.control, *self.candidates]
        named = any(self.read(host, "flyte_eks_cluster") for host in hosts) or self._variables.read(self.control, "flyte_aws_region")
        return "aws" if named else "generic"

    def _checked(self) -> Site:
        hosts = [self.control, *self.candidates]
        try:
            site, faults = draft([self.control], self.candidates, self.read, declared_variables())
            told = [fault for fault in faults if fault.host in hosts and self._is_told(fault.host, fault.variable)]
            told += unsendable_credentials(hosts, self.read)
            real = {host: self._variables.raw(host) for host in hosts if host not in self._more}
            told += unknown_variables(real, {*known_names(), *OWN_VARIABLES})
        except TemplateFault as error:
            raise Refused(str(error)) from error
        if told or site is None:
            raise Refused(f"The inventory of accesses has {len(told)} fault(s):", *map(str, told))
        self.site = site
        wrong = [problem for host in hosts if (problem := self._access_problem(host, site))]
        if wrong:
            raise Refused(*wrong)
        return site

    def _is_told(self, host: str, variable: str) -> bool:
        """Return whether a fault concerns what is here: what an adoption finds by itself is not missing."""
        name = variable.partition(".")[0].partition("[")[0]
        return variable in _NEEDED or self.read(host, name) is not None

    def _access_problem(self, host: str, site: Site) -> str | None:
        try:
            method_of(self.options(site.cluster(host))).validate()
        except KubeError as error:
            # A kubeconfig that cannot be read is that cluster's failure.
            return f"{host}: {error.message}. {error.hint}" if error.kind == "config" and host == self.control else None
        return None
