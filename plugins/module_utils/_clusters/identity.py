# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secret of flytepropeller's identity in each cluster: seen, written, and its readers restarted.

It is an object of ours, which no Helm release has. One that a release made is taken over: Helm would delete it with the upgrade to a release that has it not,
unless the annotation says to keep it.
"""

from __future__ import annotations

import typing as t

from .._common.fingerprints import fingerprint
from .._common.names import LABELS
from .._helm.identity import AUTH_KEYS, AUTH_SECRET, CLIENT_SECRET, IDENTITY_ANNOTATION
from .access import access_of, method_of
from .client import Kube, KubeError, encode
from .credentials import secrets_path
from .each import changed_in_each
from .errors import reading
from .restarts import announce, restart
from .secrets import Stored, data_of, merge_into, read_secret, shown

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: a merge patch: what says that a Helm release has the object goes
METADATA: dict[str, dict[str, str | None]] = {
    "labels": {**LABELS},
    "annotations": {"helm.sh/resource-policy": "keep", "meta.helm.sh/release-name": None, "meta.helm.sh/release-namespace": None},
}


def observe_identity(kube: Kube, namespace: str) -> dict[str, t.Any] | None:
    """Return what :func:`identity_of` says of the Secret."""
    return identity_of(kube.find(secrets_path(namespace, AUTH_SECRET)), namespace)


def identity_of(secret: Mapping[str, t.Any] | None, namespace: str) -> dict[str, t.Any] | None:
    """Return the fingerprints of our keys of the Secret that was read, and whether it is ours; None where there is none."""
    if secret is None:
        return None
    data = data_of(secret, namespace, AUTH_SECRET)
    with reading(f"the Secret {namespace}/{AUTH_SECRET}", f"Look at it: kubectl -n {namespace} describe secret {AUTH_SECRET}"):
        labels, annotations = (((secret.get("metadata") or {}).get(kind) or {}) for kind in ("labels", "annotations"))
        managed = LABELS.items() <= labels.items() and annotations.get("helm.sh/resource-policy") == "keep"
    return {"managed": managed, "keys": {key: fingerprint(data[key]) for key in AUTH_KEYS if data.get(key)}}


def run(params: Mapping[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Write the Secret of each cluster; return the module's result, fingerprints only."""
    copied = _copied(params)

    def one(cluster: Mapping[str, t.Any]) -> dict[str, t.Any]:
        return _ensured(cluster, params["timeout"], copied, check_mode)

    written, failures = changed_in_each(one, params)
    return {
        "changed": any(entry["changed"] for entry in written.values()),
        "identities": {name: entry["keys"] for name, entry in written.items()},
        "restarted": {name: entry["restarted"] for name, entry in written.items() if entry["restarted"]},
        "failed_clusters": failures,
        "diff": {side: {f"{name}/{key}": value for name, entry in written.items() for key, value in entry[side].items()} for side in ("before", "after")},
    }


def _copied(params: Mapping[str, t.Any]) -> str | None:
    """Return the secret of the control plane's own Secret, where a cluster is to get it. A secret.

    :raises KubeError: it cannot be read, or is not there.
    """
    if all(cluster["client_secret"] for cluster in params["clusters"]):
        return None
    given = params["control_plane"]
    if not given:
        names = ", ".join(cluster["name"] for cluster in params["clusters"] if not cluster["client_secret"])
        raise KubeError("config", f"{names}: neither client_secret nor control_plane is given", hint="Give one of them.")
    kube = method_of(access_of(given)).connect(params["timeout"])
    secret = read_secret(kube, given["namespace"], AUTH_SECRET)[1].get(CLIENT_SECRET)
    with reading(f"the Secret {given['namespace']}/{AUTH_SECRET} of {kube.server}", f"Look at its key {CLIENT_SECRET}: it has to be text."):
        text = (secret or b"").decode()
    if not text:
        hint = "Make it, or set flyte_propeller_client_id and flyte_propeller_client_secret."
        raise KubeError("api", f"{kube.server} has no Secret {given['namespace']}/{AUTH_SECRET} with the key {CLIENT_SECRET}", hint=hint)
    return text


def _ensured(cluster: Mapping[str, t.Any], timeout: float, copied: str | None, check_mode: bool) -> dict[str, t.Any]:
    kube, namespace = method_of(access_of(cluster)).connect(timeout), cluster["namespace"]
    wanted = {CLIENT_SECRET: cluster["client_secret"] or copied, **(cluster["certificates"] or {})}

    def patch_of(data: Mapping[str, bytes]) -> dict[str, str | None]:
        changed = {key: text for key in AUTH_KEYS if data.get(key) != ((text := wanted.get(key)) or "").encode() and (text or key in data)}
        return {key: encode(text) if text else None for key, text in changed.items()}

    secret = kube.find(secrets_path(namespace, AUTH_SECRET))
    before, data = identity_of(secret, namespace), data_of(secret, namespace, AUTH_SECRET)
    seen = Stored(data, patch_of(data))
    # What reads it for the first time needs no restart.
    replaced = before is not None and not check_mode and bool(seen.patch)
    readers = _readers(kube, namespace, cluster["checksum"]) if replaced and cluster["checksum"] else []
    announce(kube, namespace, readers)
    stored = seen if check_mode else merge_into(kube, namespace, AUTH_SECRET, patch_of, create_namespace=True, metadata=METADATA)
    for name in readers:
        restart(kube, namespace, name)
    return {
        "changed": bool(stored.patch) or not (before or {}).get("managed"),
        "keys": {key: fingerprint(value) for key, value in stored.after().items() if key in AUTH_KEYS},
        "restarted": readers,
        "before": shown(stored.before, stored.patch),
        "after": shown(stored.after(), stored.patch),
    }


def _readers(kube: Kube, namespace: str, checksum: str) -> list[str]:
    """Return what reads the Secret and is not restarted by its release, which has the right checksum already: another secret was there meanwhile."""
    found = []
    with reading(f"the Deployments in the namespace {namespace}", f"Look at them: kubectl -n {namespace} get deployments"):
        for deployment in kube.get(f"/apis/apps/v1/namespaces/{namespace}/deployments").get("items") or []:
            template = deployment["spec"].get("template") or {}
            annotations = (template.get("metadata") or {}).get("annotations") or {}
            if annotations.get(IDENTITY_ANNOTATION) == checksum and _mounts(template.get("spec") or {}):
                found.append(str(deployment["metadata"]["name"]))
    return found


def _mounts(pod: Mapping[str, t.Any]) -> bool:
    return any((volume.get("secret") or {}).get("secretName") == AUTH_SECRET for volume in pod.get("volumes") or [])
