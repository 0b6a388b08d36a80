# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees of a plan and of failures. No I/O."""

from __future__ import annotations

import typing as t

from .._common.text import table, wrapped
from .rows import Failure

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .._inventory.site import Site
    from .rows import Row

NOTHING_TO_DO = "Every cluster is as wanted; execution cluster labels and namespaces are compared next."


def plan_lines(rows: Iterable[Row]) -> list[str]:
    """Return the plan as lines of text."""
    return [line for row in rows for line in row.lines()] or [NOTHING_TO_DO]


def unprobed_lines(site: Site) -> list[str]:
    """Return a line for each data plane whose API server is never tried as flyteadmin uses it."""
    return [
        f"{cluster.host}: flyteadmin's token and CA certificate are not tried there (flyte_probe_from: none)"
        for cluster in site.data_planes
        if cluster.probe_from == "none"
    ]


def failure_summary(failures: Sequence[Failure]) -> str:
    """Return what the run comes to, in one line."""
    return f"{len(failures)} thing(s) could not be done; everything else was."


def failure_table(failures: Sequence[Failure]) -> list[str]:
    """Return the closing table as lines of text: Ansible's own callback shows a text of several lines as one."""
    rows = [{"cluster": row.host, "failed at": row.step, "what": row.problem, "what to do": row.remedy} for row in failures]
    columns = {"cluster": 24, "failed at": 20, "what": 50, "what to do": 44}
    return table(wrapped(rows, columns), tuple(columns))
