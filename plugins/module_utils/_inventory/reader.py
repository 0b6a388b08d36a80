# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads variables of hosts, and collects everything that is wrong with them. No I/O."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._common.redaction import SECRETS
from .._common.text import nearest
from .kinds import KIND_NAMES, converted

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .variables import Variable


#: characters of a value that a message shows
_MOST_SHOWN = 300
#: the query or the fragment of a URL
_BEHIND_URL = re.compile(r"(?<=://)(?P<before>[^\s'\"?#]*[?#])[^\s'\"]+")
#: a certificate or a key, whole or cut off, and what stands in its place
_PEM = re.compile(r"-----BEGIN.*?(-----END[^-\n]*-----|\Z)", re.DOTALL)
_KEY = "(a certificate or a key, not shown)"
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
        # It may name what is made of the value, or what another variable has.
        remedy = _BEHIND_URL.sub(r"\g<before>…", _PEM.sub(_KEY, self.remedy))
        if value is NOT_SHOWN:
            return f"{self.host}: {self.variable}: {remedy}"
        return f"{self.host}: {self.variable} = {shown(SECRETS.data(value))}: {remedy}"


def shown(value: t.Any) -> str:
    """Return a value as a message shows it: on one line, which ends, of a URL without what is often a token."""
    if "-----BEGIN" in str(value):
        return _KEY
    text = _BEHIND_URL.sub(r"\g<before>…", repr(value))
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}… ({len(text)} characters)"


def _said(value: t.Any) -> str:
    return next(KIND_NAMES[name] for name, kind in (("str", str), ("dict", dict), ("list", list)) if isinstance(value, kind))


class Reader:
    """Reads variables of hosts and collects what is wrong with them."""

    def __init__(self, raw: Callable[[str, str], t.Any]) -> None:
        #: returns a variable as it is, None where it is not set
        self.raw = raw
        self.faults: list[Fault] = []

    def fault(self, host: str, variable: str, value: t.Any, remedy: str) -> None:
        """Note a fault."""
        self.faults.append(Fault(host, variable, value, remedy))

    def has_fault(self, host: str, variable: str) -> bool:
        """Return whether something is wrong with a variable already."""
        return any(fault.host == host and fault.variable == variable for fault in self.faults)

    def read(self, host: str, name: str, variable: Variable) -> t.Any:
        """Return a variable's value, its default where it is not set or wrong."""
        value = self.raw(host, name)
        if value is None:
            return variable.default
        taken = converted(value, variable.kind)
        if taken is None:
            hint = " Put it in quotes: YAML makes a number of it, and 1.30 becomes 1.3." if variable.kind == "str" and isinstance(value, (int, float)) else ""
            # What has another shape may hold anything: a whole values file as text, a list of URLs with their passwords.
            shapes = (str, dict, list) if variable.kind in ("dict", "list") else (dict, list)
            if isinstance(value, shapes) and not variable.secret:
                self.fault(host, name, NOT_SHOWN, f"is {_said(value)}, and has to be {KIND_NAMES[variable.kind]}. (It is not shown.)")
                return variable.default
            self.fault(host, name, "(not shown)" if variable.secret else value, f"has to be {KIND_NAMES[variable.kind]}.{hint}")
            return variable.default
        if variable.choices and taken not in variable.choices:
            self.fault(host, name, value, f"has to be one of {', '.join(variable.choices)}.{nearest(taken, variable.choices)}")
            return variable.default
        if variable.kind == "list" and variable.elements == "str" and not self._are_texts(host, name, taken):
            return variable.default
        return taken

    def _are_texts(self, host: str, name: str, entries: Sequence[t.Any]) -> bool:
        """Note each entry of a list that is no text, or an empty one."""
        wrong = [entry for entry in entries if not isinstance(entry, str) or not entry.strip() or not entry.isprintable()]
        for entry in wrong:
            value = NOT_SHOWN if isinstance(entry, (dict, list)) else entry  # what has another shape may hold anything
            self.fault(host, name, value, "has to be a list of texts, none of them empty; a number stands in quotes.")
        return not wrong
