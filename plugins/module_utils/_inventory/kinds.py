# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a value of each kind is. ``-e name=value`` gives text for everything, which is taken for what it says. No I/O."""

from __future__ import annotations

import re
import typing as t

#: as seconds eleven days; what is larger some timer on the way does not take
MOST_NUMBER = 1_000_000
KIND_NAMES = {
    "str": "text",
    "bool": "true or false",
    "int": f"a whole number greater than 0, at most {MOST_NUMBER}",
    "float": "a number from 0 to 1",
    "list": "a list",
    "dict": "a mapping",
    "raw": "text or a mapping",
}
#: Python reads more than people write: digits of other scripts, and what stands between underscores
_WHOLE, _DECIMAL = re.compile(r"[0-9]+"), re.compile(r"[0-9]+(\.[0-9]+)?|\.[0-9]+")
_SAID_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def converted(value: t.Any, kind: str) -> t.Any:
    """Return the value as that kind, None where it is none."""
    if kind == "str":
        return value if isinstance(value, str) else None
    if kind == "bool":
        return value if isinstance(value, bool) else _SAID_BOOLEANS.get(str(value).lower())
    if kind == "int":
        return _count(value)
    if kind == "float":
        return _share(value)
    if kind == "list":
        return [value] if isinstance(value, str) and value else list(value) if isinstance(value, (list, tuple)) else None
    if kind == "raw" and isinstance(value, str):
        return value
    return dict(value) if isinstance(value, dict) else None


def _count(value: t.Any) -> int | None:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        return None
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number <= MOST_NUMBER else None


def _share(value: t.Any) -> float | None:
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number <= 1 and not isinstance(value, bool) else None
