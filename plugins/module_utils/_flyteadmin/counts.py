# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What flyteadmin says of executions, by cluster: those that have not ended, and those of the last day that failed."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import typing as t

from .._common.times import moment
from .answers import Json, part, text
from .executions import OPEN, row
from .listing import PAGE, in_phases, pages

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from .client import Admin

FAILED = ("FAILED", "TIMED_OUT")
DAY = 86400.0
_PAGES = 20
#: so many executions of a project-domain are counted, of more it is said that there are more
MOST = PAGE * _PAGES


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
    questions = [(place, phases, start) for place in places for phases, start in ((OPEN, None), (FAILED, since))]
    running: collections.Counter[str] = collections.Counter()
    failed: collections.Counter[str] = collections.Counter()
    more = []
    for (place, phases, _start), found, error in admin.many(lambda question: _listed(admin, *question), questions):
        if error is not None:
            raise error
        (running if phases is OPEN else failed).update(found.clusters)
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
    for number, page in enumerate(pages(admin, place, in_phases(phases), newest_first=True)):
        if number == _PAGES:
            return _Found(clusters, True)
        new = [execution for execution in page if since is None or _created(execution) >= since]
        clusters += [row(execution, "")["cluster"] or "" for execution in new]
        if len(new) < len(page):
            break
    return _Found(clusters, False)


def _created(execution: Json) -> datetime.datetime:
    """Return when an execution was created; one that does not say it counts as new."""
    try:
        return moment(text(part(execution, "closure"), "created_at"))
    except ValueError:
        return datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)
