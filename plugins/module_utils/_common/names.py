# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that more than one package says: Flyte's parts, and what our own objects are told by."""

from __future__ import annotations

#: Deployments of the chart; the first two have a ServiceAccount of the same name, which is what uses a data plane
FLYTEADMIN, SYNCRESOURCES, PROPELLER = "flyteadmin", "syncresources", "flytepropeller"

#: labels of what was made here in Kubernetes, and tags of what was made here in AWS
LABELS = {"app.kubernetes.io/managed-by": "flyte.multicluster"}
TAGS = {"managed-by": "flyte.multicluster"}


def label_as_read(label: str) -> str:
    """Return a key of labelClusterMap as flyteadmin reads it: in small letters, unless it has a dot. A row that says it otherwise leads nowhere."""
    return label if "." in label else label.lower()
