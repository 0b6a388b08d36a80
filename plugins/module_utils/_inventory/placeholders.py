# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an adopted inventory leaves to be filled in, ``<CHANGE ME: what>``: no run goes on with one. No I/O."""

from __future__ import annotations

import re
import typing as t

from .reader import Fault

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

CHANGE_ME = re.compile(r"<CHANGE ME[^<>]*>")


def change_me(what: str) -> str:
    """Return a placeholder that says what is to stand there."""
    return f"<CHANGE ME: {what}>"


def unfilled(hosts: Iterable[str], raw: Callable[[str], Mapping[str, t.Any]], names: Iterable[str]) -> list[Fault]:
    """Return a fault for each variable with a placeholder that is still there, once for what hosts have in common.

    :param raw: returns the variables of a host before templates.
    :param names: of the variables to look at.
    """
    looked_at = list(names)
    faults: dict[tuple[str, str], Fault] = {}
    seen: set[int] = set()  # hosts share the values of their groups
    for host in hosts:
        own = raw(host)
        for name in looked_at:
            value = own.get(name)
            if value is None or id(value) in seen:
                continue
            seen.add(id(value))
            for found in _placeholders(value):
                faults.setdefault((name, found), Fault(host, name, found, "is a placeholder that playbooks/adopt.yml left: put what it asks for in its place."))
    return list(faults.values())


def _placeholders(value: t.Any) -> Iterator[str]:
    """Yield the placeholders in a value. What it has more than once, or within itself, by aliases of YAML, is looked at once."""
    left, seen = [value], set()
    while left:
        item = left.pop()
        if isinstance(item, str):
            yield from CHANGE_ME.findall(item)
        elif isinstance(item, (dict, list, tuple)) and id(item) not in seen:
            seen.add(id(item))
            left.extend(reversed(list(item.values() if isinstance(item, dict) else item)))
