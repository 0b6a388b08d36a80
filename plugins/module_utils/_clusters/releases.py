# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helm releases, read from Helm's own records in the cluster."""

from __future__ import annotations

import base64
import datetime
import gzip
import json
import re
import typing as t

from .._helm import values as _values
from .client import Kube, KubeError, decode
from .credentials import secrets_path

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def find_release(kube: Kube, namespace: str, name: str) -> dict[str, t.Any] | None:
    """Return the newest revision of a release from Helm's own Secret, with a digest of its values in their place."""
    # Of the revisions that Helm keeps (ten, each with the whole chart), those that an upgrade replaced are left out.
    selector = f"owner=helm,name={name},status notin (superseded)"
    revisions = kube.get(secrets_path(namespace), labelSelector=selector).get("items") or []
    if not revisions:
        return None
    newest = max(revisions, key=lambda secret: int(secret["metadata"]["labels"]["version"]))
    try:
        return _release(decode(newest)["release"], newest["metadata"])
    except Exception as error:
        record = newest["metadata"]["name"]
        hint = (
            f"It is Helm's own record of the newest revision. 'kubectl -n {namespace} delete secret {record}' lets Helm go on from the one before; "
            "the objects stay."
        )
        raise KubeError("api", f"Helm's record {namespace}/{record} is damaged ({type(error).__name__})", hint=hint) from error


def _release(raw: bytes, metadata: Mapping[str, t.Any]) -> dict[str, t.Any]:
    content = json.loads(gzip.decompress(base64.b64decode(raw)))
    chart = content["chart"]["metadata"]
    return {
        "name": content["name"],
        "revision": content["version"],
        "status": content["info"]["status"],
        "chart": chart["name"],
        "version": chart["version"],
        "values_digest": _values.digest(content.get("config")),
        "secret": metadata["name"],
        "age": _release_age(content["info"]),
        "deployments": manifest_deployments(content.get("manifest") or ""),
    }


_DEPLOYMENT = re.compile(r"^kind: *[\"']?Deployment[\"']?\s*$", re.MULTILINE)
_METADATA_NAME = re.compile(r"^metadata:\s*\n(?:^ .*\n|^\s*#.*\n|^\s*\n)*?^  name: *[\"']?([^\s\"']+)", re.MULTILINE)
_REPLICAS = re.compile(r"^  replicas: *[\"']?(\d+)", re.MULTILINE)


def manifest_deployments(manifest: str) -> dict[str, int]:
    """Return the Deployments of a release with their replicas, from its rendered objects.

    By patterns, not by a YAML parser: a hundred manifests of 3,000 lines would take longer than all requests together.
    """
    found = {}
    for document in re.split(r"^---.*$", manifest, flags=re.MULTILINE):
        name = _METADATA_NAME.search(document) if _DEPLOYMENT.search(document) else None
        if name:
            replicas = _REPLICAS.search(document)
            found[name.group(1)] = int(replicas.group(1)) if replicas else 1
    return found


def _release_age(info: Mapping[str, t.Any]) -> int:
    text = str(info.get("last_deployed") or info.get("first_deployed") or "")
    try:
        # Go writes nanoseconds, Python reads microseconds.
        then = datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
        zone = text[19:].lstrip(".0123456789")
        offset = datetime.timedelta()
        if zone and zone != "Z":
            sign = -1 if zone[0] == "-" else 1
            offset = sign * datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    except ValueError:
        return 0
    return max(0, int((datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - (then - offset)).total_seconds()))
