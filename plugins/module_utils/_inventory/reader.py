# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads variables of hosts, and collects everything that is wrong with them. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.redaction import SECRETS
from .._common.text import nearest

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .variables import Variable


#: in the place of a value that may be a secret
NOT_SHOWN: t.Any = object()


@dataclasses.dataclass(frozen=True)
class Fault:
    """One thing that is wrong in the inventory."""

    host: str
    variable: str
    value: t.Any
    remedy: str

    def __str__(self) -> str:
        value = self.value
        if value is NOT_SHOWN:
            return f"{self.host}: {self.variable}: {self.remedy}"
        return f"{self.host}: {self.variable} = {SECRETS.data(value)!r}: {self.remedy}"


class Reader:
    """Reads variables of hosts and collects what is wrong with them."""

    def __init__(self, raw: Callable[[str, str], t.Any]) -> None:
        #: returns a variable as it is, None where it is not set
        self.raw = raw
        self.faults: list[Fault] = []

    def fault(self, host: str, variable: str, value: t.Any, remedy: str) -> None:
        """Note a fault."""
        self.faults.append(Fault(host, variable, value, remedy))

    def read(self, host: str, name: str, variable: Variable) -> t.Any:
        """Return a variable's value, its default where it is not set or wrong."""
        value = self.raw(host, name)
        if value is None:
            return variable.default
        converted = _convert(value, variable.kind)
        if converted is None:
            hint = " Put it in quotes: YAML makes a number of it, and 1.30 becomes 1.3." if variable.kind == "str" and isinstance(value, (int, float)) else ""
            self.fault(host, name, "(not shown)" if variable.secret else value, f"has to be {_KIND_NAMES[variable.kind]}.{hint}")
            return variable.default
        if variable.choices and converted not in variable.choices:
            self.fault(host, name, value, f"has to be one of {', '.join(variable.choices)}.{nearest(converted, variable.choices)}")
            return variable.default
        return converted


_KIND_NAMES = {
    "str": "text",
    "bool": "true or false",
    "int": "a whole number greater than 0",
    "float": "a number from 0 to 1",
    "list": "a list",
    "dict": "a mapping",
}


def _convert(value: t.Any, kind: str) -> t.Any:
    """Return the value as that kind, None where it is none. ``-e name=value`` gives text for everything."""
    if kind == "str":
        return value if isinstance(value, str) else None
    if kind == "bool":
        if isinstance(value, bool):
            return value
        return {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}.get(str(value).lower())
    if kind == "int":
        if isinstance(value, float) and not value.is_integer():
            return None
        try:
            number = int(value)
        except (TypeError, ValueError):
            return None
        return number if number > 0 and not isinstance(value, bool) else None
    if kind == "float":
        return _share(value)
    if kind == "list":
        return [value] if isinstance(value, str) and value else list(value) if isinstance(value, (list, tuple)) else None
    return dict(value) if isinstance(value, dict) else None


def _share(value: t.Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number <= 1 and not isinstance(value, bool) else None
