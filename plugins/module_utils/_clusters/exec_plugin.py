# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command of a kubeconfig that prints credentials (``users[].user.exec``), as client-go runs it.

The client library waits for it without end, and goes on as nobody where it fails: what the API server says then sends people to its rights.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import subprocess
import typing as t

from .._common.commands import printed_by
from .errors import KubeError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: what a credential without a token has, and what a kubeconfig calls it
_CERTIFICATE = {"clientCertificateData": "client-certificate-data", "clientKeyData": "client-key-data"}
#: of a cluster: what is meant for the command
_EXTENSION = "client.authentication.k8s.io/exec"


def credential(plugin: Mapping[str, t.Any], cluster: Mapping[str, t.Any], base: str, timeout: float) -> dict[str, str]:
    """Return what stands in a kubeconfig's user in the place of the command: a token, or a client certificate and its key. Secrets.

    :param cluster: of the context: the command gets it where it wants that.
    :param base: the folder that the command is relative to.
    :param timeout: in seconds.
    :raises KubeError: of the kind ``access``: it cannot be run, fails, prints no credential, or does not end.
    """
    command = str(plugin.get("command") or "")
    name = f"the command {os.path.basename(command) or '(none)'} of the kubeconfig"
    hint = f"Run it by hand. {plugin.get('installHint') or ''}".strip()
    if plugin.get("interactiveMode") == "Always":
        raise KubeError("access", f"{name} wants a terminal", hint="Use a credential that does not ask (interactiveMode).")
    try:
        called = [command, *map(str, plugin.get("args") or [])]
        code, printed = printed_by(called, seconds=timeout, environment=_environment(plugin, cluster), folder=base or None)
    except subprocess.TimeoutExpired:
        raise KubeError("access", f"{name} did not end within {timeout:g} s", hint=hint) from None
    except (OSError, ValueError) as error:
        too_much = getattr(error, "errno", None) == errno.EFBIG
        problem = "printed too much for a credential" if too_much else f"cannot be run ({type(error).__name__})"
        raise KubeError("access", f"{name} {problem}", hint=hint) from error
    if code != 0:
        # What it says may hold what it was given.
        raise KubeError("access", f"{name} failed with code {code}", hint=hint)
    found = _read(printed)
    if not found:
        raise KubeError("access", f"{name} printed no ExecCredential with a token or a certificate", hint=hint)
    return found


def _environment(plugin: Mapping[str, t.Any], cluster: Mapping[str, t.Any]) -> dict[str, str]:
    own = {str(entry["name"]): str(entry["value"]) for entry in plugin.get("env") or []}
    spec: dict[str, t.Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        extensions = {entry["name"]: entry["extension"] for entry in cluster.get("extensions") or []}
        spec["cluster"] = {key: value for key, value in cluster.items() if key != "extensions"} | {"config": extensions.get(_EXTENSION)}
    version = plugin.get("apiVersion") or "client.authentication.k8s.io/v1"
    return {**os.environ, **own, "KUBERNETES_EXEC_INFO": json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})}


def _read(printed: bytes) -> dict[str, str]:
    try:
        status = json.loads(printed)["status"]
        if status.get("token"):
            return {"token": str(status["token"])}
        # A kubeconfig has them in base64.
        return {key: base64.b64encode(status[name].encode()).decode() for name, key in _CERTIFICATE.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
