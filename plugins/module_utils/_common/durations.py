# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as people write them: 90d, 12h, 1d12h."""

from __future__ import annotations

import re

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_WHOLE = re.compile(r"(?:\d{1,6}[dhms])+")
_PARTS = re.compile(r"(\d+)([dhms])")
#: what a message says of them
FORM = "a duration: numbers with the units d, h, m or s, for example 90d or 1d12h"


def seconds_of(text: str) -> int | None:
    """Return a duration in seconds, None where it is none, or nothing."""
    if not text.isascii() or not _WHOLE.fullmatch(text):
        return None
    return sum(int(number) * _UNITS[unit] for number, unit in _PARTS.findall(text)) or None
