# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of flytepropeller's identity: its Secret in each cluster, and the proof that it opens flyteadmin."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.each import each
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import failure_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.identity_proof import login_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.secrets import read_secret
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.metadata import log_in
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.words import in_propeller_words
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import CHECKSUM_ANNOTATION
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.identity import AUTH_SECRET, CLIENT_SECRET
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.identity import is_replaced
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import RELEASE, Failure, control_plane_of, is_reachable
from ansible_collections.flyte.multicluster.plugins.modules import flyte_propeller_identity, flyte_propeller_identity_info
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import RETRY_FOR, admin_connection, cluster_options, connected
from ansible_collections.flyte.multicluster.plugins.plugin_utils._identity import Pairs
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work, control_plane_access, ended, step_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster

_PROOF = "verify: flytepropeller's login"


def store_identities(work: Work) -> dict[str, t.Any]:
    """Write the Secret of each given host that is due: secrets go from here, or from the control plane's API server, to that of the cluster."""
    due = [host for host in work.plan["identity"] if host in work.hosts]
    if not due:
        return ended([])
    pairs = Pairs(work.known, work.read)
    refused = refused_secrets(work, pairs, due)
    due = [host for host in due if host not in refused]
    if not due:
        return ended(refused.values())
    arguments = {
        "clusters": [_cluster(work, pairs, cluster) for cluster in work.clusters(due)],
        "control_plane": control_plane_access(work),
        **work.many(),
    }
    try:
        answer = work.action.here(flyte_propeller_identity.OPERATION, arguments)
    except ModuleFailed as error:
        return ended([*refused.values(), *(Failure(host, step_of(work, host), str(error), "Run again then; what was there before stays.") for host in due)])
    failures = [Failure(entry["name"], step_of(work, entry["name"]), entry["error"], f"{entry['hint']} Run again then.") for entry in answer["failed_clusters"]]
    return ended([*refused.values(), *failures], **{key: answer[key] for key in ("changed", "diff", "restarted")})


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


def _may_make_it_known(row: Mapping[str, t.Any]) -> bool:
    """Return whether a row changes the control plane's release in more than the checksum of the credentials, which only starts pods anew."""
    if not row["action"].startswith(RELEASE):
        return False
    paths = [change["path"] for change in row.get("changes") or []]
    return not paths or not all(path.endswith(f'["{CHECKSUM_ANNOTATION}"]') for path in paths)


def refused_secrets(work: Work, pairs: Pairs, due: Sequence[str]) -> dict[str, Failure]:
    """Return the hosts whose new secret does not open flyteadmin, though they have one that may: it is proven before the former one is given up.

    Where this run changes the control plane's release, that may be what makes the new one known: it is not asked before.
    """
    site, plan = work.known.site, work.plan
    head = site.control_plane.host
    wants = control_plane_of(work.known.observed, head).get("authentication") is True
    if not wants or any(row["host"] == head and _may_make_it_known(row) for row in plan.get("rows") or []):
        return {}
    replaced = [cluster for cluster in work.clusters(due) if is_replaced(work.known.identities[cluster.host], work.known.observed[cluster.host])]
    if not replaced:
        return {}
    connection = admin_connection(site, work.read)
    try:
        copied = _copied(work) if any(work.known.identities[cluster.host].copied for cluster in replaced) else ""
    except Exception as error:  # pylint: disable=broad-except  # of all that would get it, whatever it is
        said = failure_of(error)
        return {cluster.host: Failure(cluster.host, step_of(work, cluster.host), said["message"], said["hint"]) for cluster in replaced}
    logins = []
    for cluster in replaced:
        identity = work.known.identities[cluster.host]
        secret = pairs.texts(cluster, identity).get(CLIENT_SECRET) or copied
        SECRETS.know(secret)
        logins.append((cluster.host, login_of(identity.client_id, secret, identity.login)))

    def one(item: tuple[str, Mapping[str, t.Any]]) -> Failure | None:
        log_in(connection, item[1])
        return None

    def failed(item: tuple[str, Mapping[str, t.Any]], why: Mapping[str, t.Any]) -> Failure | None:
        problem = f"the new secret is not taken: as {item[1]['client_id']!r}: {in_propeller_words(why['message'])}"
        remedy = f"{in_propeller_words(why['hint'] or '')} The former one stays. Let the authorization server take both until this run is done."
        return Failure(item[0], step_of(work, item[0]), problem, remedy.strip())

    limit = 6 * site.settings["flyte_request_timeout"] + RETRY_FOR
    found = each(one, logins, seconds=limit, failed=failed)
    return {failure.host: failure for failure in found if failure}


def _copied(work: Work) -> str:
    """Return the secret of the control plane's own Secret. A secret."""
    site = work.known.site
    head = connected(site, site.control_plane, work.read)
    return read_secret(head, site.control_plane.namespace, AUTH_SECRET)[1].get(CLIENT_SECRET, b"").decode()


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
    if work.action.check_mode or not clusters or wants_none or not head.get("clusters") or work.unreadable:
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
