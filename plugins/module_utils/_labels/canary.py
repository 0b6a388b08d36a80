# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels of the canary: one for each cluster, that leads to it alone. No I/O."""

from __future__ import annotations

import hashlib
import re

#: the user's own labels cannot begin so
PREFIX = "flyte-multicluster-canary-"
_OTHER = re.compile(r"[^a-z0-9_-]")


def canary_label(cluster: str) -> str:
    """Return the label of a cluster.

    flyteadmin's configuration takes keys in small letters, and a dot as a step down: of a name with others, a digest tells it apart.
    """
    if not _OTHER.search(cluster):
        return PREFIX + cluster
    return f"{PREFIX}{_OTHER.sub('-', cluster.lower())}-{hashlib.sha256(cluster.encode()).hexdigest()[:8]}"


def is_canary_label(label: str) -> bool:
    """Return whether a label is one of the canary's."""
    return label.startswith(PREFIX)
