# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out one step of the plan. The documentation is that of the module of the same name."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure
from ansible_collections.flyte.multicluster.plugins.plugin_utils import (
    _canary_steps,
    _cloud_steps,
    _identity_steps,
    _placement_steps,
    _removal_steps,
    _rights_steps,
    _rotation_steps,
    _status_steps,
    _steps,
)
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction, ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
from ansible_collections.flyte.multicluster.plugins.plugin_utils._outcomes import Outcomes

if t.TYPE_CHECKING:
    from collections.abc import Mapping

STEPS: dict[str, t.Callable[[_steps.Work], dict[str, t.Any]]] = {
    "eks_cluster": _cloud_steps.create_eks_cluster,
    "eks_node_group": _cloud_steps.create_node_group,
    "oidc_providers": _cloud_steps.associate_oidc_providers,
    "iam_policy": _cloud_steps.create_policy,
    "iam_roles": _cloud_steps.create_roles,
    "pod_identity": _cloud_steps.associate_pod_identity,
    "identity": _identity_steps.store_identities,
    "rights": _rights_steps.grant_rights,
    "rights_left": _rights_steps.remove_rights,
    "ready": _steps.wait_until_ready,
    "credentials": _steps.store_credentials,
    "ecl": _placement_steps.set_labels,
    "namespaces": _placement_steps.make_namespaces,
    "verify": _placement_steps.verify,
    "identity_proof": _identity_steps.prove_identities,
    "canary": _canary_steps.prove,
    "remove_rows": _removal_steps.remove_rows,
    "drain": _removal_steps.drain_cluster,
    "remove_keys": _removal_steps.remove_keys,
    "remove_plane": _removal_steps.remove_plane,
    "remove_aws": _removal_steps.remove_aws,
    "remove_namespaces": _removal_steps.remove_namespaces,
    "rotate_store": _rotation_steps.store_tokens,
    "rotate_restart": _rotation_steps.restart_readers,
    "rotate_prove": _rotation_steps.prove,
    "rotate_delete": _rotation_steps.delete_former,
    "rotate_end": _rotation_steps.end_batch,
    "status": _status_steps.show_status,
    "report": _status_steps.report,
}


class ActionModule(InventoryAction):
    """Runs the modules of a step with the inventory's connections."""

    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "step": {"type": "str", "required": True, "choices": list(STEPS)},
        "plan": {"type": "str", "required": True},
        "hosts": {"type": "list", "elements": "str", "default": []},
        "results": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Carry the step out."""
        plan = self.plan_named(arguments["plan"])
        known = Known.from_result(plan)
        outcomes = Outcomes(self.variables, self._worked_on(known, plan), arguments["results"])
        work = _steps.Work(action=self, known=known, plan=plan, hosts=arguments["hosts"], outcomes=outcomes)
        try:
            return {"changed": False, **STEPS[arguments["step"]](work)}
        except ModuleFailed as error:
            failure = Failure(known.site.control_plane.host, arguments["step"], str(error), "Run again then.")
            return {"changed": False, **_steps.ended([failure])}

    def _worked_on(self, known: Known, plan: Mapping[str, t.Any]) -> list[str]:
        """Return the hosts on which steps may have registered results: to read the variables of all others takes a millisecond each.

        Those of the groups that Ansible has count too: a plan before this one may have chosen them.
        """
        groups = [members for name, members in self.task_vars["groups"].items() if name.startswith("flyte_todo_")]
        chosen = {known.site.control_plane.host, *(entry["host"] for entry in plan.get("groups") or []), *itertools.chain(*groups)}
        return [cluster.host for cluster in known.site.clusters if cluster.host in chosen]
