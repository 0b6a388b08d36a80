# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan is for, and what it is made with: a plan with the same rows for another place is another plan."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._common.files import digest_of
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.required import uses_pod_identity

if t.TYPE_CHECKING:
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known

#: digits of the chart's digest, for people
_DIGITS = 12


def places(known: Known) -> dict[str, str]:
    """Return it by name: of each inventory host that answered its API server and namespace, then flyteadmin, AWS, what EKS is changed, Jobs and the chart."""
    site = known.site
    found = {
        host: f"{observation['server']}, namespace {site.cluster(host).namespace}" for host, observation in known.observed.items() if observation.get("server")
    }
    found["flyte_admin_url"] = str(site.settings["flyte_admin_url"])
    if known.aws:
        found["AWS account"] = str(known.aws["account"])
        changed = [cluster for cluster in site.clusters if cluster.eks_cluster and (cluster.eks_create or uses_pod_identity(site))]
        found |= {f"EKS cluster of {cluster.host}": _eks(known, cluster) for cluster in changed}
    if any(cluster.probe_from == "control_plane" for cluster in site.data_planes):
        found["flyte_probe_image"] = str(site.settings["flyte_probe_image"])
    return found | ({"chart": _chart(known.chart)} if known.chart else {})


def _eks(known: Known, cluster: Cluster) -> str:
    role = f", by {cluster.eks_assume_role_arn}" if cluster.eks_assume_role_arn else ""
    return f"{cluster.eks_cluster} in {cluster.eks_region or known.site.settings['flyte_aws_region']}{role}"


def _chart(chart: Chart) -> str:
    """Return which chart it is, with a digest of all its files: a folder, and a registry, may have others under the same version."""
    return f"{chart.name} {chart.version} (sha256 {digest_of([pathlib.Path(chart.path)])[:_DIGITS]})"
