# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rotation does in a data plane: a second token beside the first, and the end of the first. And in the control plane's Secret: one for the other."""

from __future__ import annotations

import typing as t

from .._common.fingerprints import fingerprint
from .bounded import BOUNDED, Terms, find_bound, make_bound, request_token
from .client import Kube, KubeError
from .credentials import Token, find_tokens, make_token, merge_patch, secrets_path
from .generations import place_of
from .secrets import Stored, merge_into

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"


def make_successor(kube: Kube, namespace: str, account: str, current: Mapping[str, t.Any], name: str, *, terms: Terms, timeout: float) -> Token:
    """Return the token that comes in the place of the current one, made first where there is none yet.

    :param current: of the token, ``secret`` and ``uid``.
    :param name: of the Secret that is made.
    :raises KubeError: there is no such token, or one that ends would end too soon; a Secret that was made for it is deleted again.
    """
    place = place_of(current)
    if terms.kind == BOUNDED:
        bounds = [bound for bound in find_bound(kube, namespace, account) if bound.replaces == place]
        bound = bounds[0] if bounds else make_bound(kube, namespace, account, name, replaces=place)
        try:
            return request_token(kube, namespace, account, bound, terms)
        except KubeError:
            # What another run made may have its token in use by now.
            if bound.made:
                retire(kube, namespace, bound.secret, bound.uid)
            raise
    there = [token for token in find_tokens(kube, namespace, account, name) if token.replaces == place]
    return there[0] if there else make_token(kube, namespace, account, name, timeout=timeout, replaces=place)


def require_accepted(kube: Kube, token: str) -> None:
    """Let the API server say itself whether it takes a token.

    :raises KubeError: it does not, or may not be asked.
    """
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    status = kube.create(_REVIEWS, body).get("status") or {}
    if status.get("authenticated") is not True:
        raise KubeError("api", f"{kube.server} does not take the new token", hint="Its Secret may have been deleted since: run again.")


def exchange(kube: Kube, namespace: str, name: str, pairs: Mapping[str, tuple[str, str]], former: Mapping[str, str]) -> tuple[Stored, list[str]]:
    """Store the new tokens in the place of those that are there; keys of others stay, and so does a token that somebody else stored meanwhile.

    :param pairs: cluster name to token and CA.
    :param former: cluster name to the fingerprint of the token that the new one comes for.
    :returns: what was stored, and the names of the clusters whose token is another one by now.
    """
    moved: list[str] = []

    def patch_of(data: Mapping[str, bytes]) -> dict[str, str | None]:
        there = {cluster: fingerprint(data.get(f"{cluster}_token", b"")) for cluster in pairs}
        moved[:] = [cluster for cluster, pair in pairs.items() if there[cluster] not in (former[cluster], fingerprint(pair[0]))]
        return merge_patch(data, {cluster: pair for cluster, pair in pairs.items() if cluster not in moved})

    return merge_into(kube, namespace, name, patch_of, create_namespace=False), moved


def retire(kube: Kube, namespace: str, secret: str, uid: str) -> bool:
    """Delete a token Secret, and no other one that has its name by now; return whether it was there."""
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
    try:
        kube.request("DELETE", secrets_path(namespace, secret), body=body)
    except KubeError as error:
        if error.status not in (404, 409):
            raise
        return False
    return True
