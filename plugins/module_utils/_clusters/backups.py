# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run is about to take away, kept as Secrets beside flyteadmin: from API server to API server, never in a file of this machine.

Each backup is a Secret of its own, named by kind and time, so that a killed run spoils none. So many of each kind are kept; older ones go.
"""

from __future__ import annotations

import base64
import gzip
import json
import typing as t

from .._common.names import LABELS
from .client import Kube, KubeError
from .credentials import secrets_path
from .errors import reading

if t.TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "flyte-multicluster-backup-"
KIND_LABEL = "flyte.multicluster/backup"
#: how many of each kind are kept
KEPT = 10
#: bytes; Kubernetes takes a Secret of at most 1 MiB
MOST = 1 << 20
_ATTEMPTS = 10


class BackupError(Exception):
    """What is to be taken away cannot be kept; nothing was taken away. ``hint`` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def packed(content: t.Any) -> bytes:
    """Return plain data as a backup has them: JSON, compressed."""
    return gzip.compress(json.dumps(content, sort_keys=True).encode(), mtime=0)


def keep(kube: Kube, namespace: str, kind: str, data: Mapping[str, bytes]) -> str:
    """Keep data; return the name of the Secret.

    Where the newest backup of this kind has the very same data, it serves.

    :param kind: what it is of, in small letters: ``credentials``, ``trust``, ``labels``.
    :param data: by key; secrets, too.
    :raises BackupError: it cannot be kept.
    """
    size = sum(len(key) + len(value) for key, value in data.items())
    if size > MOST:
        raise BackupError(f"the backup of {kind} has {size} bytes, a Secret takes {MOST}", "Keep a copy yourself, then set flyte_backups: false.")
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    try:
        before = _backups(kube, namespace, kind)
        if before and (before[-1].get("data") or {}) == encoded:
            return str(before[-1]["metadata"]["name"])
        name = _create(kube, namespace, kind, encoded)
        for secret in before[: max(0, len(before) + 1 - KEPT)]:
            kube.delete(secrets_path(namespace, secret["metadata"]["name"]))
    except KubeError as error:
        hint = f"Nothing was taken away. {error.hint} flyte_backups: false goes on without.".replace("  ", " ")
        raise BackupError(f"the backup of {kind} cannot be kept in the namespace {namespace}: {error.message}", hint) from error
    return name


def _backups(kube: Kube, namespace: str, kind: str) -> list[dict[str, t.Any]]:
    """Return the backups of a kind, oldest first."""
    with reading(f"the backups in the namespace {namespace}", f"Look at them: kubectl -n {namespace} get secrets -l {KIND_LABEL}"):
        found = kube.get(secrets_path(namespace), labelSelector=f"{KIND_LABEL}={kind}").get("items") or []
        return sorted(found, key=lambda secret: (secret["metadata"].get("creationTimestamp") or "", secret["metadata"]["name"]))


def _create(kube: Kube, namespace: str, kind: str, data: Mapping[str, str]) -> str:
    # The API server's own time: names sort by it whatever machine runs this.
    stamp = kube.now.strftime("%Y%m%d-%H%M%S")
    for attempt in range(_ATTEMPTS):
        name = f"{PREFIX}{kind}-{stamp}" + (f"-{attempt}" if attempt else "")
        metadata = {"name": name, "namespace": namespace, "labels": {**LABELS, KIND_LABEL: kind}}
        body = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": dict(data)}
        try:
            kube.create(secrets_path(namespace), body)
        except KubeError as error:
            if error.status != 409 or attempt == _ATTEMPTS - 1:
                raise
            continue
        return name
    raise AssertionError("the last attempt returns or raises")
