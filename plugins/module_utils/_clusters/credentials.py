# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of ServiceAccounts, the control plane's Secret of them, and a probe with exactly what flyteadmin will use."""

from __future__ import annotations

import dataclasses
import datetime
import time
import typing as t

from .._clusters.client import Kube, KubeError, decode, encode
from .._common.fingerprints import fingerprint

if t.TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_TYPE = "kubernetes.io/service-account-token"
ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name"
MANAGED_BY = {"app.kubernetes.io/managed-by": "flyte.multicluster"}


class CredentialError(Exception):
    """Credentials cannot be had; ``hint`` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclasses.dataclass(frozen=True)
class Token:
    """A long-lived token and the CA of its cluster. ``token`` and ``ca_cert`` are secrets: never return them."""

    secret: str
    token: str
    ca_cert: str
    created: str
    changed: bool = False

    def public(self) -> dict[str, t.Any]:
        """Return what may be shown."""
        return {
            "secret": self.secret,
            "created": self.created,
            "age": age_of(self.created),
            "fingerprint": fingerprint(self.token),
            "ca_fingerprint": fingerprint(self.ca_cert),
        }


def age_of(created: str | None) -> int | None:
    """Return the age of an object in seconds."""
    if not created:
        return None
    then = datetime.datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    return max(0, int((datetime.datetime.now(datetime.timezone.utc) - then).total_seconds()))


def secrets_path(namespace: str, name: str = "") -> str:
    """Return the path of a namespace's Secrets, or of one."""
    return f"/api/v1/namespaces/{namespace}/secrets" + (f"/{name}" if name else "")


def find_token(kube: Kube, namespace: str, account: str, name: str) -> Token | None:
    """Return the token Secret of a ServiceAccount: the one of this name, else the oldest, so that one that was made by
    hand is used and not a second one minted."""
    found = [
        secret
        for secret in kube.get(secrets_path(namespace), fieldSelector=f"type={TOKEN_TYPE}").get("items") or []
        if (secret["metadata"].get("annotations") or {}).get(ACCOUNT_ANNOTATION) == account
    ]
    filled = [secret for secret in found if _is_filled(secret)]
    filled.sort(key=lambda secret: (secret["metadata"]["name"] != name, secret["metadata"]["creationTimestamp"]))
    return _token(filled[0]) if filled else None


def _is_filled(secret: Mapping[str, t.Any]) -> bool:
    """Return whether a token Secret has both its token and its CA, readable: one that somebody damaged is none."""
    try:
        data = decode(secret)
        return bool(data.get("token", b"").decode().strip() and data.get("ca.crt", b"").decode().strip())
    except ValueError:
        return False


def _token(secret: Mapping[str, t.Any], *, changed: bool = False) -> Token:
    data = decode(secret)
    metadata = secret["metadata"]
    return Token(metadata["name"], data["token"].decode().strip(), data["ca.crt"].decode(), metadata["creationTimestamp"], changed)


def ensure_token(kube: Kube, namespace: str, account: str, name: str, *, timeout: float, check_mode: bool = False) -> Token | None:
    """Return the token of a ServiceAccount, made first where there is none, and waited for until it is filled.

    :returns: None in check mode where it would be made.
    :raises CredentialError: there is no such ServiceAccount, or the token was not filled in time.
    """
    present = find_token(kube, namespace, account, name)
    if present is not None:
        return present
    if check_mode:
        return None
    if kube.find(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}") is None:
        # The token controller deletes a token Secret without its account at once: waiting for it would be in vain.
        raise CredentialError(
            f"{kube.server} has no ServiceAccount {account} in the namespace {namespace}",
            "Install the data plane's release first; values-dataplane.yaml creates the account with flyteadmin.serviceAccount.alwaysCreate.",
        )
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": TOKEN_TYPE,
        "metadata": {"name": name, "namespace": namespace, "annotations": {ACCOUNT_ANNOTATION: account}, "labels": MANAGED_BY},
    }
    try:
        kube.create(secrets_path(namespace), body)
    except KubeError as error:
        if error.status != 409:  # a run beside this one was faster, or an empty Secret was there before
            raise
    return _wait_for_token(kube, namespace, account, name, timeout)


def _wait_for_token(kube: Kube, namespace: str, account: str, name: str, timeout: float) -> Token:
    ended, pause = time.monotonic() + timeout, 0.05
    state = "there is none"
    while True:
        secret = kube.find(secrets_path(namespace, name))
        if secret is not None:
            if secret.get("type") != TOKEN_TYPE or (secret["metadata"].get("annotations") or {}).get(ACCOUNT_ANNOTATION) != account:
                raise CredentialError(
                    f"the Secret {namespace}/{name} of {kube.server} is no token of the ServiceAccount {account}",
                    "Set flyte_token_secret to another name, or delete that Secret if nothing uses it.",
                )
            data = secret.get("data") or {}
            if _is_filled(secret):
                return _token(secret, changed=True)
            state = f"it has {', '.join(sorted(data)) or 'no keys'}"
        if time.monotonic() > ended:
            raise CredentialError(
                f"the token Secret {namespace}/{name} of {kube.server} was not filled within {timeout:g} s: {state}",
                "The token controller is part of kube-controller-manager: check that it runs.",
            )
        time.sleep(pause)
        pause = min(pause * 2, 1.0)


def stored_credentials(data: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    """Return the fingerprints of the credentials in the control plane's Secret by cluster name, of complete pairs only."""
    names = {key[: -len("_token")] for key in data if key.endswith("_token")}
    return {
        name: {"token": fingerprint(data[f"{name}_token"]), "ca_cert": fingerprint(data[f"{name}_cacert"])}
        for name in sorted(names)
        if data.get(f"{name}_token") and data.get(f"{name}_cacert")
    }


def merge_patch(data: Mapping[str, bytes], wanted: Mapping[str, tuple[str, str]], absent: t.Iterable[str] = ()) -> dict[str, str | None]:
    """Return the keys of the Secret that have to change; keys of others are never in it.

    :param wanted: cluster name to token and CA.
    :param absent: names of clusters whose keys have to go.
    """
    patch: dict[str, str | None] = {}
    for name, pair in wanted.items():
        for suffix, value in zip(("token", "cacert"), pair):
            # Written without surrounding white space: flyteadmin reads the file untrimmed.
            text = value.strip() if suffix == "token" else value
            if data.get(f"{name}_{suffix}") != text.encode():
                patch[f"{name}_{suffix}"] = encode(text)
    for name in absent:
        for suffix in ("token", "cacert"):
            if f"{name}_{suffix}" in data:
                patch[f"{name}_{suffix}"] = None
    return patch


# -- the probe

_FLYTEWORKFLOWS = ("flyte.lyft.com", "flyteworkflows", ("create", "delete"))
_SYNCED = ("create", "get", "patch")


def required_rights(*, service_accounts: bool) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return what flyteadmin does in a data plane: API group, resource, verbs (facts: "Data planes")."""
    rights = [_FLYTEWORKFLOWS, ("", "namespaces", _SYNCED), ("", "resourcequotas", _SYNCED)]
    return rights + ([("", "serviceaccounts", _SYNCED)] if service_accounts else [])


def probe(endpoint: str, token: str, ca_cert: str, *, service_accounts: bool, timeout: float) -> dict[str, t.Any]:
    """Ask a data plane with exactly the endpoint, token and CA that flyteadmin will use what it may do there.

    :returns: ``ok``, ``error`` and ``denied``: the rights that are missing.
    """
    denied: list[str] = []
    try:
        kube = Kube({"host": endpoint, "api_key": token}, timeout=timeout, ca_data=ca_cert)
        rights = required_rights(service_accounts=service_accounts)
        granted = _rules(kube)
        for group, resource, verbs in rights:
            # What one question about all rules does not show (an authorizer beside RBAC may not list them) is asked one by one.
            missing = [verb for verb in verbs if not _granted(granted, group, resource, verb)]
            denied += [f"{verb} {resource}" for verb in missing if not _may(kube, group, resource, verb)]
    except KubeError as error:
        return {"ok": False, "error": error.message, "hint": error.hint, "kind": error.kind, "denied": []}
    if denied:
        hint = "Grant them to the ServiceAccount flyteadmin there; the chart does with flyteadmin.rbac: true."
        return {"ok": False, "error": f"flyteadmin may not: {', '.join(denied)}", "hint": hint, "kind": "rights", "denied": denied}
    return {"ok": True, "error": None, "hint": None, "kind": None, "denied": []}


#: seconds for an API server to take notice of a new token, role or binding: it reads them from caches of its own
SETTLE = 10.0


def settled_probe(endpoint: str, token: str, ca_cert: str, *, service_accounts: bool, timeout: float) -> dict[str, t.Any]:
    """Probe, again for a while where the token is not accepted or rights are missing: they may have been made a moment ago."""
    ended, pause = time.monotonic() + SETTLE, 0.1
    while True:
        found = probe(endpoint, token, ca_cert, service_accounts=service_accounts, timeout=timeout)
        if found["kind"] not in ("api", "rights") or time.monotonic() + pause > ended:
            return found
        time.sleep(pause)
        pause = min(pause * 2, 2.0)


def _rules(kube: Kube) -> list[dict[str, t.Any]]:
    """Return the rules that hold in a namespace that does not exist, so those of every namespace, as far as they are listed."""
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": "flyte-multicluster-no-such-namespace"}}
    answer = kube.create("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review)
    return (answer.get("status") or {}).get("resourceRules") or []


def _granted(rules: list[dict[str, t.Any]], group: str, resource: str, verb: str) -> bool:
    def among(value: str, values: list[str] | None) -> bool:
        return value in (values or []) or "*" in (values or [])

    return any(
        among(group, rule.get("apiGroups")) and among(resource, rule.get("resources")) and among(verb, rule.get("verbs")) and not rule.get("resourceNames")
        for rule in rules
    )


def _may(kube: Kube, group: str, resource: str, verb: str) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"group": group, "resource": resource, "verb": verb}},
    }
    answer = kube.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    return bool((answer.get("status") or {}).get("allowed"))
