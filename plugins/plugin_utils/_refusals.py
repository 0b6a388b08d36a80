# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before the first cluster is asked: access, Helm, flyteadmin's login and values that cannot work."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import method_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._common.files import expanded
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import shown_file
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.settings import Settings
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.words import in_inventory_words
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import mapping_in_use
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.flyte_values import makes_namespaces
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.variables import ADMIN_FILES
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import admin_options, cluster_options
from ansible_collections.flyte.multicluster.plugins.plugin_utils._helm_binary import helm_fault

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.reader import Fault
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._chart import ValuesReader

    Read = Callable[[str, str], t.Any]


def refuse_access(site: Site, read: Read, *, forgiven: Collection[str]) -> None:
    """Refuse access that cannot work, all of it together, and one that serves for everything but Helm: it would fail halfway.

    :param forgiven: hosts whose access does not matter.
    :raises Refused: there is one that cannot work.
    """
    wrong = []
    for cluster in site.clusters:
        method = method_of(cluster_options(site, cluster, read))
        if cluster.host in forgiven:
            continue
        try:
            method.validate()
        except KubeError as error:
            # A kubeconfig that cannot be understood is that cluster's failure: observing it says so.
            wrong += [f"{cluster.host}: {error.message}. {error.hint}"] if error.kind == "config" else []
            continue
        problem = method.helm_problem()
        wrong += [f"{cluster.host}: {problem}."] if problem else []
    if wrong:
        raise Refused(*wrong)


def refuse_helm(site: Site) -> None:
    """Refuse a Helm that is not there, or that kubernetes.core cannot run, before anything else was done."""
    binary = site.settings["flyte_helm_binary"]
    fault = helm_fault(binary)
    if fault:
        raise Refused(f"{site.control_plane.host}: flyte_helm_binary = {shown_file(binary)!r}: {fault}")


def refuse_login(site: Site, read: Read) -> None:
    """Refuse a login of flyteadmin that cannot work: it is used after all other changes."""
    options, host = admin_options(site, read), site.control_plane.host
    wrong = [
        f"{host}: {variable} = {shown_file(options[option])!r}: there is no such file."
        for variable, option in ADMIN_FILES.items()
        if options.get(option) and not os.path.isfile(expanded(options[option]))
    ]
    try:
        Settings.from_params(options)
    except AdminError as error:
        wrong.append(f"{host}: {in_inventory_words(str(error))}")
    if wrong:
        raise Refused(*wrong)


def refuse_values(site: Site, reader: ValuesReader) -> None:
    """Refuse values files that are none, and values of another shape than the chart's; what is wrong in the same way for many hosts is said once."""
    wrong: dict[tuple[str, str, str], Fault] = {}
    for cluster in site.clusters:
        for fault in reader.faults(cluster):
            wrong.setdefault((fault.variable, repr(fault.value), fault.remedy), fault)
    if wrong:
        raise Refused(*map(str, wrong.values()))


def use_mapping(site: Site, reader: ValuesReader) -> None:
    """Take the namespaces of tasks from the control plane's values where the inventory does not say them: trust policies name them."""
    sources = reader.sources(site.control_plane)
    found = site.settings["flyte_namespace_mapping"] or mapping_in_use(sources)
    if found and not makes_namespaces(found):
        raise Refused(
            f"{site.control_plane.host}: configmap.namespace_config.namespace_mapping.template = {found!r}: flyteadmin fills in exactly "
            "'{{ project }}' and '{{ domain }}', and names of namespaces have to come out of it. flyte_namespace_mapping writes them."
        )
    site.settings["flyte_namespace_mapping"] = found
