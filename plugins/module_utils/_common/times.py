# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as people write them (90d, 12h, 1d12h), and times as programs write them."""

from __future__ import annotations

import datetime
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


def moment(text: str) -> datetime.datetime:
    """Return a time as Kubernetes, Helm and flyteadmin write it. One without an offset is UTC.

    :raises ValueError: it is none; TypeError: it is no text.
    """
    found = datetime.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)


def age_of(text: str | None) -> int | None:
    """Return the age in seconds of what was made at such a time, None where that is not known."""
    try:
        then = moment(text or "")
    except (TypeError, ValueError):
        return None
    return max(0, int((datetime.datetime.now(datetime.timezone.utc) - then).total_seconds()))
