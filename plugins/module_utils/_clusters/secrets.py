# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are shared with others: read, and merged into. What runs beside this one stores stays: only keys that have to change are written.

What changes is decided by what was read, and written only where that is still so: a token that another run gave up meanwhile does not come back.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.fingerprints import fingerprint
from .._common.names import LABELS
from .client import Kube, KubeError, decode
from .credentials import secrets_path
from .errors import reading

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    #: from the data of a Secret to the keys that have to change; None removes one
    Patch = dict[str, t.Optional[str]]

#: runs beside this one that create, change or delete the Secret in the very moment
_ATTEMPTS = 5


@dataclasses.dataclass
class Stored:
    """A Secret's data before, and what changes of it. Secrets."""

    before: dict[str, bytes]
    patch: Patch

    def after(self) -> dict[str, bytes]:
        """Return the data with the patch."""
        written = decode({"data": {key: value for key, value in self.patch.items() if value is not None}})
        return {**{key: value for key, value in self.before.items() if self.patch.get(key, "") is not None}, **written}


def shown(data: Mapping[str, bytes], keys: Iterable[str]) -> dict[str, str]:
    """Return keys of a Secret as a diff may show them."""
    return {key: "sha256:" + fingerprint(data[key]) for key in sorted(keys) if key in data}


def read_secret(kube: Kube, namespace: str, name: str) -> tuple[bool, dict[str, bytes]]:
    """Return whether there is a Secret, and its data. Secrets."""
    secret = kube.find(secrets_path(namespace, name))
    return secret is not None, data_of(secret, namespace, name)


def data_of(secret: Mapping[str, t.Any] | None, namespace: str, name: str) -> dict[str, bytes]:
    """Return the data of a Secret that was read. Secrets."""
    remedy = f"Look at its keys: kubectl -n {namespace} describe secret {name}; delete the one that is no base64, and run again."
    with reading(f"the Secret {namespace}/{name}", remedy):
        return decode(secret)


def merge_into(
    kube: Kube,
    namespace: str,
    name: str,
    patch_of: Callable[[Mapping[str, bytes]], Patch],
    *,
    create_namespace: bool,
    metadata: Mapping[str, t.Any] | None = None,
) -> Stored:
    """Merge into a Secret; it is made where it is not there.

    :param patch_of: returns what has to change of the data that are there.
    :param metadata: labels and annotations that an existing Secret has to have too, as a merge patch; a new one has our label either way.
    """
    for attempt in range(_ATTEMPTS):
        secret = kube.find(secrets_path(namespace, name))
        data = data_of(secret, namespace, name)
        stored = Stored(data, patch_of(data))
        missing = metadata if secret is not None and metadata and not _has(secret.get("metadata") or {}, metadata) else None
        if secret is not None and not stored.patch and not missing:
            return stored
        try:
            if secret is not None:
                as_read = {"resourceVersion": version} if (version := (secret.get("metadata") or {}).get("resourceVersion")) else {}
                about = {**(missing or {}), **as_read}
                change = {**({"data": stored.patch} if stored.patch else {}), **({"metadata": about} if about else {})}
                _refuse_lost(kube, kube.patch(secrets_path(namespace, name), change), stored.patch, f"{namespace}/{name}")
            elif stored.patch:
                made = _create(kube, namespace, name, stored.patch, metadata or {}, create_namespace=create_namespace)
                _refuse_lost(kube, made, stored.patch, f"{namespace}/{name}")
            return stored
        except KubeError as error:
            # 409: a run beside this one was faster. 404: the Secret was deleted since it was read. Either way it is read again.
            if error.status not in ((404, 409) if secret is not None else (409,)) or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _refuse_lost(kube: Kube, answer: t.Any, patch: Patch, where: str) -> None:
    """Refuse a Secret that is not stored as it was written: flyteadmin ends at its start where a key of a cluster is missing.

    :param answer: what the API server says that it has now.
    """
    if not isinstance(answer, dict) or not answer.get("metadata"):
        return
    kept = answer.get("data") or {}
    lost = sorted(key for key, value in patch.items() if kept.get(key) != value)
    if lost:
        hint = "Something in this cluster changes it on its way (kubectl get mutatingwebhookconfigurations): let it leave this Secret alone, then run again."
        raise KubeError("api", f"{kube.server} took the Secret {where}, and stored it otherwise than it was written: {', '.join(lost)}", hint=hint)


def _has(found: Mapping[str, t.Any], wanted: Mapping[str, t.Any]) -> bool:
    """Return whether labels and annotations are as a merge patch wants them."""
    return all((found.get(kind) or {}).get(key) == value for kind, pairs in wanted.items() for key, value in pairs.items())


def _create(kube: Kube, namespace: str, name: str, data: Patch, metadata: Mapping[str, t.Any], *, create_namespace: bool) -> t.Any:
    if create_namespace:
        ensure_namespace(kube, namespace)
    given = {kind: {key: value for key, value in pairs.items() if value is not None} for kind, pairs in metadata.items()}
    about = {"name": name, "namespace": namespace, **given, "labels": {**LABELS, **given.get("labels", {})}}
    return kube.create(secrets_path(namespace), {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": about, "data": dict(data)})


def ensure_namespace(kube: Kube, namespace: str) -> None:
    """Make a namespace where it is not there."""
    if kube.find(f"/api/v1/namespaces/{namespace}") is None:
        try:
            kube.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        except KubeError as error:
            if error.status != 409:
                raise
