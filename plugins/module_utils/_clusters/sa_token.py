# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The long-lived token Secret of a ServiceAccount in one data plane: there, or gone."""

from __future__ import annotations

import typing as t

from .access import method_of
from .client import READ_TIMEOUT, Kube
from .credentials import ensure_token, secrets_path


def run(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Make the token, or delete its Secret; return the module's result."""
    kube = method_of(params).connect(READ_TIMEOUT)
    return (_absent if params["state"] == "absent" else _present)(kube, params, check_mode)


def _absent(kube: Kube, params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    path = secrets_path(params["namespace"], params["name"])
    there = kube.find(path) is not None
    if there and not check_mode:
        kube.delete(path)
    return {"changed": there, "token": {}, "diff": {"before": {"secret": params["name"]} if there else {}, "after": {}}}


def _present(kube: Kube, params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    names = params["namespace"], params["service_account"], params["name"]
    token = ensure_token(kube, *names, timeout=params["wait_timeout"], check_mode=check_mode)
    changed = token is None or token.changed
    name = token.secret if token else params["name"]
    return {
        "changed": changed,
        "token": token.public(kube.now) if token else {},
        "diff": {"before": {} if changed else {"secret": name}, "after": {"secret": name}},
    }
