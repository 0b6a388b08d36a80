# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as people write them (90d, 12h, 1d12h), times as programs write them, and what time it is for a server."""

from __future__ import annotations

import datetime
import email.utils
import re
import time

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


class ServerClock:
    """What time it is for a server, as its answers say it (the header Date): the clock of this machine may be another one. It is exact to a second."""

    def __init__(self) -> None:
        #: what the newest answer said, and when that was by our own monotonic clock
        self._heard: tuple[datetime.datetime, float] | None = None

    def hear(self, header: str | None) -> None:
        """Take the header of an answer; one that says no time is passed over."""
        said = date_of(header)
        self._heard = (said, time.monotonic()) if said else self._heard

    @property
    def now(self) -> datetime.datetime:
        """The server's own time; that of this machine where it said none."""
        if self._heard is None:
            return datetime.datetime.now(datetime.timezone.utc)
        return self._heard[0] + datetime.timedelta(seconds=time.monotonic() - self._heard[1])


def date_of(header: str | None) -> datetime.datetime | None:
    """Return the time that a header of HTTP says, None where it says none."""
    try:
        return email.utils.parsedate_to_datetime(header or "").astimezone(datetime.timezone.utc)
    except (TypeError, ValueError, OverflowError):
        return None


def age_of(text: str | None, now: datetime.datetime) -> int | None:
    """Return the age in seconds of what was made at such a time, None where that is not known.

    :param now: by the clock of who wrote that time.
    """
    try:
        then = moment(text or "")
    except (TypeError, ValueError):
        return None
    return max(0, int((now - then).total_seconds()))
