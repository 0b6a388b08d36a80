# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run decides only after its first changes, as rows of a plan that is written down or held to one: what it may come to."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._common.fingerprints import keyed_fingerprint
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.identity import AUTH_KEYS, AUTH_SECRET, CLIENT_SECRET
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shown_values import HIDDEN, Change
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.canary import own_canary_rows, users_canary_rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.namespaces import planned_restarts
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.orphans import prune_rows

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.flyte.multicluster.plugins.module_utils._helm.identity import Identity
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Plan
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Observation, Row
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._stored import Stored


def later_rows(known: Known, plan: Plan, stored: Stored | None, labels: Sequence[Row], alone: Sequence[str], key: str | None) -> list[Row]:
    """Return what comes after the labels: syncresources started anew, executions of canaries, clusters that nobody owns.

    :param stored: what flyteadmin has, None where it cannot be asked yet.
    :param labels: the rows of execution cluster labels.
    :param alone: the clusters that are removed since the inventory does not have them.
    :param key: of the fingerprints of secrets.
    """
    site, observed = known.site, known.observed
    section = plan.configuration.section() if plan.configuration else known.live
    new_projects = any(row.step == "controlplane" for row in plan.rows)
    restarts = planned_restarts(site, observed, section, stored.places if stored else None, new_projects=new_projects) if section else []
    changing = bool([*plan.rows, *labels, *restarts])
    own = own_canary_rows(site, [cluster.host for cluster in site.targets]) if changing else []
    return [*restarts, *users_canary_rows(site, key), *own, *prune_rows(site, alone)]


def with_secrets(rows: Sequence[Row], known: Known, key: str | None) -> list[Row]:
    """Return rows with what is held of flytepropeller's secret: by a fingerprint that nobody can try guesses against."""
    found = []
    for row in rows:
        identity = known.identities.get(row.host) if row.action == f"Secret {AUTH_SECRET}" else None
        found.append(dataclasses.replace(row, held=_of_identity(identity, known.observed[row.host], key)) if identity else row)
    return found


def _of_identity(identity: Identity, observation: Observation, key: str | None) -> tuple[Change, ...]:
    stored: Mapping[str, str] = (observation.get("identity") or {}).get("keys") or {}

    def shown(name: str, value: str | None) -> str | None:
        if not value or name != CLIENT_SECRET:
            return value
        return f"secret:{keyed_fingerprint(key, value)}" if key else HIDDEN

    differing = [name for name in AUTH_KEYS if stored.get(name) != identity.keys.get(name)]
    return tuple(Change(name, shown(name, stored.get(name)), shown(name, identity.keys.get(name))) for name in differing)
