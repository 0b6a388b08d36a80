# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What flyteadmin says of executions, by cluster: those that have not ended, and those of the last day that failed."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import re
import typing as t
import urllib.parse

from .answers import Json, listed, part, text
from .client import path_of
from .executions import checked, row

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from .client import Admin

#: phases of executions that have not ended, and of those that failed
ACTIVE = ("UNDEFINED", "QUEUED", "RUNNING", "SUCCEEDING", "FAILING", "ABORTING")
FAILED = ("FAILED", "TIMED_OUT")
DAY = 86400.0
_PAGE, _PAGES = 100, 20
#: of so many more than one, each project-domain's is counted up to here
MOST = _PAGE * _PAGES


@dataclasses.dataclass
class Counts:
    """How many executions there are, by cluster; those on none, whose creation failed, stand under the empty name."""

    running: dict[str, int]
    failed: dict[str, int]
    #: project-domains that have more than were counted
    more: list[str]


def counted(admin: Admin, places: Sequence[tuple[str, str]], now: datetime.datetime) -> Counts:
    """Count the executions of project-domains, side by side, each kind by one filter that flyteadmin knows (recorded: ``value_in(phase,…)``).

    The newest come first, so that those of the last day are at the beginning.

    :raises AdminError: one of them was not answered.
    """
    since = now - datetime.timedelta(seconds=DAY)
    questions = [(place, phases, start) for place in places for phases, start in ((ACTIVE, None), (FAILED, since))]
    running: collections.Counter[str] = collections.Counter()
    failed: collections.Counter[str] = collections.Counter()
    more = []
    for (place, phases, _start), found, error in admin.many(lambda question: _listed(admin, *question), questions):
        if error is not None:
            raise error
        (running if phases is ACTIVE else failed).update(found.clusters)
        if found.more:
            more.append("/".join(place))
    return Counts(dict(running), dict(failed), list(dict.fromkeys(more)))


@dataclasses.dataclass
class _Found:
    clusters: list[str]
    more: bool


def _listed(admin: Admin, place: tuple[str, str], phases: Sequence[str], since: datetime.datetime | None) -> _Found:
    """Return the clusters of the newest executions in one of the phases, up to those that are older."""
    clusters: list[str] = []
    token = ""
    for _page in range(_PAGES):
        query = {
            "limit": str(_PAGE), "token": token, "filters": f"value_in(phase,{';'.join(phases)})",
            "sort_by.key": "created_at", "sort_by.direction": "DESCENDING",
        }  # fmt: skip
        path = f"/api/v1/executions/{path_of(*place)}?{urllib.parse.urlencode({key: value for key, value in query.items() if value})}"
        page, token = admin.get(path, _read)
        new = [execution for execution in page if since is None or _created(execution) >= since]
        clusters += [row(execution, "")["cluster"] or "" for execution in new]
        if not token or len(new) < len(page):
            return _Found(clusters, False)
    return _Found(clusters, True)


def _read(answer: Json) -> tuple[list[Json], str]:
    return [checked(execution) for execution in listed(answer, "executions")], text(answer, "token")


def _created(execution: Json) -> datetime.datetime:
    """Return when an execution was created; one that does not say it counts as new."""
    # Go writes nanoseconds, Python reads microseconds at most.
    said = re.sub(r"\.\d+", "", text(part(execution, "closure"), "created_at")).replace("Z", "+00:00")
    try:
        found = datetime.datetime.fromisoformat(said)
    except ValueError:
        return datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)
    return found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)
