# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists executions of project-domains."""

from __future__ import annotations

import typing as t
import urllib.parse

from .._common.text import nearest
from .answers import Json, listed, text
from .client import Admin, path_of
from .errors import AdminError, ShapeError
from .executions import checked, row
from .hints import UNKNOWN_PROJECT

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .settings import Settings

#: executions of one answer
PAGE = 100
#: what is said of a name that flyteadmin does not have, by option
_UNKNOWN = (UNKNOWN_PROJECT, "domains: flyteadmin has no")


def chosen_places(admin: Admin, projects: Sequence[str] | None, domains: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """Return the project-domains to look in. A name that flyteadmin does not have is an error: its answer would be an empty list."""
    places = admin.project_domains()
    for number, chosen in enumerate((projects, domains)):
        known = sorted({place[number] for place in places})
        for name in chosen or []:
            if name not in known:
                said = f"{_UNKNOWN[number]} {name!r}, it has {', '.join(known) or 'none'}.{nearest(name, known)}"
                raise AdminError(said, hint="Correct the name, or leave it out to look everywhere.")
    return [place for place in places if (projects is None or place[0] in projects) and (domains is None or place[1] in domains)]


def _filters(params: dict[str, t.Any]) -> str:
    filters = [f"eq(cluster,{params['cluster']})"] if params["cluster"] else []
    filters += [in_phases(params["phases"])] if params["phases"] else []
    return "+".join(filters)


def _page(answer: Json) -> tuple[list[Json], str]:
    return [checked(execution) for execution in listed(answer, "executions")], text(answer, "token")


def in_phases(phases: Sequence[str]) -> str:
    """Return flyteadmin's filter for executions in one of the phases."""
    return f"value_in(phase,{';'.join(phases)})"


def pages(admin: Admin, place: tuple[str, str], filters: str, *, newest_first: bool = False) -> Iterator[list[Json]]:
    """Return the executions of a project-domain in pages of at most :data:`PAGE`, each asked for when it is taken."""
    token = ""
    direction = "DESCENDING" if newest_first else "ASCENDING"
    while True:
        query = {"limit": str(PAGE), "token": token, "filters": filters, "sort_by.key": "created_at", "sort_by.direction": direction}
        said = urllib.parse.urlencode({key: value for key, value in query.items() if value})
        path = f"/api/v1/executions/{path_of(*place)}"
        page, following = admin.get(f"{path}?{said}", _page)
        yield page
        if not following:
            return
        if following == token:
            raise ShapeError(f"GET {path}: the page after {token!r} is said to be the same one again.")
        token = following


def list_executions(admin: Admin, place: tuple[str, str], filters: str) -> list[Json]:
    """Return the executions of a project-domain, oldest first, paged to the end."""
    return [execution for page in pages(admin, place, filters) for execution in page]


def run(params: dict[str, t.Any], settings: Settings) -> dict[str, t.Any]:
    """Return the module's result."""
    admin = Admin(settings, concurrency=params["concurrency"])
    filters = _filters(params)
    rows: list[dict[str, t.Any]] = []
    for _place, found, error in admin.many(lambda place: list_executions(admin, place, filters), chosen_places(admin, params["projects"], params["domains"])):
        if error is not None:
            raise error
        rows += [row(execution, params["console_url"] or settings.url) for execution in found]
    return {"changed": False, "executions": rows}
