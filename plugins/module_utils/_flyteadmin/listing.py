# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists executions."""

from __future__ import annotations

import typing as t
import urllib.parse

from . import executions as _executions
from .client import Admin, AdminError, Settings

from .._common.text import nearest

_PAGE = 100


def _places(admin: Admin, params: dict[str, t.Any]) -> list[tuple[str, str]]:
    """Return the project-domains to look in. A name that flyteadmin does not have is an error: its answer would be an empty list."""
    places = admin.project_domains()
    for number, option in enumerate(("projects", "domains")):
        known = sorted({place[number] for place in places})
        for name in params[option] or []:
            if name not in known:
                raise AdminError(f"{option}: flyteadmin has no {name!r}, it has {', '.join(known)}.{nearest(name, known)}")
    return [
        (project, domain)
        for project, domain in places
        if (params["projects"] is None or project in params["projects"]) and (params["domains"] is None or domain in params["domains"])
    ]


def _filters(params: dict[str, t.Any]) -> str:
    filters = [f"eq(cluster,{params['cluster']})"] if params["cluster"] else []
    if params["phases"]:
        filters.append(f"value_in(phase,{';'.join(params['phases'])})")
    return "+".join(filters)


def _list(admin: Admin, place: tuple[str, str], filters: str) -> list[dict[str, t.Any]]:
    found: list[dict[str, t.Any]] = []
    token = ""
    while True:
        query = {"limit": str(_PAGE), "token": token, "filters": filters, "sort_by.key": "created_at", "sort_by.direction": "ASCENDING"}
        text = urllib.parse.urlencode({key: value for key, value in query.items() if value})
        answer = admin.call("GET", f"/api/v1/executions/{place[0]}/{place[1]}?{text}")
        found += answer["executions"]
        token = answer["token"]
        if not token:
            return found


def run(params: dict[str, t.Any], settings: Settings) -> dict[str, t.Any]:
    """Return the module's result."""
    admin = Admin(settings, concurrency=params["concurrency"])
    filters = _filters(params)
    rows: list[dict[str, t.Any]] = []
    for _place, found, error in admin.many(lambda place: _list(admin, place, filters), _places(admin, params)):
        if error is not None:
            raise error
        rows += [_executions.row(execution, params["console_url"] or settings.url) for execution in found]
    return {"changed": False, "executions": rows}
