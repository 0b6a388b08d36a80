# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run takes away because the inventory became smaller: said, and above a share of what there is refused until somebody confirms it. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.text import first
from .._iam.required import vanishing_accounts
from .._inventory.reader import Fault
from .._labels.canary import is_canary_label
from .._labels.rows import describe
from .labels import label_plan

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._helm.configuration import Configuration
    from .._inventory.site import Site
    from .._labels.rows import Rows

#: more names say nothing more
_MOST = 12


@dataclasses.dataclass(frozen=True)
class Removal:
    """Things of one kind that a run takes away, of those that there are."""

    what: str
    gone: tuple[str, ...]
    managed: int

    def __str__(self) -> str:
        return f"{len(self.gone)} of {self.managed} {self.what}: {first(self.gone, _MOST)}"


def removals(
    site: Site,
    *,
    live: Mapping[str, t.Any],
    wanted: Configuration | None,
    aws: Mapping[str, t.Any] | None,
    iam: Mapping[str, t.Any] | None,
    stored: Rows | None,
) -> list[Removal]:
    """Return what a run takes away.

    :param live: the section ``clusters`` that flyteadmin reads now.
    :param wanted: what it will be, None where that is not known.
    :param iam: what IAM gets, None where it is not managed.
    :param stored: the rows of labels that flyteadmin has, None where they are not known.
    """
    found = []
    if aws and iam:
        found.append(Removal("accounts that roles trust", *vanishing_accounts(site, aws, iam)))
    if wanted is not None and wanted.cluster_configs:
        found += _of_configuration(site, live, wanted)
    if stored:
        purge = label_plan(site, wanted.section() if wanted else live).purge
        kept = {(row.project, row.domain, row.workflow) for row in site.execution_cluster_labels}
        managed = [key for key in sorted(stored) if key[0] in purge]
        gone = [f"{describe(key)} ({stored[key]})" for key in managed if key not in kept]
        found.append(Removal("execution cluster labels in the projects of flyte_execution_cluster_labels_purge", tuple(gone), len(managed)))
    return [removal for removal in found if removal.gone]


def _of_configuration(site: Site, live: Mapping[str, t.Any], wanted: Configuration) -> list[Removal]:
    """Return the clusters and labels that go. What the inventory has and a broken cluster takes along is that cluster's failure, not this."""
    clusters = [str(entry["name"]) for entry in live.get("clusterConfigs") or []]
    labels = [label for label in live.get("labelClusterMap") or {} if not is_canary_label(label)]
    own = {cluster.name for cluster in site.targets} | {site.control_plane.name}
    stays = own | {entry["name"] for entry in wanted.cluster_configs if not site.settings["flyte_prune"]}
    return [
        Removal("clusters of flyteadmin's configuration", tuple(name for name in clusters if name not in stays), len(clusters)),
        Removal("labels of labelClusterMap", tuple(name for name in labels if name not in {*wanted.label_cluster_map, *site.labels}), len(labels)),
    ]


def removal_lines(host: str, found: Sequence[Removal]) -> list[str]:
    """Return what is taken away as lines of the plan."""
    return [f"{host}: removed: {removal}" for removal in found]


def too_much(site: Site, found: Sequence[Removal]) -> list[Fault]:
    """Return a fault for each kind of which more than the allowed share goes; one thing alone may always go."""
    limit = site.settings["flyte_removal_limit"]
    remedy = "If that is meant, confirm it for this run: -e flyte_removal_limit=1. If not, put back what is missing in the inventory."
    return [
        Fault(site.control_plane.host, "flyte_removal_limit", limit, f"this run would take away {removal}. {remedy}")
        for removal in found
        if len(removal.gone) > 1 and len(removal.gone) > limit * removal.managed
    ]
