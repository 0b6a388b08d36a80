# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The executions of one cluster that have not ended: found, waited for, aborted."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._common.text import first
from .answers import Json
from .executions import OPEN, TERMINAL, abort, read, row
from .listing import in_phases, list_executions

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .client import Admin

#: flyteadmin leaves archived executions out unless they are asked for, and they run on (execution_manager.go, addStateFilter)
_STATES = ("", "eq(state,1)")
_NAMED = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
#: seconds after which it is said again what is waited for, though nothing changed
_SAY_AGAIN = 60.0


def place_of(execution: Json) -> str:
    """Return an execution as a person writes it."""
    return f"{execution['project']}/{execution['domain']}/{execution['name']}"


def described(executions: Sequence[Json]) -> str:
    """Return how many executions there are, and the first of them."""
    named = [f"{place_of(execution)} {execution['phase']}" for execution in executions]
    count = f"{len(executions)} execution{'' if len(executions) == 1 else 's'}"
    return count + (f" ({first(named, _NAMED)})" if named else "")


def unfinished(admin: Admin, cluster: str, console_url: str = "", *, places: Sequence[tuple[str, str]] | None = None) -> list[Json]:
    """Return the executions that were placed on a cluster and have not ended.

    :param places: all project-domains, those of archived projects too; asked where they are not known.
    """
    places = admin.project_domains(archived=True) if places is None else places
    jobs = [(place, state) for place in places for state in _STATES]

    def one(job: tuple[tuple[str, str], str]) -> list[Json]:
        filters = [f"eq(cluster,{cluster})", in_phases(OPEN), *filter(None, [job[1]])]
        return list_executions(admin, job[0], "+".join(filters))

    found: dict[str, Json] = {}
    for _job, executions, error in admin.many(one, jobs):
        if error is not None:
            raise error
        found |= {place_of(entry): entry for entry in (row(execution, console_url) for execution in executions)}
    return [found[place] for place in sorted(found)]


@dataclasses.dataclass(frozen=True)
class Drained:
    """What became of the executions of a cluster."""

    aborted: list[Json]
    left: list[Json]
    #: what flyteadmin said against aborts, by execution
    refused: dict[str, str]


def drain(
    admin: Admin, cluster: str, *, aborts: bool, timeout: float, say: Callable[[str], None], cause: str, first: Sequence[Json] | None = None
) -> Drained:
    """Wait until no execution runs on a cluster any more, or for so many seconds.

    :param aborts: whether they are aborted first.
    :param say: takes a line for people whenever the number changes, and once a minute.
    :param first: the executions, where they are known already.
    """
    left = list(first) if first is not None else unfinished(admin, cluster)
    aborted: list[Json] = []
    refused: dict[str, str] = {}
    tried: set[str] = set()
    ended, pause = time.monotonic() + timeout, _FIRST_PAUSE
    said, said_at = -1, 0.0
    while left:
        new = [entry for entry in left if place_of(entry) not in tried] if aborts else []
        if new:
            tried |= {place_of(entry) for entry in new}
            taken, against = _aborted(admin, new, cause)
            aborted, refused = aborted + taken, refused | against
        now = time.monotonic()
        if len(left) != said or now - said_at >= _SAY_AGAIN:
            say(f"{cluster}: waiting for {described(left)}, {max(0, int(ended - now))} s more at most")
            said, said_at = len(left), now
        if now >= ended:
            return Drained(aborted, left, refused)
        time.sleep(min(pause, max(ended - now, 0.05)))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        # Those that are known are read one by one; all places are asked again only when they have ended.
        left = _still_open(admin, left) or unfinished(admin, cluster)
    return Drained(aborted, [], refused)


def _aborted(admin: Admin, executions: Sequence[Json], cause: str) -> tuple[list[Json], dict[str, str]]:
    """Abort executions; return those that flyteadmin took, and what it said against the others. One that has ended by now is no failure."""
    wanted = [entry for entry in executions if entry["phase"] != "ABORTING"]
    taken, refused = [], {}
    for entry, done, error in admin.many(lambda one: abort(admin, one["project"], one["domain"], one["name"], cause), wanted):
        if error is not None:
            refused[place_of(entry)] = error.message
        elif done:
            taken.append(entry)
    return taken, refused


def _still_open(admin: Admin, executions: Sequence[Json]) -> list[Json]:
    left = []
    for entry, found, error in admin.many(lambda one: read(admin, one["project"], one["domain"], one["name"]), executions):
        if error is not None:
            raise error
        now = row(found, "") if found is not None else None
        if now is not None and now["phase"] not in TERMINAL:
            left.append({**entry, "phase": now["phase"]})
    return left
