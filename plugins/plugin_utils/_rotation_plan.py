# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a rotation, as a result: plain data, fingerprints only."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._plan.canary import own_canary_rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rotation import STEP, chosen_hosts, due_row, plan_rotation, rotation_lines
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import as_rows

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._plan_file import PlanFiles


def rotation_of(known: Known, hosts: Sequence[str], arguments: Mapping[str, t.Any], files: PlanFiles) -> dict[str, t.Any]:
    """Return what is rotated.

    :param arguments: of flyte_plan: ``cluster`` and ``due``, which site.yml gives.
    :raises Refused: there is no such cluster, or the approved plan says something else.
    """
    site = known.site
    if arguments["due"]:
        site.settings["flyte_rotate"] = "due"
    chosen, fault = chosen_hosts(site, hosts, arguments["cluster"] or "")
    if fault:
        raise Refused(str(fault))
    plan = plan_rotation(site, known.observed, chosen)
    turned = [turn.host for turn in plan.turns]
    own = [due_row(site, host) for host in turned] if arguments["due"] else plan.rows
    files.use([*own, *own_canary_rows(site, turned)], [], write=not arguments["due"])
    return {
        "lines": rotation_lines(plan),
        "rows": [dataclasses.asdict(row) for row in plan.rows],
        "failures": as_rows(plan.failures),
        "groups": [_group(turn.host) for turn in plan.turns],
        "rotation": plan.as_dict(),
    }


def rotation_groups(site: Site, due: Iterable[str]) -> list[dict[str, str]]:
    """Return the hosts that site.yml rotates, as groups of the inventory."""
    return [_group(host) for host in due] if site.settings["flyte_rotate_due"] else []


def _group(host: str) -> dict[str, str]:
    return {"host": host, "group": f"flyte_todo_{STEP}"}
