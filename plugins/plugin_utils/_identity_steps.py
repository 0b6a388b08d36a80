# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of flytepropeller's identity: its Secret in each cluster, and the proof that it opens flyteadmin."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.words import in_propeller_words
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure, control_plane_of, is_reachable
from ansible_collections.flyte.multicluster.plugins.modules import flyte_propeller_identity, flyte_propeller_identity_info
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import admin_connection, cluster_options
from ansible_collections.flyte.multicluster.plugins.plugin_utils._identity import Pairs
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import RETRY_FOR, Work, control_plane_access, ended, step_of

if t.TYPE_CHECKING:
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster

_PROOF = "verify: flytepropeller's login"


def store_identities(work: Work) -> dict[str, t.Any]:
    """Write the Secret of each given host that is due: secrets go from here, or from the control plane's API server, to that of the cluster."""
    due = [host for host in work.plan["identity"] if host in work.hosts]
    if not due:
        return ended([])
    pairs = Pairs(work.known, work.read)
    arguments = {
        "clusters": [_cluster(work, pairs, cluster) for cluster in work.clusters(due)],
        "control_plane": control_plane_access(work),
        **work.many(),
    }
    try:
        answer = work.action.here(flyte_propeller_identity.OPERATION, arguments)
    except ModuleFailed as error:
        return ended([Failure(host, step_of(work, host), str(error), "Run again then; what was there before stays.") for host in due])
    failures = [Failure(entry["name"], step_of(work, entry["name"]), entry["error"], f"{entry['hint']} Run again then.") for entry in answer["failed_clusters"]]
    return ended(failures, **{key: answer[key] for key in ("changed", "diff", "restarted")})


def _cluster(work: Work, pairs: Pairs, cluster: Cluster) -> dict[str, t.Any]:
    identity = work.known.identities[cluster.host]
    texts = pairs.texts(cluster, identity)
    secret = texts.pop("client_secret", None)
    return {
        "name": cluster.host,
        "namespace": cluster.namespace,
        "certificates": texts,
        "checksum": identity.checksum,
        **({"client_secret": secret} if secret else {}),
        **cluster_options(work.known.site, cluster, work.read),
    }


def prove_identities(work: Work) -> dict[str, t.Any]:
    """Let the pair that each flytepropeller has log in to flyteadmin, where that wants tokens."""
    site, observed = work.known.site, work.known.observed
    failed = {failure.host for failure in work.failures()}
    # Seen after the control plane's rollout, or before the run.
    seen = (work.outcomes.of("controlplane_ready") or {}).get("observed") or {}
    head = control_plane_of({**observed, **seen}, site.control_plane.host)
    known = head.get("authentication")
    clusters = [cluster for cluster in site.targets if is_reachable(observed.get(cluster.host)) and cluster.host not in failed]
    # What this run changes may be what turns it on.
    wants_none = known is False and (site.control_plane.host in seen or not work.outcomes.changed)
    # Where there is no flyteadmin to ask, that is a failure already.
    unreadable = not head.get("clusters") or any((work.outcomes.of(name) or {}).get("unreadable") for name in ("ecl_result", "verify_result"))
    if work.action.check_mode or not clusters or wants_none or unreadable:
        return ended([])
    arguments = {
        "clusters": [{"name": cluster.host, "namespace": cluster.namespace, **cluster_options(site, cluster, work.read)} for cluster in clusters],
        "flyteadmin": {**admin_connection(site, work.read), "retry_for": RETRY_FOR},
        **work.many(),
    }
    try:
        answer = work.action.here(flyte_propeller_identity_info.OPERATION, arguments)
    except ModuleFailed as error:
        return ended([Failure(site.control_plane.host, _PROOF, str(error), "Run again then.")])
    wrong = {host: proof for host, proof in answer["proofs"].items() if not proof["ok"]}
    return ended(Failure(host, _PROOF, _problem(proof), in_propeller_words(proof["hint"] or "") or "Run again then.") for host, proof in wrong.items())


def _problem(proof: dict[str, t.Any]) -> str:
    who = f"as {proof['client_id']!r}: " if proof["client_id"] else ""
    return f"{who}{in_propeller_words(proof['error'])}"
