# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why Helm has to run for a release. No I/O."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .rows import Observation


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
        return f"values differ ({release['values_digest'][:8]} -> {digest[:8]})"
    missing = observation.get("missing") or []
    if missing:
        return f"missing: {', '.join(missing)}"
    return None
