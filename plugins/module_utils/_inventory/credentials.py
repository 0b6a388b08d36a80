# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials of the inventory that could not be sent: refused without their value, which a library's own error would show. No I/O."""

from __future__ import annotations

import re
import typing as t

from .reader import NOT_SHOWN, Fault
from .variables import SENT

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SENDABLE = re.compile(r"[\x21-\x7e]+")


def unsendable_credentials(hosts: Iterable[str], read: Callable[[str, str], t.Any]) -> list[Fault]:
    """Return a fault for each credential that no header takes; white space around it is no fault, it is left out."""
    faults = []
    for host in hosts:
        for name in sorted(SENT):
            value = read(host, name)
            if value is not None and not (isinstance(value, str) and _SENDABLE.fullmatch(value.strip())):
                remedy = "has white space, a line break or a letter beyond ASCII in it, or is no text: it cannot be sent. (Its value is not shown.)"
                faults.append(Fault(host, name, NOT_SHOWN, remedy))
    return faults
