# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, as far as one can tell without asking a server."""

from __future__ import annotations

import ssl


def is_certificate(text: str) -> bool:
    """Return whether a text is CA certificates as PEM that TLS takes, and nothing that has to stay secret."""
    if "-----BEGIN" not in text or "PRIVATE KEY-----" in text:
        return False  # of an empty text TLS takes the certificates of this machine
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError):
        return False
    return True
