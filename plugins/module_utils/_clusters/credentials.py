# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of ServiceAccounts, and what of them has to change in the control plane's Secret."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._common.fingerprints import fingerprint
from .._common.names import LABELS
from .._common.redaction import SECRETS
from .._common.times import age_of
from .client import Kube, KubeError, decode, encode
from .errors import reading

if t.TYPE_CHECKING:
    import datetime
    from collections.abc import Collection, Iterable, Mapping

TOKEN_TYPE = "kubernetes.io/service-account-token"
ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name"
#: of a token Secret that a rotation made: ``<name>/<uid>`` of the one in whose place it comes
REPLACES_ANNOTATION = "flyte.multicluster/replaces"


class CredentialError(Exception):
    """Credentials cannot be had; ``hint`` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclasses.dataclass(frozen=True)
class Token:
    """A long-lived token and the CA of its cluster. ``token`` and ``ca_cert`` are secrets: never return them."""

    secret: str
    token: str = dataclasses.field(repr=False)
    ca_cert: str = dataclasses.field(repr=False)
    created: str
    changed: bool = False
    uid: str = ""
    #: ``<name>/<uid>`` of the Secret in whose place it comes, empty where it comes in nobody's
    replaces: str = ""

    def __post_init__(self) -> None:
        SECRETS.know(self.token)

    def public(self, now: datetime.datetime) -> dict[str, t.Any]:
        """Return what may be shown.

        :param now: by the API server's clock.
        """
        return {
            "secret": self.secret,
            "created": self.created,
            "age": age_of(self.created, now),
            "fingerprint": fingerprint(self.token),
            "ca_fingerprint": fingerprint(self.ca_cert),
            "uid": self.uid,
            "replaces": self.replaces,
            "kind": "long_lived",
        }


def secrets_path(namespace: str, name: str = "") -> str:
    """Return the path of a namespace's Secrets, or of one."""
    return f"/api/v1/namespaces/{namespace}/secrets" + (f"/{name}" if name else "")


def find_tokens(kube: Kube, namespace: str, account: str, name: str, stored: Collection[str] = ()) -> list[Token]:
    """Return the tokens of a ServiceAccount, as :func:`tokens_of` does of Secrets that were read."""
    secrets = kube.get(secrets_path(namespace), fieldSelector=f"type={TOKEN_TYPE}").get("items") or []
    return tokens_of(secrets, namespace, account, name, stored)


def tokens_of(secrets: Iterable[Mapping[str, t.Any]], namespace: str, account: str, name: str, stored: Collection[str] = ()) -> list[Token]:
    """Return the tokens of a ServiceAccount among the Secrets of a namespace, the one in use first.

    That is the one whose fingerprint the control plane has stored; else the one of this name; else the oldest, so that one that was made by
    hand is used and not a second one minted.
    """
    with reading(f"the token Secrets in the namespace {namespace}", f"Look at them: kubectl -n {namespace} get secrets --field-selector type={TOKEN_TYPE}"):
        found = [
            secret
            for secret in secrets
            if secret.get("type") == TOKEN_TYPE and (secret["metadata"].get("annotations") or {}).get(ACCOUNT_ANNOTATION) == account
        ]
        found.sort(key=lambda secret: (secret["metadata"]["name"] != name, secret["metadata"].get("creationTimestamp") or ""))
        tokens = [token for token in map(_filled, found) if token]
        return sorted(tokens, key=lambda token: fingerprint(token.token) not in stored) if stored else tokens


def find_token(kube: Kube, namespace: str, account: str, name: str, stored: Collection[str] = ()) -> Token | None:
    """Return the token of a ServiceAccount that is in use, None where there is none."""
    return next(iter(find_tokens(kube, namespace, account, name, stored)), None)


def _filled(secret: Mapping[str, t.Any]) -> Token | None:
    """Return the token of a Secret, None where its token or its CA is missing or cannot be read: one that somebody damaged is none."""
    try:
        data = decode(secret)
        token, ca_cert = data.get("token", b"").decode().strip(), data.get("ca.crt", b"").decode()
    except ValueError:
        return None
    metadata = secret["metadata"]
    if not token or not ca_cert.strip():
        return None
    created, uid = metadata.get("creationTimestamp") or "", str(metadata.get("uid") or "")
    return Token(metadata["name"], token, ca_cert, created, uid=uid, replaces=replaced_by(metadata))


def token_annotations(account: str, replaces: str) -> dict[str, str]:
    """Return the annotations of a token Secret, also of one that tokens are bound to.

    :param replaces: ``<name>/<uid>`` of the Secret in whose place it comes, empty where it comes in nobody's.
    """
    return {ACCOUNT_ANNOTATION: account, **({REPLACES_ANNOTATION: replaces} if replaces else {})}


def replaced_by(metadata: Mapping[str, t.Any]) -> str:
    """Return what a token Secret comes in the place of, as ``<name>/<uid>``, empty where it comes in nobody's."""
    return str((metadata.get("annotations") or {}).get(REPLACES_ANNOTATION) or "")


def ensure_token(
    kube: Kube, namespace: str, account: str, name: str, *, timeout: float, check_mode: bool = False, stored: Collection[str] = ()
) -> Token | None:
    """Return the token of a ServiceAccount that is in use, made first where there is none, and waited for until it is filled.

    :param stored: fingerprints of the tokens that the control plane has.
    :returns: None in check mode where it would be made.
    :raises CredentialError: there is no such ServiceAccount, or the token was not filled in time.
    """
    present = find_token(kube, namespace, account, name, stored)
    if present is not None:
        return present
    return None if check_mode else make_token(kube, namespace, account, name, timeout=timeout)


def make_token(kube: Kube, namespace: str, account: str, name: str, *, timeout: float, replaces: str = "") -> Token:
    """Make a token Secret, and wait until it is filled; one of this name that is there already is taken.

    :param replaces: ``<name>/<uid>`` of the Secret in whose place it comes.
    :raises CredentialError: there is no such ServiceAccount, or the token was not filled in time.
    """
    if kube.find(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}") is None:
        # The token controller deletes a token Secret without its account at once: waiting for it would be in vain.
        raise no_account(kube, namespace, account)
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": TOKEN_TYPE,
        "metadata": {"name": name, "namespace": namespace, "annotations": token_annotations(account, replaces), "labels": LABELS},
    }
    try:
        kube.create(secrets_path(namespace), body)
    except KubeError as error:
        if error.status != 409:  # a run beside this one was faster, or an empty Secret was there before
            raise
    return _wait_for_token(kube, namespace, account, name, timeout)


def no_account(kube: Kube, namespace: str, account: str) -> CredentialError:
    """Return the failure of a ServiceAccount that is not there."""
    return CredentialError(
        f"{kube.server} has no ServiceAccount {account} in the namespace {namespace}",
        "Install the data plane's release first; values-dataplane.yaml creates the account with flyteadmin.serviceAccount.alwaysCreate.",
    )


def _wait_for_token(kube: Kube, namespace: str, account: str, name: str, timeout: float) -> Token:
    ended, pause = time.monotonic() + timeout, 0.05
    state = "there is none"
    while True:
        secret = kube.find(secrets_path(namespace, name))
        if secret is not None:
            with reading(f"the Secret {namespace}/{name}", f"kubectl -n {namespace} delete secret {name}; the next run makes another one."):
                _refuse_another(kube, secret, f"{namespace}/{name}", account)
                token, state = _filled(secret), f"it has {', '.join(sorted(secret.get('data') or {})) or 'no keys'}"
            if token:
                return dataclasses.replace(token, changed=True)
        if time.monotonic() > ended:
            raise CredentialError(
                f"the token Secret {namespace}/{name} of {kube.server} was not filled within {timeout:g} s: {state}",
                f"The token controller is part of kube-controller-manager: check that it runs. If all keys are there, one is damaged: "
                f"kubectl -n {namespace} delete secret {name}; the next run makes another one.",
            )
        time.sleep(pause)
        pause = min(pause * 2, 1.0)


def _refuse_another(kube: Kube, secret: Mapping[str, t.Any], place: str, account: str) -> None:
    if secret.get("type") != TOKEN_TYPE or (secret["metadata"].get("annotations") or {}).get(ACCOUNT_ANNOTATION) != account:
        raise CredentialError(
            f"the Secret {place} of {kube.server} is no token of the ServiceAccount {account}",
            "Set flyte_token_secret to another name, or delete that Secret if nothing uses it.",
        )


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
