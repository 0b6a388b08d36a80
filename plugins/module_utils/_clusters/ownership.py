# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose the objects of an installation are that was broken off, and of which Helm has no record any more.

Helm installs over objects only where label and annotations say that they are the release's. Those of the webhook's Secret do not last: the chart makes it
empty, and ``flytepropeller webhook init-certs`` writes it anew, without them (init_cert.go, createWebhookSecret).
"""

from __future__ import annotations

import typing as t

from .client import Kube
from .credentials import secrets_path
from .errors import reading
from .propeller import WEBHOOK

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_HELM = {"app.kubernetes.io/managed-by": "Helm"}


def give_back(kube: Kube, namespace: str, release: str) -> bool:
    """Say of the webhook's Secret again that it is a release's, where its Deployment is; return whether that was to be said.

    :raises KubeError: it cannot be read or written.
    """
    owner = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace}
    with reading(f"the Deployment {namespace}/{WEBHOOK} and its Secret", f"Look at them: kubectl -n {namespace} get deployment,secret {WEBHOOK} -o yaml"):
        deployment = kube.find(f"/apis/apps/v1/namespaces/{namespace}/deployments/{WEBHOOK}")
        if deployment is None or not _has(deployment, owner):
            return False
        secret = kube.find(secrets_path(namespace, WEBHOOK))
        if secret is None or _has(secret, owner) or (secret["metadata"].get("annotations") or {}).keys() & owner.keys():
            return False
        kube.patch(secrets_path(namespace, WEBHOOK), {"metadata": {"labels": _HELM, "annotations": owner}})
    return True


def _has(found: Mapping[str, t.Any], owner: Mapping[str, str]) -> bool:
    labels, annotations = (found["metadata"].get(kind) or {} for kind in ("labels", "annotations"))
    return _HELM.items() <= labels.items() and owner.items() <= annotations.items()
