# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run would change of the releases, as far as it can be told without fetching anything: for a status, which is to take seconds."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import make_plan
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import RELEASE, is_reachable
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed, Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._chart import ValuesReader, provide
from ansible_collections.flyte.multicluster.plugins.plugin_utils._identity import planned_identities
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import TemplateFault

if t.TYPE_CHECKING:
    from collections.abc import Callable

_UNCOMPARED = "Values and versions of releases are not compared"


def drift(known: Known, read: Callable[[str, str], t.Any]) -> dict[str, t.Any]:
    """Return the rows of Helm releases as ``drift``, and as ``notes`` why they could not be had."""
    if not is_reachable(known.observed.get(known.site.control_plane.host)):
        return {"drift": [], "notes": []}
    try:
        return {"drift": _rows(known, read), "notes": []}
    except (Refused, ModuleFailed, TemplateFault) as error:
        return {"drift": [], "notes": [f"{_UNCOMPARED}: {str(error).splitlines()[0]}"]}


def _rows(known: Known, read: Callable[[str, str], t.Any]) -> list[dict[str, t.Any]]:
    chart = provide(known.site, _not_now, read(known.site.control_plane.host, "flyte_chart_repo_url"))
    reader = ValuesReader(known.site, chart, read)
    if any(reader.faults(cluster) for cluster in known.site.clusters):
        raise Refused("the inventory's values have faults, which site.yml --check names")
    whole = dataclasses.replace(known, chart=chart, reader=reader)
    whole.identities = planned_identities(whole, read)
    plan = make_plan(whole.site, whole.observed, chart=chart, digest=whole.digest_of(read), aws=whole.aws, identities=whole.identities, rights=whole.rights)
    return [dataclasses.asdict(row) for row in plan.rows if row.action.startswith(RELEASE)]


def _not_now(*_arguments: t.Any) -> None:
    raise Refused("the chart is not on this machine yet; site.yml fetches it")
