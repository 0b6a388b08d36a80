# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that nobody reads: mistyped ones, and those of the whole site on a host where they have no effect. No I/O.

Each was taken silently once: ``flyte_cluster_enable: false`` left a plane enabled that was to be drained.
"""

from __future__ import annotations

import typing as t

from .._common.text import nearest
from .reader import NOT_SHOWN, Fault
from .variables import CONNECTION_VARIABLES

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_PREFIX = "flyte_"


def unknown_variables(names: Mapping[str, Iterable[str]], known: Iterable[str]) -> list[Fault]:
    """Return a fault for each variable of the collection's prefix that it does not know; for one that all hosts have, on the first of them.

    :param names: of all variables of each host.
    :param known: the names that are declared.
    """
    declared = sorted(known)
    faults: dict[str, Fault] = {}
    for host, found in names.items():
        for name in sorted(found):
            # Of other letters it is another variable to Ansible, which nobody means.
            meant = name.lower().replace("-", "_")
            if meant.startswith(_PREFIX) and name not in declared and name not in faults:
                remedy = f"is no variable of this collection.{nearest(meant, declared)} flyte_allow_unknown_variables: true lets names of your own begin so."
                faults[name] = Fault(host, name, NOT_SHOWN, remedy)
    return list(faults.values())


def misplaced_variables(
    control_plane: str,
    planes: Sequence[str],
    raw: Callable[[str], Mapping[str, t.Any]],
    read: Callable[[str, str], t.Any],
    site: Iterable[str],
) -> list[Fault]:
    """Return a fault for each variable of the whole site that a data plane has with another value than the control plane, where it is read.

    :param raw: returns the variables of a host before templates, which are compared first: hosts share those of their groups.
    :param site: the names of the site's variables.
    """
    own = raw(control_plane)
    faults = []
    for name in site:
        for plane in planes:
            given = raw(plane)
            if name not in given or (name in own and (given[name] is own[name] or given[name] == own[name])):
                continue
            value = read(plane, name)
            if value != read(control_plane, name):
                remedy = f"is a variable of the whole site, read from {control_plane}: set it for all hosts (group all), with one value."
                # What is no credential may hold one that nobody knows yet: a URL, or something of another kind.
                hidden = name in CONNECTION_VARIABLES or not isinstance(value, (str, bool, int, float)) or any(mark in str(value) for mark in "@?#\n")
                faults.append(Fault(plane, name, NOT_SHOWN if hidden else value, remedy))
    return faults
