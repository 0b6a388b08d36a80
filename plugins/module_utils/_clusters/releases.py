# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Helm release as Helm's own record says it: chart, version, digest of its values, the Deployments that it has."""

from __future__ import annotations

import base64
import dataclasses
import re
import typing as t
import zlib

from .._common.times import age_of
from .._helm import values as _values
from .._helm.configuration import CHECKSUM_ANNOTATION
from .._helm.label import LABEL
from .client import Kube, decode
from .credentials import secrets_path
from .errors import KubeError, reading
from .propeller import Duties, duties_of

if t.TYPE_CHECKING:
    import contextlib
    import datetime
    from collections.abc import Iterable, Iterator, Mapping

_INTERVAL = re.compile(r"^ +refreshInterval: [\"']?([\w.]+)", re.MULTILINE)
#: of the revisions that Helm keeps (ten, each with the whole chart) those that an upgrade replaced are left out; it holds of what is no record, too
NOT_REPLACED = "status notin (superseded)"
#: a record is at most 1 MiB, compressed
_MOST = 256 << 20


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A Deployment that a release has. ``replicas`` is None where the release leaves it to an autoscaler, ``namespace`` where it names none."""

    name: str
    replicas: int | None
    namespace: str | None = None


@dataclasses.dataclass(frozen=True)
class Release:
    """The newest revision of a release, with a digest of its values in their place."""

    name: str
    revision: int
    status: str
    chart: str
    version: str
    values_digest: str
    #: name of Helm's record of it
    secret: str
    #: seconds since Helm began it, by the API server's clock: that of who ran Helm may be another one than ours
    age: int
    deployments: tuple[Wanted, ...]
    duties: Duties = Duties()
    #: our label on it: digests of the values that we gave it, None where it has none
    given: str | None = None
    #: of that record: two hosts that see the same one are one cluster
    uid: str = ""
    #: of syncresources, where the release has one
    refresh_interval: str | None = None
    #: of the credentials that the control plane's release restarted its pods for, empty in another one
    credentials_checksum: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether a run of Helm is at it, or was killed."""
        return self.status.startswith("pending")

    def public(self) -> dict[str, t.Any]:
        """Return it as a module's result has it."""
        kept = ("deployments", "duties", "refresh_interval", "uid")
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name not in kept}


def find_release(kube: Kube, namespace: str, name: str) -> Release | None:
    """Return the newest revision of a release, None where there is none.

    :raises KubeError: Helm's record of it is damaged.
    """
    selector = f"owner=helm,name={name},{NOT_REPLACED}"
    with _records(namespace, name):
        found = kube.get(secrets_path(namespace), labelSelector=selector).get("items") or []
    return _newest_of(found, namespace, name, kube.now)


def _newest_of(secrets: Iterable[Mapping[str, t.Any]], namespace: str, name: str, now: datetime.datetime) -> Release | None:
    """Return the newest revision of a release among the Secrets of its namespace, None where there is none.

    :raises KubeError: Helm's record of it is damaged.
    """
    with _records(namespace, name):
        revisions = [secret for secret in secrets if _is_record(secret) and secret["metadata"]["labels"].get("name") == name]
        if not revisions:
            return None
        newest = max(revisions, key=lambda secret: int(secret["metadata"]["labels"]["version"]))
        record = str(newest["metadata"]["name"])
    remedy = f"It is Helm's own record of the newest revision: kubectl -n {namespace} delete secret {record}, then run again; the objects stay."
    with reading(f"Helm's record {namespace}/{record}", remedy):
        return _release(newest, record, namespace, now)


def read_secrets(kube: Kube, namespace: str, release: str) -> tuple[Release | None, dict[str, Mapping[str, t.Any]]]:
    """Return a release and the Secrets of its namespace by their names, without Helm's records, all in one request. Secrets."""
    try:
        return _read_secrets(kube, namespace, release, NOT_REPLACED)
    except KubeError as error:
        if not error.is_too_large:
            raise
    # Many other releases are in this namespace, each record with a whole chart.
    return find_release(kube, namespace, release), _read_secrets(kube, namespace, release, "owner!=helm")[1]


def _read_secrets(kube: Kube, namespace: str, release: str, selector: str) -> tuple[Release | None, dict[str, Mapping[str, t.Any]]]:
    with reading(f"the Secrets in the namespace {namespace}", f"Look at them: kubectl -n {namespace} get secrets"):
        found = kube.get(secrets_path(namespace), labelSelector=selector).get("items") or []
        others = {str(secret["metadata"]["name"]): secret for secret in found if not _is_record(secret)}
    return _newest_of(found, namespace, release, kube.now), others


def _records(namespace: str, name: str) -> contextlib.AbstractContextManager[None]:
    return reading(f"Helm's records of the release {name} in the namespace {namespace}", f"Look at them: kubectl -n {namespace} get secrets -l owner=helm")


def _is_record(secret: Mapping[str, t.Any]) -> bool:
    return (secret["metadata"].get("labels") or {}).get("owner") == "helm"


def content_of(record: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what Helm's record of a revision says. Its ``config`` are the values that were given: secrets.

    :raises ValueError: it is damaged; KeyError, TypeError and the like: it is no record.
    """
    return t.cast("dict[str, t.Any]", _values.from_json(_unpacked(base64.b64decode(decode(record)["release"], validate=True))))


def given_values(kube: Kube, namespace: str, chart: str) -> dict[str, Given]:
    """Return what each deployed release of a chart in a namespace was given, by its name. Secrets.

    :raises KubeError: Helm's record of one is damaged.
    """
    found: dict[str, Given] = {}
    with reading(f"Helm's records in the namespace {namespace}", f"Look at them: kubectl -n {namespace} get secrets -l owner=helm"):
        for secret in kube.get(secrets_path(namespace), labelSelector="owner=helm,status=deployed").get("items") or []:
            content = content_of(secret)
            metadata = content["chart"]["metadata"]
            if metadata["name"] == chart:
                found[str(content["name"])] = Given(str(metadata["version"]), dict(content.get("config") or {}))
    return found


@dataclasses.dataclass(frozen=True)
class Given:
    """The version of a release's chart, and the values that it was given. Secrets."""

    version: str
    values: dict[str, t.Any] = dataclasses.field(repr=False)


def _release(found: Mapping[str, t.Any], record: str, namespace: str, now: datetime.datetime) -> Release:
    content = content_of(found)
    chart = content["chart"]["metadata"]
    manifest = content.get("manifest") or ""
    deployments = tuple(deployments_of(manifest))
    return Release(
        name=str(content["name"]),
        revision=int(content["version"]),
        status=str(content["info"]["status"]),
        chart=str(chart["name"]),
        version=str(chart["version"]),
        values_digest=_values.digest_of_canonical(content.get("config")),
        secret=record,
        age=age_of(found["metadata"].get("creationTimestamp"), now) or 0,
        deployments=deployments,
        duties=duties_of(manifest, [entry.name for entry in deployments if entry.replicas != 0], namespace),
        uid=str(found["metadata"].get("uid") or ""),
        given=(found["metadata"].get("labels") or {}).get(LABEL),
        refresh_interval=interval.group(1) if (interval := _INTERVAL.search(manifest)) else None,
        credentials_checksum=_credentials_checksum(content.get("config") or {}),
    )


def _credentials_checksum(values: Mapping[str, t.Any]) -> str:
    found = _values.lookup(values, "flyteadmin.podAnnotations")
    return str(found.get(CHECKSUM_ANNOTATION) or "") if isinstance(found, dict) else ""


def _unpacked(raw: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    content = unpacker.decompress(raw, _MOST)
    if not unpacker.eof:
        raise ValueError("the record is cut off, or is no record")
    return content


# -- the manifest


_DEPLOYMENT = re.compile(r"^kind:[ \t]*[\"']?Deployment[\"']?[ \t]*(#.*)?\r?$", re.MULTILINE)
_SEPARATOR = re.compile(r"^---[^\n]*\n?", re.MULTILINE)
_TOP_LEVEL = re.compile(r"^[^\s#]", re.MULTILINE)
_SCALAR = r"""(?:"([^"\n]*)"|'([^'\n]*)'|([^#\s\[{|>&*!][^#\s]*))"""


def deployments_of(manifest: str) -> Iterator[Wanted]:
    """Return the Deployments of a release, from its rendered objects.

    By patterns, not by a YAML parser: a hundred manifests of 3,000 lines would take longer than all requests together.
    What is written in another way than charts write it is read by one.
    """
    for document in _SEPARATOR.split(manifest):
        if _DEPLOYMENT.search(document):
            metadata = _below(document, "metadata")
            if "name" in metadata:
                yield Wanted(metadata["name"], _count(_below(document, "spec").get("replicas")), metadata.get("namespace"))
            else:
                yield _parsed(document)


def _below(document: str, section: str) -> dict[str, str]:
    """Return the plain values directly below a key of the top level."""
    start = re.search(rf"^{section}:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*(?=( +)\S)", document, re.MULTILINE)
    if not start:
        return {}
    end = _TOP_LEVEL.search(document, start.end())
    block = document[start.end() : end.start() if end else len(document)]
    pairs = re.findall(rf"^{start.group(1)}([\w.-]+):[ \t]+{_SCALAR}", block, re.MULTILINE)
    return {key: quoted or single or plain for key, quoted, single, plain in pairs}


def _count(replicas: t.Any) -> int | None:
    return int(replicas) if str(replicas).isdigit() else None


def _parsed(document: str) -> Wanted:
    content = _values.parse(document)
    return Wanted(str(content["metadata"]["name"]), _count((content.get("spec") or {}).get("replicas")), content["metadata"].get("namespace"))
