# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of all clusters as a table, as JSON and as a page; and the report of what failed, with that table."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._common.files import expanded
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.module_utils._common.threads import Overdue, within
from ansible_collections.flyte.multicluster.plugins.module_utils._common.written import write
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.counts import MOST, counted
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.words import in_inventory_words
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.reader import Fault
from ansible_collections.flyte.multicluster.plugins.module_utils._labels.rows import from_api
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row, is_reachable
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.show import failure_summary, failure_table
from ansible_collections.flyte.multicluster.plugins.module_utils._status.collect import Asked, status_of
from ansible_collections.flyte.multicluster.plugins.module_utils._status.model import Problem, Status
from ansible_collections.flyte.multicluster.plugins.module_utils._status.terminal import status_lines, table_lines
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed, Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import admin_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work, observed_now

if t.TYPE_CHECKING:
    from collections.abc import Callable

#: seconds for labels and projects, and for all executions: a status does not wait longer for flyteadmin
_ASK, _COUNT = 20.0, 40.0
_CONCURRENCY = 16


def _page(status: Status) -> str:
    # Few runs write a page, and every run would read what it is made of.
    from ansible_collections.flyte.multicluster.plugins.module_utils._status.page import page

    return page(status)


#: the variables that name files, and what each gets
_FILES: dict[str, Callable[[Status], str]] = {
    "flyte_status_json": lambda status: json.dumps(status.as_dict(), indent=1, ensure_ascii=True) + "\n",
    "flyte_status_page": _page,
}


def show_status(work: Work) -> dict[str, t.Any]:
    """Return the table of all clusters, and write the files that the inventory names."""
    paths = _paths(work)
    rows = [Row(row["host"], row["step"], row["action"], row["reason"], tuple(row["details"])) for row in work.plan.get("drift") or []]
    notes = work.plan.get("notes") or []
    status = redacted(status_of(work.known.site, work.known.observed, asked(work, notes), now=_now(), rows=rows, due=work.plan.get("due")))
    lines = status_lines(status)
    for variable, path in paths.items():
        if work.action.check_mode:
            lines.append(f"{path} is not written in check mode")
            continue
        try:
            write(path, _FILES[variable](status))
        except OSError as error:
            raise Refused(_fault(work, variable, path, f"it cannot be written: {error.strerror or error}")) from error
    return {"lines": lines, "status": status.as_dict(), "files": [] if work.action.check_mode else list(paths.values())}


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _paths(work: Work) -> dict[str, str]:
    """Return the files to write by variable.

    :raises Refused: one of them has no folder, or is one.
    """
    found = {}
    for variable in _FILES:
        given = work.known.site.settings[variable]
        if not given:
            continue
        path = expanded(str(given))
        if os.path.isdir(path) or not os.path.isdir(os.path.dirname(path)):
            raise Refused(_fault(work, variable, str(given), "it has to be a file in a folder that is there"))
        found[variable] = path
    return found


def _fault(work: Work, variable: str, value: str, remedy: str) -> str:
    return str(Fault(work.known.site.control_plane.host, variable, value, f"{remedy}."))


def redacted(status: Status) -> Status:
    """Return the status without secrets in the texts that servers and libraries wrote."""
    for cluster in status.clusters:
        cluster.problems = [Problem(SECRETS.text(problem.what), SECRETS.text(problem.remedy)) for problem in cluster.problems]
        cluster.drift = [SECRETS.text(text) for text in cluster.drift]
    return dataclasses.replace(status, notes=[SECRETS.text(note) for note in status.notes], url=SECRETS.text(status.url))


def asked(work: Work, notes: list[str]) -> Asked:
    """Ask flyteadmin for labels, projects and executions; what it does not say is not known, and said so."""
    try:
        admin = admin_of(work.known.site, work.read, concurrency=_CONCURRENCY, retry_for=0.0)
        rows, places = within(_ASK, lambda: (from_api(admin.label_rows()), admin.project_domains()))
    except (AdminError, Overdue) as error:
        return Asked(notes=(*notes, f"Executions are unknown, and so are labels: {_said(error)}"))
    found = Asked(rows=rows, places=places, notes=tuple(notes))
    try:
        counts = within(_COUNT, lambda: counted(admin, places, admin.now))
    except (AdminError, Overdue) as error:
        return dataclasses.replace(found, notes=(*notes, f"Executions are unknown: {_said(error)}"))
    more = [f"{', '.join(counts.more[:6])}: more than {MOST} executions: the counts are the least there are"] if counts.more else []
    nowhere = counts.failed.get("", 0)
    more += [f"{nowhere} execution(s) of the last day failed before flyteadmin had placed them on a cluster"] if nowhere else []
    return dataclasses.replace(found, running=counts.running, failed=counts.failed, notes=(*notes, *more))


def _said(error: AdminError | Overdue) -> str:
    hint = getattr(error, "hint", "")
    return in_inventory_words(f"{getattr(error, 'message', None) or error} {hint}".strip())


def table_now(work: Work) -> list[str]:
    """Return the table of all clusters as they are now, for the end of a run that failed. Those that did not answer before are not asked again."""
    known = work.known
    again = [host for host, found in known.observed.items() if is_reachable(found)]
    try:
        seen = observed_now(work, again)["clusters"] if again else {}
    except ModuleFailed:
        seen = {}
    status = redacted(status_of(known.site, {**known.observed, **seen}, Asked(), now=_now()))
    return table_lines(status)


def report(work: Work) -> dict[str, t.Any]:
    """Fail with one table of everything that failed, after a run of the site with one of all clusters as they are now; succeed where nothing did."""
    failures = work.failures()
    if not failures:
        return {}
    # A verification has looked already, and changed nothing.
    clusters = table_now(work) if "rows" in work.plan and "removal" not in work.plan and not work.action.check_mode else []
    more = {"status_table": clusters} if clusters else {}
    return {"failed": True, "msg": failure_summary(failures), **more, "table": failure_table(failures)}
