# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingerprints of credentials: what is shown and compared instead of them."""

from __future__ import annotations

import hashlib
import hmac
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def credentials_checksum(fingerprints: Mapping[str, Mapping[str, str]]) -> str:
    """Return the checksum of credentials from their fingerprints, independent of the order of clusters."""
    lines = [f"{name} {pair['token']} {pair['ca_cert']}" for name, pair in sorted(fingerprints.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def fingerprint(value: str | bytes) -> str:
    """Return the SHA-256 of a credential: what is shown and compared instead of it."""
    return hashlib.sha256(value if isinstance(value, bytes) else value.encode()).hexdigest()


def keyed_fingerprint(key: str, value: str | bytes) -> str:
    """Return a short fingerprint of a secret that nobody can try guesses against who does not have the key.

    A token can be shown by its plain SHA-256, since nobody guesses it; a password may be weak.

    :param key: a secret itself, the same for as long as fingerprints are compared.
    """
    return hmac.new(key.encode(), value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:12]
