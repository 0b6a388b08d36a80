# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What labels are stored, and what holds where."""

from __future__ import annotations

import typing as t

from .._labels import rows as _labels
from .._labels.placement import Effective, Placement
from .client import Admin, Settings
from .._module import placement_of

#: without the configuration, only the label and its level can be said
_NOTHING_KNOWN = Placement({}, frozenset())


def _shown(effective: Effective, placement: Placement | None) -> dict[str, t.Any]:
    found = {"label": effective.label, "level": effective.level}
    return found if placement is None else {**found, "clusters": effective.clusters}


def _row(key: _labels.Key, label: str, placement: Placement | None) -> dict[str, t.Any]:
    found = _labels.as_dict(key, label)
    return found if placement is None else {**found, "clusters": placement.shares(label), "problem": placement.problem(label)}


def run(params: dict[str, t.Any], settings: Settings) -> dict[str, t.Any]:
    """Return the module's result."""
    admin = Admin(settings)
    placement = placement_of(params)
    rows = _labels.from_api(admin.label_rows())
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
