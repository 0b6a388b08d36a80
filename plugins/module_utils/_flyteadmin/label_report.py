# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What labels are stored, and what holds where."""

from __future__ import annotations

import typing as t

from .._labels.placement import Effective, Placement
from .._labels.rows import as_dict, from_api
from .client import Admin

if t.TYPE_CHECKING:
    from .._labels.rows import Key
    from .settings import Settings

#: without the configuration, only the label and its level can be said
_NOTHING_KNOWN = Placement({}, frozenset())


def _shown(effective: Effective, placement: Placement | None) -> dict[str, t.Any]:
    found = {"label": effective.label, "level": effective.level}
    return found if placement is None else {**found, "clusters": effective.clusters}


def _row(key: Key, label: str, placement: Placement | None) -> dict[str, t.Any]:
    found = as_dict(key, label)
    return found if placement is None else {**found, "clusters": placement.shares(label), "problem": placement.problem(label)}


def run(params: dict[str, t.Any], settings: Settings, placement: Placement | None) -> dict[str, t.Any]:
    """Return the module's result.

    :param placement: what flyteadmin's configuration makes of a label, where that is known.
    """
    admin = Admin(settings)
    rows = from_api(admin.label_rows())
    known = placement or _NOTHING_KNOWN
    result: dict[str, t.Any] = {
        "changed": False,
        "rows": [_row(key, label, placement) for key, label in sorted(rows.items())],
        "project_domains": [
            {"project": project, "domain": domain, **_shown(known.effective(rows, (project, domain, "")), placement)}
            for project, domain in admin.project_domains()
        ],
    }
    if params["project"]:
        key = (params["project"], params["domain"] or "", params["workflow"] or "")
        result["effective"] = _shown(known.effective(rows, key), placement)
    return result
