# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the clusters, flyteadmin and AWS of a site are reached: options for modules. They may be credentials: use them, keep them nowhere."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import method_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, has_explicit_access
from ansible_collections.flyte.multicluster.plugins.module_utils._common.explain import NOTES
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.client import Admin
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.settings import ADMIN_CONNECTION, Settings
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.variables import ACCESS_VARIABLES, ADMIN_VARIABLES, AWS_VARIABLES, options_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused, refuse_without
from ansible_collections.flyte.multicluster.plugins.plugin_utils._certificates import certificate_of

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster, Site
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rights import Rights
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction

    Read = Callable[[str, str], t.Any]


#: seconds after a rollout in which the ingress of flyteadmin may have no pod yet
RETRY_FOR = 60


def cluster_options(site: Site, cluster: Cluster, read: Read) -> dict[str, t.Any]:
    """Return the options that say how a cluster is reached.

    A host on EKS that has no access of its own is reached through EKS: endpoint and CA from there, a token made in the thread that uses it.
    """
    given = options_of(cluster.host, read, ACCESS_VARIABLES)
    if cluster.openshift:
        given["openshift"] = True
    if not has_explicit_access(given) and cluster.eks_cluster:
        found = {"cluster": cluster.eks_cluster, "region": cluster.eks_region, "assume_role_arn": cluster.eks_assume_role_arn}
        given["eks"] = {**aws_options(site, read), **{option: value for option, value in found.items() if value}}
    return given


def connected(site: Site, cluster: Cluster, read: Read) -> Kube:
    """Return a connection to a cluster.

    :raises KubeError: there is none.
    """
    return method_of(cluster_options(site, cluster, read)).connect(site.settings["flyte_request_timeout"])


def aws_options(site: Site, read: Read) -> dict[str, t.Any]:
    """Return the options of amazon.aws' modules."""
    return options_of(site.control_plane.host, read, AWS_VARIABLES)


def observed_aws(action: InventoryAction, arguments: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what AWS has, as flyte_aws_info returns it.

    :raises ModuleFailed: AWS cannot be asked; Refused: the collection for it is not there.
    """
    try:
        # Sites that are not on AWS do without amazon.aws and boto3.
        from ansible_collections.flyte.multicluster.plugins.modules import flyte_aws_info
    except ImportError as error:
        NOTES.note(error)
        raise Refused(f"The collection amazon.aws cannot be used ({error}): ansible-galaxy collection install amazon.aws") from error
    refuse_without("boto3")
    return action.here(flyte_aws_info.OPERATION, arguments)


def admin_options(site: Site, read: Read) -> dict[str, t.Any]:
    """Return the options of the modules that talk to flyteadmin."""
    asked = {"url": site.settings["flyte_admin_url"], "timeout": site.settings["flyte_request_timeout"]}
    return {**asked, **options_of(site.control_plane.host, read, ADMIN_VARIABLES)}


def admin_of(site: Site, read: Read, *, concurrency: int = 8, **options: float) -> Admin:
    """Return a client of flyteadmin.

    :param options: ``timeout`` and ``retry_for``, where they are others than the site's.
    """
    settings = Settings.from_params({**admin_options(site, read), **options})
    SECRETS.know(*settings.secrets)
    return Admin(settings, concurrency=concurrency)


def observed_cluster(site: Site, cluster: Cluster, read: Read) -> dict[str, t.Any]:
    """Return a cluster as an element of the option ``clusters`` of flyte_cluster_info."""
    return {
        "name": cluster.host,
        "namespace": cluster.namespace,
        "release": cluster.release,
        "control_plane": cluster.is_control_plane,
        "data_plane": site.is_target(cluster),
        "propeller": site.settings["flyte_verify_propeller"],
        "rights": cluster.rbac == "minimal" and not cluster.is_control_plane,
        "token_secret": site.settings["flyte_token_secret"],
        **api_ca(cluster, read),
        **cluster_options(site, cluster, read),
    }


def observed_control_plane(site: Site, rights: Rights, read: Read) -> dict[str, t.Any]:
    """Return the options of flyte_cluster_info that concern what only the control plane has."""
    return {
        "rules": rights.needed,
        "exact_rules": rights.exact(site),
        "unprobed": [cluster.name for cluster in site.data_planes if cluster.probe_from != "controller"],
        "flyteadmin": admin_connection(site, read),
    }


def admin_connection(site: Site, read: Read) -> dict[str, t.Any]:
    """Return the options that say how flyteadmin is reached, without any that says who asks."""
    return {option: value for option, value in admin_options(site, read).items() if option in ADMIN_CONNECTION}


def api_ca(cluster: Cluster, read: Read) -> dict[str, str]:
    """Return the CA certificate that flyteadmin has to trust for a cluster, as an option, where it is not that of its token Secret.

    :raises Refused: it cannot be read.
    """
    text = None if cluster.is_control_plane else certificate_of(cluster.host, "flyte_api_ca_cert", read)
    return {"ca_data": text} if text else {}
