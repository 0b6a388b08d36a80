# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragments for modules that talk to many clusters at once."""

    # How one cluster of a list is reached; the options of kubernetes.core.k8s_auth_options.
    DOCUMENTATION = r"""
options:
  concurrency:
    description: How many clusters are asked at the same time.
    type: int
    default: 16
  timeout:
    description: Seconds to wait for one answer of an API server. Connecting takes at most 5 seconds.
    type: float
    default: 15
notes:
  - A cluster without O(clusters[].kubeconfig), O(clusters[].context) and O(clusters[].host) is an error. There is no
    fallback to the cluster that is current on this machine.
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0
"""
