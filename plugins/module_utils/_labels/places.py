# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether flyteadmin has the projects and domains that labels are for. No I/O."""

from __future__ import annotations

import typing as t

from .._common.text import nearest

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .rows import Key


def unknown_places(keys: Iterable[Key], places: Collection[tuple[str, str]]) -> list[str]:
    """Return which projects and domains of rows flyteadmin does not have.

    :param places: all domains of all its active projects.
    """
    given = list(keys)
    projects = sorted({project for project, _domain in places})
    wrong = []
    for project in sorted({key[0] for key in given} - set(projects)):
        wrong.append(f"flyteadmin has no active project {project!r}.{nearest(project, projects)}")
    for project, domain in sorted({key[:2] for key in given if key[1] and key[0] in projects} - set(places)):
        domains = [name for owner, name in places if owner == project]
        wrong.append(f"the project {project!r} has no domain {domain!r}.{nearest(domain, domains)}")
    return wrong
