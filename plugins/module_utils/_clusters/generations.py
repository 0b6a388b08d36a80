# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of token Secrets that a rotation makes, one after the other, and what a token says of itself. No I/O.

Kubernetes signs a long-lived token from the account and the Secret's name alone: a name that was used once would bring back a token that was given up.
"""

from __future__ import annotations

import base64
import json
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: a claim of a long-lived token
_OLD_SECRET = "kubernetes.io/serviceaccount/secret.name"


def generation(name: str, base: str) -> int:
    """Return which one of its base a name is: 1 for the base itself, 3 for ``<base>-3``, 0 for any other name."""
    if name == base:
        return 1
    number = name.removeprefix(f"{base}-")
    return int(number) if number != name and number.isdecimal() and number.isascii() and int(number) > 1 else 0


def next_name(base: str, names: Iterable[str]) -> str:
    """Return the name of the next token Secret.

    :param names: those that there are, or were.
    """
    return f"{base}-{max([1, *(generation(name, base) for name in names)]) + 1}"


def claims_of(token: str) -> dict[str, t.Any]:
    """Return what a token of Kubernetes says of itself, unverified; empty where it is of another kind."""
    try:
        payload = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def bound_secret(claims: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the Secret that a token is bound to, as its claims have it, empty where it is bound to none."""
    bound = claims.get("kubernetes.io")
    secret = bound.get("secret") if isinstance(bound, dict) else None
    return secret if isinstance(secret, dict) else {}


def place_of(token: Mapping[str, t.Any]) -> str:
    """Return how a token Secret is named by the one that comes in its place."""
    return f"{token['secret']}/{token['uid']}"


def secret_of(token: str) -> str:
    """Return the name of the Secret that a token names, empty where it names none."""
    claims = claims_of(token)
    bound = bound_secret(claims)
    name = bound.get("name") if bound else claims.get(_OLD_SECRET)
    return name if isinstance(name, str) else ""


def unused_name(base: str, stored: str) -> str:
    """Return the name of a token Secret where the account has none: not one that a rotation gave up.

    :param stored: the token that the control plane has by now, empty where it has none.
    """
    former = secret_of(stored)
    return next_name(base, [former]) if generation(former, base) > 1 else base
