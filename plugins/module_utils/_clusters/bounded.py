# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens that end: asked for by a TokenRequest, and bound to a Secret without content, so that deleting that one revokes them.

Such a token is kept nowhere in its data plane. What it is bound to, and until when it holds, it says itself; so which one is in use is seen by the token
that the control plane has.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.fingerprints import fingerprint
from .._common.names import LABELS
from .._common.times import age_of
from .client import Kube, KubeError
from .credentials import ACCOUNT_ANNOTATION, Token, no_account, replaced_by, secrets_path, token_annotations
from .errors import reading
from .generations import bound_secret, claims_of

if t.TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Mapping

BOUNDED, LONG_LIVED = "bounded", "long_lived"
BOUND_TYPE = "flyte.multicluster/bound-token"


@dataclasses.dataclass(frozen=True)
class Terms:
    """What kind of token is made."""

    kind: str = LONG_LIVED
    #: seconds that are asked for; the API server may give less
    lifetime: int = 0
    #: seconds that it has to give at least
    least: int = 0


@dataclasses.dataclass(frozen=True)
class Bound:
    """A Secret that tokens are bound to."""

    secret: str
    uid: str
    created: str
    replaces: str
    #: whether this run made it
    made: bool = False

    def public(self, ca_cert: str, now: datetime.datetime) -> dict[str, t.Any]:
        """Return it as a token is shown; which one it is, nobody here knows.

        :param now: by the API server's clock.
        """
        return {
            "secret": self.secret,
            "created": self.created,
            "age": age_of(self.created, now),
            "fingerprint": "",
            "ca_fingerprint": fingerprint(ca_cert),
            "uid": self.uid,
            "replaces": self.replaces,
            "kind": BOUNDED,
        }


def find_bound(kube: Kube, namespace: str, account: str) -> list[Bound]:
    """Return the Secrets that tokens of a ServiceAccount are bound to, the newest first."""
    return bounds_of(kube.get(secrets_path(namespace), fieldSelector=f"type={BOUND_TYPE}").get("items") or [], namespace, account)


def bounds_of(secrets: Iterable[Mapping[str, t.Any]], namespace: str, account: str) -> list[Bound]:
    """Return those among the Secrets of a namespace that tokens of a ServiceAccount are bound to, the newest first."""
    remedy = f"Look at them: kubectl -n {namespace} get secrets --field-selector type={BOUND_TYPE}"
    with reading(f"the Secrets of bounded tokens in the namespace {namespace}", remedy):
        found = [
            _bound(secret)
            for secret in secrets
            if secret.get("type") == BOUND_TYPE and (secret["metadata"].get("annotations") or {}).get(ACCOUNT_ANNOTATION) == account
        ]
    return sorted(found, key=lambda bound: bound.created, reverse=True)


def _bound(secret: Mapping[str, t.Any]) -> Bound:
    metadata = secret["metadata"]
    return Bound(str(metadata["name"]), str(metadata["uid"]), str(metadata.get("creationTimestamp") or ""), replaced_by(metadata))


def authority_of(kube: Kube, namespace: str) -> str:
    """Return the CA certificate of an API server, as Kubernetes publishes it in each namespace."""
    place = f"{namespace}/kube-root-ca.crt"
    with reading(f"the ConfigMap {place}", "kube-controller-manager publishes it in each namespace: check that it runs."):
        return str(kube.get(f"/api/v1/namespaces/{namespace}/configmaps/kube-root-ca.crt")["data"]["ca.crt"])


def make_bound(kube: Kube, namespace: str, account: str, name: str, replaces: str = "") -> Bound:
    """Make a Secret that tokens can be bound to; one of this name that is there already is taken.

    :param replaces: ``<name>/<uid>`` of the Secret in whose place it comes.
    :raises CredentialError: there is no such ServiceAccount.
    """
    if kube.find(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}") is None:
        raise no_account(kube, namespace, account)
    metadata = {"name": name, "namespace": namespace, "annotations": token_annotations(account, replaces), "labels": LABELS}
    try:
        body = {"apiVersion": "v1", "kind": "Secret", "type": BOUND_TYPE, "metadata": metadata}
        return dataclasses.replace(_bound(kube.create(secrets_path(namespace), body)), made=True)
    except KubeError as error:
        if error.status != 409:
            raise
    there = next((bound for bound in find_bound(kube, namespace, account) if bound.secret == name), None)
    if there is None:
        hint = "Set flyte_token_secret to another name, or delete that Secret if nothing uses it."
        raise KubeError("api", f"the Secret {namespace}/{name} of {kube.server} is none that tokens are bound to", hint=hint)
    return there


def request_token(kube: Kube, namespace: str, account: str, bound: Bound, terms: Terms) -> Token:
    """Ask for a token that is bound to a Secret.

    :raises KubeError: it would end too soon.
    """
    reference = {"apiVersion": "v1", "kind": "Secret", "name": bound.secret, "uid": bound.uid}
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": terms.lifetime, "boundObjectRef": reference}}
    answer = kube.create(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", body)
    with reading(f"the token that {kube.server} gives", "Check that this is the API server itself: a proxy may stand in front of it."):
        token = str(answer["status"]["token"])
        issued, expires = term_of(token)
    if expires - issued < terms.least:
        said = f"{kube.server} gives a token for {expires - issued} s, and twice flyte_token_renew_interval are {terms.least} s"
        hint = "Renew more often (flyte_token_renew_interval), or let the API server give more (--service-account-max-token-expiration)."
        raise KubeError("api", said, hint=hint)
    return Token(bound.secret, token, authority_of(kube, namespace), bound.created, changed=True, uid=bound.uid, replaces=bound.replaces)


def term_of(token: str) -> tuple[int, int]:
    """Return when a token was issued and when it ends, in seconds since 1970.

    :raises ValueError: it does not say so.
    """
    claims = claims_of(token)
    try:
        return int(claims["iat"]), int(claims["exp"])
    except (KeyError, TypeError) as error:
        raise ValueError("it does not say when it ends") from error


def term_claimed(token: str) -> dict[str, t.Any] | None:
    """Return the UID of the Secret that a token is bound to, and when it was issued and ends; None of one that does not end. No secret."""
    secret = bound_secret(claims_of(token))
    if not isinstance(secret.get("uid"), str):
        return None
    try:
        issued, expires = term_of(token)
    except ValueError:
        return None
    return {"uid": secret["uid"], "issued": issued, "expires": expires}


def left_of(term: Mapping[str, t.Any], now: datetime.datetime) -> int:
    """Return the seconds that a token still holds, 0 where it has ended.

    :param now: by the clock of the API server that gave it.
    """
    return max(0, int(term["expires"] - now.timestamp()))


def in_use(stored: str, found: list[Bound], now: datetime.datetime) -> Bound | None:
    """Return what the token that the control plane has is bound to, None where that is gone, or the token has ended."""
    term = term_claimed(stored)
    if term is None or not left_of(term, now):
        return None
    return next((bound for bound in found if bound.uid == term["uid"]), None)
