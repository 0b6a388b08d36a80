# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments that are started anew since what their pods read at their start was another one: also by the next run, where this one is killed in between."""

from __future__ import annotations

import typing as t

from .client import Kube
from .errors import reading

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: on a Deployment that has to start anew: written before what its pods read is put right, taken away by the restart itself
DUE_ANNOTATION = "flyte.multicluster/restart-due"


def present(kube: Kube, namespace: str, names: Iterable[str]) -> Iterator[str]:
    """Yield which Deployments are there. A part that the user's values turn off is none that could be started anew."""
    for name in names:
        with reading(f"the Deployment {namespace}/{name}", _remedy(namespace, name)):
            there = kube.find(_path(namespace, name)) is not None
        if there:
            yield name


def announce(kube: Kube, namespace: str, names: Iterable[str]) -> None:
    """Note on those Deployments that are there that their pods have to start anew."""
    for name in present(kube, namespace, names):
        _annotate(kube, namespace, name, {"metadata": {"annotations": {DUE_ANNOTATION: "true"}}})


def is_due(deployment: Mapping[str, t.Any]) -> bool:
    """Return whether a run noted that a Deployment has to start anew, and was ended before it did that."""
    return DUE_ANNOTATION in (deployment["metadata"].get("annotations") or {})


def restart(kube: Kube, namespace: str, name: str) -> None:
    """Start the pods of a Deployment anew, as ``kubectl rollout restart`` does."""
    annotations: Mapping[str, str] = {"kubectl.kubernetes.io/restartedAt": kube.now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    body = {"metadata": {"annotations": {DUE_ANNOTATION: None}}, "spec": {"template": {"metadata": {"annotations": annotations}}}}
    _annotate(kube, namespace, name, body)


def _annotate(kube: Kube, namespace: str, name: str, body: Mapping[str, t.Any]) -> None:
    with reading(f"the Deployment {namespace}/{name}", _remedy(namespace, name)):
        kube.patch(_path(namespace, name), body)


def _path(namespace: str, name: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"


def _remedy(namespace: str, name: str) -> str:
    return f"Look at it: kubectl -n {namespace} get deployment {name}"
