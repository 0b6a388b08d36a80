# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the credentials of data planes in the control plane's Secret: gathers all of them at once, merges, writes only what differs."""

from __future__ import annotations

import dataclasses
import typing as t


from . import credentials as _credentials
from .._common.fingerprints import credentials_checksum, fingerprint
from .access import method_of
from .client import Kube, KubeError, decode
from .._common.threads import in_threads
from .._module import access_of


class PartialFailure(Exception):
    """Some clusters failed; the others are merged."""

    def __init__(self, failed: list[dict[str, t.Any]], result: dict[str, t.Any]) -> None:
        super().__init__("; ".join(f"{entry['name']}: {entry['error']}. {entry['hint']}" for entry in failed))
        self.result = result


@dataclasses.dataclass
class _Gathered:
    """What one data plane gave. ``pair`` holds secrets."""

    name: str
    pair: tuple[str, str] | None = None
    minted: bool = False
    error: dict[str, t.Any] | None = None
    probe: dict[str, t.Any] | None = None


def _gather(cluster: dict[str, t.Any], params: dict[str, t.Any], check_mode: bool) -> _Gathered:
    gathered = _Gathered(cluster["name"])
    try:
        if cluster["token"]:
            gathered.pair = (cluster["token"].strip(), cluster["ca_data"])
        else:
            kube = method_of(access_of(cluster)).connect(params["timeout"])
            token = _credentials.ensure_token(
                kube, cluster["namespace"], cluster["service_account"], cluster["token_secret"], timeout=params["wait_timeout"], check_mode=check_mode
            )
            gathered.minted = token is None or token.changed
            gathered.pair = (token.token, token.ca_cert) if token else None
        if cluster["endpoint"] and gathered.pair:
            gathered.probe = _credentials.settled_probe(
                cluster["endpoint"], *gathered.pair, service_accounts=params["service_accounts"], timeout=params["timeout"]
            )
    except (KubeError, _credentials.CredentialError) as error:
        gathered.error = {"name": cluster["name"], "error": str(error), "hint": error.hint}
    except ImportError:
        raise
    except Exception as error:  # pylint: disable=broad-except
        # Whatever is wrong with one cluster's objects is this cluster's failure. The text may hold what was read: only its kind is said.
        hint = "Look at the cluster's Secrets in Flyte's namespace with kubectl: one of them is not what Kubernetes writes."
        gathered.error = {"name": cluster["name"], "error": f"its answer cannot be understood ({type(error).__name__})", "hint": hint}
    return gathered


def _ensure_namespace(control_plane: Kube, namespace: str) -> None:
    if control_plane.find(f"/api/v1/namespaces/{namespace}") is None:
        try:
            control_plane.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        except KubeError as error:
            if error.status != 409:
                raise


def _write(control_plane: Kube, params: dict[str, t.Any], present: t.Any, patch: dict[str, str | None]) -> None:
    path = _credentials.secrets_path(params["namespace"], params["name"])
    if present is None:
        if params["create_namespace"]:
            _ensure_namespace(control_plane, params["namespace"])
        metadata = {"name": params["name"], "namespace": params["namespace"], "labels": _credentials.MANAGED_BY}
        body = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": patch}
        try:
            control_plane.create(_credentials.secrets_path(params["namespace"]), body)
            return
        except KubeError as error:
            if error.status != 409:  # a first run beside this one was faster: what it stored stays
                raise
    control_plane.patch(path, {"data": patch})


def _shown(data: dict[str, bytes], keys: t.Iterable[str]) -> dict[str, str]:
    return {key: "sha256:" + fingerprint(data[key]) for key in sorted(keys) if key in data}


def _after(data: dict[str, bytes], patch: dict[str, str | None]) -> dict[str, bytes]:
    written = decode({"data": {key: value for key, value in patch.items() if value is not None}})
    return {**{key: value for key, value in data.items() if patch.get(key, "") is not None}, **written}


def run(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Gather, merge and write; return the module's result."""
    control_plane = Kube(params, timeout=params["timeout"])
    present = control_plane.find(_credentials.secrets_path(params["namespace"], params["name"]))
    data = decode(present)
    wanted = [cluster for cluster in params["clusters"] if cluster["state"] == "present"]
    gone = [cluster["name"] for cluster in params["clusters"] if cluster["state"] == "absent"]
    gathered = in_threads(lambda cluster: _gather(cluster, params, check_mode), wanted, params["concurrency"])
    patch = _credentials.merge_patch(data, {item.name: item.pair for item in gathered if item.pair}, gone)
    if patch and not check_mode:
        _write(control_plane, params, present, patch)
    after = _after(data, patch)
    stored = _credentials.stored_credentials(after)
    # In check mode, tokens that would be made have no fingerprint yet; that they would be there is what counts.
    planned = {item.name: {"token": "to be made", "ca_cert": "to be made"} for item in gathered if item.minted and not item.pair}
    keys = set(patch) | {f"{name}_{suffix}" for name in planned for suffix in ("token", "cacert")}
    failed = [item.error for item in gathered if item.error]
    result = {
        "changed": bool(patch or planned or any(item.minted for item in gathered)),
        "credentials": {**stored, **planned},
        "checksum": credentials_checksum({**stored, **planned}),
        "changed_keys": sorted(keys),
        "minted": sorted(item.name for item in gathered if item.minted),
        "failed_clusters": failed,
        "probes": {item.name: item.probe for item in gathered if item.probe},
        "diff": {"before": _shown(data, keys), "after": {**_shown(after, keys), **{key: "to be made" for key in keys if key not in patch}}},
    }
    if failed and not params["allow_partial"]:
        raise PartialFailure(failed, result)
    return result
