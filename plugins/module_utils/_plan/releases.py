# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why Helm has to run for a release. No I/O."""

from __future__ import annotations

import typing as t

from .._helm.label import is_ours
from .rows import RELEASE, Row

if t.TYPE_CHECKING:
    from .._inventory.site import Cluster
    from .rows import Observation

VALUES_DIFFER = "values differ"
#: how the action of a row begins that only puts our label on a release
MARK = f"label of {RELEASE}"


def release_reason(observation: Observation, *, chart: str, version: str, digest: str, pending_timeout: int) -> str | None:
    """Return why Helm has to run for a release, None where it is as wanted.

    :param digest: of the values that we would give it.
    :param pending_timeout: seconds after which a pending release is one that a killed run left behind.
    """
    release = observation.get("release")
    if release is None:
        return f"install {chart} {version}"
    if release["status"].startswith("pending"):
        if release["age"] < pending_timeout:
            return f"wait for {release['status']} of another run, then take over"
        return f"take over from a run that was killed in {release['status']}"
    if release["status"] != "deployed":
        return f"repair: revision {release['revision']} is {release['status']}"
    if release["chart"] != chart or release["version"] != version:
        return f"upgrade {release['chart']} {release['version']} to {chart} {version}"
    if release["values_digest"] != digest:
        return VALUES_DIFFER
    missing = observation.get("missing") or []
    if missing:
        return f"missing: {', '.join(missing)}"
    return None


def mark_rows(cluster: Cluster, observation: Observation) -> list[Row]:
    """Return what a release gets that is as wanted and has no label of ours: of an older version of this collection, or of a run that was killed."""
    release = observation.get("release")
    if release is None or is_ours(release.get("given"), release["values_digest"]):
        return []
    step = "controlplane" if cluster.is_control_plane else "dataplane"
    return [Row(cluster.host, step, f"{MARK}{cluster.release}", "its values are what the inventory gives: what is changed by hand from now on is seen")]
