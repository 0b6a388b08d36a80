# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules share: argument specs, and the one place where exceptions become ``fail_json``."""

from __future__ import annotations

import copy
import typing as t

from ansible.module_utils.basic import env_fallback, missing_required_lib

from . import _kube
from ._admin import ADMIN_OPTIONS, AdminError

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ansible.module_utils.basic import AnsibleModule


def kube_argument_spec() -> dict[str, t.Any]:
    """Return the options of kubernetes.core.k8s_auth_options."""
    from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

    return copy.deepcopy(AUTH_ARG_SPEC)


def admin_argument_spec() -> dict[str, t.Any]:
    """Return the options of the doc fragment flyte.multicluster.flyteadmin."""
    spec = copy.deepcopy(ADMIN_OPTIONS)
    spec["client_secret"]["fallback"] = (env_fallback, ["FLYTE_CLIENT_SECRET"])
    return spec


def clusters_argument_spec(**more: t.Any) -> dict[str, t.Any]:
    """Return the options of the doc fragment flyte.multicluster.clusters, with more options for each cluster."""
    options = {"name": {"type": "str", "required": True}, **copy.deepcopy(_kube.ACCESS_OPTIONS), **more}
    return {
        "clusters": {"type": "list", "elements": "dict", "required": True, "options": options},
        "concurrency": {"type": "int", "default": 16},
        "timeout": {"type": "float", "default": 15},
    }


def access_of(cluster: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the access options of an element of ``clusters``."""
    return {option: cluster[option] for option in _kube.ACCESS_OPTIONS if cluster.get(option) is not None}


def run_kube_module(module: AnsibleModule, work: Callable[[], dict[str, t.Any]], *errors: type[Exception]) -> None:
    """Run a module that talks to Kubernetes.

    :param errors: further exceptions that are failures and no bugs; they may have a ``hint``.
    """
    traceback = _kube.missing_library()
    if traceback:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=traceback)
    _run(module, work, _kube.KubeError, *errors)


def run_admin_module(module: AnsibleModule, work: Callable[[], dict[str, t.Any]]) -> None:
    """Run a module that talks to flyteadmin."""
    try:
        import requests  # noqa: F401  pylint: disable=unused-import
    except ImportError as error:
        module.fail_json(msg=missing_required_lib("requests"), exception=str(error))
    _run(module, work, AdminError)


def _run(module: AnsibleModule, work: Callable[[], dict[str, t.Any]], *errors: type[Exception]) -> None:
    try:
        result = work()
    except errors as error:
        hint = getattr(error, "hint", "")
        text = str(getattr(error, "message", None) or error)
        module.fail_json(msg=f"{text}. {hint}".strip() if not text.endswith(".") else f"{text} {hint}".strip(), **getattr(error, "result", {}))
    module.exit_json(**result)
