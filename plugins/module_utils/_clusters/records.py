# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helm's own records of a release: the values that it was given, what was made of them, and our label on the newest."""

from __future__ import annotations

import dataclasses
import typing as t

from .._helm.label import LABEL, is_ours
from .._helm.values import digest
from .client import Kube, KubeError
from .credentials import secrets_path
from .errors import reading
from .releases import content_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: Helm keeps ten revisions by default
_MOST_BACK = 10


@dataclasses.dataclass(frozen=True)
class Record:
    """What a run has to know of a release whose values it changes. Secrets."""

    values: dict[str, t.Any] = dataclasses.field(repr=False)
    manifest: str = dataclasses.field(repr=False)
    label: str | None
    digest: str
    #: what nobody knows who may not read the values: the record's uid
    key: str = dataclasses.field(repr=False)
    #: the values that we gave it last, where they are others and Helm has them still
    last: dict[str, t.Any] | None = dataclasses.field(repr=False, default=None)


def record_name(release: str, revision: int) -> str:
    """Return the name of Helm's record of a revision."""
    return f"sh.helm.release.v1.{release}.v{revision}"


def read_record(kube: Kube, namespace: str, release: Mapping[str, t.Any]) -> Record | None:
    """Return the record of the newest revision, None where it is gone by now.

    :param release: what was observed of it.
    :raises KubeError: it cannot be read.
    """
    name = str(release["secret"])
    found = kube.find(secrets_path(namespace, name))
    if found is None:
        return None
    with reading(f"Helm's record {namespace}/{name}", f"Look at it: helm --namespace {namespace} get values {release['name']}"):
        content = content_of(found)
        values = _mapping(content.get("config"))
        label = (found["metadata"].get("labels") or {}).get(LABEL)
        record = Record(values, str(content.get("manifest") or ""), label, digest(values), str(found["metadata"]["uid"]))
    if label is None or is_ours(label, record.digest):
        return record
    return dataclasses.replace(record, last=_last_given(kube, namespace, str(release["name"]), int(release["revision"]), label))


def _last_given(kube: Kube, namespace: str, release: str, revision: int, label: str) -> dict[str, t.Any] | None:
    """Return the values that we gave a release last, of a revision before one that somebody else made; None where Helm has them not any more."""
    for number in range(revision - 1, max(revision - 1 - _MOST_BACK, 0), -1):
        found = kube.find(secrets_path(namespace, record_name(release, number)))
        if found is None:
            return None
        try:
            values = _mapping(content_of(found).get("config"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        if is_ours(label, digest(values)):
            return values
    return None


def _mapping(config: t.Any) -> dict[str, t.Any]:
    if config is not None and not isinstance(config, dict):
        raise TypeError("values that are no mapping")
    return config or {}


def write_label(kube: Kube, namespace: str, record: str, label: str) -> bool:
    """Put our label on a record; return whether it is there.

    :raises KubeError: it cannot be written.
    """
    try:
        kube.patch(secrets_path(namespace, record), {"metadata": {"labels": {LABEL: label}}})
    except KubeError as error:
        if error.is_absent:
            return False
        raise
    return True
