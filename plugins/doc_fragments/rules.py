# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragment for modules that try what flyteadmin may do in data planes."""

    DOCUMENTATION = r"""
options:
  rules:
    description:
      - What flyteadmin has to be allowed in the data planes, as a ClusterRole has it. By default what it does with executions; what the control plane's
        syncresources does with its templates comes in addition - V(create), V(get) and V(patch) of C(namespaces), C(resourcequotas) and, on EKS and
        GKE, C(serviceaccounts).
    type: list
    elements: dict
    default:
      - {apiGroups: [flyte.lyft.com], resources: [flyteworkflows], verbs: [create, delete]}
    suboptions:
      apiGroups:
        description: API groups; an empty text is Kubernetes' own.
        type: list
        elements: str
        required: true
      resources:
        description: Resources, in the plural as Kubernetes names them.
        type: list
        elements: str
        required: true
      verbs:
        description: Verbs.
        type: list
        elements: str
        required: true
      resourceNames:
        description: Names of the objects that it holds for. Left out, it holds for all.
        type: list
        elements: str
"""
