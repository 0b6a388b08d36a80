# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights of Flyte's accounts in a data plane that are objects of ours: seen, written, removed.

The chart has one rule of the same verbs for everything, ``*`` by default. With ``flyte_dataplane_rbac: minimal`` it makes none, and these take its place.
"""

from __future__ import annotations

import typing as t

from .._common.names import FLYTEADMIN, LABELS, SYNCRESOURCES
from .._rights.rules import checksum, same
from .access import access_of, method_of
from .client import Kube, KubeError
from .each import changed_in_each
from .errors import reading
from .secrets import ensure_namespace

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ACCOUNTS = (FLYTEADMIN, SYNCRESOURCES)
ROLES, BINDINGS = (f"/apis/rbac.authorization.k8s.io/v1/{kind}" for kind in ("clusterroles", "clusterrolebindings"))
#: of the rules as they were written: who changes them by hand does not change it
CHECKSUM = "flyte.multicluster/rules-checksum"
_SELECTOR = ",".join(f"{key}={value}" for key, value in LABELS.items())
_GROUP = "rbac.authorization.k8s.io"
#: runs beside this one that create or delete the same in the very moment
_ATTEMPTS = 3


def role_name(namespace: str, account: str) -> str:
    """Return the name of an account's ClusterRole and ClusterRoleBinding: a cluster may have more than one Flyte."""
    return f"{namespace}-{account}-minimal"


def observe_rights(kube: Kube, namespace: str, *, wanted: bool) -> dict[str, dict[str, t.Any]]:
    """Return what there is of ours, by account: its ``rules``, whether they are as they were written (``intact``), whether they are bound to the account and
    to nobody else (``bound``), and whether the account is there (``account``; None for flyteadmin's, which the chart makes).

    :param wanted: whether there have to be some; else it is no failure where the objects may not be listed.
    """
    try:
        bindings = _ours(kube, BINDINGS)
    except KubeError as error:
        if error.status == 403 and not wanted:
            return {}
        raise
    if not bindings and not wanted:
        return {}
    roles = _ours(kube, ROLES)
    found = {}
    for account in ACCOUNTS:
        name = role_name(namespace, account)
        role, binding = roles.get(name), bindings.get(name)
        if role is None and binding is None:
            continue
        with reading(f"the ClusterRole {name} or its binding", f"Look at them: kubectl get clusterrole,clusterrolebinding {name} -o yaml"):
            rules = list((role or {}).get("rules") or [])
            said = ((role or {}).get("metadata", {}).get("annotations") or {}).get(CHECKSUM)
            found[account] = {
                "rules": rules,
                "intact": role is not None and said == checksum(rules),
                "bound": bool(binding) and _is_bound(binding, namespace, account),
                "account": None if account == FLYTEADMIN else kube.find(_account_path(namespace, account)) is not None,
            }
    return found


def _ours(kube: Kube, path: str) -> dict[str, dict[str, t.Any]]:
    with reading(f"what is ours of {path}", "Look at it: kubectl get clusterroles,clusterrolebindings -l app.kubernetes.io/managed-by=flyte.multicluster"):
        return {str(item["metadata"]["name"]): item for item in (kube.find(path, labelSelector=_SELECTOR) or {}).get("items") or []}


def _is_bound(binding: Mapping[str, t.Any] | None, namespace: str, account: str) -> bool:
    wanted = _binding(namespace, account)
    subjects = [{key: one.get(key) for key in ("kind", "name", "namespace")} for one in (binding or {}).get("subjects") or []]
    return (binding or {}).get("roleRef") == wanted["roleRef"] and subjects == wanted["subjects"]


def _account_path(namespace: str, account: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/serviceaccounts" + (f"/{account}" if account else "")


def _binding(namespace: str, account: str) -> dict[str, t.Any]:
    name = role_name(namespace, account)
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name, "labels": LABELS},
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }


# -- written and removed


def run(params: Mapping[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Write, or remove, the rights of accounts in each cluster; return the module's result."""
    change = _written if params["state"] == "present" else _removed

    def one(cluster: Mapping[str, t.Any]) -> dict[str, t.Any]:
        kube, namespace = method_of(access_of(cluster)).connect(params["timeout"]), cluster["namespace"]
        changed = []
        for account, rules in cluster["accounts"].items():
            changed += [f"{what} {name}" for what, name in change(kube, namespace, account, rules or [], check_mode)]
        return {"changed": changed}

    done, failures = changed_in_each(one, params)
    written = {name: entry["changed"] for name, entry in done.items() if entry["changed"]}
    sides = ("before", "after") if params["state"] == "present" else ("after", "before")
    return {
        "changed": bool(written),
        "objects": written,
        "failed_clusters": failures,
        "diff": {sides[0]: {}, sides[1]: written},
    }


def _written(kube: Kube, namespace: str, account: str, rules: Sequence[Mapping[str, t.Any]], check_mode: bool) -> list[tuple[str, str]]:
    """Write what gives an account its rights, and the account where the chart does not make it; return what was changed."""
    name = role_name(namespace, account)
    about = {"labels": LABELS, "annotations": {CHECKSUM: checksum(rules)}}
    role = {"apiVersion": f"{_GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": name, **about}, "rules": [dict(one) for one in rules]}

    def role_patch(found: Mapping[str, t.Any]) -> dict[str, t.Any] | None:
        kept = (found["metadata"].get("annotations") or {}).get(CHECKSUM) == about["annotations"][CHECKSUM]
        return None if kept and same(found.get("rules") or [], rules) else {"metadata": about, "rules": role["rules"]}

    def binding_patch(found: Mapping[str, t.Any]) -> dict[str, t.Any] | None:
        return None if _is_bound(found, namespace, account) else {"subjects": _binding(namespace, account)["subjects"]}

    changed = [("ClusterRole", name)] if _ensured(kube, ROLES, role, role_patch, check_mode) else []
    if account != FLYTEADMIN and kube.find(_account_path(namespace, account)) is None:
        changed.append(("ServiceAccount", f"{namespace}/{account}"))
        if not check_mode:
            ensure_namespace(kube, namespace)
            own = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace, "labels": LABELS}}
            _created(kube, _account_path(namespace), own)
    _unbind_other(kube, _binding(namespace, account), check_mode)
    if _ensured(kube, BINDINGS, _binding(namespace, account), binding_patch, check_mode):
        changed.append(("ClusterRoleBinding", name))
    return changed


def _ensured(kube: Kube, path: str, wanted: Mapping[str, t.Any], patch_of: t.Callable[[Mapping[str, t.Any]], t.Any], check_mode: bool) -> bool:
    """Make an object, or patch it; return whether that was needed."""
    own = f"{path}/{wanted['metadata']['name']}"
    for attempt in range(_ATTEMPTS):
        found = kube.find(own)
        if found is not None:
            _refuse_another(found, str(wanted["kind"]))
        patch = patch_of(found) if found is not None else None
        if found is not None and patch is None:
            return False
        if check_mode:
            return True
        try:
            if found is None:
                kube.create(path, wanted)
            else:
                kube.patch(own, patch)
            return True
        except KubeError as error:
            if error.status != (409 if found is None else 404) or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _created(kube: Kube, path: str, body: Mapping[str, t.Any]) -> None:
    try:
        kube.create(path, body)
    except KubeError as error:
        if error.status != 409:  # a run beside this one was faster
            raise


def _unbind_other(kube: Kube, wanted: Mapping[str, t.Any], check_mode: bool) -> None:
    """Remove a binding of ours that leads to another role: Kubernetes lets nobody change that of one that is there."""
    own = f"{BINDINGS}/{wanted['metadata']['name']}"
    found = kube.find(own)
    if found is None or found.get("roleRef") == wanted["roleRef"]:
        return
    _refuse_another(found, "ClusterRoleBinding")
    if not check_mode:
        kube.delete(own)


def _is_ours(found: Mapping[str, t.Any]) -> bool:
    return bool(LABELS.items() <= (found["metadata"].get("labels") or {}).items())


def _refuse_another(found: Mapping[str, t.Any], kind: str) -> None:
    if not _is_ours(found):
        name = found["metadata"]["name"]
        hint = f"If nothing needs it: kubectl delete {kind.lower()} {name}. Else set flyte_dataplane_rbac: chart."
        raise KubeError("api", f"there is a {kind} {name} that is not this collection's (it lacks the label {_SELECTOR})", hint=hint)


def remove_all(kube: Kube, namespace: str, *, check_mode: bool) -> list[str]:
    """Remove what gives any account rights that are objects of ours; return what was removed, with its kind."""
    return [f"{kind} {name}" for account in ACCOUNTS for kind, name in _removed(kube, namespace, account, [], check_mode)]


def _removed(kube: Kube, namespace: str, account: str, _rules: Sequence[Mapping[str, t.Any]], check_mode: bool) -> list[tuple[str, str]]:
    """Remove what gives an account its rights; what is not ours stays. The binding goes last: by it the others are found again."""
    name = role_name(namespace, account)
    places = [] if account == FLYTEADMIN else [("ServiceAccount", f"{namespace}/{account}", _account_path(namespace, account))]
    places += [("ClusterRole", name, f"{ROLES}/{name}"), ("ClusterRoleBinding", name, f"{BINDINGS}/{name}")]
    changed = []
    for kind, shown, path in places:
        found = kube.find(path)
        if found is not None and _is_ours(found):
            changed.append((kind, shown))
            if not check_mode:
                kube.delete(path)
    return changed
